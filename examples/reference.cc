// The same picture made by one process in memory of its own, to compare with: the same shaders, no
// broker. With --expect it says whether a PNG file holds exactly these texels.
#include <cstdio>
#include <cstring>

#include "common/command_line.h"
#include "common/scene.h"
#include "common/stopwatch.h"

namespace {

// An image of our own, without vramd.
class LocalImage {
 public:
  LocalImage(example::Gpu& gpu, uint32_t width, uint32_t height, uint32_t layers) : gpu_(gpu) {
    VkImageCreateInfo info = {VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO};
    info.imageType = VK_IMAGE_TYPE_2D;
    info.format = example::kSceneFormat;
    info.extent = {width, height, 1};
    info.mipLevels = 1;
    info.arrayLayers = layers;
    info.samples = VK_SAMPLE_COUNT_1_BIT;
    info.usage = example::kSceneUsage;
    example::Check(vkCreateImage(gpu.device(), &info, nullptr, &image_), "create an image");
    memory_ = gpu.AllocateFor(image_, VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT);
  }
  ~LocalImage() {
    vkDestroyImage(gpu_.device(), image_, nullptr);
    vkFreeMemory(gpu_.device(), memory_, nullptr);
  }
  LocalImage(const LocalImage&) = delete;
  LocalImage& operator=(const LocalImage&) = delete;
  VkImage get() const { return image_; }

  // From whatever was done to whatever comes next, in VK_IMAGE_LAYOUT_GENERAL.
  void RecordBarrier(VkCommandBuffer commands, VkImageLayout old_layout) const {
    VkImageMemoryBarrier barrier = {VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER};
    barrier.srcAccessMask = VK_ACCESS_MEMORY_WRITE_BIT;
    barrier.dstAccessMask = VK_ACCESS_MEMORY_READ_BIT | VK_ACCESS_MEMORY_WRITE_BIT;
    barrier.oldLayout = old_layout;
    barrier.newLayout = VK_IMAGE_LAYOUT_GENERAL;
    barrier.srcQueueFamilyIndex = barrier.dstQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED;
    barrier.image = image_;
    barrier.subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, VK_REMAINING_ARRAY_LAYERS};
    vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT,
                         VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, 0, 0, nullptr, 0, nullptr, 1,
                         &barrier);
  }

 private:
  example::Gpu& gpu_;
  VkImage image_ = VK_NULL_HANDLE;
  VkDeviceMemory memory_ = VK_NULL_HANDLE;
};

// The whole picture, as capture.cc reads it.
void Draw(example::Gpu& gpu, const example::Scene& scene, const example::Picture& picture,
          const example::HostBuffer& pixels) {
  const LocalImage tiles(gpu, scene.width, scene.rows, scene.tiles);
  const LocalImage composite(gpu, scene.width, scene.height(), 1);
  gpu.Run([&](VkCommandBuffer commands) {
    tiles.RecordBarrier(commands, VK_IMAGE_LAYOUT_UNDEFINED);
    composite.RecordBarrier(commands, VK_IMAGE_LAYOUT_UNDEFINED);
  });
  const auto nothing = [](VkCommandBuffer) {};
  const auto tiles_barrier = [&](VkCommandBuffer commands) {
    tiles.RecordBarrier(commands, VK_IMAGE_LAYOUT_GENERAL);
  };
  for (uint32_t tile = 0; tile < scene.tiles; ++tile)
    example::RenderTile(gpu, scene, tile, tiles.get(), nothing, tiles_barrier);
  example::Compose(
      gpu, scene, picture, tiles.get(), composite.get(), nothing, [&](VkCommandBuffer commands) {
        composite.RecordBarrier(commands, VK_IMAGE_LAYOUT_GENERAL);
        example::RecordReadback(commands, composite.get(), scene.width, scene.height(), pixels);
      });
}

void Compare(const example::Scene& scene, const example::HostBuffer& pixels,
             const std::string& path) {
  const example::Picture other = example::ReadPng(path);
  if (other.width != scene.width || other.height != scene.height())
    example::Die(path + " has another size than the reference");
  size_t different = 0;
  for (size_t i = 0; i < other.rgba.size(); i += 4)
    different += std::memcmp(&other.rgba[i], pixels.data() + i, 4) != 0 ? 1 : 0;
  if (different != 0)
    example::Die(path + " differs from the reference in " + std::to_string(different) + " of " +
                 std::to_string(other.rgba.size() / 4) + " texels");
  std::printf("identical: all %zu texels\n", other.rgba.size() / 4);
}

}  // namespace

int main(int argc, char** argv) {
  std::string device, picture_path, output, expect;
  uint32_t tiles = 4, width = 1920, height = 1080;
  example::CommandLine line("Makes the demo's picture in one process, without a broker");
  line.Text("--device", device, "part of the name of a GPU");
  line.RequiredText("--picture", picture_path, "a PNG file, best with alpha");
  line.Text("--output", output, "the PNG file to write");
  line.Text("--expect", expect, "a PNG file to compare with; exit code 1 if it differs");
  line.Number("--tiles", tiles, "how many there are", {1, 64});
  line.Number("--width", width, "texels");
  line.Number("--height", height, "texels, a multiple of --tiles");
  line.Parse(argc, argv);
  if (height % tiles != 0) example::Die("--height must be a multiple of --tiles");

  const example::Picture picture = example::ReadPng(picture_path);
  const example::Scene scene = {width, height / tiles, tiles};
  example::Gpu gpu(device);
  const example::HostBuffer pixels(gpu, VkDeviceSize{4} * width * height,
                                   VK_BUFFER_USAGE_TRANSFER_DST_BIT);
  example::Stopwatch stopwatch;
  Draw(gpu, scene, picture, pixels);
  std::printf("reference: draw_ms=%.1f on %s\n", stopwatch.Milliseconds(), gpu.name().c_str());
  if (!output.empty()) example::WritePng(output, width, height, pixels.data());
  if (!expect.empty()) Compare(scene, pixels, expect);
}
