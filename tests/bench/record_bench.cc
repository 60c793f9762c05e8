// Does vramctl record keep up with 60 frames a second?
//
//   record_bench [frames 600] [width 1920] [height 1080] [directory]
//
// Frames like those of a camera (a gradient with noise) go into a .y4m file in `directory`
// (default: the system's temporary one), into a pipe that is read and thrown away, into ffmpeg, and
// into PNG files. The baseline of the same run is the stream with nobody who records it: the rate
// at which it is made, and what each recording leaves of that.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "common/gpu.h"
#include "tests/support/broker_process.h"
#include "tests/support/child_process.h"
#include "tests/support/or_exit.h"
#include "vramd/stream.h"

namespace vramd {
namespace {

using Clock = std::chrono::steady_clock;

struct Size {
  uint32_t width, height;
};

class Camera {
 public:
  Camera(Client& client, Size size)
      : size_(size),
        producer_(OrExit(Producer::Create(client, InfoOf(size)))),
        gpu_(producer_.recipe()),
        stream_(gpu_.Attach(producer_)) {
    for (uint32_t i = 0; i < 4; ++i) pictures_.push_back(MakePicture(i));
  }

  // Frames in a second, as they could be made.
  double Run(uint32_t frames) {
    const auto begin = Clock::now();
    auto due = begin;
    for (uint32_t i = 0; i < frames; ++i) {
      std::this_thread::sleep_until(due += std::chrono::nanoseconds(16'666'667));
      PublishOne(i);
    }
    gpu_.Finish();
    return frames / std::chrono::duration<double>(Clock::now() - begin).count();
  }

  void AwaitConsumer() {
    if (!producer_.AwaitConsumers(1, std::chrono::seconds(60)).ok()) std::exit(1);
  }
  void End() {
    if (!producer_.End().ok()) std::exit(1);
  }

 private:
  static StreamInfo InfoOf(Size size) {
    return StreamInfo::Image("bench/camera", VK_FORMAT_R8G8B8A8_UNORM, size.width, size.height,
                             VK_IMAGE_USAGE_TRANSFER_SRC_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT);
  }

  std::unique_ptr<example::HostBuffer> MakePicture(uint32_t seed) {
    auto buffer = std::make_unique<example::HostBuffer>(
        gpu_, uint64_t{4} * size_.width * size_.height, VK_BUFFER_USAGE_TRANSFER_SRC_BIT);
    uint8_t* out = buffer->data();
    uint32_t noise = seed + 1;
    for (uint32_t y = 0; y < size_.height; ++y)
      for (uint32_t x = 0; x < size_.width; ++x) {
        noise = noise * 1664525 + 1013904223;
        const uint32_t grain = noise >> 30;
        *out++ = static_cast<uint8_t>((255 * x / size_.width + grain + 60 * seed) & 0xff);
        *out++ = static_cast<uint8_t>((255 * y / size_.height + grain) & 0xff);
        *out++ = static_cast<uint8_t>(128 + grain);
        *out++ = 255;
      }
    return buffer;
  }

  void PublishOne(uint32_t number) {
    Slot slot = OrExit(producer_.Acquire(std::chrono::seconds(30)));
    const auto shared = OrExit(stream_.Resource(slot));
    const VulkanSync sync = OrExit(stream_.Sync(slot));
    gpu_.Submit(sync, [&](VkCommandBuffer commands) {
      VulkanBarrier barrier = gpu_.Barrier();
      barrier.discard = true;
      shared.RecordAcquire(commands, barrier);
      VkBufferImageCopy region{};
      region.imageSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1};
      region.imageExtent = {size_.width, size_.height, 1};
      vkCmdCopyBufferToImage(commands, pictures_[number % pictures_.size()]->buffer(),
                             shared.image(), VK_IMAGE_LAYOUT_GENERAL, 1, &region);
      shared.RecordRelease(commands, gpu_.Barrier());
    });
    FrameInfo info;
    info.timeline_value = sync.signal_value;
    OrExit(producer_.Publish(std::move(slot), info));
  }

  const Size size_;
  Producer producer_;
  example::Gpu gpu_;
  VulkanStream stream_;
  std::vector<std::unique_ptr<example::HostBuffer>> pictures_;
};

// A shell's command line, whose report goes to descriptor 3.
struct Way {
  const char* name;
  std::string command;
};

std::vector<Way> WaysInto(const std::string& directory) {
  const std::string record = "\"" VRAMD_VRAMCTL_PROGRAM "\" record bench/camera ";
  std::vector<Way> ways = {
      {"nobody records", ""},
      {".y4m file", record + "'" + directory + "/out.y4m' >&3"},
      {"pipe, thrown away", record + "- 2>&3 | cat >/dev/null"},
      {"PNG files", record + "'" + directory + "/%05d.png' >&3"},
  };
  if (std::system("ffmpeg -version >/dev/null 2>&1") == 0)
    ways.push_back({"pipe, ffmpeg x264 ultrafast",
                    record +
                        "- 2>&3 | ffmpeg -nostdin -v error -y -i - -c:v libx264 -preset "
                        "ultrafast '" +
                        directory + "/out.mkv'"});
  return ways;
}

// The rate at which the frames were made.
double RunWay(BrokerProcess& broker, Client& client, const Way& way, uint32_t frames, Size size) {
  Camera camera(client, size);
  if (way.command.empty()) return camera.Run(frames);
  ChildProcess shell({.command = {"/bin/sh", "-c", "exec 3>&1; " + way.command},
                      .environment = {{"VRAMD_ENDPOINT", broker.endpoint()}},
                      .output_file = ""});
  camera.AwaitConsumer();
  const double rate = camera.Run(frames);
  camera.End();
  std::printf("%s", shell.ReadRest().c_str());
  return rate;
}

int Main(uint32_t frames, Size size, const std::string& parent) {
  BrokerProcess broker({"--log-level", "warning"});
  Client client = broker.Connect();
  const std::string directory =
      parent + "/vramd-record-bench-" + std::to_string(broker.process().id());
  std::filesystem::create_directories(directory);
  std::printf("%u frames of %ux%u, 60 in a second\n", frames, size.width, size.height);
  double alone = 0;
  for (const Way& way : WaysInto(directory)) {
    const double rate = RunWay(broker, client, way, frames, size);
    if (alone == 0) alone = rate;
    std::printf("%-28s made %.2f in a second, ratio %.2f\n", way.name, rate, rate / alone);
    std::fflush(stdout);
    for (const auto& entry : std::filesystem::directory_iterator(directory))
      std::filesystem::remove(entry.path());
  }
  std::filesystem::remove_all(directory);
  return 0;
}

}  // namespace
}  // namespace vramd

int main(int argc, char** argv) {
  const auto number = [&](int index, unsigned long otherwise) {
    return static_cast<uint32_t>(argc > index ? std::strtoul(argv[index], nullptr, 10) : otherwise);
  };
  return vramd::Main(number(1, 600), {number(2, 1920), number(3, 1080)},
                     argc > 4 ? argv[4] : std::filesystem::temp_directory_path().string());
}
