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

TEST(SizedStructTest, OldAndNewCallersAreServed) {
  vramd_connect_info info = VRAMD_CONNECT_INFO_INIT;
  info.timeout_ms = 7;
  info.trusted_user = "alice";
  // A caller whose version ends before trusted_user.
  info.struct_size = offsetof(vramd_connect_info, trusted_user);
  const auto old = ReadSized(&info, "vramd_connect_info");
  ASSERT_TRUE(old.ok());
  EXPECT_EQ(old->timeout_ms, 7u);
  EXPECT_EQ(old->trusted_user, nullptr);
  for (const uint32_t size : {0u, 1u, 4u}) {
    info.struct_size = size;
    EXPECT_TRUE(absl::IsInvalidArgument(ReadSized(&info, "x").status())) << size;
  }
  EXPECT_FALSE(ReadSized<vramd_connect_info>(nullptr, "x").ok());
}

TEST(SizedStructTest, WritingTouchesTheCallersSizeOnly) {
  struct {
    vramd_event event;
    char after[16];
  } caller;
  std::memset(&caller, 0x5a, sizeof(caller));
  caller.event.struct_size = sizeof(vramd_event) + sizeof(caller.after);  // a newer caller
  vramd_event ours{};
  ours.struct_size = sizeof(ours);
  WriteSized(ours, &caller.event);
  EXPECT_EQ(caller.event.struct_size, sizeof(vramd_event) + sizeof(caller.after));
  EXPECT_EQ(caller.event.allocation_id, 0u);
  EXPECT_EQ(caller.after[0], 0x5a);

  caller.event.struct_size = offsetof(vramd_event, allocation_id);  // an older one
  caller.event.allocation_id = 99;
  ours.allocation_id = 1;
  WriteSized(ours, &caller.event);
  EXPECT_EQ(caller.event.allocation_id, 99u);
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
  const vramd_recipe c = ToC(recipe);
  EXPECT_EQ(c.struct_size, sizeof(c));
  EXPECT_EQ(c.image.usage, 11u);
  const Recipe back = FromC(c);
  EXPECT_EQ(back.kind, recipe.kind);
  EXPECT_EQ(std::memcmp(&back.image, &recipe.image, sizeof(ImageInfo)), 0);
  EXPECT_EQ(back.buffer.flags, 14u);
  EXPECT_EQ(back.allocation_size, 15u);
  EXPECT_EQ(back.memory_type_index, 16u);
  EXPECT_EQ(back.memory_property_flags, 17u);
  EXPECT_TRUE(back.dedicated);
  EXPECT_EQ(back.handle_type, HandleType::kHostSection);
  EXPECT_EQ(back.device, recipe.device);
  EXPECT_EQ(back.handover_layout, 22u);
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
  for (int i = 0; i < 100; ++i) wire.add_memory_types()->set_heap_size(static_cast<uint64_t>(i));
  for (int i = 0; i < 100; ++i) wire.add_handles()->set_type(v1::HANDLE_TYPE_DMA_BUF);
  const auto info = ToC(wire);
  ASSERT_TRUE(info.ok());
  EXPECT_EQ(std::strlen(info->name), size_t{VRAMD_MAX_NAME - 1});
  EXPECT_EQ(std::strlen(info->state_reason), size_t{VRAMD_MAX_REASON - 1});
  EXPECT_EQ(info->memory_type_count, uint32_t{VRAMD_MAX_MEMORY_TYPES});
  EXPECT_EQ(info->memory_types[31].heap_size, 31u);
  EXPECT_EQ(info->handle_type_count, uint32_t{VRAMD_MAX_HANDLE_TYPES});
}

TEST(CConvertTest, ADeviceWhoseIdentityIsBrokenIsAnError) {
  v1::Device wire = WireDevice();
  wire.mutable_identity()->set_driver_uuid("short");
  EXPECT_TRUE(absl::IsInvalidArgument(ToC(wire).status()));
}

TEST(CConvertTest, APublishedNameNeedsAWholeRecipe) {
  v1::Published wire;
  wire.set_name("alice/app/x");
  EXPECT_FALSE(ToC(wire).ok());
  Recipe recipe;
  recipe.kind = ResourceKind::kRaw;
  ToProto(recipe, wire.mutable_recipe());
  wire.set_lease_count(3);
  wire.mutable_publisher()->set_user("alice");
  wire.mutable_publisher()->set_executable(std::string(5000, 'x'));
  const auto published = ToC(wire);
  ASSERT_TRUE(published.ok()) << published.status();
  EXPECT_STREQ(published->name, "alice/app/x");
  EXPECT_STREQ(published->user, "alice");
  EXPECT_EQ(published->lease_count, 3u);
  EXPECT_EQ(std::strlen(published->executable), size_t{VRAMD_MAX_PATH - 1});
  EXPECT_EQ(published->recipe.kind, VRAMD_RESOURCE_RAW);
}

TEST(CConvertTest, AnAllocateInfoBecomesARequest) {
  vramd_allocate_info info = VRAMD_ALLOCATE_INFO_INIT;
  info.raw_size = 1;
  info.raw_memory_type_bits = 2;
  info.intent = VRAMD_MEMORY_READBACK;
  info.device = "gpu";
  info.label = "label";
  info.handle_type = VRAMD_HANDLE_DMA_BUF;
  info.dedicated = true;
  const auto raw = FromC(info);
  ASSERT_TRUE(raw.ok());
  EXPECT_EQ(raw->resource().raw().size(), 1u);
  EXPECT_EQ(raw->resource().raw().memory_type_bits(), 2u);
  EXPECT_EQ(raw->intent(), v1::MEMORY_INTENT_READBACK);
  EXPECT_EQ(raw->handle_type(), v1::HANDLE_TYPE_DMA_BUF);
  EXPECT_EQ(raw->device(), "gpu");
  EXPECT_EQ(raw->label(), "label");
  EXPECT_TRUE(raw->dedicated());

  info.kind = VRAMD_RESOURCE_BUFFER;
  info.buffer = {3, 4, 5};
  EXPECT_EQ(FromC(info)->resource().buffer().usage(), 4u);
  info.kind = VRAMD_RESOURCE_IMAGE;
  info.image.width = 6;
  EXPECT_EQ(FromC(info)->resource().image().width(), 6u);
  info.kind = static_cast<vramd_resource_kind>(0);
  EXPECT_TRUE(absl::IsInvalidArgument(FromC(info).status()));
}

TEST(CConvertTest, AnImporterWithMoreTypesThanFitIsRefused) {
  vramd_importer importer{};
  importer.importable_count = VRAMD_MAX_HANDLE_TYPES;
  importer.importable[0] = VRAMD_HANDLE_OPAQUE_FD;
  const auto request = FromC(vramd_recipe{}, importer);
  ASSERT_TRUE(request.ok());
  EXPECT_EQ(request->importable_size(), VRAMD_MAX_HANDLE_TYPES);
  importer.importable_count = VRAMD_MAX_HANDLE_TYPES + 1;
  EXPECT_TRUE(absl::IsInvalidArgument(FromC(vramd_recipe{}, importer).status()));
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
