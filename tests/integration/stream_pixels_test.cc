// What one process's GPU draws into the frames of a stream, another's GPU reads, bit for bit, in
// whichever way the driver orders them: by timeline semaphores, or by fences (lavapipe).
//
// A frame's texels are a hash of its number, which its header carries, and of their place: a frame
// that is torn, early, stale or of another ring shows. The Vulkan validation layer watches all
// processes: one word from it fails the test.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <iostream>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "common/gpu.h"
#include "tests/integration/stream_roles.h"
#include "tests/integration/validation_log.h"
#include "tests/support/broker_process.h"
#include "tests/support/child_process.h"
#include "tests/support/or_exit.h"
#include "vramd/vulkan.h"

namespace vramd {
namespace {

constexpr std::chrono::seconds kPatience{120};
constexpr uint32_t kUsage = VK_IMAGE_USAGE_TRANSFER_SRC_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT;

void Say(const std::string& line) { std::cout << line << std::endl; }

// A GPU's first use takes long on a busy machine, and under Wine.
Client PatientClient() {
  ConnectInfo info;
  info.timeout_ns = TimeoutNs(kPatience);
  return OrExit(Client::Connect(info));
}

// ---- What a frame looks like ------------------------------------------------------------------

uint32_t TexelSize(uint32_t format) { return format == VK_FORMAT_R16G16B16A16_SFLOAT ? 8 : 4; }

std::vector<uint8_t> Texels(uint64_t number, const vramd_image_info& image) {
  std::vector<uint8_t> bytes(size_t{image.width} * image.height * TexelSize(image.format));
  auto state = static_cast<uint32_t>(number * 2654435761u + image.width) | 1;
  for (uint8_t& byte : bytes) {  // xorshift, period 2^32 - 1
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    byte = static_cast<uint8_t>(state >> 11);
  }
  // Half floats that every copy keeps: positive, normal, below one.
  if (image.format == VK_FORMAT_R16G16B16A16_SFLOAT)
    for (size_t i = 1; i < bytes.size(); i += 2) bytes[i] = (bytes[i] & 0x0f) | 0x20;
  return bytes;
}

void RecordTransferBarrier(VkCommandBuffer commands) {
  VkMemoryBarrier barrier = {VK_STRUCTURE_TYPE_MEMORY_BARRIER};
  barrier.srcAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT;
  barrier.dstAccessMask = VK_ACCESS_TRANSFER_READ_BIT | VK_ACCESS_TRANSFER_WRITE_BIT;
  vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_TRANSFER_BIT, 0,
                       1, &barrier, 0, nullptr, 0, nullptr);
}

// The texels are recorded with the commands, so that no memory of ours has to wait for the GPU.
void RecordDrawing(VkCommandBuffer commands, const std::vector<uint8_t>& texels,
                   const example::HostBuffer& staging, VkImage image,
                   const vramd_image_info& what) {
  RecordTransferBarrier(commands);  // the copy of the frame before
  vkCmdUpdateBuffer(commands, staging.buffer(), 0, texels.size(), texels.data());
  RecordTransferBarrier(commands);
  VkBufferImageCopy region = {};
  region.imageSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1};
  region.imageExtent = {what.width, what.height, 1};
  vkCmdCopyBufferToImage(commands, staging.buffer(), image, VK_IMAGE_LAYOUT_GENERAL, 1, &region);
}

// ---- The producer -----------------------------------------------------------------------------

StreamInfo ImageStream(uint32_t format, uint32_t width, uint32_t height) {
  StreamInfo info = StreamInfo::Image("stream/pixels", format, width, height, kUsage);
  info.allow_waiting = true;
  return info;
}

class Painter {
 public:
  explicit Painter(uint32_t format)
      : client_(PatientClient()),
        producer_(OrExit(Producer::Create(client_, ImageStream(format, 67, 44)))),
        gpu_(producer_.recipe()),
        stream_(gpu_.Attach(producer_)),
        staging_(gpu_, 65536, VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT) {
    Say("ready " + std::string(producer_.uses_timeline() ? "timeline" : "fence"));
  }

  ~Painter() { gpu_.Finish(); }

  // "publish N", "finish" (on the GPU), "resize WIDTH HEIGHT", "consumers", "session", "end"
  void Obey(const std::string& line) {
    std::istringstream words(line);
    std::string verb;
    uint32_t first = 0, second = 0;
    words >> verb >> first >> second;
    if (verb == "publish") {
      for (uint32_t i = 0; i < first; ++i) PublishOne();
      Say("ok " + std::to_string(number_));
    } else if (verb == "resize") {
      const uint32_t format = producer_.recipe().image.format;
      Say(producer_.Resize(ImageStream(format, first, second)).ok() ? "ok" : "failed");
    } else if (verb == "consumers") {
      Say("ok " + std::to_string(producer_.Stats().consumer_count));
    } else if (verb == "session") {
      Say("ok " + std::to_string(producer_.Stats().session));
    } else if (verb == "finish") {
      gpu_.Finish();
      Say("ok");
    } else if (verb == "end") {
      Say(producer_.End().ok() ? "ok" : "failed");
    }
  }

 private:
  void PublishOne() {
    Slot slot = OrExit(producer_.Acquire(kPatience));
    // A ring's images go when our timeline says that the GPU is done with them. The validation
    // layer does not follow timelines that other processes share: it believes in fences alone.
    if (std::exchange(generation_, slot.generation()) != slot.generation()) gpu_.Finish();
    const VulkanStreamResource shared = OrExit(stream_.Resource(slot));
    const VulkanSync sync = OrExit(stream_.Sync(slot));
    const vramd_image_info image = RecipeOf(producer_.stream(), slot).image;
    const std::vector<uint8_t> texels = Texels(++number_, image);
    gpu_.Submit(sync, [&](VkCommandBuffer commands) {
      VulkanBarrier barrier = gpu_.Barrier();
      barrier.discard = true;
      shared.RecordAcquire(commands, barrier);
      RecordDrawing(commands, texels, staging_, shared.image(), image);
      shared.RecordRelease(commands, gpu_.Barrier());
    });
    FrameInfo info;
    info.timeline_value = sync.signal_value;
    info.SetApplication(&number_, sizeof(number_));
    OrExit(producer_.Publish(std::move(slot), info));
  }

  Client client_;
  Producer producer_;
  example::Gpu gpu_;
  VulkanStream stream_;
  example::HostBuffer staging_;
  uint64_t number_ = 0;
  uint32_t generation_ = 0;
};

// ---- The consumer -----------------------------------------------------------------------------

class Viewer {
 public:
  explicit Viewer(const ConsumerInfo& info)
      : client_(PatientClient()),
        consumer_(OrExit(Consumer::Open(client_, "stream/pixels", info))),
        gpu_(consumer_.recipe()),
        stream_(gpu_.Attach(consumer_)),
        seen_(gpu_, 65536, VK_BUFFER_USAGE_TRANSFER_DST_BIT) {
    Say("open");
  }

  void Run() {
    for (;;) {
      auto frame = consumer_.Next(kPatience);
      if (!frame) {
        if (!frame.is_end())
          std::cerr << "viewer, after frame " << last_ << ": " << frame.status().ToString() << "\n";
        return;
      }
      const uint64_t number = Look(*frame);
      if (number == 0 || number <= last_) ++wrong_;
      if (first_ == 0) first_ = number;
      last_ = std::max(last_, number);
    }
  }

  std::string Report() {
    const vramd_consumer_counters counters = consumer_.Counters();
    std::ostringstream text;
    text << "done end=" << consumer_.End().reason << " received=" << counters.received
         << " dropped=" << counters.dropped << " wrong=" << wrong_ << " first=" << first_
         << " last=" << last_ << " sessions=" << counters.session << " kept=" << LookAtLast();
    return text.str();
  }

 private:
  // The frame's number; 0 if its texels are not those of that number.
  uint64_t Look(Frame& frame) {
    const VulkanStreamResource shared = OrExit(stream_.Resource(frame));
    const VulkanSync sync = OrExit(stream_.Sync(frame));
    const vramd_image_info image = consumer_.recipe(frame).image;
    gpu_.Submit(sync, [&](VkCommandBuffer commands) {
      shared.RecordAcquire(commands, gpu_.Barrier());
      example::RecordReadback(commands, shared.image(), image.width, image.height, seen_);
      shared.RecordRelease(commands, gpu_.Barrier());
    });
    uint64_t number = 0;
    std::memcpy(&number, frame.info().application, sizeof(number));
    frame.ReleaseAfter(sync.signal_value);
    frame.Release();  // the GPU may be reading it still
    gpu_.Finish();
    const std::vector<uint8_t> wanted = Texels(number, image);
    return std::equal(wanted.begin(), wanted.end(), seen_.data()) ? number : 0;
  }

  uint64_t LookAtLast() {
    auto frame = consumer_.LastFrame();
    return frame ? Look(*frame) : 0;
  }

  Client client_;
  Consumer consumer_;
  example::Gpu gpu_;
  VulkanStream stream_;
  example::HostBuffer seen_;
  uint64_t first_ = 0, last_ = 0, wrong_ = 0;
};

// ---- Tests ------------------------------------------------------------------------------------

class StreamPixelsTest : public testing::TestWithParam<VkFormat> {
 protected:
  void TearDown() override {
    for (auto& child : children_) child->Wait(kPatience);
    EXPECT_EQ(log_.Complaints(), "");
  }

  ChildProcess& Start(const std::string& role, const std::string& option) {
    auto environment = log_.Environment(role + std::to_string(children_.size()));
    environment["VRAMD_ENDPOINT"] = broker_.endpoint();
    children_.push_back(std::make_unique<ChildProcess>(ChildProcess::Options{
        .command = {OwnProgram(), "--role=" + role, option}, .environment = environment}));
    return *children_.back();
  }

  ChildProcess& StartPainter() {
    ChildProcess& painter = Start("producer", std::to_string(GetParam()));
    const std::string greeting = Hear(painter);
    EXPECT_EQ(greeting.rfind("ready ", 0), 0u) << greeting;
    RecordProperty("order", greeting.substr(6));
    return painter;
  }

  ChildProcess& StartViewer(const std::string& mode) {
    ChildProcess& viewer = Start("consumer", mode);
    EXPECT_EQ(Hear(viewer), "open");
    return viewer;
  }

  static std::string Hear(ChildProcess& child) {
    return child.ReadLine(kPatience).value_or("(nothing: it ended, or the time was up)");
  }
  static std::string Ask(ChildProcess& child, const std::string& what) {
    child.WriteLine(what);
    return Hear(child);
  }
  static void Await(ChildProcess& child, const std::string& question, const std::string& answer) {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    std::string heard;
    do {
      heard = Ask(child, question);
    } while (heard != answer && std::chrono::steady_clock::now() < deadline);
    EXPECT_EQ(heard, answer) << question;
  }

  ValidationLog log_;
  BrokerProcess broker_{{}, log_.Environment("broker")};
  std::vector<std::unique_ptr<ChildProcess>> children_;
};

TEST_P(StreamPixelsTest, EveryFrameThroughAResize) {
  ChildProcess& painter = StartPainter();
  ChildProcess& every = StartViewer("fifo");
  ChildProcess& newest = StartViewer("mailbox");
  Await(painter, "consumers", "ok 2");
  EXPECT_EQ(Ask(painter, "publish 60"), "ok 60");
  EXPECT_EQ(Ask(painter, "resize 40 80"), "ok");
  EXPECT_EQ(Ask(painter, "publish 60"), "ok 120");
  EXPECT_EQ(Ask(painter, "end"), "ok");
  const auto all = ConsumerReport::Parse(Hear(every));
  EXPECT_EQ(all["end"], uint64_t{VRAMD_END_FINISHED});
  EXPECT_EQ(all["received"], 120u);
  EXPECT_EQ(all["wrong"], 0u);
  EXPECT_EQ(all["kept"], 120u);
  const auto some = ConsumerReport::Parse(Hear(newest));
  EXPECT_EQ(some["received"] + some["dropped"], 120u);
  EXPECT_EQ(some["last"], 120u);
  EXPECT_EQ(some["wrong"], 0u);
  painter.WriteLine("leave");
}

TEST_P(StreamPixelsTest, TheRingGrowsForViewersWhoComeAndGo) {
  ChildProcess& painter = StartPainter();
  ChildProcess& every = StartViewer("fifo");
  Await(painter, "consumers", "ok 1");
  int published = 0;
  for (int round = 0; round < 4; ++round) {
    ChildProcess& leaves = StartViewer("mailbox");
    StartViewer("mailbox");  // stays
    Await(painter, "consumers", "ok " + std::to_string(3 + round));
    published += 20;
    EXPECT_EQ(Ask(painter, "publish 20"), "ok " + std::to_string(published));
    leaves.Kill();
    Await(painter, "consumers", "ok " + std::to_string(2 + round));
  }
  EXPECT_EQ(Ask(painter, "publish 20"), "ok 100");
  EXPECT_EQ(Ask(painter, "end"), "ok");
  const auto all = ConsumerReport::Parse(Hear(every));
  EXPECT_EQ(all["received"], 100u);
  EXPECT_EQ(all["wrong"], 0u);
  for (size_t i = 3; i < children_.size(); i += 2) {
    const auto some = ConsumerReport::Parse(Hear(*children_[i]));
    EXPECT_EQ(some["end"], uint64_t{VRAMD_END_FINISHED});
    EXPECT_EQ(some["last"], 100u);
    EXPECT_EQ(some["wrong"], 0u);
  }
  painter.WriteLine("leave");
}

TEST_P(StreamPixelsTest, EveryFrameThroughARestartOfTheBroker) {
  ChildProcess& painter = StartPainter();
  ChildProcess& every = StartViewer("fifo");
  Await(painter, "consumers", "ok 1");
  EXPECT_EQ(Ask(painter, "publish 30"), "ok 30");
  broker_.Restart();
  uint32_t published = 30;
  while (Ask(painter, "session") != "ok 2" && published < 100'000)
    Ask(painter, "publish " + std::to_string(1)), ++published;
  EXPECT_EQ(Ask(painter, "publish 30"), "ok " + std::to_string(published + 30));
  EXPECT_EQ(Ask(painter, "end"), "ok");
  const auto all = ConsumerReport::Parse(Hear(every));
  EXPECT_EQ(all["end"], uint64_t{VRAMD_END_FINISHED});
  EXPECT_EQ(all["sessions"], 2u);
  EXPECT_EQ(all["received"], published + 30);
  EXPECT_EQ(all["wrong"], 0u);
  painter.WriteLine("leave");
}

TEST_P(StreamPixelsTest, TheLastFrameOfADeadProducer) {
  ChildProcess& painter = StartPainter();
  ChildProcess& every = StartViewer("fifo");
  Await(painter, "consumers", "ok 1");
  EXPECT_EQ(Ask(painter, "publish 10"), "ok 10");
  EXPECT_EQ(Ask(painter, "finish"), "ok") << "what its GPU has not drawn dies with it";
  painter.Kill();
  const auto all = ConsumerReport::Parse(Hear(every));
  EXPECT_EQ(all["end"], uint64_t{VRAMD_END_PRODUCER_GONE});
  EXPECT_EQ(all["received"], 10u);
  EXPECT_EQ(all["wrong"], 0u);
  EXPECT_EQ(all["kept"], 10u);
}

INSTANTIATE_TEST_SUITE_P(, StreamPixelsTest,
                         testing::Values(VK_FORMAT_R8G8B8A8_UNORM, VK_FORMAT_R16G16B16A16_SFLOAT),
                         [](const auto& info) {
                           return info.param == VK_FORMAT_R8G8B8A8_UNORM ? "Rgba8" : "Rgba16Float";
                         });

int Play(const std::string& role, const std::string& option) {
  if (role == "producer") {
    Painter painter(static_cast<uint32_t>(std::stoul(option)));
    for (std::string line; std::getline(std::cin, line) && line != "leave";) painter.Obey(line);
    return 0;
  }
  Viewer viewer(option == "fifo" ? ConsumerInfo::Fifo(3, VRAMD_WHEN_FULL_WAIT)
                                 : ConsumerInfo::Mailbox(3));
  viewer.Run();
  Say(viewer.Report());
  return 0;
}

}  // namespace
}  // namespace vramd

int main(int argc, char** argv) {
  const std::string role = argc == 3 ? argv[1] : "";
  if (role.rfind("--role=", 0) == 0) return vramd::Play(role.substr(7), argv[2]);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
