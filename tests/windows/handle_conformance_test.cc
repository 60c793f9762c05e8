// vkGetMemoryWin32HandleNV and its extension, line by line, over both of the layer's modes.
//
// A broken valid-usage rule is undefined behaviour by the specification; the layer promises more:
// no handle, and an error from the list of the function's return codes.
#include <cstring>
#include <optional>
#include <set>
#include <thread>
#include <vector>

#include "tests/support/handle_count_windows.h"
#include "tests/windows/layer_fixture.h"

namespace vramd {
namespace {

// ---- Valid usage -------------------------------------------------------------------------------

TEST_P(LayerTest, HandleTypeWasNamedWhenTheMemoryWasAllocated) {
  VkDeviceMemory plain = VK_NULL_HANDLE;
  ASSERT_EQ(Allocate(nullptr, &plain), VK_SUCCESS);
  HANDLE handle = this;
  EXPECT_EQ(get_handle_(device_, plain, kOpaque, &handle), VK_ERROR_OUT_OF_HOST_MEMORY);
  EXPECT_EQ(handle, nullptr);
  Free(plain);
}

TEST_P(LayerTest, HandleTypeIsExactlyOneKnownBit) {
  const VkDeviceMemory memory = AllocateExportable();
  for (const VkExternalMemoryHandleTypeFlagsNV type : {0x0u, 0x2u, 0x4u, 0x8u, 0x3u, 0x10u, ~0u}) {
    HANDLE handle = this;
    EXPECT_EQ(get_handle_(device_, memory, type, &handle), VK_ERROR_OUT_OF_HOST_MEMORY) << type;
    EXPECT_EQ(handle, nullptr) << type;
  }
  Free(memory);
}

TEST_P(LayerTest, MemoryBelongsToTheDevice) {
  const VkDeviceMemory memory = AllocateExportable();
  const VkDevice other = CreateDevice();
  HANDLE handle = this;
  EXPECT_EQ(get_handle_(other, memory, kOpaque, &handle), VK_ERROR_OUT_OF_HOST_MEMORY);
  EXPECT_EQ(handle, nullptr);
  DestroyDevice(other);
  Free(memory);
}

TEST_P(LayerTest, PointerIsNotNull) {
  const VkDeviceMemory memory = AllocateExportable();
  EXPECT_EQ(get_handle_(device_, memory, kOpaque, nullptr), VK_ERROR_OUT_OF_HOST_MEMORY);
  Free(memory);
}

// ---- Return codes ------------------------------------------------------------------------------

TEST_P(LayerTest, SuccessGivesANewHandleEachTime) {
  const VkDeviceMemory memory = AllocateExportable();
  HANDLE first = nullptr;
  HANDLE second = nullptr;
  ASSERT_EQ(get_handle_(device_, memory, kOpaque, &first), VK_SUCCESS);
  ASSERT_EQ(get_handle_(device_, memory, kOpaque, &second), VK_SUCCESS);
  EXPECT_NE(first, second);
  EXPECT_TRUE(IsOpen(first) && IsOpen(second));
  CloseHandle(first);
  CloseHandle(second);
  Free(memory);
}

TEST_P(LayerTest, DriversErrorsBecomeListedOnes) {
  if (GetParam() != Under::kFakeKhrDriver) GTEST_SKIP() << "only the fake driver fails on demand";
  const VkDeviceMemory memory = AllocateExportable();
  HANDLE handle = nullptr;
  FakeDriver::next_export_result = VK_ERROR_TOO_MANY_OBJECTS;
  EXPECT_EQ(get_handle_(device_, memory, kOpaque, &handle), VK_ERROR_TOO_MANY_OBJECTS);
  FakeDriver::next_export_result = VK_ERROR_OUT_OF_HOST_MEMORY;
  EXPECT_EQ(get_handle_(device_, memory, kOpaque, &handle), VK_ERROR_OUT_OF_HOST_MEMORY);
  FakeDriver::next_export_result = VK_ERROR_DEVICE_LOST;  // not in the function's list
  EXPECT_EQ(get_handle_(device_, memory, kOpaque, &handle), VK_ERROR_OUT_OF_HOST_MEMORY);
  EXPECT_EQ(get_handle_(device_, memory, kOpaque, &handle), VK_SUCCESS);
  CloseHandle(handle);
  Free(memory);
}

// ---- Ownership ---------------------------------------------------------------------------------

TEST_P(LayerTest, ExportedHandleOutlivesTheMemory) {
  const VkDeviceMemory memory = AllocateExportable();
  HANDLE handle = nullptr;
  ASSERT_EQ(get_handle_(device_, memory, kOpaque, &handle), VK_SUCCESS);
  Free(memory);
  EXPECT_TRUE(IsOpen(handle));
  EXPECT_TRUE(CloseHandle(handle));
}

TEST_P(LayerTest, ImportTakesTheHandleOnSuccess) {
  const VkDeviceMemory memory = AllocateExportable();
  HANDLE handle = nullptr;
  ASSERT_EQ(get_handle_(device_, memory, kOpaque, &handle), VK_SUCCESS);
  const VkImportMemoryWin32HandleInfoNV import = {
      VK_STRUCTURE_TYPE_IMPORT_MEMORY_WIN32_HANDLE_INFO_NV, nullptr, kOpaque, handle};
  VkDeviceMemory imported = VK_NULL_HANDLE;
  ASSERT_EQ(Allocate(&import, &imported), VK_SUCCESS);
  EXPECT_FALSE(IsOpen(handle));
  Free(imported);
  Free(memory);
}

TEST_P(LayerTest, FailedImportLeavesTheHandle) {
  HANDLE event = CreateEventW(nullptr, TRUE, FALSE, nullptr);  // no memory at all
  const VkImportMemoryWin32HandleInfoNV import = {
      VK_STRUCTURE_TYPE_IMPORT_MEMORY_WIN32_HANDLE_INFO_NV, nullptr,
      VK_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_WIN32_KMT_BIT_NV, event};
  VkDeviceMemory imported = VK_NULL_HANDLE;
  EXPECT_EQ(Allocate(&import, &imported), VK_ERROR_INVALID_EXTERNAL_HANDLE);
  EXPECT_TRUE(IsOpen(event));
  CloseHandle(event);
}

TEST_P(LayerTest, HandlesAreInheritableOnlyOnRequest) {
  SECURITY_ATTRIBUTES attributes = {sizeof(attributes), nullptr, TRUE};
  const VkExportMemoryWin32HandleInfoNV access = {
      VK_STRUCTURE_TYPE_EXPORT_MEMORY_WIN32_HANDLE_INFO_NV, nullptr, &attributes, 0};
  const VkExportMemoryAllocateInfoNV asked = {VK_STRUCTURE_TYPE_EXPORT_MEMORY_ALLOCATE_INFO_NV,
                                              &access, kOpaque};
  VkDeviceMemory inheritable = VK_NULL_HANDLE;
  ASSERT_EQ(Allocate(&asked, &inheritable), VK_SUCCESS);
  const VkDeviceMemory ordinary = AllocateExportable();
  for (const auto& [memory, expected] :
       {std::pair(inheritable, DWORD{HANDLE_FLAG_INHERIT}), std::pair(ordinary, DWORD{0})}) {
    HANDLE handle = nullptr;
    ASSERT_EQ(get_handle_(device_, memory, kOpaque, &handle), VK_SUCCESS);
    DWORD flags = 0;
    ASSERT_TRUE(GetHandleInformation(handle, &flags));
    EXPECT_EQ(flags & HANDLE_FLAG_INHERIT, expected);
    CloseHandle(handle);
    Free(memory);
  }
}

TEST_P(LayerTest, AThousandRoundsLeakNoHandle) {
  const auto round = [&] {
    const VkDeviceMemory memory = AllocateExportable();
    HANDLE handle = nullptr;
    ASSERT_EQ(get_handle_(device_, memory, kOpaque, &handle), VK_SUCCESS);
    const VkImportMemoryWin32HandleInfoNV import = {
        VK_STRUCTURE_TYPE_IMPORT_MEMORY_WIN32_HANDLE_INFO_NV, nullptr, kOpaque, handle};
    VkDeviceMemory imported = VK_NULL_HANDLE;
    ASSERT_EQ(Allocate(&import, &imported), VK_SUCCESS);
    Free(memory);
    Free(imported);
  };
  round();
  const size_t before = CountOwnHandles();
  for (int i = 0; i < 1000 && !HasFailure(); ++i) round();
  EXPECT_EQ(CountOwnHandles(), before);
}

TEST_P(LayerTest, KhrDriverIsAskedOnceForAMemory) {
  if (GetParam() != Under::kFakeKhrDriver) GTEST_SKIP() << "the driver has no KHR extension";
  FakeDriver::exports = FakeDriver::violations = 0;
  const VkDeviceMemory memory = AllocateExportable();
  for (int i = 0; i < 3; ++i) {
    HANDLE handle = nullptr;
    ASSERT_EQ(get_handle_(device_, memory, kOpaque, &handle), VK_SUCCESS);
    CloseHandle(handle);
  }
  EXPECT_EQ(FakeDriver::exports, 1);
  EXPECT_EQ(FakeDriver::violations, 0);
  Free(memory);
}

// ---- The memory itself -------------------------------------------------------------------------

class SharedBytesTest : public LayerTest {
 protected:
  // The memory types that a shared image of linear tiling can have.
  uint32_t SharedTypes() {
    const VkExternalMemoryImageCreateInfoNV external = {
        VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_IMAGE_CREATE_INFO_NV, nullptr, kOpaque};
    VkImageCreateInfo info = {VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO, &external};
    info.imageType = VK_IMAGE_TYPE_2D;
    info.format = VK_FORMAT_R8G8B8A8_UNORM;
    info.extent = {64, 64, 1};
    info.mipLevels = info.arrayLayers = 1;
    info.samples = VK_SAMPLE_COUNT_1_BIT;
    info.tiling = VK_IMAGE_TILING_LINEAR;
    info.usage = VK_IMAGE_USAGE_TRANSFER_DST_BIT;
    VkImage image = VK_NULL_HANDLE;
    if (Device<PFN_vkCreateImage>("vkCreateImage")(device_, &info, nullptr, &image) != VK_SUCCESS)
      return 0;
    VkMemoryRequirements needed = {};
    Device<PFN_vkGetImageMemoryRequirements>("vkGetImageMemoryRequirements")(device_, image,
                                                                             &needed);
    Device<PFN_vkDestroyImage>("vkDestroyImage")(device_, image, nullptr);
    return needed.memoryTypeBits;
  }
  // The first of them that can be mapped.
  std::optional<uint32_t> MappableType() {
    VkPhysicalDeviceMemoryProperties memory = {};
    Instance<PFN_vkGetPhysicalDeviceMemoryProperties>("vkGetPhysicalDeviceMemoryProperties")(
        physical_device_, &memory);
    const uint32_t shared = SharedTypes();
    for (uint32_t i = 0; i < memory.memoryTypeCount; ++i)
      if ((shared & (1u << i)) != 0 &&
          (memory.memoryTypes[i].propertyFlags & VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT) != 0)
        return i;
    return std::nullopt;
  }
};

// The fake driver maps nothing.
TEST_P(SharedBytesTest, ImportShowsTheExportersBytes) {
  const std::optional<uint32_t> type = MappableType();
  if (!type) GTEST_SKIP() << "no memory type of this device can be both shared and mapped";
  const VkDeviceMemory memory = AllocateExportable(*type);
  HANDLE handle = nullptr;
  ASSERT_EQ(get_handle_(device_, memory, kOpaque, &handle), VK_SUCCESS);
  const VkImportMemoryWin32HandleInfoNV import = {
      VK_STRUCTURE_TYPE_IMPORT_MEMORY_WIN32_HANDLE_INFO_NV, nullptr, kOpaque, handle};
  VkDeviceMemory imported = VK_NULL_HANDLE;
  ASSERT_EQ(Allocate(&import, &imported, *type), VK_SUCCESS);
  const auto map = Device<PFN_vkMapMemory>("vkMapMemory");
  void* written = nullptr;
  void* read = nullptr;
  ASSERT_EQ(map(device_, memory, 0, VK_WHOLE_SIZE, 0, &written), VK_SUCCESS);
  ASSERT_EQ(map(device_, imported, 0, VK_WHOLE_SIZE, 0, &read), VK_SUCCESS);
  ASSERT_NE(written, read);
  std::memset(written, 0x5a, kSize);
  EXPECT_EQ(std::memcmp(written, read, kSize), 0);
  Free(imported);
  Free(memory);
}

// ---- Advertising -------------------------------------------------------------------------------

TEST_P(LayerTest, ExtensionsAreListedOnce) {
  const auto list =
      Instance<PFN_vkEnumerateDeviceExtensionProperties>("vkEnumerateDeviceExtensionProperties");
  uint32_t count = 0;
  ASSERT_EQ(list(physical_device_, nullptr, &count, nullptr), VK_SUCCESS);
  std::vector<VkExtensionProperties> all(count);
  ASSERT_EQ(list(physical_device_, nullptr, &count, all.data()), VK_SUCCESS);
  std::multiset<std::string> names;
  for (const VkExtensionProperties& extension : all) names.insert(extension.extensionName);
  EXPECT_EQ(names.count(VK_NV_EXTERNAL_MEMORY_EXTENSION_NAME), 1u);
  EXPECT_EQ(names.count(VK_NV_EXTERNAL_MEMORY_WIN32_EXTENSION_NAME), 1u);
  count = static_cast<uint32_t>(all.size()) - 1;
  EXPECT_EQ(list(physical_device_, nullptr, &count, all.data()), VK_INCOMPLETE);
}

TEST_P(LayerTest, ImageQueryKnowsTheOneType) {
  const auto ask = Instance<PFN_vkGetPhysicalDeviceExternalImageFormatPropertiesNV>(
      "vkGetPhysicalDeviceExternalImageFormatPropertiesNV");
  ASSERT_NE(ask, nullptr);
  VkExternalImageFormatPropertiesNV answer = {};
  const auto query = [&](VkExternalMemoryHandleTypeFlagsNV type) {
    return ask(physical_device_, VK_FORMAT_R8G8B8A8_UNORM, VK_IMAGE_TYPE_2D,
               VK_IMAGE_TILING_OPTIMAL, VK_IMAGE_USAGE_TRANSFER_DST_BIT, 0, type, &answer);
  };
  ASSERT_EQ(query(kOpaque), VK_SUCCESS);
  EXPECT_EQ(answer.externalMemoryFeatures, VkFlags{VK_EXTERNAL_MEMORY_FEATURE_EXPORTABLE_BIT_NV |
                                                   VK_EXTERNAL_MEMORY_FEATURE_IMPORTABLE_BIT_NV});
  EXPECT_EQ(answer.compatibleHandleTypes, VkFlags{kOpaque});
  EXPECT_EQ(query(0), VK_SUCCESS);
  EXPECT_EQ(answer.externalMemoryFeatures, 0u);
  EXPECT_EQ(query(VK_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_WIN32_KMT_BIT_NV),
            VK_ERROR_FORMAT_NOT_SUPPORTED);
}

// ---- Threads and devices -----------------------------------------------------------------------

TEST_P(LayerTest, ManyThreadsOnOneDevice) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([this] {
      for (int round = 0; round < 100; ++round) {
        const VkDeviceMemory memory = AllocateExportable();
        HANDLE handle = nullptr;
        ASSERT_EQ(get_handle_(device_, memory, kOpaque, &handle), VK_SUCCESS);
        Free(memory);
        ASSERT_TRUE(CloseHandle(handle));
      }
    });
  for (std::thread& thread : threads) thread.join();
}

INSTANTIATE_TEST_SUITE_P(, LayerTest, testing::Values(Under::kSystemDriver, Under::kFakeKhrDriver),
                         [](const auto& info) {
                           return info.param == Under::kSystemDriver ? "Section" : "Khr";
                         });

INSTANTIATE_TEST_SUITE_P(, SharedBytesTest, testing::Values(Under::kSystemDriver),
                         [](const auto&) { return "Section"; });

}  // namespace
}  // namespace vramd
