// What it costs to hand frames over by copying them.
#ifndef VRAMD_TESTS_BENCH_STREAM_COPY_COST_H_
#define VRAMD_TESTS_BENCH_STREAM_COPY_COST_H_

#include <cstddef>
#include <cstdint>
#include <optional>

namespace vramd::bench {

// Microseconds from pushing a frame to having it in the other process.
struct CopyCost {
  double median = 0, p99 = 0;
};

// nullopt: the build has no GStreamer, or its plugins are not installed.
std::optional<CopyCost> MeasureGstreamer(size_t bytes, uint32_t frames);

}  // namespace vramd::bench

#endif  // VRAMD_TESTS_BENCH_STREAM_COPY_COST_H_
