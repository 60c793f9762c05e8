// Checks an allocation request before any driver sees it.
//
// Requests come from processes that the daemon does not trust, and drivers do not check what they
// are given: whatever Vulkan's valid-usage rules forbid must be refused here. What depends on the
// format or the handle type is asked of the driver afterwards, by vkGetPhysicalDevice* queries.
#ifndef VRAMD_DRIVER_SHIM_REQUEST_CHECK_H_
#define VRAMD_DRIVER_SHIM_REQUEST_CHECK_H_

#include <cstdint>

#include "absl/status/status.h"
#include "driver-shim/device.h"

namespace vramd {

// Of one device. The defaults are those of the null device.
struct RequestLimits {
  uint32_t max_dimension_1d = 16384;  // texels
  uint32_t max_dimension_2d = 16384;
  uint32_t max_dimension_3d = 2048;
  uint32_t max_array_layers = 2048;
  uint32_t max_framebuffer_width = 16384;  // texels, of an attachment
  uint32_t max_framebuffer_height = 16384;
  uint64_t max_buffer_size = uint64_t{1} << 40;      // bytes
  uint64_t max_allocation_size = uint64_t{1} << 40;  // bytes
  uint32_t memory_type_count = 1;
};

// INVALID_ARGUMENT with the value, what is allowed, and where useful the remedy.
absl::Status CheckRequest(const AllocationRequest& request, const RequestLimits& limits);

// Bytes of the image without any padding: no driver needs less. Only for a checked extent, where it
// cannot overflow.
uint64_t TightImageSize(const ImageInfo& image);

}  // namespace vramd

#endif  // VRAMD_DRIVER_SHIM_REQUEST_CHECK_H_
