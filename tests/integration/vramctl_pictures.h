// Small shared images with known texels, and the PNG files that vramctl makes of them.
#ifndef VRAMD_TESTS_INTEGRATION_VRAMCTL_PICTURES_H_
#define VRAMD_TESTS_INTEGRATION_VRAMCTL_PICTURES_H_

#include <png.h>

#include <algorithm>
#include <string>
#include <vector>

#include "common/gpu.h"
#include "vramd/vulkan.h"

namespace vramd {

constexpr uint32_t kWidth = 33;  // odd, so that a wrong row length shows
constexpr uint32_t kHeight = 17;

inline AllocateInfo ImageInfo(VkFormat format) {
  return AllocateInfo::Image(format, kWidth, kHeight,
                             VK_IMAGE_USAGE_TRANSFER_SRC_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT);
}

// Every texel is `above`, but for the last row, so that upside down shows.
template <typename Resource>
void Paint(example::Gpu& gpu, const Resource& shared, uint32_t texel_bytes,
           const std::vector<uint8_t>& above, const std::vector<uint8_t>& last,
           const VulkanSync& sync = {}) {
  example::HostBuffer pixels(gpu, uint64_t{kWidth} * kHeight * texel_bytes,
                             VK_BUFFER_USAGE_TRANSFER_SRC_BIT);
  for (uint32_t i = 0; i < kWidth * kHeight; ++i) {
    const std::vector<uint8_t>& texel = i < kWidth * (kHeight - 1) ? above : last;
    std::copy(texel.begin(), texel.end(), pixels.data() + size_t{i} * texel_bytes);
  }
  gpu.Submit(sync, [&](VkCommandBuffer commands) {
    VulkanBarrier barrier = gpu.Barrier();
    barrier.discard = true;
    shared.RecordAcquire(commands, barrier);
    VkBufferImageCopy region{};
    region.imageSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1};
    region.imageExtent = {kWidth, kHeight, 1};
    vkCmdCopyBufferToImage(commands, pixels.buffer(), shared.image(), VK_IMAGE_LAYOUT_GENERAL, 1,
                           &region);
    shared.RecordRelease(commands, gpu.Barrier());
  });
  gpu.Finish();
}

struct Picture {
  uint32_t width = 0;
  uint32_t height = 0;
  std::vector<uint8_t> rgba;

  std::vector<uint8_t> Texel(uint32_t x, uint32_t y) const {
    const auto at = rgba.begin() + 4 * (size_t{y} * width + x);
    return {at, at + 4};
  }
};

inline Picture ReadPng(const std::string& path) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  if (png_image_begin_read_from_file(&image, path.c_str()) == 0) return {};
  image.format = PNG_FORMAT_RGBA;
  Picture picture{image.width, image.height, std::vector<uint8_t>(PNG_IMAGE_SIZE(image))};
  png_image_finish_read(&image, nullptr, picture.rgba.data(), 0, nullptr);
  return picture;
}

}  // namespace vramd

#endif  // VRAMD_TESTS_INTEGRATION_VRAMCTL_PICTURES_H_
