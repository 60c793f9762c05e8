// The facts about a VkFormat that checks and size estimates need.
#ifndef VRAMD_DRIVER_SHIM_FORMAT_INFO_H_
#define VRAMD_DRIVER_SHIM_FORMAT_INFO_H_

#include <cstdint>
#include <optional>

namespace vramd {

struct FormatInfo {
  uint32_t block_bytes = 0;  // of one texel block, all planes together without subsampling
  uint32_t block_width = 1;  // texels
  uint32_t block_height = 1;
  uint32_t block_depth = 1;
  bool compressed = false;
  // YCbCr formats halve the chroma: width and height must be multiples of these.
  bool ycbcr = false;
  uint32_t width_multiple = 1;
  uint32_t height_multiple = 1;
};

// Empty for numbers that are no VkFormat of core Vulkan 1.3.
std::optional<FormatInfo> FindFormat(uint32_t format);

}  // namespace vramd

#endif  // VRAMD_DRIVER_SHIM_FORMAT_INFO_H_
