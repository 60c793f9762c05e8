// The Vulkan device on whatever GPU there is, lavapipe included: every exporter, every kind of
// resource, out of one VkDevice and into another, pixels compared on the other side.
#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <random>
#include <string>

#include "driver-shim/vulkan_resource.h"
#include "tests/gpu/gpu_fixture.h"
#include "tests/gpu/test_importer.h"

namespace vramd {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class VulkanDeviceTest : public GpuTest {
 protected:
  static absl::Status ErrorOf(Device& device, const AllocationRequest& request) {
    const absl::Status size = device.SizeOf(request).status();
    const absl::Status allocate = device.Allocate(request).status();
    if (!size.ok()) {
      EXPECT_EQ(size, allocate);
    }
    return allocate;
  }
};

TEST_F(VulkanDeviceTest, KnowsItsFacts) {
  uint32_t index = 0;
  for (const auto& device : devices_) {
    const DeviceInfo& info = device->info();
    EXPECT_EQ(info.index, index++);
    EXPECT_FALSE(info.name.empty());
    EXPECT_FALSE(info.driver_name.empty());
    EXPECT_FALSE(info.driver_version.empty());
    EXPECT_GE(info.api_version, static_cast<uint32_t>(VK_API_VERSION_1_1));
    EXPECT_NE(info.identity.driver_uuid, Uuid{});
    ASSERT_FALSE(info.memory_types.empty());
    EXPECT_GT(info.memory_types[0].heap_size, 0u);
    EXPECT_FALSE(info.handles.empty());
    for (const HandleSupport& support : info.handles)
      EXPECT_EQ(support.reason.empty(), support.can_export && support.can_import)
          << ToString(support.type) << ": " << support.reason;
  }
}

bool Exports(const Device& device, HandleType wanted) {
  const auto types = ExportableTypes(device);
  return std::find(types.begin(), types.end(), wanted) != types.end();
}

TEST_F(VulkanDeviceTest, ADeviceOnTheCpuPrefersHostSections) {
  for (const auto& device : devices_) {
    if (device->info().device_type != VK_PHYSICAL_DEVICE_TYPE_CPU) continue;
    if (!Exports(*device, HandleType::kHostSection)) continue;
    for (const AllocationRequest& request :
         {BufferRequest(4096), RawRequest(4096), ImageRequest(VK_FORMAT_R8G8B8A8_UNORM)}) {
      const auto memory = device->Allocate(request);
      ASSERT_TRUE(memory.ok()) << memory.status();
      EXPECT_EQ((*memory)->recipe().handle_type, HandleType::kHostSection);
    }
  }
}

TEST_F(VulkanDeviceTest, TheBrokersOptionGoesBeforeThatPreference) {
  for (const auto& device : devices_) {
    for (const HandleType type : ExportableTypes(*device)) {
      VulkanOptions options;
      options.exporter = type;
      const auto only = OpenVulkanDevices(options);
      ASSERT_TRUE(only.ok()) << only.status();
      const auto memory = (*only)[device->info().index]->Allocate(BufferRequest(4096));
      ASSERT_TRUE(memory.ok()) << memory.status();
      EXPECT_EQ((*memory)->recipe().handle_type, type);
    }
  }
}

// One round: allocate, export twice, import both, write through one and read through the other
// after the exporter has freed its own.
void ShareOnce(Device& device, TestImporter& importer, const AllocationRequest& request) {
  SCOPED_TRACE(testing::Message() << device.info().name << ", " << ToString(request.handle_type)
                                  << ", " << ToString(request.kind) << ", format "
                                  << request.image.format << ", intent "
                                  << ToString(request.intent));
  const auto size = device.SizeOf(request);
  // Some GPUs keep images in memory of their own only, which pages of the host are not.
  if (request.handle_type == HandleType::kHostSection && request.kind == ResourceKind::kImage &&
      device.info().device_type != VK_PHYSICAL_DEVICE_TYPE_CPU && !size.ok()) {
    EXPECT_EQ(size.status().code(), absl::StatusCode::kFailedPrecondition) << size.status();
    return;
  }
  ASSERT_TRUE(size.ok()) << size.status();
  auto memory = device.Allocate(request);
  ASSERT_TRUE(memory.ok()) << memory.status();
  const Recipe recipe = (*memory)->recipe();
  EXPECT_EQ(recipe.kind, request.kind);
  EXPECT_EQ(recipe.allocation_size, *size);
  EXPECT_EQ(recipe.handle_type, request.handle_type);
  EXPECT_EQ(recipe.device, device.info().identity);
  EXPECT_EQ(recipe.image.format, request.image.format);
  EXPECT_EQ(recipe.buffer.size, request.buffer.size);
  ASSERT_LT(recipe.memory_type_index, device.info().memory_types.size());
  EXPECT_EQ(recipe.memory_property_flags,
            device.info().memory_types[recipe.memory_type_index].property_flags);
  EXPECT_GE(recipe.dedicated, request.dedicated);

  auto for_writer = (*memory)->Export();
  auto for_reader = (*memory)->Export();
  ASSERT_TRUE(for_writer.ok()) << for_writer.status();
  ASSERT_TRUE(for_reader.ok()) << for_reader.status();
  EXPECT_NE(for_writer->get(), for_reader->get());
  auto writer = importer.Import(recipe, *std::move(for_writer));
  auto reader = importer.Import(recipe, *std::move(for_reader));
  writer->Fill(1.0f);
  const std::array<uint8_t, 16> written = writer->Read();
  EXPECT_NE(written, (std::array<uint8_t, 16>{}));
  memory->reset();
  EXPECT_EQ(reader->Read(), written);
  writer.reset();
  reader->Fill(0.5f);
  EXPECT_NE(reader->Read(), written);
}

TEST_F(VulkanDeviceTest, EveryExporterSharesEveryKindOfResource) {
  for (const auto& device : devices_) {
    TestImporter importer(device->info().index);
    for (const HandleType type : ExportableTypes(*device)) {
      ShareOnce(*device, importer, BufferRequest(64 << 10, type));
      ShareOnce(*device, importer, BufferRequest(16 + 4, type));
      ShareOnce(*device, importer, RawRequest(1 << 20, type));
      for (const VkFormat format : {VK_FORMAT_R8G8B8A8_UNORM, VK_FORMAT_B8G8R8A8_SRGB,
                                    VK_FORMAT_R16G16B16A16_SFLOAT, VK_FORMAT_R32_SFLOAT})
        ShareOnce(*device, importer, ImageRequest(format, type));
    }
  }
}

TEST_F(VulkanDeviceTest, EveryIntentIsServedForBuffers) {
  for (const auto& device : devices_) {
    TestImporter importer(device->info().index);
    for (const HandleType type : ExportableTypes(*device)) {
      for (const MemoryIntent intent :
           {MemoryIntent::kDeviceLocal, MemoryIntent::kUpload, MemoryIntent::kReadback}) {
        AllocationRequest request = BufferRequest(4096, type);
        request.intent = intent;
        ShareOnce(*device, importer, request);
      }
    }
  }
}

TEST_F(VulkanDeviceTest, DedicatedAllocationsAreSharedWhereTheyCanBe) {
  for (const auto& device : devices_) {
    TestImporter importer(device->info().index);
    for (const HandleType type : ExportableTypes(*device)) {
      for (AllocationRequest request :
           {BufferRequest(4096, type), ImageRequest(VK_FORMAT_R8G8B8A8_UNORM, type)}) {
        request.dedicated = true;
        if (type == HandleType::kHostSection) {
          EXPECT_EQ(ErrorOf(*device, request).code(), absl::StatusCode::kFailedPrecondition);
        } else {
          ShareOnce(*device, importer, request);
        }
      }
    }
  }
}

TEST_F(VulkanDeviceTest, PixelsArriveAsTheyWereWritten) {
  for (const auto& device : devices_) {
    TestImporter importer(device->info().index);
    auto memory = device->Allocate(ImageRequest(VK_FORMAT_R8G8B8A8_UNORM));
    ASSERT_TRUE(memory.ok()) << memory.status();
    auto writer = importer.Import((*memory)->recipe(), *(*memory)->Export());
    auto reader = importer.Import((*memory)->recipe(), *(*memory)->Export());
    writer->Fill(1.0f);
    const std::array<uint8_t, 16> bytes = reader->Read();
    EXPECT_EQ(bytes[0], 255);
    EXPECT_NEAR(bytes[1], 128, 1);
    EXPECT_NEAR(bytes[2], 64, 1);
    EXPECT_EQ(bytes[3], 255);
  }
}

TEST_F(VulkanDeviceTest, InvalidRequestsAreRefused) {
  for (const auto& device : devices_) {
    const auto code_of = [&device](const AllocationRequest& request) {
      return ErrorOf(*device, request).code();
    };
    const auto invalid = absl::StatusCode::kInvalidArgument;
    EXPECT_EQ(code_of({}), invalid);
    EXPECT_EQ(code_of(BufferRequest(0)), invalid);
    EXPECT_EQ(code_of(RawRequest(0)), invalid);
    EXPECT_EQ(code_of(BufferRequest(std::numeric_limits<uint64_t>::max())), invalid);
    EXPECT_EQ(code_of(RawRequest(std::numeric_limits<uint64_t>::max())), invalid);
    EXPECT_EQ(code_of(ImageRequest(VK_FORMAT_UNDEFINED)), invalid);
    EXPECT_EQ(code_of(ImageRequest(static_cast<VkFormat>(12345))), invalid);
    AllocationRequest huge = ImageRequest(VK_FORMAT_R32G32B32A32_SFLOAT);
    huge.image.width = huge.image.height = 1u << 31;
    EXPECT_EQ(code_of(huge), invalid);
    AllocationRequest layered = ImageRequest(VK_FORMAT_R8G8B8A8_UNORM);
    layered.image.array_layers = std::numeric_limits<uint32_t>::max();
    EXPECT_EQ(code_of(layered), invalid);
  }
}

template <typename T, size_t N>
T OneOf(std::mt19937& random, const T (&values)[N]) {
  return values[random() % N];
}

// Mostly plausible, often wrong in one or two places.
AllocationRequest RandomRequest(std::mt19937& random) {
  constexpr uint32_t kExtents[] = {0, 1, 2, 3, 16, 32, 33, 64, 64, 64, 257, 16384, 1u << 31};
  constexpr uint32_t kCounts[] = {0, 1, 1, 1, 1, 2, 2, 3, 4, 6, 8, 64, 2049};
  constexpr uint32_t kFormats[] = {0,   1,   9,          23,         37,         44,        97,
                                   98,  103, 124,        126,        129,        133,       147,
                                   184, 185, 1000054000, 1000156000, 1000156003, 1000340000};
  AllocationRequest request;
  request.kind = OneOf(random, {ResourceKind::kUnknown, ResourceKind::kRaw, ResourceKind::kBuffer,
                                ResourceKind::kImage, ResourceKind::kImage, ResourceKind::kImage});
  request.intent = static_cast<MemoryIntent>(random() % 4);
  request.dedicated = random() % 4 == 0;
  request.raw_size = random() % 100000;
  request.memory_types = random() % 4;
  request.buffer = {random() % 100000, static_cast<uint32_t>(1u << (random() % 12)),
                    static_cast<uint32_t>(random() % 8 == 0 ? random() % 32 : 0)};
  request.image.flags = random() % 4 != 0 ? 0 : 1u << (random() % 16);
  request.image.image_type = random() % 8 == 0 ? random() % 4 : 1;
  request.image.format = OneOf(random, kFormats);
  request.image.width = OneOf(random, kExtents);
  request.image.height = random() % 2 == 0 ? request.image.width : OneOf(random, kExtents);
  request.image.depth = random() % 4 == 0 ? OneOf(random, kExtents) : 1;
  request.image.mip_levels = OneOf(random, kCounts);
  request.image.array_layers = OneOf(random, kCounts);
  request.image.samples = random() % 4 != 0 ? 1 : OneOf(random, kCounts);
  request.image.tiling = random() % 4 == 0 ? random() % 3 : 0;
  request.image.usage = 1u << (random() % 9);
  return request;
}

// Run with the validation layer, this shows that no request reaches the driver that must not.
TEST_F(VulkanDeviceTest, RandomRequestsNeverUpsetTheDriver) {
  for (const auto& device : devices_) {
    std::mt19937 random(20);
    std::map<ResourceKind, int> made;
    for (int i = 0; i < 20000; ++i) {
      AllocationRequest request = RandomRequest(random);
      request.handle_type =
          OneOf(random, {HandleType::kUnknown, HandleType::kOpaqueFd, HandleType::kHostSection});
      const auto size = device->SizeOf(request);
      if (!size.ok()) {
        EXPECT_THAT(size.status().code(), ::testing::AnyOf(absl::StatusCode::kInvalidArgument,
                                                           absl::StatusCode::kFailedPrecondition))
            << size.status();
        continue;
      }
      if (*size > (64 << 20)) continue;
      const auto memory = device->Allocate(request);
      ASSERT_TRUE(memory.ok()) << memory.status();
      EXPECT_EQ((*memory)->recipe().allocation_size, *size);
      ++made[request.kind];
    }
    for (const ResourceKind kind :
         {ResourceKind::kRaw, ResourceKind::kBuffer, ResourceKind::kImage})
      EXPECT_GT(made[kind], 100) << ToString(kind);
  }
}

TEST_F(VulkanDeviceTest, RequirementsAreTheSameWithoutMaintenance4) {
  for (const auto& device : devices_) {
    TestImporter importer(device->info().index);
    TestImporter older(device->info().index, &VulkanFacts::maintenance4);
    for (const AllocationRequest& request :
         {BufferRequest(1000), ImageRequest(VK_FORMAT_R16G16B16A16_SFLOAT)}) {
      const auto bit = VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT;
      const auto a = QueryRequirements(importer.context(), request, bit);
      const auto b = QueryRequirements(older.context(), request, bit);
      ASSERT_TRUE(a.ok() && b.ok()) << a.status() << b.status();
      EXPECT_EQ(a->size, b->size);
      EXPECT_EQ(a->memory_type_bits, b->memory_type_bits);
      EXPECT_EQ(a->prefers_dedicated, b->prefers_dedicated);
      EXPECT_EQ(a->requires_dedicated, b->requires_dedicated);
    }
  }
}

TEST_F(VulkanDeviceTest, WhatTheDeviceCannotDoIsAFailedPrecondition) {
  for (const auto& device : devices_) {
    // No device has a 3-channel format as depth attachment.
    AllocationRequest depth = ImageRequest(VK_FORMAT_R8G8B8_UNORM);
    depth.image.usage = VK_IMAGE_USAGE_DEPTH_STENCIL_ATTACHMENT_BIT;
    EXPECT_EQ(ErrorOf(*device, depth).code(), absl::StatusCode::kFailedPrecondition);

    const absl::Status foreign = ErrorOf(*device, BufferRequest(4096, HandleType::kNtNv));
    EXPECT_EQ(foreign.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(std::string(foreign.message()), HasSubstr("nv_win32"));

    for (const HandleSupport& support : device->info().handles) {
      if (support.can_export) continue;
      const absl::Status refused = ErrorOf(*device, BufferRequest(4096, support.type));
      EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
      EXPECT_THAT(std::string(refused.message()), HasSubstr(support.reason));
    }
  }
}

TEST_F(VulkanDeviceTest, MoreThanTheHeapIsResourceExhausted) {
  for (const auto& device : devices_) {
    uint64_t largest = 0;
    for (const MemoryTypeInfo& type : device->info().memory_types)
      largest = std::max(largest, type.heap_size);
    const absl::Status status = ErrorOf(*device, RawRequest(largest + 4096));
    EXPECT_THAT(status.code(), ::testing::AnyOf(absl::StatusCode::kResourceExhausted,
                                                absl::StatusCode::kInvalidArgument))
        << status;
  }
}

TEST_F(VulkanDeviceTest, OneExporterCanBeForced) {
  auto forced = OpenVulkanDevices({.devices = {}, .exporter = HandleType::kHostSection});
  ASSERT_TRUE(forced.ok()) << forced.status();
  for (const auto& device : *forced) {
    for (const HandleSupport& support : device->info().handles)
      EXPECT_LE(support.can_export, support.type == HandleType::kHostSection);
    if (ExportableTypes(*device).empty()) continue;
    auto memory = device->Allocate(BufferRequest(1));
    ASSERT_TRUE(memory.ok()) << memory.status();
    EXPECT_EQ((*memory)->recipe().handle_type, HandleType::kHostSection);
  }
}

TEST_F(VulkanDeviceTest, SelectorsPickAndOrderDevices) {
  auto one = OpenVulkanDevices({.devices = {"no such card", devices_.back()->info().name}});
  if (one.ok()) {  // several equal cards have one name
    ASSERT_EQ(one->size(), 1u);
    EXPECT_EQ((*one)[0]->info().name, devices_.back()->info().name);
    EXPECT_EQ((*one)[0]->info().index, 0u);
  }
  const auto none = OpenVulkanDevices({.devices = {"no such card"}});
  EXPECT_EQ(none.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(none.status().message()), HasSubstr(devices_[0]->info().name));
}

TEST_F(VulkanDeviceTest, BudgetHasOneEntryForEachHeapOrNone) {
  for (const auto& device : devices_)
    for (const HeapBudget& heap : device->Budget()) EXPECT_GT(heap.budget, 0u);
}

}  // namespace
}  // namespace vramd
