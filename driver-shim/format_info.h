// The facts about a VkFormat that checks and size estimates need.
#ifndef VRAMD_DRIVER_SHIM_FORMAT_INFO_H_
#define VRAMD_DRIVER_SHIM_FORMAT_INFO_H_

#include <cstdint>
#include <optional>

namespace vramd {

struct FormatInfo {
  uint32_t block_bytes = 0;  // of one texel block; of all planes, where there are several
  uint32_t block_width = 1;  // texels
  uint32_t block_height = 1;
  uint32_t block_depth = 1;
  bool compressed = false;
  // Brightness and colour differences: the block is the smallest area with whole colour samples,
  // and an image must consist of whole blocks.
  bool ycbcr = false;
};

// Empty for numbers that are no VkFormat of core Vulkan 1.3.
std::optional<FormatInfo> FindFormat(uint32_t format);

// Whether an image of one may have views of the other: Vulkan's compatibility classes, of formats
// that FindFormat() knows. One with several planes, or with a depth or stencil, is in a class of
// its own.
bool AreViewCompatible(uint32_t image_format, uint32_t view_format);

}  // namespace vramd

#endif  // VRAMD_DRIVER_SHIM_FORMAT_INFO_H_
