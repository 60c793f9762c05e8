// vramctl's arithmetic of streams, and the files that it records into.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>

#include "tools/vramctl/recording.h"
#include "tools/vramctl/stream_look.h"
#include "tools/vramctl/text.h"
#include "tools/vramctl/top_view.h"
#include "tools/vramctl/y4m.h"

namespace vramctl {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

double ValueOf(const std::optional<FrameRate>& rate) { return rate ? rate->value() : -1; }

TEST(FrameRate, IsWrittenInThreeWays) {
  EXPECT_EQ(ParseFrameRate("30000/1001")->numerator, 30000U);
  EXPECT_EQ(ParseFrameRate("30000/1001")->denominator, 1001U);
  EXPECT_EQ(ParseFrameRate("60")->numerator, 60U);
  EXPECT_EQ(ParseFrameRate("60")->denominator, 1U);
  EXPECT_DOUBLE_EQ(ValueOf(ParseFrameRate("29.97")), 29.97);
}

TEST(FrameRate, AnythingElseIsNone) {
  for (const char* text : {"", "0", "-1", "60x", "1e3", "nan", "inf", "1/0", "0/1", "1/2/3", "1/-2",
                           "/", "0.0001", "99999999999"})
    EXPECT_FALSE(ParseFrameRate(text).has_value()) << text;
}

TEST(FrameRate, IsMeasuredToAThousandth) {
  EXPECT_DOUBLE_EQ(ValueOf(MeasureFrameRate(60, 1'000'000'000)), 60);
  EXPECT_DOUBLE_EQ(ValueOf(MeasureFrameRate(1, 33'366'700)), 29.970);
  EXPECT_FALSE(MeasureFrameRate(0, 1).has_value());
  EXPECT_FALSE(MeasureFrameRate(1, 0).has_value());
  EXPECT_FALSE(MeasureFrameRate(1, std::numeric_limits<int64_t>::min()).has_value());
}

TEST(Y4m, HeaderIsAsLongForEveryRate) {
  EXPECT_EQ(Y4mHeader(640, 360, {30000, 1001}),
            "YUV4MPEG2 W640 H360 F0000030000:0000001001 Ip A1:1 C444 XCOLORRANGE=LIMITED\n");
  EXPECT_EQ(Y4mHeader(640, 360, {1, 1}).size(), Y4mHeader(640, 360, {999'999'999, 1000}).size());
}

// The primary and secondary colours of BT.709, as its colour bars have them.
TEST(Y4m, ColoursAreThoseOfBt709) {
  EXPECT_THAT(ToBt709(0, 0, 0), ElementsAre(16, 128, 128));
  EXPECT_THAT(ToBt709(255, 255, 255), ElementsAre(235, 128, 128));
  EXPECT_THAT(ToBt709(255, 0, 0), ElementsAre(63, 102, 240));
  EXPECT_THAT(ToBt709(0, 255, 0), ElementsAre(173, 42, 26));
  EXPECT_THAT(ToBt709(0, 0, 255), ElementsAre(32, 240, 118));
  EXPECT_THAT(ToBt709(255, 255, 0), ElementsAre(219, 16, 138));
  EXPECT_THAT(ToBt709(128, 128, 128), ElementsAre(126, 128, 128));
}

TEST(Y4m, AFrameHasThreePlanes) {
  const std::string frame = Y4mFrame({255, 255, 255, 9, 255, 0, 0, 9});
  EXPECT_EQ(frame, "FRAME\n\xeb\x3f\x80\x66\x80\xf0");
}

TEST(NumberedPath, FillsInOneNumber) {
  EXPECT_EQ(NumberedPath("f-%05d.png", 7), "f-00007.png");
  EXPECT_EQ(NumberedPath("f-%02d.png", 1234), "f-1234.png");
  EXPECT_EQ(NumberedPath("50%%/%d.png", 7), "50%/7.png");
}

// The pattern is never given to printf.
TEST(NumberedPath, OtherPatternsAreRefused) {
  for (const char* pattern : {"f.png", "%s.png", "%d-%d.png", "%5d.png", "%-5d.png", "%ld.png",
                              "%n%d.png", "%0000005d.png", "%", "%.png", "%05"})
    EXPECT_EQ(NumberedPath(pattern, 7), "") << pattern;
}

class RecordingTest : public testing::Test {
 protected:
  std::string Path(const std::string& name) const { return testing::TempDir() + "vramctl_" + name; }
  static Picture Grey(uint32_t width, int64_t published_ns) {
    return {width, 1, std::vector<uint8_t>(size_t{4} * width, 128), 1, published_ns};
  }
  static std::string Contents(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    return text.str();
  }
};

TEST_F(RecordingTest, TheMeasuredRateGetsIntoTheHeader) {
  const std::string path = Path("measured.y4m");
  const auto recording = Recording::Create(path, std::nullopt).OrExit();
  ASSERT_TRUE(recording->Add(Grey(2, 1'000'000'000)).ok());
  ASSERT_TRUE(recording->Add(Grey(2, 1'040'000'000)).ok());
  ASSERT_TRUE(recording->Finish().ok());
  EXPECT_EQ(Contents(path),
            Y4mHeader(2, 1, {25, 1}) + Y4mFrame(Grey(2, 0).rgba) + Y4mFrame(Grey(2, 0).rgba));
  std::filesystem::remove(path);
}

TEST_F(RecordingTest, AFrameOfAnotherSizeIsRefusedAndTheRestKept) {
  const std::string path = Path("size.y4m");
  const auto recording = Recording::Create(path, FrameRate{60, 1}).OrExit();
  ASSERT_TRUE(recording->Add(Grey(2, 0)).ok());
  const vramd::Status refused = recording->Add(Grey(3, 0));
  EXPECT_EQ(refused.code(), VRAMD_FAILED_PRECONDITION);
  EXPECT_THAT(refused.message(), HasSubstr("2x1 to 3x1"));
  ASSERT_TRUE(recording->Finish().ok());
  EXPECT_EQ(Contents(path), Y4mHeader(2, 1, {60, 1}) + Y4mFrame(Grey(2, 0).rgba));
  std::filesystem::remove(path);
}

TEST_F(RecordingTest, WhatIsNotFinishedIsNotLeftBehind) {
  const std::string path = Path("unfinished.y4m");
  {
    const auto recording = Recording::Create(path, std::nullopt).OrExit();
    ASSERT_TRUE(recording->Add(Grey(2, 0)).ok());
    EXPECT_TRUE(std::filesystem::exists(path));
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(RecordingTest, AFileThatCannotBeWrittenIsAnError) {
  for (const char* path : {"/nonexistent/x.y4m", "/nonexistent/%d.png"}) {
    const auto recording = Recording::Create(path, std::nullopt).OrExit();
    EXPECT_THAT(recording->Add(Grey(2, 0)).message(), HasSubstr("/nonexistent/"));
  }
}

// ---- Between two looks

vramd_consumer_stats Consumer(uint64_t id, uint64_t received, uint64_t dropped, uint64_t measured,
                              uint64_t total_ns) {
  vramd_consumer_stats stats{};
  stats.mode = VRAMD_STREAM_MAILBOX;
  stats.consumer_id = id;
  stats.received = received;
  stats.dropped = dropped;
  stats.measured = measured;
  stats.latency_total_ns = total_ns;
  return stats;
}

StreamLook Look(int milliseconds, uint64_t published, std::vector<vramd_consumer_stats> consumers,
                uint32_t process = 1) {
  SeenStream seen{};
  std::strncpy(seen.stream.name, "ann/app/x", sizeof(seen.stream.name) - 1);
  seen.stream.process_id = process;
  seen.stream.published = published;
  seen.consumers = std::move(consumers);
  StreamLook look;
  look.when = std::chrono::steady_clock::time_point(std::chrono::milliseconds(milliseconds));
  look.streams.push_back(std::move(seen));
  return look;
}

TEST(Compare, MakesRatesOfTotals) {
  const auto paces = Compare(Look(1000, 100, {Consumer(7, 10, 90, 10, 50'000)}),
                             Look(1500, 130, {Consumer(7, 15, 115, 15, 80'000)}));
  ASSERT_EQ(paces.size(), 1U);
  EXPECT_EQ(paces[0].published_rate, 60);
  ASSERT_EQ(paces[0].consumers.size(), 1U);
  EXPECT_EQ(paces[0].consumers[0].received_rate, 10);
  EXPECT_EQ(paces[0].consumers[0].dropped, 25U);
  EXPECT_EQ(paces[0].consumers[0].latency_us, 6);
}

TEST(Compare, OfWhatIsNewNothingIsKnown) {
  const auto paces =
      Compare(Look(0, 100, {Consumer(7, 1, 1, 1, 1)}), Look(500, 130, {Consumer(8, 9, 9, 9, 9)}));
  EXPECT_FALSE(paces[0].consumers[0].received_rate.has_value());
  EXPECT_FALSE(paces[0].consumers[0].dropped.has_value());
  EXPECT_FALSE(paces[0].consumers[0].latency_us.has_value());
  const auto another = Compare(Look(0, 100, {}), Look(500, 130, {}, /*process=*/2));
  EXPECT_FALSE(another[0].published_rate.has_value());
}

// A consumer can write what it likes.
TEST(Compare, NumbersThatCannotBeAreLeftOut) {
  constexpr uint64_t kMost = std::numeric_limits<uint64_t>::max();
  const auto paces = Compare(Look(0, kMost, {Consumer(7, kMost, kMost, kMost, 5)}),
                             Look(500, 0, {Consumer(7, 0, 0, 0, 6)}));
  EXPECT_FALSE(paces[0].published_rate.has_value());
  EXPECT_FALSE(paces[0].consumers[0].received_rate.has_value());
  EXPECT_FALSE(paces[0].consumers[0].dropped.has_value());
  EXPECT_FALSE(paces[0].consumers[0].latency_us.has_value());
  EXPECT_EQ(TopTable(paces),
            "NAME       PROCESS  MODE      RATE  FRAMES  DROPS  ALL DROPS  LATENCY\n"
            "ann/app/x  1        producer  -     0\n"
            "           0        mailbox   -     0       -      0          -\n");
}

TEST(Text, ProcessesHaveTheirProgramsName) {
  EXPECT_EQ(FormatProcess(7, "/usr/bin/camera"), "7 camera");
  EXPECT_EQ(FormatProcess(7, "C:\\tools\\camera.exe"), "7 camera.exe");
  EXPECT_EQ(FormatProcess(7, ""), "7");
}

TEST(Text, ClippingKeepsCharactersWhole) {
  EXPECT_EQ(Clip("abc", 2), "ab");
  EXPECT_EQ(Clip("a\u00e9b", 2), "a\u00e9");
  EXPECT_EQ(Clip("abc", 0), "");
  EXPECT_EQ(Clip("abc", 9), "abc");
}

}  // namespace
}  // namespace vramctl
