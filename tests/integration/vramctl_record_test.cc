// vramctl record: every frame into a file, its colours converted.
#include <gmock/gmock.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <utility>

#include "tests/integration/vramctl_stream_fixture.h"

namespace vramd {
namespace {

using ::nlohmann::json;
using ::testing::HasSubstr;

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

// The reports go elsewhere then, and no system's end of line gets in between.
TEST_F(VramctlStreamTest, RecordWritesTheSameBytesToStandardOutput) {
  Painter painter(client_, SmallStream());
  ChildProcess to_file = StartFollower(
      painter, {"record", "ctl/stream", PathOf("out.y4m"), "--frames", "2", "--rate", "10/13"});
  ChildProcess to_output =
      Start({"record", "ctl/stream", "-", "--frames", "2", "--rate", "10/13", "--json"}, "", "told");
  painter.AwaitConsumers(2);
  painter.Publish(kRed, kGreen);
  painter.Publish({10, 13, 26, 0}, kBlue);
  const std::string written = to_output.ReadRest();
  EXPECT_EQ(to_output.Wait(), 0);
  EXPECT_EQ(to_file.Wait(), 0);
  EXPECT_EQ(written, ReadFile("out.y4m"));
  const json told = json::parse(ReadFile("told"), nullptr, false);
  EXPECT_EQ(told.value("frames", 0), 2) << ReadFile("told");
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

}  // namespace
}  // namespace vramd
