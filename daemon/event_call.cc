#include "daemon/event_call.h"

namespace vramd {

void EventLoop::Start() {
  thread_ = std::thread([this] {
    void* tag = nullptr;
    for (bool ok = false; queue_->Next(&tag, &ok);) (*static_cast<EventTag*>(tag))(ok);
  });
}

EventLoop::~EventLoop() {
  queue_->Shutdown();
  if (thread_.joinable()) {
    thread_.join();
    return;
  }
  void* tag = nullptr;
  for (bool ok = false; queue_->Next(&tag, &ok);) (*static_cast<EventTag*>(tag))(ok);
}

}  // namespace vramd
