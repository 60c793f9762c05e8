// Puts a moving picture together from parts that other processes render, each into a stream of its
// own, and streams it on: a consumer of many streams and the producer of one. It sets the pace; its
// consumers cannot slow it down.
#include <chrono>
#include <cstdio>
#include <memory>
#include <thread>

#include "common/command_line.h"
#include "common/or_exit.h"
#include "common/scene.h"
#include "common/streaming.h"

namespace {

struct Options {
  std::string name = "demo";
  uint32_t parts = 2;
  uint32_t frames = 180;
  uint32_t rate = 60;     // frames in a second
  uint32_t wait_for = 0;  // consumers
};

constexpr VkImageUsageFlags kUsage =
    VK_IMAGE_USAGE_TRANSFER_DST_BIT | VK_IMAGE_USAGE_TRANSFER_SRC_BIT;

vramd::Consumer OpenPart(vramd::Client& client, const Options& options, uint32_t part) {
  return example::OrExit(vramd::Consumer::Open(client,
                                               options.name + "/part-" + std::to_string(part),
                                               vramd::ConsumerInfo::Fifo(2, VRAMD_WHEN_FULL_WAIT)));
}

vramd::Producer Create(vramd::Client& client, const Options& options, const vramd::Recipe& part) {
  const std::string name = options.name + "/animation";
  vramd::StreamInfo info = vramd::StreamInfo::Image(
      name.c_str(), part.image.format, part.image.width, part.image.height * options.parts, kUsage);
  info.label = "a moving picture";
  return example::OrExit(vramd::Producer::Create(client, info));
}

// One of the streams that the picture is made of.
class Part {
 public:
  Part(example::Gpu& gpu, vramd::Consumer consumer, uint32_t number)
      : gpu_(gpu),
        consumer_(std::move(consumer)),
        stream_(gpu.Attach(consumer_)),
        image_(consumer_.recipe().image),
        first_row_(static_cast<int32_t>(number * image_.height)) {}

  // Copies these rows of frame `number` into `whole`, which is in VK_IMAGE_LAYOUT_GENERAL.
  void Copy(uint32_t number, VkImage whole) {
    vramd::Frame frame = example::OrExit(consumer_.Next(std::chrono::seconds(60)));
    if (frame.sequence() != number + 1) example::Die(consumer_.name() + " has lost a frame");
    const vramd::VulkanStreamResource shared = example::OrExit(stream_.Resource(frame));
    const vramd::VulkanSync sync = example::OrExit(stream_.Sync(frame));
    VkImageCopy region = {};
    region.srcSubresource = region.dstSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1};
    region.dstOffset = {0, first_row_, 0};
    region.extent = {image_.width, image_.height, 1};
    gpu_.Submit(sync, [&](VkCommandBuffer commands) {
      shared.RecordAcquire(commands, gpu_.Barrier());
      vkCmdCopyImage(commands, shared.image(), VK_IMAGE_LAYOUT_GENERAL, whole,
                     VK_IMAGE_LAYOUT_GENERAL, 1, &region);
      shared.RecordRelease(commands, gpu_.Barrier());
    });
    frame.ReleaseAfter(sync.signal_value);
  }

 private:
  example::Gpu& gpu_;
  vramd::Consumer consumer_;
  vramd::VulkanStream stream_;
  const vramd_image_info image_;
  const int32_t first_row_;
};

class Mixer {
 public:
  Mixer(vramd::Client& client, const Options& options)
      : options_(options),
        first_(OpenPart(client, options, 0)),
        producer_(Create(client, options, first_.recipe())),
        gpu_(producer_.recipe()),
        stream_(gpu_.Attach(producer_)) {
    parts_.push_back(std::make_unique<Part>(gpu_, std::move(first_), 0));
    for (uint32_t i = 1; i < options.parts; ++i)
      parts_.push_back(std::make_unique<Part>(gpu_, OpenPart(client, options, i), i));
  }

  void Run() {
    std::printf("animation: streaming %s on %s\n", producer_.name().c_str(), gpu_.name().c_str());
    std::fflush(stdout);
    example::Check(producer_.AwaitConsumers(options_.wait_for, std::chrono::seconds(60)));
    const auto begin = std::chrono::steady_clock::now();
    for (uint32_t i = 0; i < options_.frames; ++i) {
      std::this_thread::sleep_until(begin +
                                    i * std::chrono::nanoseconds(1'000'000'000) / options_.rate);
      MakeFrame(i);
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    example::OrExit(producer_.End());
    gpu_.Finish();
    std::printf("animation: published=%u rate=%.1f\n", options_.frames,
                options_.frames / took.count());
  }

 private:
  // Several submissions make one frame: the first waits for the slot, the last says that it is
  // done.
  void MakeFrame(uint32_t number) {
    vramd::Slot slot = example::OrExit(producer_.Acquire());
    const vramd::VulkanStreamResource whole = example::OrExit(stream_.Resource(slot));
    const vramd::VulkanSync sync = example::OrExit(stream_.Sync(slot));
    vramd::VulkanSync first = sync, last = sync;
    first.signal_count = 0;
    last.wait_count = 0;
    vramd::VulkanBarrier fresh = gpu_.Barrier();
    fresh.discard = true;
    gpu_.Submit(first, [&](VkCommandBuffer commands) { whole.RecordAcquire(commands, fresh); });
    for (const auto& part : parts_) part->Copy(number, whole.image());
    gpu_.Submit(last,
                [&](VkCommandBuffer commands) { whole.RecordRelease(commands, gpu_.Barrier()); });
    example::OrExit(producer_.Publish(std::move(slot), example::SrgbFrame(sync)));
  }

  const Options& options_;
  vramd::Consumer first_;  // until the GPU is there, for which one must know what it is about
  vramd::Producer producer_;
  example::Gpu gpu_;
  vramd::VulkanStream stream_;
  std::vector<std::unique_ptr<Part>> parts_;
};

}  // namespace

int main(int argc, char** argv) {
  Options options;
  example::CommandLine line("Puts a moving picture together from parts, and streams it");
  line.Text("--name", options.name, "application part of all names");
  line.Number("--parts", options.parts, "streams that it is made of", {1, 16});
  line.Number("--frames", options.frames, "how many");
  line.Number("--rate", options.rate, "frames in a second", {1, 1000});
  line.Number("--wait-for", options.wait_for, "begin when it has so many consumers");
  line.Parse(argc, argv);

  vramd::Client client = example::OrExit(vramd::Client::Connect());
  Mixer(client, options).Run();
}
