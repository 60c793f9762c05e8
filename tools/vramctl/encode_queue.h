// Frames on their way into a recording: several threads encode, the frames are written in order.
//
// Encoding takes longer than the time between two frames on one core (PNG), and a write waits for a
// disk or for who reads a pipe. Neither may hold up the thread that takes frames from the stream.
// What waits here is bounded: a frame for each thread and one for each to take next.
#ifndef VRAMD_TOOLS_VRAMCTL_ENCODE_QUEUE_H_
#define VRAMD_TOOLS_VRAMCTL_ENCODE_QUEUE_H_

#include <chrono>
#include <cstdint>
#include <deque>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "tools/vramctl/picture.h"
#include "tools/vramctl/recording.h"
#include "vramd/result.h"

namespace vramctl {

// One thread calls it. The recording is its own until it is destroyed or all is written.
class EncodeQueue {
 public:
  // 0 threads: as many as there are processors, 2 to 8.
  explicit EncodeQueue(Recording& recording, unsigned threads = 0);
  // Waits for what is being encoded or written; drops what has not begun.
  ~EncodeQueue();
  EncodeQueue(const EncodeQueue&) = delete;

  // Waits until one more frame may be added. False: there was no room in time.
  bool AwaitRoom(std::chrono::nanoseconds timeout);
  // There is room. An error is that of a frame before, whether encoded or written.
  vramd::Status Add(Picture picture);

  // Waits until every frame has been written or one has failed. False: not in time.
  bool AwaitWritten(std::chrono::nanoseconds timeout);
  // The first error.
  vramd::Status status() const;
  // Frames that have been added.
  uint64_t added() const;

 private:
  void Work();
  // Takes the next picture; false: there will be none.
  bool Take(Picture& picture, uint64_t& number);
  void WriteInTurn(uint64_t number, const Picture& picture,
                   const vramd::Result<std::string>& encoded);
  template <typename Predicate>
  bool Await(std::chrono::nanoseconds timeout, Predicate done);

  Recording& recording_;
  const unsigned threads_;
  mutable vramd::Mutex mutex_;
  std::deque<Picture> waiting_ ABSL_GUARDED_BY(mutex_);
  vramd::Status status_ ABSL_GUARDED_BY(mutex_);
  uint64_t added_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t taken_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t written_ ABSL_GUARDED_BY(mutex_) = 0;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  vramd::Condition changed_;
  std::vector<std::thread> workers_;
};

}  // namespace vramctl

#endif  // VRAMD_TOOLS_VRAMCTL_ENCODE_QUEUE_H_
