// The smallest producer of a stream: 600 frames, each of another colour, 60 in a second.
//
//   frame_producer        (and in other terminals, as many as you like: frame_consumer)
#include <chrono>
#include <cstdio>
#include <thread>

#include "common/gpu.h"
#include "common/or_exit.h"
#include "vramd/stream.h"

int main() {
  vramd::Client client = example::OrExit(vramd::Client::Connect());
  const vramd::StreamInfo info =
      vramd::StreamInfo::Image("hello/stream", VK_FORMAT_R8G8B8A8_UNORM, 256, 256,
                               VK_IMAGE_USAGE_TRANSFER_SRC_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT);
  vramd::Producer producer = example::OrExit(vramd::Producer::Create(client, info));
  std::printf("%s has begun\n", producer.name().c_str());

  example::Gpu gpu(producer.recipe());
  vramd::VulkanStream stream = gpu.Attach(producer);
  auto due = std::chrono::steady_clock::now();
  for (uint32_t i = 0; i < 600; ++i) {
    std::this_thread::sleep_until(due += std::chrono::microseconds(16667));
    vramd::Slot slot = example::OrExit(producer.Acquire());
    const vramd::VulkanStreamResource shared = example::OrExit(stream.Resource(slot));
    const vramd::VulkanSync sync = example::OrExit(stream.Sync(slot));
    gpu.Submit(sync, [&](VkCommandBuffer commands) {
      vramd::VulkanBarrier barrier = gpu.Barrier();
      barrier.discard = true;  // the old frame in this slot is not needed
      shared.RecordAcquire(commands, barrier);
      const VkClearColorValue colour = {{float(i % 60) / 59, 0.5f, float(i % 600) / 599, 1.0f}};
      const VkImageSubresourceRange all = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1};
      vkCmdClearColorImage(commands, shared.image(), VK_IMAGE_LAYOUT_GENERAL, &colour, 1, &all);
      shared.RecordRelease(commands, gpu.Barrier());
    });
    vramd::FrameInfo frame;
    frame.timeline_value = sync.signal_value;  // 0 if the GPU is done already
    example::OrExit(producer.Publish(std::move(slot), frame));
  }
  const vramd::Status ended = producer.End();
  gpu.Finish();
  return ended.ok() ? 0 : 1;
}
