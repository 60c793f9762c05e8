// The null device and the checks that it shares with the Vulkan device.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <vulkan/vulkan_core.h>

#include <functional>
#include <limits>

#include "base/section.h"
#include "driver-shim/format_info.h"
#include "driver-shim/null_device.h"
#include "driver-shim/request_check.h"

namespace vramd {
namespace {

using ::testing::HasSubstr;

AllocationRequest Image(uint32_t width, uint32_t height) {
  AllocationRequest request;
  request.kind = ResourceKind::kImage;
  request.image.format = VK_FORMAT_R8G8B8A8_UNORM;
  request.image.width = width;
  request.image.height = height;
  request.image.usage = VK_IMAGE_USAGE_SAMPLED_BIT;
  return request;
}

AllocationRequest Buffer(uint64_t size) {
  AllocationRequest request;
  request.kind = ResourceKind::kBuffer;
  request.buffer.size = size;
  request.buffer.usage = VK_BUFFER_USAGE_TRANSFER_DST_BIT;
  return request;
}

AllocationRequest Raw(uint64_t size) {
  AllocationRequest request;
  request.kind = ResourceKind::kRaw;
  request.raw_size = size;
  return request;
}

uint64_t SizeOf(const AllocationRequest& request) {
  return MakeNullDevice()->SizeOf(request).value_or(0);
}

std::string MessageOf(const AllocationRequest& request) {
  const absl::Status status = CheckRequest(request, RequestLimits());
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
  return std::string(status.message());
}

TEST(NullDevice, SizesAreWholePagesOfTheTightImage) {
  EXPECT_EQ(SizeOf(Buffer(1)), SectionAlignment());
  EXPECT_EQ(SizeOf(Image(1024, 1024)), 4u << 20);
  AllocationRequest mips = Image(1024, 1024);
  mips.image.mip_levels = 11;
  mips.image.array_layers = 3;
  EXPECT_GT(SizeOf(mips), 3 * (4u << 20) * 5 / 4);
  EXPECT_LT(SizeOf(mips), 3 * (4u << 20) * 3 / 2);
  AllocationRequest compressed = Image(1024, 1024);
  compressed.image.format = VK_FORMAT_BC1_RGB_UNORM_BLOCK;
  EXPECT_EQ(SizeOf(compressed), 512u << 10);
  AllocationRequest nv12 = Image(1024, 1024);
  nv12.image.format = VK_FORMAT_G8_B8R8_2PLANE_420_UNORM;
  EXPECT_EQ(SizeOf(nv12), 1536u << 10);
}

TEST(NullDevice, AllocatesASectionThatHoldsWhatTheRecipeSays) {
  const auto device = MakeNullDevice({.index = 3, .name = "n"});
  constexpr uint64_t kBytes = 128 * 128 * 4;  // whole pages on every system
  auto memory = device->Allocate(Image(128, 128));
  ASSERT_TRUE(memory.ok()) << memory.status();
  const Recipe& recipe = (*memory)->recipe();
  EXPECT_EQ(recipe.kind, ResourceKind::kImage);
  EXPECT_EQ(recipe.image.width, 128u);
  EXPECT_EQ(recipe.handle_type, HandleType::kHostSection);
  EXPECT_EQ(recipe.allocation_size, kBytes);
  EXPECT_EQ(recipe.device, device->info().identity);
  EXPECT_EQ(recipe.handover_layout, static_cast<uint32_t>(VK_IMAGE_LAYOUT_GENERAL));

  auto first = (*memory)->Export();
  auto second = (*memory)->Export();
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_NE(first->get(), second->get());
  memory->reset();  // what was handed out lives on
  auto a = MappedSection::Map(*first, kBytes, SectionAccess::kReadWrite);
  auto b = MappedSection::Map(*second, kBytes, SectionAccess::kReadOnly);
  ASSERT_TRUE(a.ok() && b.ok());
  static_cast<char*>(a->data())[7] = 42;
  EXPECT_EQ(static_cast<char*>(b->data())[7], 42);
}

TEST(NullDevice, HeapIsExhaustedAndComesBack) {
  const auto device = MakeNullDevice({.heap_size = 4 * SectionAlignment()});
  auto a = device->Allocate(Raw(3 * SectionAlignment()));
  ASSERT_TRUE(a.ok()) << a.status();
  EXPECT_EQ(device->Budget()[0].usage, 3 * SectionAlignment());
  const auto refused = device->Allocate(Raw(2 * SectionAlignment()));
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kResourceExhausted);
  a->reset();
  EXPECT_EQ(device->Budget()[0].usage, 0u);
  EXPECT_TRUE(device->Allocate(Raw(4 * SectionAlignment())).ok());
  EXPECT_EQ(device->Allocate(Raw(uint64_t{1} << 40)).status().code(),
            absl::StatusCode::kResourceExhausted);
}

TEST(NullDevice, RefusesHandleTypesThatItLacks) {
  AllocationRequest request = Buffer(1);
  request.handle_type = HandleType::kOpaqueFd;
  const auto refused = MakeNullDevice()->Allocate(request);
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(refused.status().message()), HasSubstr("opaque_fd"));
}

TEST(NullDevice, DevicesHaveTheirOwnUuid) {
  EXPECT_NE(MakeNullDevice({.index = 0})->info().identity.device_uuid,
            MakeNullDevice({.index = 1})->info().identity.device_uuid);
}

TEST(RequestCheck, TheLargestImageDoesNotOverflow) {
  AllocationRequest request = Image(16384, 16384);
  request.image.array_layers = 2048;
  request.image.format = VK_FORMAT_R64G64B64A64_SFLOAT;
  EXPECT_EQ(TightImageSize(request.image), uint64_t{16384} * 16384 * 2048 * 32);
  EXPECT_THAT(MessageOf(request), HasSubstr("one allocation may have at most"));
}

struct BadImage {
  const char* name;
  std::function<void(ImageInfo&)> spoil;
  const char* message;
};

class RefusedImage : public ::testing::TestWithParam<BadImage> {};

TEST_P(RefusedImage, IsInvalidWithWords) {
  AllocationRequest request = Image(64, 64);
  ASSERT_TRUE(CheckRequest(request, RequestLimits()).ok());
  GetParam().spoil(request.image);
  const absl::Status status = CheckRequest(request, RequestLimits());
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    RequestCheck, RefusedImage,
    ::testing::Values(
        BadImage{"ZeroWidth", [](ImageInfo& i) { i.width = 0; },
                 "image width 0 is not valid; it must be 1 to 16384"},
        BadImage{"WideWidth", [](ImageInfo& i) { i.width = 16385; }, "image width 16385"},
        BadImage{"ZeroHeight", [](ImageInfo& i) { i.height = 0; }, "image height 0"},
        BadImage{"DeepTwoD", [](ImageInfo& i) { i.depth = 2; }, "it must be 1 to 1"},
        BadImage{"HighOneD", [](ImageInfo& i) { i.image_type = VK_IMAGE_TYPE_1D; },
                 "image height 64"},
        BadImage{"Type", [](ImageInfo& i) { i.image_type = 3; }, "image type 3"},
        BadImage{"NoFormat", [](ImageInfo& i) { i.format = 0; }, "image format 0"},
        BadImage{"UnknownFormat", [](ImageInfo& i) { i.format = 185; }, "image format 185"},
        BadImage{"HugeFormat", [](ImageInfo& i) { i.format = 0xffffffff; }, "image format"},
        BadImage{"ZeroMips", [](ImageInfo& i) { i.mip_levels = 0; }, "mip level count 0"},
        BadImage{"ManyMips", [](ImageInfo& i) { i.mip_levels = 8; }, "it must be 1 to 7"},
        BadImage{"ZeroLayers", [](ImageInfo& i) { i.array_layers = 0; }, "array layer count 0"},
        BadImage{"ManyLayers", [](ImageInfo& i) { i.array_layers = 4096; }, "1 to 2048"},
        BadImage{"LayeredThreeD",
                 [](ImageInfo& i) {
                   i.image_type = VK_IMAGE_TYPE_3D;
                   i.array_layers = 2;
                 },
                 "array layer count 2"},
        BadImage{"ZeroSamples", [](ImageInfo& i) { i.samples = 0; }, "sample count 0"},
        BadImage{"OddSamples", [](ImageInfo& i) { i.samples = 3; }, "sample count 3"},
        BadImage{"SampledMips",
                 [](ImageInfo& i) {
                   i.samples = 4;
                   i.mip_levels = 2;
                 },
                 "one mip level"},
        BadImage{"SampledStorage",
                 [](ImageInfo& i) {
                   i.samples = 4;
                   i.usage = VK_IMAGE_USAGE_STORAGE_BIT;
                 },
                 "storage"},
        BadImage{"Tiling", [](ImageInfo& i) { i.tiling = 1000158000; }, "image tiling"},
        BadImage{"NoUsage", [](ImageInfo& i) { i.usage = 0; }, "image usage 0"},
        BadImage{"TransientUsage",
                 [](ImageInfo& i) { i.usage |= VK_IMAGE_USAGE_TRANSIENT_ATTACHMENT_BIT; }, "0x40"},
        BadImage{"SparseFlag", [](ImageInfo& i) { i.flags = VK_IMAGE_CREATE_SPARSE_BINDING_BIT; },
                 "image flags 0x1"},
        BadImage{"CubeOfOneLayer",
                 [](ImageInfo& i) { i.flags = VK_IMAGE_CREATE_CUBE_COMPATIBLE_BIT; },
                 "6 array layers"},
        BadImage{"FlatThreeDView",
                 [](ImageInfo& i) { i.flags = VK_IMAGE_CREATE_2D_ARRAY_COMPATIBLE_BIT; },
                 "3D image"},
        BadImage{"BlockViewOfPlainFormat",
                 [](ImageInfo& i) { i.flags = VK_IMAGE_CREATE_BLOCK_TEXEL_VIEW_COMPATIBLE_BIT; },
                 "compressed format"},
        BadImage{"OddNv12",
                 [](ImageInfo& i) {
                   i.format = VK_FORMAT_G8_B8R8_2PLANE_420_UNORM;
                   i.height = 63;
                 },
                 "height of 2"},
        BadImage{"LayeredNv12",
                 [](ImageInfo& i) {
                   i.format = VK_FORMAT_G8_B8R8_2PLANE_420_UNORM;
                   i.array_layers = 2;
                 },
                 "YCbCr"}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(RequestCheck, RefusesBadBuffers) {
  EXPECT_THAT(MessageOf(Buffer(0)), HasSubstr("buffer size 0 is not valid"));
  EXPECT_THAT(MessageOf(Buffer(std::numeric_limits<uint64_t>::max())), HasSubstr("buffer size"));
  AllocationRequest request = Buffer(1);
  request.buffer.usage = 0;
  EXPECT_THAT(MessageOf(request), HasSubstr("buffer usage 0"));
  request.buffer.usage = VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT;
  EXPECT_THAT(MessageOf(request), HasSubstr("buffer usage 0x20000"));
  request = Buffer(1);
  request.buffer.flags = VK_BUFFER_CREATE_SPARSE_BINDING_BIT;
  EXPECT_THAT(MessageOf(request), HasSubstr("buffer flags 1"));
}

TEST(RequestCheck, RefusesBadRawMemory) {
  EXPECT_THAT(MessageOf(Raw(0)), HasSubstr("raw size 0"));
  AllocationRequest request = Raw(1);
  request.memory_types = 2;
  EXPECT_THAT(MessageOf(request), HasSubstr("memory type bits 0x2"));
  request = Raw(1);
  request.dedicated = true;
  EXPECT_THAT(MessageOf(request), HasSubstr("cannot be dedicated"));
}

TEST(RequestCheck, RefusesViewFormatsThatTheImageCannotHave) {
  AllocationRequest request = Image(64, 64);
  request.image.format = VK_FORMAT_R8G8B8A8_UNORM;
  request.image.view_formats = {VK_FORMAT_R8G8B8A8_UNORM};
  EXPECT_TRUE(MakeNullDevice()->SizeOf(request).ok());
  request.image.view_formats = {VK_FORMAT_R8G8B8A8_SRGB};
  EXPECT_THAT(MessageOf(request), HasSubstr("VK_IMAGE_CREATE_MUTABLE_FORMAT_BIT"));
  request.image.view_formats = {VK_FORMAT_R8G8B8A8_UNORM, VK_FORMAT_R8G8B8A8_UNORM};
  EXPECT_THAT(MessageOf(request), HasSubstr("VK_IMAGE_CREATE_MUTABLE_FORMAT_BIT"));
  request.image.flags = VK_IMAGE_CREATE_MUTABLE_FORMAT_BIT;
  request.image.view_formats = {VK_FORMAT_R8G8B8A8_UNORM, VK_FORMAT_R8G8B8A8_SRGB};
  EXPECT_TRUE(MakeNullDevice()->SizeOf(request).ok());
  request.image.view_formats.push_back(VK_FORMAT_R16G16B16A16_SFLOAT);
  EXPECT_THAT(MessageOf(request), HasSubstr("view format 97 is not compatible"));
  request.image.view_formats = {0x7fffffff};
  EXPECT_THAT(MessageOf(request), HasSubstr("is not compatible"));
  request.image.view_formats.assign(kMaxViewFormats + 1, VK_FORMAT_R8G8B8A8_UNORM);
  EXPECT_THAT(MessageOf(request), HasSubstr("65 view formats are too many"));
}

TEST(RequestCheck, RefusesADrmModifierByTheExtensionThatItNeeds) {
  AllocationRequest request = Image(64, 64);
  request.image.drm_modifier = DrmModifier{};
  EXPECT_THAT(MessageOf(request), HasSubstr("VK_IMAGE_TILING_DRM_FORMAT_MODIFIER_EXT"));
  request.image.tiling = VK_IMAGE_TILING_DRM_FORMAT_MODIFIER_EXT;
  const absl::Status refused = MakeNullDevice()->SizeOf(request).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("VK_EXT_image_drm_format_modifier"));
  request.image.drm_modifier->plane_count = 5;
  EXPECT_THAT(MessageOf(request), HasSubstr("5 plane layouts are too many"));
  request.image.drm_modifier.reset();
  EXPECT_THAT(MessageOf(request), HasSubstr("image tiling 1000158000 is not valid"));
}

TEST(RequestCheck, MemoryTypesAreCheckedForEveryKind) {
  for (AllocationRequest request : {Raw(1), Buffer(1), Image(64, 64)}) {
    request.memory_types = 1;
    EXPECT_TRUE(MakeNullDevice()->SizeOf(request).ok());
    request.memory_types = 2;
    EXPECT_THAT(MessageOf(request), HasSubstr("memory type bits 0x2"));
  }
}

TEST(FormatInfo, ViewsStayInTheClassOfTheImage) {
  EXPECT_TRUE(AreViewCompatible(VK_FORMAT_R8G8B8A8_UNORM, VK_FORMAT_R32_UINT));
  EXPECT_TRUE(AreViewCompatible(VK_FORMAT_BC7_UNORM_BLOCK, VK_FORMAT_BC7_SRGB_BLOCK));
  EXPECT_TRUE(AreViewCompatible(VK_FORMAT_ASTC_12x12_UNORM_BLOCK, VK_FORMAT_ASTC_12x12_SRGB_BLOCK));
  EXPECT_FALSE(AreViewCompatible(VK_FORMAT_BC1_RGB_SRGB_BLOCK, VK_FORMAT_BC1_RGBA_UNORM_BLOCK));
  EXPECT_FALSE(AreViewCompatible(VK_FORMAT_BC3_UNORM_BLOCK, VK_FORMAT_BC7_UNORM_BLOCK));
  EXPECT_FALSE(AreViewCompatible(VK_FORMAT_BC1_RGB_UNORM_BLOCK, VK_FORMAT_R16G16B16A16_UNORM));
  EXPECT_FALSE(AreViewCompatible(VK_FORMAT_D32_SFLOAT, VK_FORMAT_R32_SFLOAT));
  EXPECT_TRUE(AreViewCompatible(VK_FORMAT_D32_SFLOAT, VK_FORMAT_D32_SFLOAT));
  EXPECT_FALSE(AreViewCompatible(VK_FORMAT_G8_B8R8_2PLANE_420_UNORM, VK_FORMAT_R8_UNORM));
}

TEST(RequestCheck, RefusesWhatIsNoEnumerator) {
  EXPECT_THAT(MessageOf({}), HasSubstr("names no resource"));
  AllocationRequest request = Raw(1);
  request.intent = static_cast<MemoryIntent>(3);
  EXPECT_THAT(MessageOf(request), HasSubstr("memory intent 3"));
  request = Raw(1);
  request.handle_type = static_cast<HandleType>(6);
  EXPECT_THAT(MessageOf(request), HasSubstr("handle type 6"));
}

TEST(FormatInfo, EveryKnownFormatHasASize) {
  for (uint32_t format = 1; format <= 184; ++format) {
    ASSERT_TRUE(FindFormat(format).has_value()) << format;
    EXPECT_GT(FindFormat(format)->block_bytes, 0u) << format;
  }
  for (uint32_t format = 1000156000; format <= 1000156033; ++format) {
    ASSERT_TRUE(FindFormat(format).has_value()) << format;
    EXPECT_GT(FindFormat(format)->block_bytes, 0u) << format;
  }
  EXPECT_FALSE(FindFormat(VK_FORMAT_PVRTC1_2BPP_UNORM_BLOCK_IMG).has_value());
}

}  // namespace
}  // namespace vramd
