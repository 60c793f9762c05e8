// Memory types of real cards, and what each intent gets there.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <initializer_list>

#include "driver-shim/memory_choice.h"

namespace vramd {
namespace {

constexpr VkMemoryPropertyFlags kLocal = VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT;
constexpr VkMemoryPropertyFlags kVisible = VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT;
constexpr VkMemoryPropertyFlags kCoherent = VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
constexpr VkMemoryPropertyFlags kCached = VK_MEMORY_PROPERTY_HOST_CACHED_BIT;
constexpr uint32_t kAll = ~uint32_t{0};

VkPhysicalDeviceMemoryProperties Table(std::initializer_list<VkMemoryPropertyFlags> types) {
  VkPhysicalDeviceMemoryProperties table = {};
  for (const VkMemoryPropertyFlags flags : types)
    table.memoryTypes[table.memoryTypeCount++].propertyFlags = flags;
  return table;
}

VkPhysicalDeviceMemoryProperties Nvidia() {
  return Table({0, kLocal, kVisible | kCoherent, kVisible | kCoherent | kCached,
                kLocal | kVisible | kCoherent});
}

VkPhysicalDeviceMemoryProperties Lavapipe() {
  return Table({kLocal | kVisible | kCoherent | kCached});
}

uint32_t Choose(const VkPhysicalDeviceMemoryProperties& table, uint32_t allowed,
                MemoryIntent intent) {
  return ChooseMemoryType(table, allowed, intent).value_or(99);
}

TEST(MemoryChoice, NvidiaServesEachIntentByItsOwnType) {
  EXPECT_EQ(Choose(Nvidia(), kAll, MemoryIntent::kDeviceLocal), 1u);
  EXPECT_EQ(Choose(Nvidia(), kAll, MemoryIntent::kUpload), 2u);
  EXPECT_EQ(Choose(Nvidia(), kAll, MemoryIntent::kReadback), 3u);
}

TEST(MemoryChoice, DeviceLocalTakesVisibleMemoryOnlyWithoutAnother) {
  EXPECT_EQ(Choose(Nvidia(), 0b11101, MemoryIntent::kDeviceLocal), 4u);
}

TEST(MemoryChoice, DeviceLocalFallsBackToTheHost) {
  EXPECT_EQ(Choose(Nvidia(), 0b01100, MemoryIntent::kDeviceLocal), 2u);
}

TEST(MemoryChoice, UploadTakesWhatIsLeft) {
  EXPECT_EQ(Choose(Nvidia(), 0b11000, MemoryIntent::kUpload), 4u);  // uncached before cached
  EXPECT_EQ(Choose(Nvidia(), 0b01000, MemoryIntent::kUpload), 3u);
}

TEST(MemoryChoice, ReadbackWithoutCacheIsStillPossible) {
  EXPECT_EQ(Choose(Nvidia(), 0b10110, MemoryIntent::kReadback), 2u);
}

TEST(MemoryChoice, LavapipeHasOneTypeForAll) {
  for (const MemoryIntent intent :
       {MemoryIntent::kDeviceLocal, MemoryIntent::kUpload, MemoryIntent::kReadback})
    EXPECT_EQ(Choose(Lavapipe(), kAll, intent), 0u);
}

TEST(MemoryChoice, RefusesAnIntentThatNoAllowedTypeServes) {
  for (const MemoryIntent intent : {MemoryIntent::kUpload, MemoryIntent::kReadback}) {
    const absl::Status status = ChooseMemoryType(Nvidia(), 0b00011, intent).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(std::string(status.message()), ::testing::HasSubstr("bits 0x3"));
  }
  EXPECT_FALSE(ChooseMemoryType(Nvidia(), 0, MemoryIntent::kDeviceLocal).ok());
}

TEST(MemoryChoice, NeverTakesMemoryThatCannotBeShared) {
  const auto table = Table({kLocal | VK_MEMORY_PROPERTY_PROTECTED_BIT,
                            kLocal | VK_MEMORY_PROPERTY_LAZILY_ALLOCATED_BIT,
                            kLocal | VK_MEMORY_PROPERTY_DEVICE_COHERENT_BIT_AMD, kLocal});
  EXPECT_EQ(Choose(table, kAll, MemoryIntent::kDeviceLocal), 3u);
  EXPECT_EQ(Choose(table, 0b0111, MemoryIntent::kDeviceLocal), 99u);
}

}  // namespace
}  // namespace vramd
