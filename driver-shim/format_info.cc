// Khronos' own format tables answer; they ship with the Vulkan headers and are generated from the
// registry. Only this file includes them, because they are large.
#include "driver-shim/format_info.h"

#include <algorithm>
#include <array>

#define VULKAN_HPP_ENABLE_DYNAMIC_LOADER_TOOL 0
#define VULKAN_HPP_ASSERT(condition) static_cast<void>(0)
#include <vulkan/vulkan_format_traits.hpp>

namespace vramd {
namespace {

struct FormatRange {
  VkFormat first;
  VkFormat last;
};

// Core Vulkan 1.3. Formats of extensions are left out: the broker enables none of them.
constexpr FormatRange kKnownFormats[] = {
    {VK_FORMAT_R4G4_UNORM_PACK8, VK_FORMAT_ASTC_12x12_SRGB_BLOCK},
    {VK_FORMAT_ASTC_4x4_SFLOAT_BLOCK, VK_FORMAT_ASTC_12x12_SFLOAT_BLOCK},
    {VK_FORMAT_G8B8G8R8_422_UNORM, VK_FORMAT_G16_B16_R16_3PLANE_444_UNORM},
    {VK_FORMAT_G8_B8R8_2PLANE_444_UNORM, VK_FORMAT_G16_B16R16_2PLANE_444_UNORM},
    {VK_FORMAT_A4R4G4B4_UNORM_PACK16, VK_FORMAT_A4B4G4R4_UNORM_PACK16},
};

bool IsKnown(uint32_t format) {
  return std::any_of(std::begin(kKnownFormats), std::end(kKnownFormats),
                     [format](const FormatRange& range) {
                       return format >= static_cast<uint32_t>(range.first) &&
                              format <= static_cast<uint32_t>(range.last);
                     });
}

FormatInfo PlanarInfo(vk::Format format) {
  FormatInfo info;
  info.ycbcr = true;
  const uint8_t planes = vk::planeCount(format);
  for (uint8_t plane = 0; plane < planes; ++plane) {
    info.block_width = std::max<uint32_t>(info.block_width, vk::planeWidthDivisor(format, plane));
    info.block_height =
        std::max<uint32_t>(info.block_height, vk::planeHeightDivisor(format, plane));
  }
  for (uint8_t plane = 0; plane < planes; ++plane)
    info.block_bytes += vk::blockSize(vk::planeCompatibleFormat(format, plane)) *
                        (info.block_width / vk::planeWidthDivisor(format, plane)) *
                        (info.block_height / vk::planeHeightDivisor(format, plane));
  return info;
}

}  // namespace

std::optional<FormatInfo> FindFormat(uint32_t number) {
  if (!IsKnown(number)) return std::nullopt;
  const auto format = static_cast<vk::Format>(number);
  if (vk::planeCount(format) > 1) return PlanarInfo(format);
  const std::array<uint8_t, 3> block = vk::blockExtent(format);
  FormatInfo info;
  info.block_bytes = vk::blockSize(format);
  info.block_width = block[0];
  info.block_height = block[1];
  info.block_depth = block[2];
  info.compressed = vk::isCompressed(format);
  info.ycbcr = !info.compressed && info.block_width > 1;  // packed 4:2:2
  return info;
}

bool AreViewCompatible(uint32_t image_format, uint32_t view_format) {
  const std::optional<FormatInfo> image = FindFormat(image_format);
  const std::optional<FormatInfo> view = FindFormat(view_format);
  if (!image || !view) return false;
  if (image_format == view_format) return true;
  const auto is_alone = [](uint32_t format, const FormatInfo& info) {
    return info.ycbcr || (format >= VK_FORMAT_D16_UNORM && format <= VK_FORMAT_D32_SFLOAT_S8_UINT);
  };
  if (is_alone(image_format, *image) || is_alone(view_format, *view)) return false;
  if (image->compressed != view->compressed) return false;
  if (!image->compressed) return image->block_bytes == view->block_bytes;
  // Those of a class stand in pairs: UNORM and SRGB, or UNORM and SNORM, or UFLOAT and SFLOAT.
  const auto pair = [](uint32_t format) { return (format - VK_FORMAT_BC1_RGB_UNORM_BLOCK) / 2; };
  return pair(image_format) == pair(view_format);
}

}  // namespace vramd
