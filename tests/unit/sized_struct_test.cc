// What callers that were compiled against an older or a newer version are told and given.
#include "client/src/sized_struct.h"

#include <gmock/gmock.h>

#include "client/src/recipe_convert.h"
#include "client/src/time_convert.h"

namespace vramd {
namespace {

using testing::AllOf;
using testing::HasSubstr;

MATCHER_P(IsInvalid, what, "") {
  return absl::IsInvalidArgument(arg) &&
         testing::ExplainMatchResult(what, std::string(arg.message()), result_listener);
}

TEST(SizedStructTest, AnOlderCallersFieldsAreReadAndTheRestIsZero) {
  vramd_connect_info info = VRAMD_CONNECT_INFO_INIT;
  info.timeout_ns = 7;
  info.trusted_user = "alice";
  info.struct_size = offsetof(vramd_connect_info, trusted_user);
  const auto old = ReadSized(&info);
  ASSERT_TRUE(old.ok());
  EXPECT_EQ(old->timeout_ns, 7u);
  EXPECT_EQ(old->trusted_user, nullptr);
}

TEST(SizedStructTest, AStructThatDidNotStartFromItsMacroIsRefused) {
  vramd_connect_info info = VRAMD_CONNECT_INFO_INIT;
  for (const uint32_t size : {0u, 1u, 4u, kHeadSize - 1, 70000u}) {
    info.struct_size = size;
    EXPECT_THAT(ReadSized(&info).status(), IsInvalid(HasSubstr("struct_size"))) << size;
  }
  info = VRAMD_CONNECT_INFO_INIT;
  info.struct_type = VRAMD_STRUCTURE_TYPE_EVENT;
  EXPECT_THAT(ReadSized(&info).status(), IsInvalid(HasSubstr("vramd_connect_info.struct_type")));
  EXPECT_FALSE(ReadSized(static_cast<const vramd_connect_info*>(nullptr)).ok());
}

struct NewerOpenInfo {
  vramd_open_info known = VRAMD_OPEN_INFO_INIT;
  uint64_t later = 0;
  NewerOpenInfo() { known.struct_size = sizeof(NewerOpenInfo); }
};

TEST(SizedStructTest, ANewerCallersFieldIsRefusedUnlessItIsZero) {
  NewerOpenInfo info;
  EXPECT_TRUE(ReadSized(&info.known).ok());
  info.later = uint64_t{1} << 63;  // the very last byte
  EXPECT_THAT(ReadSized(&info.known).status(),
              IsInvalid(AllOf(HasSubstr("vramd_open_info"),
                              HasSubstr(std::to_string(sizeof(NewerOpenInfo))),
                              HasSubstr(std::to_string(sizeof(vramd_open_info))))));
}

TEST(SizedStructTest, WritingKeepsTheHeadAndTouchesTheCallersSizeOnly) {
  struct {
    vramd_event event;
    char later[16];
    char beyond;
  } caller;
  std::memset(static_cast<void*>(&caller), 0x5a, sizeof(caller));
  caller.event = VRAMD_EVENT_INIT;
  caller.event.struct_size = offsetof(decltype(caller), beyond);  // a newer caller
  int chained = 0;
  caller.event.next = &chained;
  const vramd_event ours = VRAMD_EVENT_INIT;
  WriteSized(ours, &caller.event);
  EXPECT_EQ(caller.event.struct_size, offsetof(decltype(caller), beyond));
  EXPECT_EQ(caller.event.next, &chained);
  for (const char byte : caller.later) EXPECT_EQ(byte, 0) << "what we do not know is zero";
  EXPECT_EQ(caller.beyond, 0x5a);

  caller.event.struct_size = offsetof(vramd_event, allocation_id);  // an older one
  caller.event.allocation_id = 99;
  WriteSized(ours, &caller.event);
  EXPECT_EQ(caller.event.allocation_id, 99u);
}

TEST(ChainTest, AnUnknownStructIsRefusedByTheNumberOfItsType) {
  vramd_base_in unknown = {VRAMD_STRUCTURE_TYPE_RESERVED_FOR_TEST, sizeof(unknown), nullptr};
  vramd_memory_wish wish = VRAMD_MEMORY_WISH_INIT;
  wish.next = &unknown;
  vramd_allocate_info info = VRAMD_ALLOCATE_INFO_INIT;
  info.next = &wish;
  EXPECT_THAT(
      ReadSized<vramd_memory_wish>(&info).status(),
      IsInvalid(AllOf(HasSubstr("chained struct of type 4711"), HasSubstr("vramd_allocate_info"))));
  wish.next = nullptr;
  EXPECT_TRUE(ReadSized<vramd_memory_wish>(&info).ok());
}

TEST(ChainTest, AKnownStructWhereItDoesNotBelongIsRefused) {
  vramd_memory_wish wish = VRAMD_MEMORY_WISH_INIT;
  vramd_open_info open = VRAMD_OPEN_INFO_INIT;
  open.next = &wish;
  EXPECT_THAT(ReadSized(&open).status(), IsInvalid(HasSubstr("type 5")));
  vramd_server_info filled = VRAMD_SERVER_INFO_INIT;
  filled.next = &wish;
  EXPECT_THAT(CheckSized(&filled), IsInvalid(HasSubstr("type 5"))) << "also where we fill";
}

TEST(ChainTest, AStructThatIsThereTwiceIsRefusedAndSoIsACircle) {
  vramd_memory_wish first = VRAMD_MEMORY_WISH_INIT, second = VRAMD_MEMORY_WISH_INIT;
  vramd_allocate_info info = VRAMD_ALLOCATE_INFO_INIT;
  info.next = &first;
  first.next = &second;
  EXPECT_THAT(ReadSized<vramd_memory_wish>(&info).status(), IsInvalid(HasSubstr("twice")));
  first.next = &first;
  EXPECT_THAT(ReadSized<vramd_memory_wish>(&info).status(), IsInvalid(HasSubstr("twice")));
}

TEST(ChainTest, AChainedStructIsSizedLikeAnyOther) {
  vramd_image_info image = VRAMD_IMAGE_INFO_INIT;
  vramd_image_format_list list = VRAMD_IMAGE_FORMAT_LIST_INIT;
  list.view_format_count = 2;
  list.view_formats[0] = 37;
  list.view_formats[1] = 43;
  vramd_drm_modifier modifier = VRAMD_DRM_MODIFIER_INIT;
  image.next = &modifier;
  modifier.next = &list;
  auto read = ReadImageInfo(&image);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_THAT(read->view_formats, testing::ElementsAre(37, 43));
  EXPECT_FALSE(read->drm_modifier.has_value());
  modifier.modifier = 0;  // DRM_FORMAT_MOD_LINEAR
  modifier.plane_count = 1;
  modifier.planes[0] = {64, 256};
  read = ReadImageInfo(&image);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->drm_modifier->planes[0].pitch, 256u);
  modifier.plane_count = VRAMD_MAX_PLANES + 1;
  EXPECT_THAT(ReadImageInfo(&image).status(), IsInvalid(HasSubstr("plane_count")));
  modifier.plane_count = 0;
  list.view_format_count = VRAMD_MAX_VIEW_FORMATS + 1;
  EXPECT_THAT(ReadImageInfo(&image).status(), IsInvalid(HasSubstr("view_format_count")));
  list.struct_size = 0;
  EXPECT_THAT(ReadImageInfo(&image).status(), IsInvalid(HasSubstr("vramd_image_format_list")));
}

TEST(RecipeTest, WhatTheCallerPointsToIsFilledAndNothingElse) {
  Recipe recipe;
  recipe.kind = ResourceKind::kImage;
  recipe.image.width = 7;
  vramd_recipe theirs = VRAMD_RECIPE_INIT;
  ASSERT_TRUE(CheckRecipe(&theirs).ok());
  WriteRecipe(recipe, &theirs);
  EXPECT_EQ(theirs.kind, VRAMD_RESOURCE_IMAGE);
  EXPECT_EQ(theirs.image, nullptr);
  EXPECT_THAT(ReadRecipe(&theirs).status(), IsInvalid(HasSubstr("vramd_image_info is NULL")));
  vramd_image_info image = VRAMD_IMAGE_INFO_INIT;
  vramd_image_format_list list = VRAMD_IMAGE_FORMAT_LIST_INIT;
  list.view_format_count = 3;
  image.next = &list;
  theirs.image = &image;
  ASSERT_TRUE(CheckRecipe(&theirs).ok());
  WriteRecipe(recipe, &theirs);
  EXPECT_EQ(image.width, 7u);
  EXPECT_EQ(list.view_format_count, 0u);
  EXPECT_EQ(image.next, &list);
  list.struct_size = 0;
  EXPECT_THAT(CheckRecipe(&theirs), IsInvalid(HasSubstr("struct_size")));
  image.struct_type = VRAMD_STRUCTURE_TYPE_BUFFER_INFO;
  EXPECT_THAT(CheckRecipe(&theirs), IsInvalid(HasSubstr("vramd_image_info.struct_type")));
}

TEST(TimeTest, ACallsTimeoutIsRoundedUpAndNeverOverflows) {
  using std::chrono::milliseconds;
  EXPECT_EQ(CallTimeout(0), milliseconds(0));
  EXPECT_EQ(CallTimeout(1), milliseconds(1)) << "0 would mean the default";
  EXPECT_EQ(CallTimeout(5000000000), milliseconds(5000));
  EXPECT_EQ(CallTimeout(5000000001), milliseconds(5001));
  EXPECT_EQ(CallTimeout(VRAMD_FOREVER), kLongestCall);
  EXPECT_GT(std::chrono::system_clock::now() + CallTimeout(VRAMD_FOREVER),
            std::chrono::system_clock::now());
  EXPECT_GT(std::chrono::steady_clock::now() + CallTimeout(VRAMD_FOREVER - 1),
            std::chrono::steady_clock::now());
}

TEST(TimeTest, ADeadlineThatTheClockCannotTellIsNever) {
  using Time = std::chrono::steady_clock::time_point;
  const Time now(std::chrono::hours(24 * 365 * 100));
  EXPECT_EQ(DeadlineAfter(now, 0), now);
  EXPECT_EQ(DeadlineAfter(now, 5), now + std::chrono::nanoseconds(5));
  const auto most = static_cast<uint64_t>((Time::max() - now).count());
  EXPECT_EQ(DeadlineAfter(now, most - 1), Time::max() - std::chrono::nanoseconds(1));
  EXPECT_EQ(DeadlineAfter(now, most), Time::max());
  EXPECT_EQ(DeadlineAfter(now, most + 1), Time::max());
  EXPECT_EQ(DeadlineAfter(now, VRAMD_FOREVER), Time::max());
}

}  // namespace
}  // namespace vramd
