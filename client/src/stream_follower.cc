#include "client/src/stream_follower.h"

#include <algorithm>
#include <utility>

#include "base/environment.h"
#include "base/status_macros.h"

namespace vramd {
namespace {

// A producer waits two seconds for consumers that come back: they must ask several times in that.
constexpr std::chrono::milliseconds kFirstPause(10);
constexpr std::chrono::milliseconds kLongestPause(250);

// A broker that stops ends its calls a moment before the connection breaks.
bool BrokerGoes(const absl::Status& end) {
  return absl::IsUnavailable(end) || absl::IsCancelled(end);
}

}  // namespace

void StreamPart::Leave(std::chrono::milliseconds timeout) {
  link->lane().Abandon(events);
  if (!attached()) return;
  v1::LeaveStreamRequest request;
  v1::LeaveStreamReply reply;
  request.set_part_id(id);
  const auto context = link->NewContext(timeout);
  (void)link->Conclude(link->streams().Leave(context.get(), request, &reply));
}

absl::Status PartFollower::Start(std::shared_ptr<StreamPart> part,
                                 std::chrono::milliseconds timeout) {
  thread_ = std::thread([this, part = std::move(part)] { Run(part); });
  const Clock::time_point deadline = Clock::now() + timeout;
  MutexLock lock(mutex_);
  while (!settled_)
    if (!changed_.WaitUntil(mutex_, deadline) && !settled_)
      return absl::DeadlineExceededError("the broker did not begin to tell of the stream in time");
  return first_status_;
}

void PartFollower::Stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    if (context_ != nullptr) context_->TryCancel();
    changed_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
}

void PartFollower::Hurry() {
  MutexLock lock(mutex_);
  hurry_ = true;
  changed_.NotifyAll();
}

void PartFollower::Settle(const absl::Status& status) {
  MutexLock lock(mutex_);
  if (std::exchange(settled_, true)) return;
  first_status_ = status;
  changed_.NotifyAll();
}

void PartFollower::Run(std::shared_ptr<StreamPart> part) {
  while (part != nullptr) {
    const absl::Status end = Follow(part);
    Settle(end.ok() ? absl::UnavailableError("the broker ended the stream") : end);
    {
      MutexLock lock(mutex_);
      if (stopping_) return;
    }
    if (part->attached() && !BrokerGoes(end)) {
      owner_->HandleEnd(part, end);
      return;
    }
    part = RenewUntilDone();
  }
}

absl::Status PartFollower::Follow(const std::shared_ptr<StreamPart>& part) {
  const auto context = part->link->NewContext();
  {
    MutexLock lock(mutex_);
    if (stopping_) return absl::CancelledError("the stream is being closed");
    context_ = context.get();
  }
  v1::FollowStreamRequest request;
  request.set_part_id(part->id);
  request.set_request_id(part->events.value);
  const auto reader = part->link->streams().Follow(context.get(), request);
  absl::Status handled;
  for (v1::StreamEvent event; handled.ok() && reader->Read(&event);) {
    part->link->Own(part->events, event);
    handled = owner_->HandleEvent(part, event);
    if (handled.ok() && event.kind() == v1::StreamEvent::FOLLOWING) Settle(handled);
  }
  if (!handled.ok()) context->TryCancel();
  {
    MutexLock lock(mutex_);
    context_ = nullptr;
  }
  const absl::Status end = part->link->Conclude(reader->Finish());
  return handled.ok() ? end : handled;
}

std::shared_ptr<StreamPart> PartFollower::RenewUntilDone() {
  std::chrono::milliseconds pause = kFirstPause;
  while (Pause(pause) && owner_->wanted()) {
    auto part = owner_->Renew();
    if (part.ok()) return *std::move(part);
    pause = std::min(2 * pause, kLongestPause);
  }
  return nullptr;
}

bool PartFollower::Pause(std::chrono::milliseconds pause) {
  const Clock::time_point until = Clock::now() + pause;
  MutexLock lock(mutex_);
  while (!stopping_ && !hurry_)
    if (!changed_.WaitUntil(mutex_, until)) break;
  hurry_ = false;
  return !stopping_;
}

}  // namespace vramd
