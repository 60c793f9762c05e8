#include "client/src/c_convert.h"

#include <gmock/gmock.h>

#include "client/src/sized_struct.h"
#include "proto/convert.h"

namespace vramd {
namespace {

TEST(CopyTextTest, CutsAndAlwaysTerminates) {
  char eight[8];
  std::memset(eight, 'x', sizeof(eight));
  CopyText("1234567", eight);
  EXPECT_STREQ(eight, "1234567");
  CopyText("123456789", eight);
  EXPECT_STREQ(eight, "1234567");
  CopyText("ab", eight);
  EXPECT_EQ(std::string(eight, 8), std::string("ab\0\0\0\0\0\0", 8)) << "nothing old stays";

  char three[4] = "###";
  CopyText("abc", three, 3);
  EXPECT_STREQ(three, "ab");
  EXPECT_EQ(three[3], '\0');
  CopyText("abc", three, 1);
  EXPECT_STREQ(three, "");
  CopyText("abc", nullptr, 3);
  three[0] = '!';
  CopyText("abc", three, 0);
  EXPECT_EQ(three[0], '!');
}

TEST(CConvertTest, ARecipeGoesThereAndBack) {
  Recipe recipe;
  recipe.kind = ResourceKind::kImage;
  recipe.image = {.flags = 1,
                  .image_type = 2,
                  .format = 3,
                  .width = 4,
                  .height = 5,
                  .depth = 6,
                  .mip_levels = 7,
                  .array_layers = 8,
                  .samples = 9,
                  .tiling = 10,
                  .usage = 11};
  recipe.buffer = {.size = 12, .usage = 13, .flags = 14};
  recipe.allocation_size = 15;
  recipe.memory_type_index = 16;
  recipe.memory_property_flags = 17;
  recipe.dedicated = true;
  recipe.handle_type = HandleType::kHostSection;
  recipe.device.device_uuid.fill(18);
  recipe.device.driver_uuid.fill(19);
  recipe.device.luid.fill(20);
  recipe.device.luid_valid = true;
  recipe.device.node_mask = 21;
  recipe.handover_layout = 22;
  recipe.image.view_formats = {23, 24};
  recipe.image.drm_modifier =
      DrmModifier{.modifier = 25, .plane_count = 2, .planes = {{{26, 27}, {28, 29}}}};
  const auto back = AskRecipe([&](vramd_recipe* theirs) {
    EXPECT_TRUE(CheckRecipe(theirs).ok());
    WriteRecipe(recipe, theirs);
    EXPECT_EQ(theirs->image->usage, 11u);
    EXPECT_EQ(theirs->buffer->flags, 14u);
    return absl::OkStatus();
  });
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(back->kind, recipe.kind);
  EXPECT_EQ(back->image, recipe.image);
  EXPECT_EQ(back->allocation_size, 15u);
  EXPECT_EQ(back->memory_type_index, 16u);
  EXPECT_EQ(back->memory_property_flags, 17u);
  EXPECT_TRUE(back->dedicated);
  EXPECT_EQ(back->handle_type, HandleType::kHostSection);
  EXPECT_EQ(back->device, recipe.device);
  EXPECT_EQ(back->handover_layout, 22u);
}

v1::Device WireDevice() {
  v1::Device device;
  device.mutable_identity()->set_device_uuid(std::string(16, 'd'));
  device.mutable_identity()->set_driver_uuid(std::string(16, 'r'));
  return device;
}

TEST(CConvertTest, ADeviceWithMoreThanFitsIsCut) {
  v1::Device wire = WireDevice();
  wire.set_name(std::string(1000, 'n'));
  wire.set_state_reason(std::string(1000, 'r'));
  const auto info = ToC(wire);
  ASSERT_TRUE(info.ok());
  EXPECT_EQ(std::strlen(info->name), size_t{VRAMD_MAX_NAME - 1});
  EXPECT_EQ(std::strlen(info->state_reason), size_t{VRAMD_MAX_REASON - 1});
}

TEST(CConvertTest, ADeviceWhoseIdentityIsBrokenIsAnError) {
  v1::Device wire = WireDevice();
  wire.mutable_identity()->set_driver_uuid("short");
  EXPECT_TRUE(absl::IsInvalidArgument(ToC(wire).status()));
}

TEST(CConvertTest, APublishedNameIsCutToWhatFits) {
  v1::Published wire;
  wire.set_name("alice/app/x");
  wire.set_lease_count(3);
  wire.mutable_publisher()->set_user("alice");
  wire.mutable_publisher()->set_executable(std::string(5000, 'x'));
  const vramd_published published = ToC(wire);
  EXPECT_STREQ(published.name, "alice/app/x");
  EXPECT_STREQ(published.user, "alice");
  EXPECT_EQ(published.lease_count, 3u);
  EXPECT_EQ(std::strlen(published.executable), size_t{VRAMD_MAX_PATH - 1});
}

TEST(CConvertTest, AnAllocateInfoBecomesARequest) {
  vramd_allocate_info info = VRAMD_ALLOCATE_INFO_INIT;
  info.raw_size = 1;
  vramd_memory_wish wish = VRAMD_MEMORY_WISH_INIT;
  wish.memory_type_bits = 2;
  info.next = &wish;
  info.intent = VRAMD_MEMORY_READBACK;
  info.device = "gpu";
  info.label = "label";
  info.handle_type = VRAMD_HANDLE_DMA_BUF;
  info.dedicated = true;
  const auto raw = FromC(info);
  ASSERT_TRUE(raw.ok());
  EXPECT_EQ(raw->resource().raw().size(), 1u);
  EXPECT_EQ(raw->memory_type_bits(), 2u);
  EXPECT_EQ(raw->intent(), v1::MEMORY_INTENT_READBACK);
  EXPECT_EQ(raw->handle_type(), v1::HANDLE_TYPE_DMA_BUF);
  EXPECT_EQ(raw->device(), "gpu");
  EXPECT_EQ(raw->label(), "label");
  EXPECT_TRUE(raw->dedicated());

  info.kind = VRAMD_RESOURCE_BUFFER;
  vramd_buffer_info buffer = VRAMD_BUFFER_INFO_INIT;
  buffer.usage = 4;
  info.buffer = &buffer;
  EXPECT_EQ(FromC(info)->resource().buffer().usage(), 4u);
  info.kind = VRAMD_RESOURCE_IMAGE;
  EXPECT_TRUE(absl::IsInvalidArgument(FromC(info).status())) << "there is no image";
  vramd_image_info image = VRAMD_IMAGE_INFO_INIT;
  image.width = 6;
  info.image = &image;
  EXPECT_EQ(FromC(info)->resource().image().width(), 6u);
  info.kind = static_cast<vramd_resource_kind>(0);
  EXPECT_TRUE(absl::IsInvalidArgument(FromC(info).status()));
}

TEST(CConvertTest, AnImporterWithMoreTypesThanFitIsRefused) {
  vramd_importer importer = VRAMD_IMPORTER_INIT;
  importer.importable_count = VRAMD_MAX_HANDLE_TYPES;
  importer.importable[0] = VRAMD_HANDLE_OPAQUE_FD;
  const auto request = FromC(Recipe(), importer);
  ASSERT_TRUE(request.ok());
  EXPECT_EQ(request->importable_size(), VRAMD_MAX_HANDLE_TYPES);
  importer.importable_count = VRAMD_MAX_HANDLE_TYPES + 1;
  EXPECT_TRUE(absl::IsInvalidArgument(FromC(Recipe(), importer).status()));
}

TEST(CConvertTest, AnEventKeepsWhatItTells) {
  WatchItem item{.kind = VRAMD_EVENT_DEVICE_LOST};
  *item.event.mutable_device() = WireDevice().identity();
  item.event.set_reason("lost");
  item.event.mutable_published()->set_name("alice/app/x");
  item.event.mutable_published()->set_allocation_id(9);
  const vramd_event event = ToC(item);
  EXPECT_EQ(event.kind, VRAMD_EVENT_DEVICE_LOST);
  EXPECT_EQ(event.device.device_uuid[0], 'd');
  EXPECT_STREQ(event.reason, "lost");
  EXPECT_STREQ(event.name, "alice/app/x");
  EXPECT_EQ(event.allocation_id, 9u);
}

}  // namespace
}  // namespace vramd
