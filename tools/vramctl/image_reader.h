// Reads shared images back to the CPU: one device, one buffer that is used again.
//
// The image is not put into another layout where it can be copied as it is: others may read it at
// the same time.
#ifndef VRAMD_TOOLS_VRAMCTL_IMAGE_READER_H_
#define VRAMD_TOOLS_VRAMCTL_IMAGE_READER_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tools/vramctl/vulkan_host.h"

namespace vramctl {

// INVALID_ARGUMENT or FAILED_PRECONDITION with `name` and the reason, if no picture can be made of
// what `recipe` describes.
vramd::Status CheckReadable(const std::string& name, const vramd::Recipe& recipe);

class ImageReader {
 public:
  // On the device where `recipe` can be imported. Read() waits so long for the GPU.
  static vramd::Result<ImageReader> Create(const vramd::Recipe& recipe,
                                           std::chrono::milliseconds patience);

  // A Read() has given up waiting: Leave(), and destroy nothing.
  bool abandoned() const { return host_.abandoned(); }

  vramd::VulkanDevice& importer() { return importer_; }

  // Level 0 of layer 0 as 8-bit RGBA. `resource` was imported by importer(), as `recipe`, which is
  // readable. `sync` is that of the frame, if it is one.
  template <typename Resource>
  vramd::Result<std::vector<uint8_t>> Read(const Resource& resource, const vramd::Recipe& recipe,
                                           const vramd::VulkanSync& sync = {}) {
    const Hands hands = {
        resource.image(),
        [&](VkCommandBuffer commands, const auto& how) { resource.RecordAcquire(commands, how); },
        [&](VkCommandBuffer commands, const auto& how) { resource.RecordRelease(commands, how); }};
    return ReadBetween(hands, recipe, sync);
  }

 private:
  // An image and how it comes into this device's hands and goes out of them again.
  struct Hands {
    VkImage image;
    std::function<void(VkCommandBuffer, const vramd_vk_barrier&)> acquire, release;
  };

  ImageReader(VulkanInstance instance, VulkanHost host, vramd::VulkanDevice importer)
      : instance_(std::move(instance)), host_(std::move(host)), importer_(std::move(importer)) {}
  vramd::Result<std::vector<uint8_t>> ReadBetween(const Hands& hands, const vramd::Recipe& recipe,
                                                  const vramd::VulkanSync& sync);
  vramd::Status MakeRoom(VkDeviceSize bytes);

  // Each needs the ones before it.
  VulkanInstance instance_;
  VulkanHost host_;
  vramd::VulkanDevice importer_;
  std::optional<ReadbackBuffer> readback_;
  VkDeviceSize room_ = 0;  // bytes of readback_
};

}  // namespace vramctl

#endif  // VRAMD_TOOLS_VRAMCTL_IMAGE_READER_H_
