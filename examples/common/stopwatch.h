// Milliseconds since the last look.
#ifndef EXAMPLES_COMMON_STOPWATCH_H_
#define EXAMPLES_COMMON_STOPWATCH_H_

#include <chrono>

namespace example {

class Stopwatch {
 public:
  double Milliseconds() {
    const auto now = std::chrono::steady_clock::now();
    const std::chrono::duration<double, std::milli> passed = now - since_;
    since_ = now;
    return passed.count();
  }

 private:
  std::chrono::steady_clock::time_point since_ = std::chrono::steady_clock::now();
};

}  // namespace example

#endif  // EXAMPLES_COMMON_STOPWATCH_H_
