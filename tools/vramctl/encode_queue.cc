#include "tools/vramctl/encode_queue.h"

#include <algorithm>
#include <utility>

namespace vramctl {
namespace {

using Clock = std::chrono::steady_clock;

unsigned ThreadsFor(unsigned asked) {
  return asked != 0 ? asked : std::clamp(std::thread::hardware_concurrency(), 2U, 8U);
}

}  // namespace

EncodeQueue::EncodeQueue(Recording& recording, unsigned threads)
    : recording_(recording), threads_(ThreadsFor(threads)) {
  for (unsigned i = 0; i < threads_; ++i) workers_.emplace_back([this] { Work(); });
}

EncodeQueue::~EncodeQueue() {
  {
    vramd::MutexLock lock(mutex_);
    closed_ = true;
    changed_.NotifyAll();
  }
  for (std::thread& worker : workers_) worker.join();
}

template <typename Predicate>
bool EncodeQueue::Await(std::chrono::nanoseconds timeout, Predicate done) {
  const auto deadline = Clock::now() + timeout;
  vramd::MutexLock lock(mutex_);
  while (!done())
    if (!changed_.WaitUntil(mutex_, deadline)) return done();
  return true;
}

bool EncodeQueue::AwaitRoom(std::chrono::nanoseconds timeout) {
  return Await(timeout, [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return added_ - written_ < uint64_t{2} * threads_ || !status_.ok();
  });
}

bool EncodeQueue::AwaitWritten(std::chrono::nanoseconds timeout) {
  return Await(timeout, [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return added_ == written_ || !status_.ok();
  });
}

vramd::Status EncodeQueue::Add(Picture picture) {
  vramd::MutexLock lock(mutex_);
  if (!status_.ok()) return status_;
  waiting_.push_back(std::move(picture));
  ++added_;
  changed_.NotifyAll();
  return {};
}

vramd::Status EncodeQueue::status() const {
  vramd::MutexLock lock(mutex_);
  return status_;
}

uint64_t EncodeQueue::added() const {
  vramd::MutexLock lock(mutex_);
  return added_;
}

bool EncodeQueue::Take(Picture& picture, uint64_t& number) {
  vramd::MutexLock lock(mutex_);
  while (waiting_.empty() && !closed_) changed_.Wait(mutex_);
  if (closed_ || !status_.ok()) return false;
  picture = std::move(waiting_.front());
  waiting_.pop_front();
  number = taken_++;
  return true;
}

// Only the frame whose turn it is gets past the wait, so Write() is never called twice at a time.
void EncodeQueue::WriteInTurn(uint64_t number, const Picture& picture,
                              const vramd::Result<std::string>& encoded) {
  {
    vramd::MutexLock lock(mutex_);
    while (written_ != number && status_.ok()) changed_.Wait(mutex_);
    if (!status_.ok()) return;
  }
  const vramd::Status status =
      encoded.ok() ? recording_.Write(picture, *encoded) : encoded.status();
  vramd::MutexLock lock(mutex_);
  if (status.ok())
    ++written_;
  else
    status_ = status;
  changed_.NotifyAll();
}

void EncodeQueue::Work() {
  Picture picture;
  uint64_t number = 0;
  while (Take(picture, number)) WriteInTurn(number, picture, recording_.Encode(picture));
}

}  // namespace vramctl
