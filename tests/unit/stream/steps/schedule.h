// A deterministic scheduler for the frame path's own code.
//
// The sources of base/stream are compiled a second time with stand-ins for base/atomic.h and
// base/mutex.h and with wait_steps.cc instead of the system's Sleep(). Each operation on a shared
// word is then a step. A scenario has two or three real threads of which one runs at a time, and at
// a step the scheduler decides which one goes on. Explore() runs the scenario again and again,
// until it has gone through every schedule with at most so many preemptions: hand-overs away from a
// thread that could have gone on. Hand-overs from a thread that has to wait are free.
//
// What makes this affordable, and loses nothing of what is said above:
// - A word that one thread alone uses, or that nobody writes, is no place for a hand-over: it makes
//   no difference whether it comes before or after. Which words these are is learnt on the way, and
//   the search begins anew when it turns out to have been wrong about one.
// - Two orders of steps are the same if they order all conflicting uses of each word alike. Then
// the
//   threads have done and seen the same, and what can follow is the same. A run that comes to where
//   another has been, with no more preemptions left, is carried through but not branched.
//
// What it does not cover: all steps have one order here, as on a machine with strict memory order;
// that the weaker orders in the code suffice is argued in its comments and left to the thread
// sanitizer. Time does not pass. Frame headers are written in many words; they are data, protected
// by what the words that are steps say.
#ifndef VRAMD_TESTS_UNIT_STREAM_STEPS_SCHEDULE_H_
#define VRAMD_TESTS_UNIT_STREAM_STEPS_SCHEDULE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <semaphore>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "tests/unit/stream/steps/step.h"

namespace vramd::steps {

inline constexpr size_t kMostThreads = 4;
using ThreadSet = uint32_t;  // one bit per thread

// Where a hand-over is possible.
struct Point {
  uint64_t step = 0;      // counted from the beginning of the run
  ThreadSet ready = 0;    // never empty
  size_t running = 0;     // the thread that got here
  uint64_t position = 0;  // what the threads have done and seen so far
  bool free = false;      // the running thread cannot go on: handing over is no preemption
};

// How often a word was used by whom, over all runs.
struct Usage {
  ThreadSet users = 0;
  bool written = false;
  bool Contested() const { return written && (users & (users - 1)) != 0; }
};
using Usages = std::unordered_map<uint64_t, Usage>;

// Carries out one run at a time. Its threads wait for the next one in between.
class Scheduler {
 public:
  // Which of the ready threads goes on. Called at each point of a run.
  using Choose = std::function<size_t(const Point&)>;

  Scheduler();
  ~Scheduler();

  // ---- For scenarios, before Run() ----

  // Objects get other addresses in each run. A name makes their words the same ones nevertheless.
  // Data are objects whose words are no steps.
  enum class Words { kSteps, kData };
  void Name(std::string name, const void* begin, size_t bytes, Words words = Words::kSteps);
  void AddThread(std::string name, std::function<void()> body);
  // Runs all threads to their ends.
  void Run();

  // ---- For scenarios, at any time ----

  // What must hold. The first thing that does not is the run's failure.
  void Check(bool holds, const std::string& what);

  // ---- For Explore() ----

  void Begin(Choose choose, const Usages* contested, bool trace);
  const std::string& failure() const { return failure_; }
  uint64_t steps() const { return step_; }
  // The hand-overs of the run: "step:thread step:thread ...".
  std::string Schedule() const;
  std::string Describe() const;  // with the threads' names
  const Usages& usages() const { return usages_; }

  // ---- For step.h ----

  void Step(size_t self, const void* word, Access access, const bool* busy);
  void Note(size_t self, const void* word);

 private:
  struct Worker {
    std::thread thread;
    std::binary_semaphore go{0};
    std::string name;
    std::function<void()> body;  // none: not in this run
    bool done = true;
    const bool* busy = nullptr;
    uint64_t history = 0;  // of all that it has done and seen
  };
  struct Region {
    std::string name;
    const char* begin = nullptr;
    size_t bytes = 0;
    Words words = Words::kSteps;
  };
  struct Past {  // of a word
    uint64_t written = 0, read = 0;
  };
  struct HandOver {
    uint64_t step = 0;
    size_t to = 0;
  };

  void Live(size_t self);
  void Finish(size_t self);
  void GiveUp(const std::string& why);
  ThreadSet Ready() const;
  uint64_t Position() const;
  bool MayHandOver(uint64_t name) const;
  size_t Pick(size_t running, bool free);
  void GoTo(size_t next);
  void Use(size_t self, uint64_t name, Access access);
  uint64_t NameOf(const void* word, size_t self);
  const Region* RegionOf(const void* word) const;
  void Trace(size_t self, const void* word, Access access) const;

  std::array<Worker, kMostThreads> workers_;
  std::binary_semaphore over_{0};
  bool closing_ = false;

  // Of the run. Used by the thread whose turn it is.
  Choose choose_;
  const Usages* known_ = nullptr;
  bool trace_ = false;
  bool given_up_ = false;
  uint64_t step_ = 0;
  size_t threads_ = 0;
  std::vector<Region> regions_;
  std::unordered_map<const void*, uint64_t> unnamed_;
  std::unordered_map<uint64_t, Past> pasts_;
  std::vector<HandOver> hand_overs_;
  std::string failure_;
  Usages usages_;
};

}  // namespace vramd::steps

#endif  // VRAMD_TESTS_UNIT_STREAM_STEPS_SCHEDULE_H_
