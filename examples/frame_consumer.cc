// The smallest consumer of a stream: always the newest frame, of which it prints the first pixel.
#include <cstdio>

#include "common/gpu.h"
#include "common/or_exit.h"
#include "vramd/stream.h"

int main() {
  vramd::Client client = example::OrExit(vramd::Client::Connect());
  vramd::Consumer consumer = example::OrExit(vramd::Consumer::Open(client, "hello/stream"));
  const vramd_image_info image = consumer.recipe().image;

  example::Gpu gpu(consumer.recipe());
  vramd::VulkanStream stream = gpu.Attach(consumer);
  const example::HostBuffer pixels(gpu, VkDeviceSize{4} * image.width * image.height,
                                   VK_BUFFER_USAGE_TRANSFER_DST_BIT);
  while (auto frame = consumer.Next()) {
    const vramd::VulkanStreamResource shared = example::OrExit(stream.Resource(*frame));
    const vramd::VulkanSync sync = example::OrExit(stream.Sync(*frame));
    gpu.Submit(sync, [&](VkCommandBuffer commands) {
      shared.RecordAcquire(commands, gpu.Barrier());
      example::RecordReadback(commands, shared.image(), image.width, image.height, pixels);
      shared.RecordRelease(commands, gpu.Barrier());
    });
    frame->ReleaseAfter(sync.signal_value);  // 0 if the GPU is done already
    gpu.Finish();                            // only because the CPU is to see the pixels
    const uint8_t* p = pixels.data();
    std::printf("frame %llu: #%02x%02x%02x\n", static_cast<unsigned long long>(frame->sequence()),
                p[0], p[1], p[2]);
  }
  const vramd_consumer_counters counters = consumer.Counters();
  std::printf("%s; %llu frames received, %llu dropped\n", consumer.End().message,
              static_cast<unsigned long long>(counters.received),
              static_cast<unsigned long long>(counters.dropped));
}
