#include "client/src/errands.h"

#include <chrono>

namespace vramd {

void Errands::DropFinished() {
  void* tag = nullptr;
  bool ok = false;
  const std::chrono::system_clock::time_point past;
  while (queue_.AsyncNext(&tag, &ok, past) == grpc::CompletionQueue::GOT_EVENT) calls_.erase(tag);
}

Errands::~Errands() {
  MutexLock lock(mutex_);
  for (const auto& [tag, call] : calls_) call->context->TryCancel();
  queue_.Shutdown();
  void* tag = nullptr;
  bool ok = false;
  while (queue_.Next(&tag, &ok)) calls_.erase(tag);
}

}  // namespace vramd
