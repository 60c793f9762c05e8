// Frees what ended sessions leave behind, on a thread of its own. A driver takes milliseconds for a
// gigabyte, and the door's thread has others to greet.
#ifndef VRAMD_DAEMON_REAPER_H_
#define VRAMD_DAEMON_REAPER_H_

#include <memory>
#include <thread>
#include <vector>

#include "base/mutex.h"

namespace vramd {

class Reaper {
 public:
  Reaper() : thread_([this] { Run(); }) {}
  ~Reaper();  // when all is freed
  Reaper(const Reaper&) = delete;
  Reaper& operator=(const Reaper&) = delete;

  // Lets go of it, after what came before. Thread-safe, never blocks. NULL is allowed.
  void Take(std::shared_ptr<void> remains);

 private:
  void Run();

  Mutex mutex_;
  Condition changed_;
  std::vector<std::shared_ptr<void>> waiting_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace vramd

#endif  // VRAMD_DAEMON_REAPER_H_
