// A child process of a test: its arguments, its standard input and output, its end.
//
// Standard error is the test's own, so that what a child says shows up in the test's output.
// Nothing here sleeps; every wait has a deadline. One source per system.
#ifndef VRAMD_TESTS_SUPPORT_CHILD_PROCESS_H_
#define VRAMD_TESTS_SUPPORT_CHILD_PROCESS_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace vramd {

class ChildProcess {
 public:
  struct Options {
    std::vector<std::string> command;                // program and arguments
    std::map<std::string, std::string> environment;  // added to the test's own
    std::string output_file;                         // standard error goes there instead
  };

  // Ends the test program if the child cannot be started: nothing sensible could follow.
  explicit ChildProcess(Options options);
  ChildProcess(ChildProcess&&) noexcept;
  ChildProcess& operator=(ChildProcess&&) noexcept;
  ~ChildProcess();  // kills it if it still runs

  uint32_t id() const;

  // One line of its standard output without the newline; nullopt at its end or at the deadline.
  std::optional<std::string> ReadLine(std::chrono::milliseconds timeout = std::chrono::seconds(30));
  // Every byte of what is left of it, up to its end or the deadline.
  std::string ReadRest(std::chrono::milliseconds timeout = std::chrono::seconds(60));
  bool WriteLine(const std::string& line);

  void Kill();       // SIGKILL, or TerminateProcess
  void Terminate();  // asks it to stop: SIGTERM, or Ctrl-Break
  void Hangup();     // asks it to reload: SIGHUP; not on Windows

  // None of its threads runs until Resume(): SIGSTOP, or every thread suspended. It can be killed.
  void Suspend();
  void Resume();

  // Its exit code; -N if signal N ended it; nullopt at the deadline.
  std::optional<int> Wait(std::chrono::milliseconds timeout = std::chrono::seconds(30));

  // What it has used of processors, all its threads together; 0 if it is gone.
  std::chrono::nanoseconds CpuTime() const;
  // Open handles of the process, as the system counts them; 0 if it is gone.
  size_t CountHandles() const;
  // Resident memory in bytes; 0 if it is gone.
  size_t ResidentBytes() const;

 private:
  bool ReadMore(std::chrono::steady_clock::time_point deadline);

  struct State;
  std::unique_ptr<State> state_;
};

// This test program's own path, for children that are another role of it.
std::string OwnProgram();

// How many of `rounds` a long test should do. Fewer where a call takes a millisecond, as under
// Wine, unless VRAMD_LONG_RUNS is set.
int LongRun(int rounds);

// Does `rounds` rounds and says how many handles they left behind, by `count`; 0 if none.
//
// On Windows the system's thread pools and gRPC start threads when it suits them, on a busy machine
// also after hundreds of calls, and each thread is some handles. So there the rounds are done in
// ten parts, and the part with the least growth counts: what each round leaves is in all of them.
// No part is begun after one without growth.
int64_t HandlesLeft(int rounds, const std::function<void()>& round,
                    const std::function<size_t()>& count);

// A new directory that only this user may enter. Removed with all in it at the end of its life.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace vramd

#endif  // VRAMD_TESTS_SUPPORT_CHILD_PROCESS_H_
