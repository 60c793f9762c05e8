#include <algorithm>

#include "base/status_macros.h"
#include "driver-shim/device.h"

namespace vramd {

// Far beyond a value that anybody waits for, since those are at most a ring of frames ahead; and
// well within the limit, which also counts from the values that are still waited for.
absl::Status ReleaseWaiters(DeviceTimeline& timeline) {
  VRAMD_ASSIGN_OR_RETURN(const uint64_t value, timeline.Value());
  const uint64_t step = std::min(timeline.max_difference() / 2, ~uint64_t{0} - value);
  return step == 0 ? absl::OkStatus() : timeline.Signal(value + step);
}

}  // namespace vramd
