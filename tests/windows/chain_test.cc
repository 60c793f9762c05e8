// The chains that go down to a driver with the KHR extension: its own structures in place of the NV
// ones, everything else as the application gave it, and the application's chain untouched.
#include <algorithm>
#include <atomic>
#include <cstring>
#include <numeric>
#include <thread>
#include <vector>

#include "driver-shim/layer/chain.h"
#include "tests/windows/layer_fixture.h"

namespace vramd {
namespace {

// Of an extension that nobody has heard of.
constexpr auto kUnknownType = static_cast<VkStructureType>(1000999000);
struct Unknown {
  VkStructureType sType = kUnknownType;
  const void* pNext = nullptr;
  uint8_t wish[40];
  explicit Unknown(const void* next) : pNext(next) { std::iota(wish, wish + sizeof(wish), 1); }
};

class ChainTest : public LayerTest {
 protected:
  void SetUp() override {
    layer::UseDriver(&FakeDriver::GetInstanceProcAddr);
    CreateInstance();
    ASSERT_NE(physical_device_, VK_NULL_HANDLE);
    device_ = CreateDevice();
    get_handle_ = Device<PFN_vkGetMemoryWin32HandleNV>("vkGetMemoryWin32HandleNV");
    FakeDriver::violations = 0;
    FakeDriver::sees_chain = [this](const void* chain) { Remember(chain); };
  }
  void TearDown() override {
    FakeDriver::sees_chain = nullptr;
    LayerTest::TearDown();
  }

  void Remember(const void* chain) {
    seen_.clear();
    for (auto* at = static_cast<const VkBaseInStructure*>(chain); at != nullptr; at = at->pNext) {
      seen_.push_back(at->sType);
      if (at->sType != kUnknownType) continue;
      const Unknown expected(nullptr);
      EXPECT_EQ(std::memcmp(reinterpret_cast<const Unknown*>(at)->wish, expected.wish,
                            sizeof(expected.wish)),
                0);
    }
  }

  VkImageCreateInfo Image(const void* chain) const {
    VkImageCreateInfo info = {VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO, chain};
    info.imageType = VK_IMAGE_TYPE_2D;
    info.format = VK_FORMAT_R8G8B8A8_UNORM;
    info.extent = {16, 16, 1};
    return info;
  }
  void CreateAndDestroy(const VkImageCreateInfo& info) {
    VkImage image = VK_NULL_HANDLE;
    ASSERT_EQ(Device<PFN_vkCreateImage>("vkCreateImage")(device_, &info, nullptr, &image),
              VK_SUCCESS);
    Device<PFN_vkDestroyImage>("vkDestroyImage")(device_, image, nullptr);
  }

  std::vector<VkStructureType> seen_;  // by the driver, the last time
  const VkExportMemoryAllocateInfoNV exported_ = {VK_STRUCTURE_TYPE_EXPORT_MEMORY_ALLOCATE_INFO_NV,
                                                  nullptr, kOpaque};
  const VkExternalMemoryImageCreateInfoNV image_ = {
      VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_IMAGE_CREATE_INFO_NV, nullptr, kOpaque};
};

using Types = std::vector<VkStructureType>;

TEST_F(ChainTest, ImagesGoDownInTheDriversTerms) {
  const VkImageFormatListCreateInfo formats = {VK_STRUCTURE_TYPE_IMAGE_FORMAT_LIST_CREATE_INFO};
  VkExternalMemoryImageCreateInfoNV external = image_;
  external.pNext = &formats;
  const Unknown unknown(&external);
  const VkImageStencilUsageCreateInfo stencil = {VK_STRUCTURE_TYPE_IMAGE_STENCIL_USAGE_CREATE_INFO,
                                                 &unknown};
  const Types expected = {VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_IMAGE_CREATE_INFO,
                          VK_STRUCTURE_TYPE_IMAGE_STENCIL_USAGE_CREATE_INFO, kUnknownType,
                          VK_STRUCTURE_TYPE_IMAGE_FORMAT_LIST_CREATE_INFO};
  const VkImageCreateInfo info = Image(&stencil);
  CreateAndDestroy(info);
  EXPECT_EQ(seen_, expected);

  const VkDeviceImageMemoryRequirements question = {
      VK_STRUCTURE_TYPE_DEVICE_IMAGE_MEMORY_REQUIREMENTS, nullptr, &info};
  VkMemoryRequirements2 answer = {VK_STRUCTURE_TYPE_MEMORY_REQUIREMENTS_2};
  seen_.clear();
  Device<PFN_vkGetDeviceImageMemoryRequirements>("vkGetDeviceImageMemoryRequirements")(
      device_, &question, &answer);
  EXPECT_EQ(seen_, expected);
  uint32_t count = 0;
  seen_.clear();
  Device<PFN_vkGetDeviceImageSparseMemoryRequirements>("vkGetDeviceImageSparseMemoryRequirements")(
      device_, &question, &count, nullptr);
  EXPECT_EQ(seen_, expected);

  EXPECT_EQ(FakeDriver::violations, 0);
  EXPECT_EQ(stencil.pNext, &unknown);
  EXPECT_EQ(unknown.pNext, &external);
  EXPECT_EQ(external.pNext, &formats);
}

TEST_F(ChainTest, MemoryGoesDownInTheDriversTerms) {
  const VkMemoryPriorityAllocateInfoEXT priority = {
      VK_STRUCTURE_TYPE_MEMORY_PRIORITY_ALLOCATE_INFO_EXT};
  const VkExportMemoryWin32HandleInfoNV access = {
      VK_STRUCTURE_TYPE_EXPORT_MEMORY_WIN32_HANDLE_INFO_NV, &priority};
  const Unknown unknown(&access);
  VkExportMemoryAllocateInfoNV exported = exported_;
  exported.pNext = &unknown;
  const VkMemoryDedicatedAllocateInfo dedicated = {VK_STRUCTURE_TYPE_MEMORY_DEDICATED_ALLOCATE_INFO,
                                                   &exported};
  VkDeviceMemory memory = VK_NULL_HANDLE;
  ASSERT_EQ(Allocate(&dedicated, &memory), VK_SUCCESS);
  EXPECT_EQ(seen_, Types({VK_STRUCTURE_TYPE_EXPORT_MEMORY_ALLOCATE_INFO,
                          VK_STRUCTURE_TYPE_EXPORT_MEMORY_WIN32_HANDLE_INFO_KHR,
                          VK_STRUCTURE_TYPE_MEMORY_DEDICATED_ALLOCATE_INFO, kUnknownType,
                          VK_STRUCTURE_TYPE_MEMORY_PRIORITY_ALLOCATE_INFO_EXT}));
  HANDLE handle = nullptr;
  ASSERT_EQ(get_handle_(device_, memory, kOpaque, &handle), VK_SUCCESS);

  const VkImportMemoryWin32HandleInfoNV import = {
      VK_STRUCTURE_TYPE_IMPORT_MEMORY_WIN32_HANDLE_INFO_NV, nullptr, kOpaque, handle};
  const Unknown before_import(&import);
  VkDeviceMemory imported = VK_NULL_HANDLE;
  ASSERT_EQ(Allocate(&before_import, &imported), VK_SUCCESS);
  EXPECT_EQ(seen_, Types({VK_STRUCTURE_TYPE_IMPORT_MEMORY_WIN32_HANDLE_INFO_KHR, kUnknownType}));
  EXPECT_EQ(FakeDriver::violations, 0);
  Free(imported);
  Free(memory);
}

TEST_F(ChainTest, StructuresThatAskForNothingGoNowhere) {
  const VkExternalMemoryImageCreateInfoNV no_image = {
      VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_IMAGE_CREATE_INFO_NV};
  CreateAndDestroy(Image(&no_image));
  EXPECT_EQ(seen_, Types());
  const VkExportMemoryWin32HandleInfoNV access = {
      VK_STRUCTURE_TYPE_EXPORT_MEMORY_WIN32_HANDLE_INFO_NV};
  const VkExportMemoryAllocateInfoNV no_export = {VK_STRUCTURE_TYPE_EXPORT_MEMORY_ALLOCATE_INFO_NV,
                                                  &access};
  VkDeviceMemory memory = VK_NULL_HANDLE;
  ASSERT_EQ(Allocate(&no_export, &memory), VK_SUCCESS);
  EXPECT_EQ(seen_, Types());
  EXPECT_EQ(FakeDriver::violations, 0);
  Free(memory);
}

// A chain of constants; and nothing can be read behind the structure of unknown size.
TEST_F(ChainTest, TheChainMayLieInReadOnlyMemoryAtItsEnd) {
  constexpr size_t kPage = 4096;
  auto* const pages = static_cast<std::byte*>(
      VirtualAlloc(nullptr, 2 * kPage, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE));
  ASSERT_NE(pages, nullptr);
  auto* const unknown = new (pages + kPage - sizeof(Unknown)) Unknown(&image_);
  DWORD old = 0;
  ASSERT_TRUE(VirtualProtect(pages, kPage, PAGE_READONLY, &old));
  ASSERT_TRUE(VirtualProtect(pages + kPage, kPage, PAGE_NOACCESS, &old));
  CreateAndDestroy(Image(unknown));
  EXPECT_EQ(seen_, Types({VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_IMAGE_CREATE_INFO, kUnknownType}));
  EXPECT_EQ(FakeDriver::violations, 0);
  VirtualFree(pages, 0, MEM_RELEASE);
}

TEST_F(ChainTest, ManyThreadsUseOneChain) {
  FakeDriver::sees_chain = nullptr;
  const Unknown unknown(&exported_);
  std::atomic<int> exported = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int round = 0; round < 200; ++round) {
        VkDeviceMemory memory = VK_NULL_HANDLE;
        ASSERT_EQ(Allocate(&unknown, &memory), VK_SUCCESS);
        HANDLE handle = nullptr;
        if (get_handle_(device_, memory, kOpaque, &handle) == VK_SUCCESS) ++exported;
        CloseHandle(handle);
        Free(memory);
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(exported, 4 * 200);
  EXPECT_EQ(unknown.pNext, &exported_);
}

// ---- Taking structures out ---------------------------------------------------------------------

TEST(ChainWithoutTest, WhatStandsBehindTheLastOneIsTheApplicationsOwn) {
  const VkMemoryPriorityAllocateInfoEXT last = {
      VK_STRUCTURE_TYPE_MEMORY_PRIORITY_ALLOCATE_INFO_EXT};
  const VkExportMemoryAllocateInfoNV second = {VK_STRUCTURE_TYPE_EXPORT_MEMORY_ALLOCATE_INFO_NV,
                                               &last};
  const Unknown between(&second);
  const VkExportMemoryAllocateInfoNV first = {VK_STRUCTURE_TYPE_EXPORT_MEMORY_ALLOCATE_INFO_NV,
                                              &between};
  const layer::ChainWithout chain(&first, {VK_STRUCTURE_TYPE_EXPORT_MEMORY_ALLOCATE_INFO_NV});
  const auto* const head = static_cast<const VkBaseInStructure*>(chain.head());
  ASSERT_EQ(head->sType, kUnknownType);
  EXPECT_NE(static_cast<const void*>(head), &between);
  EXPECT_EQ(static_cast<const void*>(head->pNext), &last);
}

TEST(ChainWithoutTest, AChainWithoutThemIsLeftAlone) {
  const VkMemoryPriorityAllocateInfoEXT only = {
      VK_STRUCTURE_TYPE_MEMORY_PRIORITY_ALLOCATE_INFO_EXT};
  EXPECT_EQ(layer::ChainWithout(&only, {VK_STRUCTURE_TYPE_EXPORT_MEMORY_ALLOCATE_INFO_NV}).head(),
            &only);
  EXPECT_EQ(layer::ChainWithout(nullptr, {VK_STRUCTURE_TYPE_EXPORT_MEMORY_ALLOCATE_INFO_NV}).head(),
            nullptr);
  EXPECT_EQ(layer::ChainWithout(&only, {only.sType}).head(), nullptr);
}

}  // namespace
}  // namespace vramd
