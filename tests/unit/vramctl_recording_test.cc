// What vramctl records into: Y4M files and pipes, PNG files, and the queue before them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <set>
#include <sstream>

#include "tests/support/or_exit.h"
#include "tools/vramctl/encode_queue.h"
#include "tools/vramctl/recording.h"
#include "tools/vramctl/y4m.h"

namespace vramctl {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
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

TEST(FrameRate, OfABeginningIsTheUsualOneThatIsNearest) {
  const auto guess = [](std::vector<int64_t> times) {
    for (int64_t& time : times) time *= 1'000'000;
    return ValueOf(GuessFrameRate(times));
  };
  EXPECT_EQ(guess({0, 17, 33, 51, 66}), 60);
  EXPECT_EQ(guess({100, 140}), 25);
  EXPECT_EQ(guess({0, 1000}), 1);
  EXPECT_EQ(guess({0, 200}), 5) << "near to none";
  EXPECT_EQ(guess({0}), -1);
  EXPECT_EQ(guess({5, 5}), -1);
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

// By the standard's own formula.
std::array<double, 3> ExactlyBt709(int red, int green, int blue) {
  const double luma = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  return {16 + luma * 219 / 255, 128 + (blue - luma) / 1.8556 * 224 / 255,
          128 + (red - luma) / 1.5748 * 224 / 255};
}

TEST(Y4m, EveryColourIsRoundedToTheNearest) {
  double worst = 0;
  for (int red = 0; red < 256; red += 3)
    for (int green = 0; green < 256; green += 3)
      for (int blue = 0; blue < 256; blue += 3) {
        const auto rounded = ToBt709(static_cast<uint8_t>(red), static_cast<uint8_t>(green),
                                     static_cast<uint8_t>(blue));
        const auto exact = ExactlyBt709(red, green, blue);
        for (size_t i = 0; i < 3; ++i) worst = std::max(worst, std::abs(exact[i] - rounded[i]));
      }
  EXPECT_LT(worst, 0.5001);
}

// As many pixels as are done at a time, and some left over.
TEST(Y4m, EveryPixelOfAFrameIsConverted) {
  constexpr size_t kPixels = 77;
  std::vector<uint8_t> rgba;
  for (size_t i = 0; i < 4 * kPixels; ++i) rgba.push_back(static_cast<uint8_t>(i * 41));
  const std::string frame = Y4mFrame(rgba);
  ASSERT_EQ(frame.size(), 6 + 3 * kPixels);
  for (size_t i = 0; i < kPixels; ++i) {
    const auto expected = ToBt709(rgba[4 * i], rgba[4 * i + 1], rgba[4 * i + 2]);
    for (size_t plane = 0; plane < 3; ++plane)
      EXPECT_EQ(static_cast<uint8_t>(frame[6 + plane * kPixels + i]), expected[plane]) << i;
  }
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
  static vramd::Status Add(Recording& recording, const Picture& picture) {
    return recording.Write(picture, *recording.Encode(picture));
  }
  static std::string Contents(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    return text.str();
  }
};

TEST_F(RecordingTest, TheMeasuredRateGetsIntoTheHeader) {
  const std::string path = Path("measured.y4m");
  const auto recording = OrExit(Recording::Create(path, std::nullopt));
  ASSERT_TRUE(Add(*recording, Grey(2, 1'000'000'000)).ok());
  ASSERT_TRUE(Add(*recording, Grey(2, 1'040'000'000)).ok());
  ASSERT_TRUE(recording->Finish().ok());
  EXPECT_EQ(Contents(path),
            Y4mHeader(2, 1, {25, 1}) + Y4mFrame(Grey(2, 0).rgba) + Y4mFrame(Grey(2, 0).rgba));
  std::filesystem::remove(path);
}

TEST_F(RecordingTest, AFrameOfAnotherSizeIsRefusedAndTheRestKept) {
  const std::string path = Path("size.y4m");
  const auto recording = OrExit(Recording::Create(path, FrameRate{60, 1}));
  ASSERT_TRUE(Add(*recording, Grey(2, 0)).ok());
  const vramd::Status refused = Add(*recording, Grey(3, 0));
  EXPECT_EQ(refused.code(), VRAMD_FAILED_PRECONDITION);
  EXPECT_THAT(refused.message(), HasSubstr("2x1 to 3x1"));
  ASSERT_TRUE(recording->Finish().ok());
  EXPECT_EQ(Contents(path), Y4mHeader(2, 1, {60, 1}) + Y4mFrame(Grey(2, 0).rgba));
  std::filesystem::remove(path);
}

TEST_F(RecordingTest, WhatIsNotFinishedIsNotLeftBehind) {
  const std::string path = Path("unfinished.y4m");
  {
    const auto recording = OrExit(Recording::Create(path, std::nullopt));
    ASSERT_TRUE(Add(*recording, Grey(2, 0)).ok());
    EXPECT_TRUE(std::filesystem::exists(path));
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(RecordingTest, AFileThatCannotBeWrittenIsAnError) {
  for (const char* path : {"/nonexistent/x.y4m", "/nonexistent/%d.png"}) {
    const auto recording = OrExit(Recording::Create(path, std::nullopt));
    EXPECT_THAT(Add(*recording, Grey(2, 0)).message(), HasSubstr("/nonexistent/"));
  }
}

// ---- The queue

// Encodes frame N as "N "; the test says when a frame may be encoded, and when any may be written.
class GatedRecording final : public Recording {
 public:
  GatedRecording() : Recording(std::nullopt) {}

  vramd::Result<std::string> Encode(const Picture& picture) const override {
    vramd::MutexLock lock(mutex_);
    while (!all_may_encode_ && !may_encode_.contains(picture.sequence)) changed_.Wait(mutex_);
    if (picture.sequence == failing_) return vramd::Status(VRAMD_INTERNAL, "no");
    return std::to_string(picture.sequence) + " ";
  }
  vramd::Status Write(const Picture& picture, const std::string& encoded) override {
    vramd::MutexLock lock(mutex_);
    while (!may_write_) changed_.Wait(mutex_);
    text_ += encoded;
    Count(picture);
    return {};
  }
  vramd::Status Finish() override { return {}; }

  void LetEncode(uint64_t sequence) {
    vramd::MutexLock lock(mutex_);
    may_encode_.insert(sequence);
    changed_.NotifyAll();
  }
  void LetAllEncode() {
    vramd::MutexLock lock(mutex_);
    all_may_encode_ = true;
    changed_.NotifyAll();
  }
  void LetWrite(bool may) {
    vramd::MutexLock lock(mutex_);
    may_write_ = may;
    changed_.NotifyAll();
  }
  void Fail(uint64_t sequence) { failing_ = sequence; }
  std::string text() const {
    vramd::MutexLock lock(mutex_);
    return text_;
  }

 private:
  mutable vramd::Mutex mutex_;
  mutable vramd::Condition changed_;
  std::set<uint64_t> may_encode_ ABSL_GUARDED_BY(mutex_);
  bool all_may_encode_ ABSL_GUARDED_BY(mutex_) = false;
  bool may_write_ ABSL_GUARDED_BY(mutex_) = true;
  std::string text_ ABSL_GUARDED_BY(mutex_);
  uint64_t failing_ = 0;
};

Picture Numbered(uint64_t sequence) {
  Picture picture;
  picture.sequence = sequence;
  return picture;
}

TEST(EncodeQueue, WritesInOrderWhateverIsEncodedFirst) {
  GatedRecording recording;
  EncodeQueue queue(recording, 3);
  for (uint64_t i = 1; i <= 3; ++i) ASSERT_TRUE(queue.Add(Numbered(i)).ok());
  recording.LetEncode(3);
  recording.LetEncode(2);
  EXPECT_FALSE(queue.AwaitWritten(milliseconds(20)));
  EXPECT_EQ(recording.text(), "");
  recording.LetEncode(1);
  EXPECT_TRUE(queue.AwaitWritten(seconds(30)));
  EXPECT_EQ(recording.text(), "1 2 3 ");
  EXPECT_EQ(queue.added(), 3U);
}

TEST(EncodeQueue, HasRoomForTwoFramesAThread) {
  GatedRecording recording;
  recording.LetAllEncode();
  recording.LetWrite(false);  // as a pipe that nobody reads
  EncodeQueue queue(recording, 2);
  for (uint64_t i = 1; i <= 4; ++i) {
    ASSERT_TRUE(queue.AwaitRoom(milliseconds(0)));
    ASSERT_TRUE(queue.Add(Numbered(i)).ok());
  }
  EXPECT_FALSE(queue.AwaitRoom(milliseconds(20)));
  EXPECT_FALSE(queue.AwaitWritten(milliseconds(20)));
  recording.LetWrite(true);
  EXPECT_TRUE(queue.AwaitRoom(seconds(30)));
  EXPECT_TRUE(queue.AwaitWritten(seconds(30)));
  EXPECT_EQ(recording.text(), "1 2 3 4 ");
}

TEST(EncodeQueue, AnErrorEndsItAndWhatCameBeforeIsWritten) {
  GatedRecording recording;
  recording.Fail(2);
  EncodeQueue queue(recording, 2);
  for (uint64_t i = 1; i <= 4; ++i) ASSERT_TRUE(queue.Add(Numbered(i)).ok());
  recording.LetAllEncode();
  EXPECT_TRUE(queue.AwaitWritten(seconds(30)));
  while (queue.status().ok()) queue.AwaitRoom(seconds(30));
  EXPECT_EQ(queue.status().message(), "no");
  EXPECT_EQ(queue.Add(Numbered(5)).message(), "no");
  EXPECT_TRUE(queue.AwaitRoom(milliseconds(0))) << "who waits for room hears of the error";
  EXPECT_EQ(recording.text(), "1 ");
}

TEST(EncodeQueue, WhatHasNotBegunIsDroppedWithIt) {
  GatedRecording recording;
  {
    EncodeQueue queue(recording, 1);
    ASSERT_TRUE(queue.Add(Numbered(1)).ok());
    ASSERT_TRUE(queue.Add(Numbered(2)).ok());
    recording.LetEncode(1);
    while (recording.text().empty()) queue.AwaitWritten(milliseconds(1));
    recording.LetEncode(2);
  }
  EXPECT_THAT(recording.text(), testing::AnyOf("1 ", "1 2 "));
}

}  // namespace
}  // namespace vramctl
