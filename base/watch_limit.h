// How far a watcher may be behind: the rule that the broker and the client library share for the
// events that wait for somebody who does not read them.
//
// What a watch begins with comes whole, up to and including CURRENT, however much it is. After that
// at most so many events wait; one more, and all of them are dropped for one OVERFLOW. CURRENT is
// the exception: it comes once and tells that the beginning is over, so a watcher that never got it
// would wait for ever. If it is among the dropped, it is told again behind the OVERFLOW.
#ifndef VRAMD_BASE_WATCH_LIMIT_H_
#define VRAMD_BASE_WATCH_LIMIT_H_

#include <cstddef>

namespace vramd {

// Counts events and holds none. Not thread-safe.
class WatchLimit {
 public:
  // `most` events may wait once the watch is current.
  explicit WatchLimit(size_t most) : most_(most), limit_(most) {}

  // The watch begins anew: another CURRENT will come.
  void Begin() {
    limit_ = most_;
    in_beginning_ = true;
  }

  // What to do before an event is queued.
  struct Verdict {
    bool drop = false;     // drop what waits, and queue OVERFLOW in its place
    bool current = false;  // then CURRENT
  };
  // `waiting` events are queued and can still be dropped.
  Verdict Add(bool is_current, size_t waiting) {
    if (in_beginning_) ++limit_;
    if (is_current) in_beginning_ = false;
    Verdict verdict;
    verdict.drop = waiting >= limit_;
    // Behind CURRENT so many were queued: with more than that waiting, it waits, too.
    verdict.current = verdict.drop && !in_beginning_ && !is_current && waiting > since_current_;
    since_current_ = is_current ? 0 : (verdict.current ? 1 : since_current_ + 1);
    return verdict;
  }

 private:
  const size_t most_;
  size_t limit_;
  bool in_beginning_ = true;
  size_t since_current_ = 0;  // events queued behind the last CURRENT
};

}  // namespace vramd

#endif  // VRAMD_BASE_WATCH_LIMIT_H_
