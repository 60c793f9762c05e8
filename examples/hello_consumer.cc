// The smallest consumer: opens the image of hello_producer by its name and reads a pixel of it.
#include <cstdio>

#include "common/gpu.h"
#include "common/or_exit.h"

int main() {
  vramd::Client client = example::OrExit(vramd::Client::Connect());
  const vramd::Lease lease = example::OrExit(client.Open("hello/orange"));
  const vramd::Recipe recipe = lease.recipe();

  example::Gpu gpu(recipe);
  const vramd::VulkanResource shared = gpu.Import(lease);
  const uint32_t width = recipe.image.width, height = recipe.image.height;
  const example::HostBuffer pixels(gpu, VkDeviceSize{4} * width * height,
                                   VK_BUFFER_USAGE_TRANSFER_DST_BIT);
  gpu.Run([&](VkCommandBuffer commands) {
    shared.RecordAcquire(commands, gpu.Barrier());
    example::RecordReadback(commands, shared.image(), width, height, pixels);
    shared.RecordRelease(commands, gpu.Barrier());
  });
  const uint8_t* p = pixels.data();
  std::printf("%ux%u on %s, first pixel #%02x%02x%02x%02x\n", width, height, gpu.name().c_str(),
              p[0], p[1], p[2], p[3]);
}
