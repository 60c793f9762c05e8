// vramctl snapshot: a published image, as a picture file.
//
// It opens the image as any consumer does, imports it on the device that it lives on, copies its
// first level and layer to the host and gives it back in the layout that the recipe names. It does
// not wait for the producer: a picture taken while the producer draws may show two frames in part.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "tools/vramctl/command.h"
#include "tools/vramctl/pixels.h"
#include "tools/vramctl/png_file.h"
#include "tools/vramctl/text.h"
#include "tools/vramctl/vulkan_host.h"

namespace vramctl {
namespace {

struct SnapshotOptions {
  std::string name;
  std::string path;
};

vramd::Status CheckCopyable(const std::string& name, const vramd_recipe& recipe) {
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

vramd_vk_barrier TransferBarrier(const VulkanHost& host) {
  vramd::VulkanBarrier barrier;
  barrier.queue_family = host.queue_family();
  barrier.layout = VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL;
  barrier.stage = VK_PIPELINE_STAGE_TRANSFER_BIT;
  barrier.access = VK_ACCESS_TRANSFER_READ_BIT;
  return barrier;
}

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

vramd::Status CopyToHost(const VulkanHost& host, const vramd::VulkanResource& resource,
                         const vramd_image_info& image, const ReadbackBuffer& readback) {
  return host.Run([&](VkCommandBuffer commands) {
    const vramd_vk_barrier barrier = TransferBarrier(host);
    resource.RecordAcquire(commands, barrier);
    VkBufferImageCopy region{};
    region.imageSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1};
    region.imageExtent = {image.width, image.height, 1};
    vkCmdCopyImageToBuffer(commands, resource.image(), VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL,
                           readback.buffer(), 1, &region);
    MakeVisibleToHost(commands, readback.buffer());
    resource.RecordRelease(commands, barrier);
  });
}

// The pixels of the leased image as 8-bit RGBA.
vramd::Result<std::vector<uint8_t>> ReadPixels(const vramd::Lease& lease,
                                               const vramd_recipe& recipe) {
  const auto instance = VulkanInstance::Create();
  if (!instance.ok()) return instance.status();
  const auto physical =
      vramd::VulkanDevice::FindPhysicalDevice(vkGetInstanceProcAddr, instance->get(), recipe);
  if (!physical.ok()) return physical.status();
  const auto host = VulkanHost::Create(*instance, *physical);
  if (!host.ok()) return host.status();
  auto importer = vramd::VulkanDevice::Create(vkGetInstanceProcAddr, instance->get(), *physical,
                                              host->device());
  if (!importer.ok()) return importer.status();
  const auto resource = importer->Import(lease);
  if (!resource.ok()) return resource.status();

  const vramd_image_info& image = recipe.image;
  const size_t texels = size_t{image.width} * image.height;
  const auto readback = ReadbackBuffer::Create(*host, texels * BytesPerTexel(image.format));
  if (!readback.ok()) return readback.status();
  vramd::Status copied = CopyToHost(*host, *resource, image, *readback);
  if (!copied.ok()) return copied;
  return ToRgba8(image.format, readback->data(), texels);
}

vramd::Status Snapshot(vramd::Client& client, const SnapshotOptions& options, bool as_json) {
  const auto lease = client.Open(options.name);
  if (!lease.ok()) return lease.status();
  const vramd_recipe recipe = lease->recipe();
  vramd::Status status = CheckCopyable(options.name, recipe);
  if (!status.ok()) return status;
  const auto rgba = ReadPixels(*lease, recipe);
  if (!rgba.ok()) return rgba.status();
  const vramd_image_info& image = recipe.image;
  status = WritePng(options.path, image.width, image.height, *rgba);
  if (status.ok() && as_json) {
    PrintJson({{"name", options.name},
               {"path", options.path},
               {"width", image.width},
               {"height", image.height},
               {"format", FormatImageFormat(image.format)}});
  } else if (status.ok()) {
    std::printf("%s: %s\n", options.path.c_str(), FormatRecipe(recipe).c_str());
  }
  return status;
}

}  // namespace

void AddSnapshotCommand(CLI::App& app, Context& context) {
  const auto options = std::make_shared<SnapshotOptions>();
  CLI::App* sub = app.add_subcommand("snapshot", "Write a published image to a PNG file");
  sub->add_option("NAME", options->name, "user/application/label, or application/label")
      ->required();
  sub->add_option("FILE", options->path, "The file to write")->required();
  sub->callback([&context, options] {
    context.exit_code = WithClient(
        context, [&](vramd::Client& client) { return Snapshot(client, *options, context.json); });
  });
}

}  // namespace vramctl
