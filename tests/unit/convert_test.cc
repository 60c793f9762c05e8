#include "proto/convert.h"
#include "proto/handle_numbers.h"
#include "vramd/v1/broker.pb.h"
#include "vramd/v1/streams.pb.h"

#include <gmock/gmock.h>

namespace vramd {
namespace {

using testing::HasSubstr;

v1::DeviceIdentity Identity() {
  v1::DeviceIdentity identity;
  identity.set_device_uuid(std::string(16, 'd'));
  identity.set_driver_uuid(std::string(16, 'r'));
  return identity;
}

Recipe ImageRecipe() {
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
  recipe.allocation_size = uint64_t{1} << 40;
  recipe.memory_type_index = 12;
  recipe.memory_property_flags = 13;
  recipe.dedicated = true;
  recipe.handle_type = HandleType::kDmaBuf;
  recipe.device.device_uuid.fill(14);
  recipe.device.driver_uuid.fill(15);
  recipe.device.luid.fill(16);
  recipe.device.luid_valid = true;
  recipe.device.node_mask = 17;
  recipe.handover_layout = 18;
  recipe.image.view_formats = {19, 20};
  recipe.image.drm_modifier =
      DrmModifier{.modifier = 21, .plane_count = 2, .planes = {{{22, 23}, {24, 25}}}};
  return recipe;
}

// Through bytes, as it travels.
template <typename Message>
Message Sent(const Message& message) {
  Message received;
  EXPECT_TRUE(received.ParseFromString(message.SerializeAsString()));
  return received;
}

absl::StatusOr<Recipe> RoundTrip(const Recipe& recipe) {
  v1::Recipe wire;
  ToProto(recipe, &wire);
  return FromProto(Sent(wire));
}

TEST(ConvertTest, AnImageRecipeArrivesWhole) {
  const Recipe sent = ImageRecipe();
  const auto got = RoundTrip(sent);
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_EQ(got->kind, ResourceKind::kImage);
  EXPECT_EQ(got->image, sent.image);
  EXPECT_EQ(got->allocation_size, sent.allocation_size);
  EXPECT_EQ(got->memory_type_index, 12u);
  EXPECT_EQ(got->memory_property_flags, 13u);
  EXPECT_TRUE(got->dedicated);
  EXPECT_EQ(got->handle_type, HandleType::kDmaBuf);
  EXPECT_EQ(got->device, sent.device);
  EXPECT_EQ(got->handover_layout, 18u);
}

TEST(ConvertTest, BufferAndRawRecipesArriveWhole) {
  Recipe sent = ImageRecipe();
  sent.kind = ResourceKind::kBuffer;
  sent.buffer = {.size = 1, .usage = 2, .flags = 3};
  auto got = RoundTrip(sent);
  ASSERT_TRUE(got.ok());
  EXPECT_EQ(got->kind, ResourceKind::kBuffer);
  EXPECT_EQ(got->buffer.size, 1u);
  EXPECT_EQ(got->buffer.usage, 2u);
  EXPECT_EQ(got->buffer.flags, 3u);
  sent.kind = ResourceKind::kRaw;
  got = RoundTrip(sent);
  ASSERT_TRUE(got.ok());
  EXPECT_EQ(got->kind, ResourceKind::kRaw);
  EXPECT_EQ(got->allocation_size, sent.allocation_size);
}

TEST(ConvertTest, ARecipeWithoutAResourceIsRefused) {
  EXPECT_TRUE(absl::IsInvalidArgument(RoundTrip(Recipe()).status()));
}

TEST(ConvertTest, UuidsAndLuidsHaveExactSizes) {
  ASSERT_TRUE(FromProto(Identity()).ok());
  for (const size_t size : {0, 1, 15, 17, 4096}) {
    v1::DeviceIdentity device = Identity(), driver = Identity();
    device.set_device_uuid(std::string(size, 'x'));
    driver.set_driver_uuid(std::string(size, 'x'));
    EXPECT_THAT(std::string(FromProto(device).status().message()), HasSubstr("device_uuid has "));
    EXPECT_THAT(std::string(FromProto(driver).status().message()), HasSubstr("driver_uuid has "));
  }
  for (const size_t size : {1, 7, 9, 16}) {
    v1::DeviceIdentity luid = Identity();
    luid.set_luid(std::string(size, 'x'));
    EXPECT_THAT(std::string(FromProto(luid).status().message()), HasSubstr("luid has "));
  }
}

TEST(ConvertTest, WithoutALuidTheNodeMaskMeansNothing) {
  v1::DeviceIdentity wire = Identity();
  wire.set_node_mask(5);
  const auto identity = FromProto(wire);
  EXPECT_FALSE(identity->luid_valid);
  EXPECT_EQ(identity->node_mask, 0u);
}

TEST(ConvertTest, HandleTypesThatAreUnknownHereAreUnknown) {
  for (const int known : {1, 2, 3, 4, 5})
    EXPECT_EQ(FromProto(static_cast<v1::HandleType>(known)), static_cast<HandleType>(known));
  for (const int unknown : {-1, 0, 6, 1 << 30})
    EXPECT_EQ(FromProto(static_cast<v1::HandleType>(unknown)), HandleType::kUnknown) << unknown;
}

TEST(ConvertTest, ADeviceArrivesWhole) {
  DeviceInfo sent;
  sent.index = 1;
  sent.name = "GPU";
  sent.driver_name = "driver";
  sent.driver_version = "1.2";
  sent.api_version = 2;
  sent.device_type = 3;
  sent.identity = ImageRecipe().device;
  sent.memory_types = {{4, 5, 6}, {7, 8, 9}};
  sent.handles = {{HandleType::kOpaqueFd, true, false, "no import"}};
  v1::Device wire;
  ToProto(sent, &wire);
  const auto got = FromProto(Sent(wire));
  ASSERT_TRUE(got.ok());
  EXPECT_EQ(got->index, 1u);
  EXPECT_EQ(got->name, "GPU");
  EXPECT_EQ(got->driver_name, "driver");
  EXPECT_EQ(got->driver_version, "1.2");
  EXPECT_EQ(got->api_version, 2u);
  EXPECT_EQ(got->device_type, 3u);
  EXPECT_EQ(got->identity, sent.identity);
  ASSERT_EQ(got->memory_types.size(), 2u);
  EXPECT_EQ(got->memory_types[1].heap_size, 9u);
  ASSERT_EQ(got->handles.size(), 1u);
  EXPECT_TRUE(got->handles[0].can_export);
  EXPECT_FALSE(got->handles[0].can_import);
  EXPECT_EQ(got->handles[0].reason, "no import");
  wire.mutable_identity()->clear_driver_uuid();
  EXPECT_FALSE(FromProto(wire).ok());
}

// A path may be any bytes. One publisher with an odd path must not make lists unreadable.
TEST(ConvertTest, AnExecutableWithAnyNameTravels) {
  Peer peer;
  peer.user_name = "alice";
  peer.process_id = 7;
  peer.executable = "/tmp/\xff\xfe\n";
  v1::Peer wire;
  ToProto(peer, &wire);
  const v1::Peer got = Sent(wire);
  EXPECT_EQ(got.user(), "alice");
  EXPECT_EQ(got.process_id(), 7u);
  EXPECT_EQ(got.executable(), peer.executable);
}

TEST(ConvertTest, StatusesKeepCodeAndWords) {
  for (int code = 1; code <= 16; ++code) {
    const absl::Status sent(static_cast<absl::StatusCode>(code), "words");
    EXPECT_EQ(FromGrpc(ToGrpc(sent)), sent);
    EXPECT_EQ(static_cast<int>(ToGrpc(sent).error_code()), code);
  }
  EXPECT_TRUE(ToGrpc(absl::OkStatus()).ok());
  EXPECT_TRUE(FromGrpc(grpc::Status::OK).ok());
}

TEST(HandleNumbersTest, AllHandlesOfAMessageAreFoundAtAnyDepth) {
  v1::OpenStreamReply reply;
  reply.set_part_id(99);
  reply.mutable_board()->set_value(1);
  reply.mutable_lane();  // names none
  reply.mutable_doorbells()->mutable_ring()->set_value(2);
  for (const uint64_t value : {3, 4})
    reply.mutable_generation()->add_images()->mutable_handle()->set_value(value);
  reply.mutable_releases()->mutable_handle()->set_value(5);
  EXPECT_THAT(HandleNumbers(reply), testing::UnorderedElementsAre(1, 2, 3, 4, 5));
  EXPECT_THAT(HandleNumbers(v1::PingReply()), testing::IsEmpty());
}

}  // namespace
}  // namespace vramd
