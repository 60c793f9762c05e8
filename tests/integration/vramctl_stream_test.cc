// vramctl and streams: a producer and consumers in this process, vramctl in another, frames whose
// colours are known.
#include <gmock/gmock.h>

#include <array>
#include <atomic>
#include <chrono>
#include <optional>
#include <thread>

#include "tests/integration/vramctl_fixture.h"
#include "tests/integration/vramctl_pictures.h"
#include "vramd/stream.h"

namespace vramd {
namespace {

using ::nlohmann::json;
using ::testing::HasSubstr;
using Colour = std::vector<uint8_t>;  // RGBA

const Colour kRed = {255, 0, 0, 255}, kGreen = {0, 255, 0, 255}, kBlue = {0, 0, 255, 128},
             kWhite = {255, 255, 255, 255};

constexpr VkImageUsageFlags kUsage =
    VK_IMAGE_USAGE_TRANSFER_SRC_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT;

StreamInfo SmallStream(VkFormat format = VK_FORMAT_R8G8B8A8_UNORM,
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
        producer_(Producer::Create(client, info).OrExit()),
        gpu_(producer_.recipe()),
        stream_(gpu_.Attach(producer_)) {}

  // One frame: all `above` but for the last row.
  void Publish(const Colour& above, const Colour& last) {
    Slot slot = producer_.Acquire(std::chrono::seconds(30)).OrExit();
    const VulkanSync sync = stream_.Sync(slot).OrExit();
    Paint(gpu_, stream_.Resource(slot).OrExit(), 4, above, last, sync);
    FrameInfo info;
    info.timeline_value = sync.signal_value;
    producer_.Publish(std::move(slot), info).OrExit();
  }
  // The same, and waits until the only consumer has taken it.
  void PublishAndAwait(const Colour& above, const Colour& last) {
    Publish(above, last);
    ++published_;
    Await([&] {
      const auto consumers = ListStreamConsumers(client_, producer_.name()).OrExit();
      return consumers.empty() || consumers[0].received == published_;
    });
  }
  void AwaitConsumers(size_t count) {
    Await([&] { return producer_.Consumers().OrExit().size() == count; });
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

std::string ReadAll(ChildProcess& child) {
  std::string text;
  while (const auto line = child.ReadLine(std::chrono::seconds(60))) text += *line + "\n";
  return text;
}

TEST_F(VramctlStreamTest, StreamsTellHowConsumersFare) {
  Painter painter(client_, SmallStream());
  Consumer slow = Consumer::Open(client_, "ctl/stream").OrExit();
  Consumer idle = Consumer::Open(client_, "ctl/stream", ConsumerInfo::Fifo(2)).OrExit();
  painter.AwaitConsumers(2);
  for (int i = 0; i < 5; ++i) painter.Publish(kRed, kRed);
  ASSERT_TRUE(slow.Next(std::chrono::seconds(30)).ok());
  const Output output = Run({"streams", "--json"});
  ASSERT_EQ(output.exit_code, 0) << output.errors;
  const json streams = output.Json();
  ASSERT_EQ(streams.size(), 1U);
  EXPECT_EQ(streams[0]["name"], painter.producer().name());
  EXPECT_EQ(streams[0]["label"], "a test");
  EXPECT_EQ(streams[0]["published"], 5);
  EXPECT_EQ(streams[0]["image_count"], 8);
  EXPECT_EQ(streams[0]["recipe"]["image"]["width"], kWidth);
  ASSERT_EQ(streams[0]["consumers"].size(), 2U);
  for (const json& consumer : streams[0]["consumers"]) {
    const bool is_slow = consumer["mode"] == "mailbox";
    EXPECT_EQ(consumer["received"], is_slow ? 1 : 0);
    EXPECT_EQ(consumer["dropped"], is_slow ? 4 : 3);
    EXPECT_EQ(consumer["measured"], is_slow ? 1 : 0);
    EXPECT_EQ(consumer["latency_us"] > 0, is_slow);
  }
  EXPECT_THAT(Run({"streams"}).text, HasSubstr(painter.producer().name()));
  EXPECT_EQ(Run({"streams", "nobody/", "--json"}).Json(), json::array());
}

TEST_F(VramctlStreamTest, TopTellsWhatHappensBetweenTwoLooks) {
  Painter painter(client_, SmallStream());
  Consumer consumer = Consumer::Open(client_, "ctl/stream").OrExit();
  painter.AwaitConsumers(1);
  std::atomic<bool> stop = false;
  std::thread frames([&] {
    while (!stop) {
      painter.Publish(kRed, kRed);
      (void)consumer.Next(std::chrono::seconds(30)).OrExit();
    }
  });
  ChildProcess top = Start({"top", "--json", "--count", "2", "--interval", "0.3"});
  for (int i = 0; i < 2; ++i) {
    const json look = json::parse(top.ReadLine(std::chrono::seconds(60)).value_or("null"));
    ASSERT_EQ(look.size(), 1U);
    EXPECT_GT(look[0]["published_rate"], 0);
    ASSERT_EQ(look[0]["consumers"].size(), 1U);
    EXPECT_GT(look[0]["consumers"][0]["received_rate"], 0);
    EXPECT_GT(look[0]["consumers"][0]["latency_mean_us"], 0);
    EXPECT_EQ(look[0]["consumers"][0]["dropped_now"], 0);
  }
  stop = true;
  frames.join();
  EXPECT_EQ(top.Wait(), 0);
  EXPECT_THAT(Run({"top", "--count", "1", "--interval", "0.05"}).text, HasSubstr("mailbox"));
}

TEST_F(VramctlStreamTest, SnapshotIsTheNewestFrame) {
  Painter painter(client_, SmallStream());
  painter.Publish(kRed, kRed);
  painter.Publish(kGreen, kBlue);
  const Output output = Run({"snapshot", "ctl/stream", PathOf("frame.png"), "--json"});
  ASSERT_EQ(output.exit_code, 0) << output.errors;
  EXPECT_EQ(output.Json()["frame"], 2);
  const Picture picture = ReadPng(PathOf("frame.png"));
  ASSERT_EQ(picture.width, kWidth);
  ASSERT_EQ(picture.height, kHeight);
  EXPECT_EQ(picture.Texel(0, 0), kGreen);
  EXPECT_EQ(picture.Texel(kWidth - 1, kHeight - 2), kGreen);
  EXPECT_EQ(picture.Texel(kWidth - 1, kHeight - 1), kBlue);
}

TEST_F(VramctlStreamTest, SnapshotOfAStreamWithoutFramesGivesUpInTime) {
  Painter painter(client_, SmallStream());
  const Output output = Run({"snapshot", "ctl/stream", PathOf("no.png"), "--timeout", "500"});
  EXPECT_EQ(output.exit_code, 1);
  EXPECT_THAT(output.errors, HasSubstr("DEADLINE_EXCEEDED"));
  EXPECT_FALSE(std::filesystem::exists(PathOf("no.png")));
}

struct Yuv {
  uint8_t y, cb, cr;
};

// One pixel of a frame in a .y4m file of our size.
Yuv PixelOf(const std::string& file, size_t frame, uint32_t x, uint32_t y) {
  constexpr size_t kPlane = size_t{kWidth} * kHeight;
  const size_t begin = file.find('\n') + 1 + frame * (6 + 3 * kPlane);
  EXPECT_EQ(file.substr(begin, 6), "FRAME\n");
  const size_t at = begin + 6 + y * kWidth + x;
  return {static_cast<uint8_t>(file.at(at)), static_cast<uint8_t>(file.at(at + kPlane)),
          static_cast<uint8_t>(file.at(at + 2 * kPlane))};
}

// The values of BT.709 in its limited range.
constexpr Yuv kRedYuv = {63, 102, 240}, kGreenYuv = {173, 42, 26}, kBlueYuv = {32, 240, 118},
              kWhiteYuv = {235, 128, 128};

void ExpectPixel(const Yuv& pixel, const Yuv& expected) {
  EXPECT_EQ(pixel.y, expected.y);
  EXPECT_EQ(pixel.cb, expected.cb);
  EXPECT_EQ(pixel.cr, expected.cr);
}

TEST_F(VramctlStreamTest, RecordWritesEveryFrameIntoAY4mFile) {
  Painter painter(client_, SmallStream());
  ChildProcess record = StartFollower(painter, {"record", "ctl/stream", PathOf("out.y4m"),
                                                "--frames", "4", "--rate", "30000/1001", "--json"});
  painter.PublishAndAwait(kRed, kGreen);
  painter.PublishAndAwait(kGreen, kBlue);
  painter.PublishAndAwait(kBlue, kRed);
  painter.PublishAndAwait(kWhite, kWhite);
  const json told = json::parse(ReadAll(record), nullptr, false);
  ASSERT_EQ(record.Wait(), 0);
  EXPECT_EQ(told["frames"], 4);
  EXPECT_EQ(told["dropped"], 0);
  const std::string file = ReadFile("out.y4m");
  EXPECT_EQ(file.substr(0, file.find('\n')),
            "YUV4MPEG2 W33 H17 F0000030000:0000001001 Ip A1:1 C444 XCOLORRANGE=LIMITED");
  const size_t frame_bytes = 6 + size_t{3} * kWidth * kHeight;
  ASSERT_EQ(file.size(), file.find('\n') + 1 + 4 * frame_bytes);
  const std::array<std::pair<Yuv, Yuv>, 4> expected = {
      {{kRedYuv, kGreenYuv}, {kGreenYuv, kBlueYuv}, {kBlueYuv, kRedYuv}, {kWhiteYuv, kWhiteYuv}}};
  for (size_t i = 0; i < expected.size(); ++i) {
    SCOPED_TRACE(i);
    ExpectPixel(PixelOf(file, i, kWidth - 1, kHeight - 2), expected[i].first);
    ExpectPixel(PixelOf(file, i, 0, kHeight - 1), expected[i].second);
  }
}

TEST_F(VramctlStreamTest, RecordWritesNumberedPngFilesUntilTheStreamEnds) {
  Painter painter(client_, SmallStream(VK_FORMAT_B8G8R8A8_UNORM));
  ChildProcess record =
      StartFollower(painter, {"record", "ctl/stream", PathOf("f-%03d.png"), "--json"});
  painter.PublishAndAwait({255, 0, 0, 255}, kGreen);  // as BGRA
  painter.PublishAndAwait(kGreen, {0, 0, 255, 128});
  ASSERT_TRUE(painter.producer().End().ok());
  const json told = json::parse(ReadAll(record), nullptr, false);
  EXPECT_EQ(record.Wait(), 0);
  EXPECT_EQ(told["frames"], 2);
  EXPECT_GT(told["rate"], 0);
  EXPECT_EQ(ReadPng(PathOf("f-001.png")).Texel(0, 0), (Colour{0, 0, 255, 255}));
  EXPECT_EQ(ReadPng(PathOf("f-002.png")).Texel(0, kHeight - 1), (Colour{255, 0, 0, 128}));
  EXPECT_FALSE(std::filesystem::exists(PathOf("f-003.png")));
}

TEST_F(VramctlStreamTest, RecordTellsWhatItMissed) {
  Painter painter(client_, SmallStream());
  ChildProcess record =
      StartFollower(painter, {"record", "ctl/stream", PathOf("out.y4m"), "--limit", "1", "--json"});
  for (int i = 0; i < 50; ++i) painter.Publish(kRed, kRed);
  ASSERT_TRUE(painter.producer().End().ok());
  const json told = json::parse(ReadAll(record), nullptr, false);
  EXPECT_EQ(record.Wait(), 0);
  EXPECT_GE(told["frames"], 1);
  EXPECT_EQ(told["frames"].get<int>() + told["dropped"].get<int>(), 50);
}

TEST_F(VramctlStreamTest, RecordEndsWithTheTimeAndMeasuresTheRate) {
  Painter painter(client_, SmallStream());
  ChildProcess record = StartFollower(
      painter, {"record", "ctl/stream", PathOf("out.y4m"), "--seconds", "1", "--json"});
  painter.PublishAndAwait(kRed, kRed);
  painter.PublishAndAwait(kRed, kRed);
  const json told = json::parse(ReadAll(record), nullptr, false);
  EXPECT_EQ(record.Wait(), 0);
  EXPECT_EQ(told["frames"], 2);
  EXPECT_THAT(told["end"].get<std::string>(), HasSubstr("time"));
  uint32_t rate = 0, unit = 0;
  ASSERT_EQ(std::sscanf(ReadFile("out.y4m").c_str(), "YUV4MPEG2 W33 H17 F%u:%u", &rate, &unit), 2);
  EXPECT_NEAR(told["rate"], static_cast<double>(rate) / unit, 0.001);
}

TEST_F(VramctlStreamTest, AChangeOfSizeEndsAY4mFileAndKeepsIt) {
  Painter painter(client_, SmallStream());
  ChildProcess record =
      StartFollower(painter, {"record", "ctl/stream", PathOf("out.y4m"), "--json"});
  painter.PublishAndAwait(kRed, kRed);
  StreamInfo larger = SmallStream();
  larger.image.width = 2 * kWidth;
  ASSERT_TRUE(painter.producer().Resize(larger, std::chrono::seconds(30)).ok());
  painter.PublishAndAwait(kRed, kRed);
  EXPECT_EQ(json::parse(ReadAll(record), nullptr, false)["frames"], 1);
  EXPECT_EQ(record.Wait(), 1);
  EXPECT_THAT(ReadFile("errors"), HasSubstr("changed from 33x17 to 66x17"));
  ExpectPixel(PixelOf(ReadFile("out.y4m"), 0, 0, 0), kRedYuv);
}

TEST_F(VramctlStreamTest, WhatCannotBeRecordedIsRefusedWithWords) {
  Painter painter(client_,
                  SmallStream(VK_FORMAT_R8G8B8A8_UNORM,
                              VK_IMAGE_USAGE_STORAGE_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT));
  EXPECT_THAT(Run({"record", "ctl/stream", PathOf("a.y4m")}).errors,
              HasSubstr("VK_IMAGE_USAGE_TRANSFER_SRC_BIT"));
  EXPECT_THAT(Run({"record", "ctl/stream", PathOf("a.avi")}).errors, HasSubstr("frames-%05d.png"));
  EXPECT_THAT(Run({"record", "ctl/stream", PathOf("a.y4m"), "--rate", "0"}).errors,
              HasSubstr("is no rate"));
  EXPECT_THAT(Run({"record", "ctl/none", PathOf("a.y4m")}).errors, HasSubstr("NOT_FOUND"));
  EXPECT_FALSE(std::filesystem::exists(PathOf("a.y4m")));
}

TEST_F(VramctlStreamTest, DoctorTellsHowFramesAreOrdered) {
  (void)client_.Allocate(AllocateInfo::Raw(4096)).OrExit();  // waits for the device to be open
  const vramd_device_info device = client_.Devices().OrExit().at(0);
  const Output output = Run({"doctor", "--json"});
  ASSERT_EQ(Verdicts(output, "streams").size(), 1U);
  EXPECT_THAT(output.text, HasSubstr(device.timeline_export ? "by timeline semaphores"
                                                            : device.timeline_reason));
}

}  // namespace
}  // namespace vramd
