// A producer in this process, vramctl in another, and frames whose colours are known.
#ifndef VRAMD_TESTS_INTEGRATION_VRAMCTL_STREAM_FIXTURE_H_
#define VRAMD_TESTS_INTEGRATION_VRAMCTL_STREAM_FIXTURE_H_

#include <chrono>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/integration/vramctl_fixture.h"
#include "tests/integration/vramctl_pictures.h"
#include "tests/support/or_exit.h"
#include "vramd/stream.h"

namespace vramd {

using Colour = std::vector<uint8_t>;  // RGBA

inline const Colour kRed = {255, 0, 0, 255}, kGreen = {0, 255, 0, 255}, kBlue = {0, 0, 255, 128},
                    kWhite = {255, 255, 255, 255};

inline constexpr VkImageUsageFlags kUsage =
    VK_IMAGE_USAGE_TRANSFER_SRC_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT;

inline StreamInfo SmallStream(VkFormat format = VK_FORMAT_R8G8B8A8_UNORM,
                              VkImageUsageFlags usage = kUsage) {
  StreamInfo info = StreamInfo::Image("ctl/stream", format, kWidth, kHeight, usage);
  info.image_count = 8;
  info.label = "a test";
  return info;
}

class Painter {
 public:
  Painter(Client& client, const StreamInfo& info)
      : client_(client),
        producer_(OrExit(Producer::Create(client, info))),
        gpu_(producer_.recipe()),
        stream_(gpu_.Attach(producer_)) {}

  // One frame: all `above` but for the last row.
  void Publish(const Colour& above, const Colour& last) {
    Slot slot = OrExit(producer_.Acquire(std::chrono::seconds(30)));
    const VulkanSync sync = OrExit(stream_.Sync(slot));
    Paint(gpu_, OrExit(stream_.Resource(slot)), 4, above, last, sync);
    FrameInfo info;
    info.timeline_value = sync.signal_value;
    OrExit(producer_.Publish(std::move(slot), info));
  }
  // The same, and waits until the only consumer has taken it.
  void PublishAndAwait(const Colour& above, const Colour& last) {
    Publish(above, last);
    ++published_;
    Await([&] {
      const auto consumers = OrExit(ListStreamConsumers(client_, producer_.name()));
      return consumers.empty() || consumers[0].received == published_;
    });
  }
  void AwaitConsumers(size_t count) {
    Await([&] { return OrExit(producer_.Consumers()).size() == count; });
  }
  Producer& producer() { return producer_; }

 private:
  template <typename Condition>
  static void Await(Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!condition()) {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline);
      std::this_thread::yield();
    }
  }

  Client& client_;
  Producer producer_;
  example::Gpu gpu_;
  VulkanStream stream_;
  uint64_t published_ = 0;  // by PublishAndAwait()
};

class VramctlStreamTest : public VramctlTest {
 protected:
  // vramctl with a consumer of its own, which has joined.
  ChildProcess StartFollower(Painter& painter, std::vector<std::string> arguments) {
    ChildProcess child = Start(std::move(arguments));
    painter.AwaitConsumers(1);
    return child;
  }
  std::string ReadFile(const std::string& name) const {
    std::ostringstream text;
    text << std::ifstream(PathOf(name), std::ios::binary).rdbuf();
    return text.str();
  }
};

inline std::string ReadAll(ChildProcess& child) {
  std::string text;
  while (const auto line = child.ReadLine(std::chrono::seconds(60))) text += *line + "\n";
  return text;
}

}  // namespace vramd

#endif  // VRAMD_TESTS_INTEGRATION_VRAMCTL_STREAM_FIXTURE_H_
