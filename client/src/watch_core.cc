#include "client/src/watch_core.h"

#include <algorithm>
#include <utility>

namespace vramd {
namespace {

constexpr std::chrono::milliseconds kFirstPause(20);
constexpr std::chrono::milliseconds kLongestPause(1000);

vramd_event_kind KindOf(const v1::WatchEvent& event) {
  switch (event.kind()) {
    case v1::WatchEvent::PUBLISHED:
      return VRAMD_EVENT_PUBLISHED;
    case v1::WatchEvent::WITHDRAWN:
      return VRAMD_EVENT_WITHDRAWN;
    case v1::WatchEvent::RELEASED:
      return VRAMD_EVENT_RELEASED;
    case v1::WatchEvent::CURRENT:
      return VRAMD_EVENT_CURRENT;
    case v1::WatchEvent::DEVICE_LOST:
      return VRAMD_EVENT_DEVICE_LOST;
    case v1::WatchEvent::GOING_AWAY:
      return VRAMD_EVENT_GOING_AWAY;
    case v1::WatchEvent::STREAM_STARTED:
      return VRAMD_EVENT_STREAM_STARTED;
    case v1::WatchEvent::STREAM_ENDED:
      return VRAMD_EVENT_STREAM_ENDED;
    default:
      // A kind that this version does not know: the safe reading is "something changed".
      return VRAMD_EVENT_OVERFLOW;
  }
}

}  // namespace

WatchCore::~WatchCore() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    if (context_ != nullptr) context_->TryCancel();
    changed_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
}

absl::Status WatchCore::Start() {
  thread_ = std::thread([this] { Run(); });
  const Clock::time_point deadline = Clock::now() + client_->timeout();
  MutexLock lock(mutex_);
  while (!settled_)
    if (!changed_.WaitUntil(mutex_, deadline))
      return absl::DeadlineExceededError("the broker did not start the watch in time");
  return first_status_;
}

void WatchCore::Settle(const absl::Status& status) {
  MutexLock lock(mutex_);
  if (std::exchange(settled_, true)) return;
  first_status_ = status;
  if (!status.ok()) stopping_ = true;
  changed_.NotifyAll();
}

void WatchCore::Run() {
  std::chrono::milliseconds pause = kFirstPause;
  do {
    auto link = client_->Connect();
    if (!link.ok()) Settle(link.status());
    if (link.ok() && ReadStream(**link)) {
      pause = kFirstPause;
      Push({.kind = VRAMD_EVENT_DISCONNECTED});
      was_disconnected_ = true;
    } else {
      pause = std::min(2 * pause, kLongestPause);  // no broker, or one that refuses the watch
    }
  } while (Pause(pause));
}

bool WatchCore::ReadStream(Link& link) {
  const auto context = link.NewContext();
  {
    MutexLock lock(mutex_);
    if (stopping_) return false;
    context_ = context.get();
  }
  v1::WatchRequest request;
  request.set_prefix(prefix_);
  const auto reader = link.stub().Watch(context.get(), request);
  bool any = false;
  for (WatchItem item; reader->Read(&item.event); item = WatchItem()) {
    if (!std::exchange(any, true)) {
      Settle(absl::OkStatus());
      if (std::exchange(was_disconnected_, false)) Push({.kind = VRAMD_EVENT_RECONNECTED});
    }
    item.kind = KindOf(item.event);
    Push(std::move(item));
  }
  {
    MutexLock lock(mutex_);
    context_ = nullptr;
  }
  absl::Status end = link.Conclude(reader->Finish());
  if (end.ok()) end = absl::UnavailableError("the broker ended the watch");
  Settle(end);
  return any;
}

bool WatchCore::Pause(std::chrono::milliseconds pause) {
  const Clock::time_point until = Clock::now() + pause;
  MutexLock lock(mutex_);
  while (!stopping_)
    if (!changed_.WaitUntil(mutex_, until)) return !stopping_;
  return false;
}

void WatchCore::Push(WatchItem item) {
  MutexLock lock(mutex_);
  if (item.kind == VRAMD_EVENT_RECONNECTED) limit_.Begin();
  const WatchLimit::Verdict verdict = limit_.Add(item.kind == VRAMD_EVENT_CURRENT, items_.size());
  if (verdict.drop) {
    items_.clear();
    items_.push_back({.kind = VRAMD_EVENT_OVERFLOW});
  }
  if (verdict.current) items_.push_back({.kind = VRAMD_EVENT_CURRENT});
  items_.push_back(std::move(item));
  changed_.NotifyAll();
}

absl::StatusOr<WatchItem> WatchCore::Next(Clock::time_point deadline) {
  MutexLock lock(mutex_);
  while (items_.empty())
    if (!changed_.WaitUntil(mutex_, deadline) && items_.empty())
      return absl::DeadlineExceededError("no event came in time");
  WatchItem item = std::move(items_.front());
  items_.pop_front();
  return item;
}

}  // namespace vramd
