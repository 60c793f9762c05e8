// Takes the place of base/mutex.h where the frame path is compiled for the scheduler: a thread that
// finds the mutex locked is not run until it is free. No more is needed, since one thread runs at a
// time. There is no Condition: the frame path waits by bells.
#ifndef VRAMD_TESTS_UNIT_STREAM_STEPS_BASE_MUTEX_H_
#define VRAMD_TESTS_UNIT_STREAM_STEPS_BASE_MUTEX_H_

#include "absl/base/thread_annotations.h"
#include "tests/unit/stream/steps/step.h"

namespace vramd {

class ABSL_LOCKABLE Mutex {
 public:
  void Lock() ABSL_EXCLUSIVE_LOCK_FUNCTION() {
    steps::Step(this, steps::Access::kWrite, &locked_);
    locked_ = true;
  }
  void Unlock() ABSL_UNLOCK_FUNCTION() {
    locked_ = false;
    steps::Note(this);
  }

 private:
  bool locked_ = false;
};

class ABSL_SCOPED_LOCKABLE MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) ABSL_EXCLUSIVE_LOCK_FUNCTION(mutex) : mutex_(mutex) {
    mutex_.Lock();
  }
  ~MutexLock() ABSL_UNLOCK_FUNCTION() { mutex_.Unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

}  // namespace vramd

#endif  // VRAMD_TESTS_UNIT_STREAM_STEPS_BASE_MUTEX_H_
