#include "tools/vramctl/image_reader.h"

#include "tools/vramctl/pixels.h"
#include "tools/vramctl/text.h"

namespace vramctl {
namespace {

// The copy is written by the GPU and read by the CPU once the fence is signalled.
void MakeVisibleToHost(VkCommandBuffer commands, VkBuffer buffer) {
  VkBufferMemoryBarrier barrier{VK_STRUCTURE_TYPE_BUFFER_MEMORY_BARRIER};
  barrier.srcAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT;
  barrier.dstAccessMask = VK_ACCESS_HOST_READ_BIT;
  barrier.srcQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED;
  barrier.dstQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED;
  barrier.buffer = buffer;
  barrier.size = VK_WHOLE_SIZE;
  vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_HOST_BIT, 0, 0,
                       nullptr, 1, &barrier, 0, nullptr);
}

vramd_vk_barrier CopyBarrier(const VulkanHost& host, const vramd::Recipe& recipe) {
  const bool as_it_is = recipe.handover_layout == VK_IMAGE_LAYOUT_GENERAL;
  vramd::VulkanBarrier barrier;
  barrier.queue_family = host.queue_family();
  barrier.layout = as_it_is ? VK_IMAGE_LAYOUT_GENERAL : VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL;
  barrier.stage = VK_PIPELINE_STAGE_TRANSFER_BIT;
  barrier.access = VK_ACCESS_TRANSFER_READ_BIT;
  return barrier;
}

}  // namespace

vramd::Status CheckReadable(const std::string& name, const vramd::Recipe& recipe) {
  if (recipe.kind != VRAMD_RESOURCE_IMAGE)
    return {VRAMD_INVALID_ARGUMENT, name + " is a " + Name(recipe.kind) + ", not an image"};
  const vramd_image_info& image = recipe.image;
  if (image.samples != VK_SAMPLE_COUNT_1_BIT)
    return {VRAMD_INVALID_ARGUMENT, name + " is multisampled; publish a resolved image"};
  if ((image.usage & VK_IMAGE_USAGE_TRANSFER_SRC_BIT) == 0)
    return {VRAMD_FAILED_PRECONDITION,
            name +
                " was allocated without VK_IMAGE_USAGE_TRANSFER_SRC_BIT; "
                "its producer must ask for it"};
  return ToRgba8(image.format, nullptr, 0).status();
}

vramd::Result<ImageReader> ImageReader::Create(const vramd::Recipe& recipe,
                                               std::chrono::milliseconds patience) {
  auto instance = VulkanInstance::Create();
  if (!instance.ok()) return instance.status();
  const auto physical =
      vramd::VulkanDevice::FindPhysicalDevice(vkGetInstanceProcAddr, instance->get(), recipe);
  if (!physical.ok()) return physical.status();
  auto host = VulkanHost::Create(*instance, *physical);
  if (!host.ok()) return host.status();
  host->set_patience(patience);
  auto importer = vramd::VulkanDevice::Create(vkGetInstanceProcAddr, instance->get(), *physical,
                                              host->device());
  if (!importer.ok()) return importer.status();
  return ImageReader(*std::move(instance), *std::move(host), *std::move(importer));
}

vramd::Status ImageReader::MakeRoom(VkDeviceSize bytes) {
  if (bytes <= room_) return {};
  readback_.reset();
  room_ = 0;
  auto made = ReadbackBuffer::Create(host_, bytes);
  if (!made.ok()) return made.status();
  readback_.emplace(*std::move(made));
  room_ = bytes;
  return {};
}

vramd::Result<std::vector<uint8_t>> ImageReader::ReadBetween(const Hands& hands,
                                                             const vramd::Recipe& recipe,
                                                             const vramd::VulkanSync& sync) {
  const vramd_image_info& image = recipe.image;
  const size_t texels = size_t{image.width} * image.height;
  vramd::Status status = MakeRoom(texels * BytesPerTexel(image.format));
  if (!status.ok()) return status;
  const vramd_vk_barrier barrier = CopyBarrier(host_, recipe);
  status = host_.Run(
      [&](VkCommandBuffer commands) {
        hands.acquire(commands, barrier);
        VkBufferImageCopy region{};
        region.imageSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1};
        region.imageExtent = {image.width, image.height, 1};
        vkCmdCopyImageToBuffer(commands, hands.image, barrier.layout, readback_->buffer(), 1,
                               &region);
        MakeVisibleToHost(commands, readback_->buffer());
        hands.release(commands, barrier);
      },
      sync);
  if (!status.ok()) return status;
  return ToRgba8(image.format, readback_->data(), texels);
}

}  // namespace vramctl
