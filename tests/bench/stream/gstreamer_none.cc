// For builds without GStreamer.
#include "tests/bench/stream/copy_cost.h"

namespace vramd::bench {

std::optional<CopyCost> MeasureGstreamer(size_t, uint32_t) { return std::nullopt; }

}  // namespace vramd::bench
