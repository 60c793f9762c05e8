// What the layer says of VK_EXT_external_memory_host: the driver's own answer, unless the driver
// denies what its extension does, as Wine's does.
#include "tests/windows/layer_fixture.h"

namespace vramd {
namespace {

constexpr auto kHost = VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT;
constexpr VkFlags kImportable = VK_EXTERNAL_MEMORY_FEATURE_IMPORTABLE_BIT;

class HostAnswersTest : public LayerTest {
 protected:
  void SetUp() override {
    FakeDriver::has_host_memory_instead = true;
    layer::UseDriver(&FakeDriver::GetInstanceProcAddr);
    CreateInstance();
    ASSERT_NE(physical_device_, VK_NULL_HANDLE);
  }
  void TearDown() override {
    LayerTest::TearDown();
    FakeDriver::has_host_memory_instead = FakeDriver::grants_plain_buffers = false;
  }

  VkFlags OfBuffers(VkBufferUsageFlags usage) {
    const VkPhysicalDeviceExternalBufferInfo info = {
        VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_BUFFER_INFO, nullptr, 0, usage, kHost};
    VkExternalBufferProperties answer = {VK_STRUCTURE_TYPE_EXTERNAL_BUFFER_PROPERTIES};
    Instance<PFN_vkGetPhysicalDeviceExternalBufferProperties>(
        "vkGetPhysicalDeviceExternalBufferProperties")(physical_device_, &info, &answer);
    return answer.externalMemoryProperties.externalMemoryFeatures;
  }
  VkFlags OfImages() {
    const VkPhysicalDeviceExternalImageFormatInfo external = {
        VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_IMAGE_FORMAT_INFO, nullptr, kHost};
    const VkPhysicalDeviceImageFormatInfo2 info = {
        VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_IMAGE_FORMAT_INFO_2, &external};
    VkExternalImageFormatProperties found = {VK_STRUCTURE_TYPE_EXTERNAL_IMAGE_FORMAT_PROPERTIES};
    VkImageFormatProperties2 answer = {VK_STRUCTURE_TYPE_IMAGE_FORMAT_PROPERTIES_2, &found};
    Instance<PFN_vkGetPhysicalDeviceImageFormatProperties2>(
        "vkGetPhysicalDeviceImageFormatProperties2")(physical_device_, &info, &answer);
    return found.externalMemoryProperties.externalMemoryFeatures;
  }
  VkResult AskForNv() {
    VkExternalImageFormatPropertiesNV answer{};
    return Instance<PFN_vkGetPhysicalDeviceExternalImageFormatPropertiesNV>(
        "vkGetPhysicalDeviceExternalImageFormatPropertiesNV")(
        physical_device_, VK_FORMAT_R8G8B8A8_UNORM, VK_IMAGE_TYPE_2D, VK_IMAGE_TILING_OPTIMAL,
        VK_IMAGE_USAGE_TRANSFER_DST_BIT, 0, kOpaque, &answer);
  }
};

TEST_F(HostAnswersTest, ADriverThatDeniesAllIsCorrected) {
  EXPECT_EQ(OfBuffers(VK_BUFFER_USAGE_TRANSFER_SRC_BIT), kImportable);
  EXPECT_EQ(OfBuffers(VK_BUFFER_USAGE_STORAGE_BUFFER_BIT), kImportable);
  EXPECT_EQ(OfImages(), kImportable);
  EXPECT_EQ(AskForNv(), VK_SUCCESS);
}

TEST_F(HostAnswersTest, ADriverThatAnswersIsBelieved) {
  FakeDriver::grants_plain_buffers = true;
  EXPECT_EQ(OfBuffers(VK_BUFFER_USAGE_TRANSFER_SRC_BIT), kImportable);
  EXPECT_EQ(OfBuffers(VK_BUFFER_USAGE_STORAGE_BUFFER_BIT), 0u);
  EXPECT_EQ(OfImages(), 0u);
  EXPECT_EQ(AskForNv(), VK_ERROR_FORMAT_NOT_SUPPORTED);
}

}  // namespace
}  // namespace vramd
