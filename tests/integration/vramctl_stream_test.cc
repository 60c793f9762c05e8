// vramctl and streams: rates, drops, and pictures of frames.
#include <gmock/gmock.h>

#include <atomic>
#include <chrono>
#include <optional>
#include <thread>

#include "tests/integration/vramctl_stream_fixture.h"
#include "tests/support/or_exit.h"

namespace vramd {
namespace {

using ::nlohmann::json;
using ::testing::HasSubstr;

TEST_F(VramctlStreamTest, StreamsTellHowConsumersFare) {
  Painter painter(client_, SmallStream());
  Consumer slow = OrExit(Consumer::Open(client_, "ctl/stream"));
  Consumer idle = OrExit(Consumer::Open(client_, "ctl/stream", ConsumerInfo::Fifo(2)));
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
  Consumer consumer = OrExit(Consumer::Open(client_, "ctl/stream"));
  painter.AwaitConsumers(1);
  std::atomic<bool> stop = false;
  std::thread frames([&] {
    while (!stop) {
      painter.Publish(kRed, kRed);
      (void)OrExit(consumer.Next(std::chrono::seconds(30)));
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

TEST_F(VramctlStreamTest, DoctorTellsHowFramesAreOrdered) {
  (void)OrExit(client_.Allocate(AllocateInfo::Raw(4096)));  // waits for the device to be open
  const DeviceInfo device = OrExit(client_.Devices()).at(0);
  const Output output = Run({"doctor", "--json"});
  ASSERT_EQ(Verdicts(output, "streams").size(), 1U);
  EXPECT_THAT(output.text, HasSubstr(device.timeline_export ? "by timeline semaphores"
                                                            : device.timeline_reason));
}

}  // namespace
}  // namespace vramd
