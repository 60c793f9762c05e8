// Samples of a duration, and the two figures that a table shows.
#ifndef VRAMD_TESTS_BENCH_STOPWATCH_H_
#define VRAMD_TESTS_BENCH_STOPWATCH_H_

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <vector>

namespace vramd {

class Samples {
 public:
  // Runs `work` once and keeps how long it took.
  template <typename Work>
  void Time(Work work) {
    const auto start = std::chrono::steady_clock::now();
    work();
    const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - start;
    microseconds_.push_back(took.count());
  }

  // The value that a fraction of the samples does not exceed; 0 without samples.
  double Quantile(double fraction) const {
    if (microseconds_.empty()) return 0;
    std::vector<double> sorted = microseconds_;
    const auto at = static_cast<size_t>(fraction * static_cast<double>(sorted.size() - 1));
    std::nth_element(sorted.begin(), sorted.begin() + static_cast<ptrdiff_t>(at), sorted.end());
    return sorted[at];
  }
  double p50() const { return Quantile(0.50); }
  double p99() const { return Quantile(0.99); }

 private:
  std::vector<double> microseconds_;
};

}  // namespace vramd

#endif  // VRAMD_TESTS_BENCH_STOPWATCH_H_
