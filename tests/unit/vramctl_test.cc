// vramctl's words and pixels: what can be wrong without any broker.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <png.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>

#include "tools/vramctl/json.h"
#include "tools/vramctl/pixels.h"
#include "tools/vramctl/png_file.h"
#include "tools/vramctl/quantile.h"
#include "tools/vramctl/text.h"
#include "vulkan/vulkan_core.h"

namespace vramctl {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Text, BytesTakeTheLargestUnitThatFits) {
  EXPECT_EQ(FormatBytes(0), "0 B");
  EXPECT_EQ(FormatBytes(1023), "1023 B");
  EXPECT_EQ(FormatBytes(1536), "1.5 KiB");
  EXPECT_EQ(FormatBytes((1 << 20) - 1), "1.0 MiB");
  EXPECT_EQ(FormatBytes(uint64_t{80} << 30), "80.0 GiB");
  EXPECT_EQ(FormatBytes(std::numeric_limits<uint64_t>::max()), "16.0 EiB");
}

TEST(Text, MicrosecondsBecomeMilliseconds) {
  EXPECT_EQ(FormatMicroseconds(85.06), "85.1 us");
  EXPECT_EQ(FormatMicroseconds(9999.4), "9999.4 us");
  EXPECT_EQ(FormatMicroseconds(15935), "15.9 ms");
}

// A label is another program's to choose; it must not drive the terminal of who lists it.
TEST(Text, ControlCharactersAreSpelt) {
  EXPECT_EQ(Printable("a\x1b[31mb\n"), "a\\x1b[31mb\\x0a");
  EXPECT_EQ(Printable("\x7f"), "\\x7f");
  EXPECT_EQ(Printable("caf\u00e9"), "caf\u00e9");
}

// U+009B is the one-character form of ESC [, and some terminals obey it.
TEST(Text, ControlCharactersOfTheSecondKindAreSpelt) {
  EXPECT_EQ(Printable("a\u009b31m"), "a\\xc2\\x9b31m");
}

TEST(Text, UuidHasDashes) {
  const uint8_t uuid[VRAMD_UUID_SIZE] = {0x6d, 0x65, 0x73, 0x61, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  EXPECT_EQ(FormatUuid(uuid), "6d657361-0001-0203-0405-060708090a00");
}

TEST(Text, RecipeOfAnImageNamesItsShape) {
  vramd::Recipe recipe;
  recipe.kind = VRAMD_RESOURCE_IMAGE;
  recipe.image.format = VK_FORMAT_B8G8R8A8_SRGB;
  recipe.image.width = 1920;
  recipe.image.height = 1080;
  recipe.image.array_layers = 2;
  recipe.allocation_size = 8 << 20;
  EXPECT_EQ(FormatRecipe(recipe), "image 1920x1080, 2 layers B8G8R8A8_SRGB, 8.0 MiB");
  recipe.kind = VRAMD_RESOURCE_RAW;
  EXPECT_EQ(FormatRecipe(recipe), "raw, 8.0 MiB");
}

TEST(Text, TableAlignsByCharactersNotBytes) {
  Table table({"NAME", "N"});
  table.AddRow({"\u00e9\u00e9", "1"});
  table.AddRow({"longer", "22"});
  EXPECT_EQ(table.ToString(), "NAME    N\n\u00e9\u00e9      1\nlonger  22\n");
}

TEST(Quantile, IsTheNearestRank) {
  EXPECT_EQ(Quantile({7}, 0.5), 7);
  EXPECT_EQ(Quantile({1, 2, 3, 4}, 0.5), 2);
  EXPECT_EQ(Quantile({1, 2, 3, 4}, 0.51), 3);
  EXPECT_EQ(Quantile({1, 2, 3, 4}, 0.99), 4);
}

TEST(Json, EventLeavesOutWhatItsKindDoesNotHave) {
  vramd_event event{};
  event.kind = VRAMD_EVENT_CURRENT;
  EXPECT_EQ(ToJson(event), nlohmann::json::parse(R"({"kind": "current"})"));
  event.kind = VRAMD_EVENT_PUBLISHED;
  event.allocation_id = std::numeric_limits<uint64_t>::max();
  std::strncpy(event.name, "ann/app/x", sizeof(event.name) - 1);
  EXPECT_EQ(ToJson(event).dump(),
            R"({"allocation_id":"18446744073709551615","kind":"published","name":"ann/app/x"})");
}

// The type does not depend on the value.
TEST(Json, IdsAreStringsHoweverSmall) {
  vramd_server_info info{};
  info.session_id = (uint64_t{1} << 53) + 1;
  EXPECT_EQ(ToJson(info)["session_id"], "9007199254740993");
  vramd::Published published;
  published.allocation_id = 7;
  EXPECT_EQ(ToJson(published)["allocation_id"], "7");
  vramd_consumer_stats consumer{};
  EXPECT_EQ(ToJson(consumer)["consumer_id"], "0");
}

TEST(HalfFloat, CoversEveryClassOfNumber) {
  EXPECT_EQ(HalfToFloat(0x0000), 0.0F);
  EXPECT_TRUE(std::signbit(HalfToFloat(0x8000)));
  EXPECT_EQ(HalfToFloat(0x3c00), 1.0F);
  EXPECT_EQ(HalfToFloat(0xc000), -2.0F);
  EXPECT_EQ(HalfToFloat(0x7bff), 65504.0F);
  EXPECT_EQ(HalfToFloat(0x0001), std::ldexp(1.0F, -24));
  EXPECT_EQ(HalfToFloat(0x03ff), std::ldexp(1023.0F, -24));
  EXPECT_EQ(HalfToFloat(0x0400), std::ldexp(1.0F, -14));
  EXPECT_EQ(HalfToFloat(0x7c00), std::numeric_limits<float>::infinity());
  EXPECT_EQ(HalfToFloat(0xfc00), -std::numeric_limits<float>::infinity());
  EXPECT_TRUE(std::isnan(HalfToFloat(0x7e00)));
}

TEST(Pixels, EightBitChannelsArePutInOrder) {
  const uint8_t pixel[4] = {1, 2, 3, 4};
  EXPECT_THAT(*ToRgba8(VK_FORMAT_R8G8B8A8_SRGB, pixel, 1), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(*ToRgba8(VK_FORMAT_B8G8R8A8_UNORM, pixel, 1), ElementsAre(3, 2, 1, 4));
}

TEST(Pixels, LinearHalvesAreEncodedAndAlphaIsNot) {
  // 0.5, 2 (clamped), -1 (clamped), alpha 0.5
  const uint16_t pixel[4] = {0x3800, 0x4000, 0xbc00, 0x3800};
  EXPECT_THAT(*ToRgba8(VK_FORMAT_R16G16B16A16_SFLOAT, pixel, 1), ElementsAre(188, 255, 0, 128));
}

TEST(Pixels, FloatsBecomeGreyAndNanBlack) {
  const float pixels[4] = {0.5F, 7, std::numeric_limits<float>::quiet_NaN(),
                           -std::numeric_limits<float>::infinity()};
  EXPECT_THAT(*ToRgba8(VK_FORMAT_R32_SFLOAT, pixels, 4),
              ElementsAre(128, 128, 128, 255, 255, 255, 255, 255, 0, 0, 0, 255, 0, 0, 0, 255));
}

TEST(Pixels, OtherFormatsAreRefusedWithThoseThatWork) {
  const auto refused = ToRgba8(VK_FORMAT_D24_UNORM_S8_UINT, nullptr, 0);
  EXPECT_EQ(refused.status().code(), VRAMD_INVALID_ARGUMENT);
  EXPECT_THAT(refused.status().message(), HasSubstr("D24_UNORM_S8_UINT"));
  EXPECT_THAT(refused.status().message(), HasSubstr("R32_SFLOAT"));
}

TEST(Png, ReadsBackAsWritten) {
  const std::string path = testing::TempDir() + "vramctl_test.png";
  const std::vector<uint8_t> rgba = {255, 0, 0, 255, 0, 255, 0, 128};
  ASSERT_TRUE(WritePng(path, 2, 1, rgba).ok());
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  ASSERT_TRUE(png_image_begin_read_from_file(&image, path.c_str()));
  image.format = PNG_FORMAT_RGBA;
  std::vector<uint8_t> read(PNG_IMAGE_SIZE(image));
  ASSERT_TRUE(png_image_finish_read(&image, nullptr, read.data(), 0, nullptr));
  EXPECT_EQ(image.width, 2U);
  EXPECT_EQ(read, rgba);
  std::remove(path.c_str());
}

TEST(Png, AFileThatCannotBeWrittenIsAnError) {
  const vramd::Status status = WritePng("/nonexistent/x.png", 1, 1, {0, 0, 0, 0});
  EXPECT_FALSE(status.ok());
  EXPECT_THAT(status.message(), HasSubstr("/nonexistent/x.png"));
}

}  // namespace
}  // namespace vramctl
