// The smallest producer: one image, filled with a colour, published under a name.
//
//   hello_producer        (and in another terminal: hello_consumer)
#include <cstdio>

#include "common/gpu.h"
#include "common/or_exit.h"

int main() {
  vramd::Client client = example::OrExit(vramd::Client::Connect());
  const vramd::AllocateInfo info =
      vramd::AllocateInfo::Image(VK_FORMAT_R8G8B8A8_UNORM, 256, 256,
                                 VK_IMAGE_USAGE_TRANSFER_SRC_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT);
  vramd::Lease lease = example::OrExit(client.Allocate(info));

  example::Gpu gpu(lease.recipe());
  const vramd::VulkanResource shared = gpu.Import(lease);
  gpu.Run([&](VkCommandBuffer commands) {
    vramd::VulkanBarrier barrier = gpu.Barrier();
    barrier.discard = true;  // the first user: there is nothing to keep
    shared.RecordAcquire(commands, barrier);
    const VkClearColorValue orange = {{1.0f, 0.5f, 0.0f, 1.0f}};
    const VkImageSubresourceRange all = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1};
    vkCmdClearColorImage(commands, shared.image(), VK_IMAGE_LAYOUT_GENERAL, &orange, 1, &all);
    shared.RecordRelease(commands, gpu.Barrier());
  });

  // Published only now, when the pixels are there: whoever can open it may read it.
  const std::string name = example::OrExit(lease.Publish("hello/orange"));
  std::printf("published %s, until you press Enter\n", name.c_str());
  std::fflush(stdout);
  std::getchar();
}
