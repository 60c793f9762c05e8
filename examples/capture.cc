// Opens NAME/composite when it is there, reads it back, says so by publishing NAME/captured, and
// writes a PNG.
#include <cstdio>

#include "common/command_line.h"
#include "common/gpu.h"
#include "common/or_exit.h"
#include "common/picture.h"
#include "common/stopwatch.h"
#include "common/waiting.h"

int main(int argc, char** argv) {
  std::string name = "demo";
  std::string output = "capture.png";
  example::CommandLine line("Writes an image that another process published into a PNG file");
  line.Text("--name", name, "application part of all names");
  line.Text("--output", output, "the PNG file to write");
  line.Parse(argc, argv);

  vramd::Client client = example::OrExit(vramd::Client::Connect());
  vramd::Lease lease = example::OrExit(
      example::OpenWhenPublished(client, name + "/composite", std::chrono::seconds(60)));
  const vramd::Recipe recipe = lease.recipe();
  const uint32_t width = recipe.image.width, height = recipe.image.height;

  example::Gpu gpu(recipe);
  const vramd::VulkanResource composite = gpu.Import(lease);
  const example::HostBuffer pixels(gpu, VkDeviceSize{4} * width * height,
                                   VK_BUFFER_USAGE_TRANSFER_DST_BIT);
  example::Stopwatch stopwatch;
  gpu.Run([&](VkCommandBuffer commands) {
    composite.RecordAcquire(commands, gpu.Barrier());
    example::RecordReadback(commands, composite.image(), width, height, pixels);
    composite.RecordRelease(commands, gpu.Barrier());
  });
  const double reading = stopwatch.Milliseconds();
  example::OrExit(lease.Publish(name + "/captured"));
  example::WritePng(output, width, height, pixels.data());
  std::printf("capture: read_ms=%.1f png_ms=%.1f wrote %s\n", reading, stopwatch.Milliseconds(),
              output.c_str());
}
