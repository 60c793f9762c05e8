// How a lease becomes a resource, and who owns its handle on the way.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

#include "base/os_handle.h"
#include "base/section.h"
#include "tests/unit/client_vulkan_fixture.h"

namespace vramd {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

bool IsOpen(int fd) { return fcntl(fd, F_GETFD) >= 0; }

TEST_F(ClientVulkanTest, AnOpaqueFdIsTheDriversAfterSuccess) {
  LeaseOf(VRAMD_RESOURCE_IMAGE, VRAMD_HANDLE_OPAQUE_FD);
  lease_.recipe.dedicated = true;
  ASSERT_EQ(Import(), VRAMD_OK) << vramd_last_error();
  EXPECT_EQ(driver_.imported_fd, lease_.fd);
  EXPECT_TRUE(IsOpen(lease_.fd));
  EXPECT_TRUE(driver_.allocate_was_dedicated);
  EXPECT_EQ(driver_.allocate_info.memoryTypeIndex, 1u);
  EXPECT_EQ(driver_.allocate_info.allocationSize, kSize);
  vramd_vk_resource_destroy(&device_, &resource_);
  EXPECT_THAT(driver_.calls,
              ElementsAre("CreateImage", "AllocateMemory", "DestroyImage", "FreeMemory"));
  EXPECT_TRUE(IsOpen(lease_.fd)) << "closed twice: once by the driver, once by us";
  close(lease_.fd);
}

TEST_F(ClientVulkanTest, AnOpaqueFdThatIsAFileHasAnOffsetOfItsOwn) {
  LeaseOf(VRAMD_RESOURCE_IMAGE, VRAMD_HANDLE_OPAQUE_FD);
  const OsHandle of_another_process(dup(lease_.fd));
  ASSERT_EQ(Import(), VRAMD_OK) << vramd_last_error();
  EXPECT_EQ(lseek(of_another_process.get(), 7, SEEK_SET), 7);
  EXPECT_EQ(lseek(driver_.imported_fd, 0, SEEK_CUR), 0);
  EXPECT_NE(fcntl(driver_.imported_fd, F_GETFD) & FD_CLOEXEC, 0);
  vramd_vk_resource_destroy(&device_, &resource_);
  close(lease_.fd);
}

TEST_F(ClientVulkanTest, AnFdThatTheDriverRefusedIsClosed) {
  LeaseOf(VRAMD_RESOURCE_IMAGE, VRAMD_HANDLE_OPAQUE_FD);
  driver_.allocate_result = VK_ERROR_OUT_OF_DEVICE_MEMORY;
  EXPECT_EQ(Import(), VRAMD_RESOURCE_EXHAUSTED);
  EXPECT_THAT(vramd_last_error(), HasSubstr("VK_ERROR_OUT_OF_DEVICE_MEMORY"));
  EXPECT_FALSE(IsOpen(lease_.fd));
  EXPECT_THAT(driver_.calls, ElementsAre("CreateImage", "AllocateMemory", "DestroyImage"));
  EXPECT_EQ(resource_.image, VkImage{VK_NULL_HANDLE});
}

TEST_F(ClientVulkanTest, NothingIsLeftWhenBindingFails) {
  LeaseOf(VRAMD_RESOURCE_BUFFER, VRAMD_HANDLE_OPAQUE_FD);
  driver_.bind_result = VK_ERROR_OUT_OF_HOST_MEMORY;
  EXPECT_EQ(Import(), VRAMD_RESOURCE_EXHAUSTED);
  EXPECT_THAT(driver_.calls,
              ElementsAre("CreateBuffer", "AllocateMemory", "DestroyBuffer", "FreeMemory"));
  close(lease_.fd);  // the fake driver's
}

TEST_F(ClientVulkanTest, AHostSectionStaysMappedUntilTheMemoryIsFreed) {
  LeaseOf(VRAMD_RESOURCE_RAW, VRAMD_HANDLE_HOST_SECTION);
  ASSERT_EQ(Import(), VRAMD_OK) << vramd_last_error();
  EXPECT_FALSE(IsOpen(lease_.fd)) << "not needed once it is mapped";
  ASSERT_NE(resource_.mapped, nullptr);
  *static_cast<char*>(resource_.mapped) = 42;
  vramd_vk_resource_destroy(&device_, &resource_);
  EXPECT_EQ(driver_.byte_at_free, 42);
  EXPECT_EQ(resource_.mapped, nullptr);
}

TEST_F(ClientVulkanTest, AnotherDeviceIsRefusedBeforeAnyHandleIsTaken) {
  LeaseOf(VRAMD_RESOURCE_BUFFER, VRAMD_HANDLE_OPAQUE_FD);
  device_.description.identity.driver_uuid[3] = 1;
  EXPECT_EQ(Import(), VRAMD_FAILED_PRECONDITION);
  EXPECT_THAT(vramd_last_error(), HasSubstr("'fake'"));
  EXPECT_EQ(lease_.handles_given, 0);
  close(lease_.fd);
}

TEST_F(ClientVulkanTest, ABufferInAHostSectionCrossesDevices) {
  LeaseOf(VRAMD_RESOURCE_BUFFER, VRAMD_HANDLE_HOST_SECTION);
  device_.description.identity.driver_uuid[3] = 1;
  lease_.recipe.memory_type_index = 0;  // means nothing here
  ASSERT_EQ(Import(), VRAMD_OK) << vramd_last_error();
  EXPECT_EQ(driver_.allocate_info.memoryTypeIndex, 1u);
  vramd_vk_resource_destroy(&device_, &resource_);
}

TEST_F(ClientVulkanTest, AnImageInAHostSectionDoesNotCrossDevices) {
  LeaseOf(VRAMD_RESOURCE_IMAGE, VRAMD_HANDLE_HOST_SECTION);
  device_.description.identity.driver_uuid[3] = 1;
  EXPECT_EQ(Import(), VRAMD_FAILED_PRECONDITION);
  EXPECT_THAT(vramd_last_error(), HasSubstr("layout"));
  close(lease_.fd);
}

TEST_F(ClientVulkanTest, ASectionThatIsNoMultipleOfTheHostPointerAlignmentIsRefused) {
  LeaseOf(VRAMD_RESOURCE_RAW, VRAMD_HANDLE_HOST_SECTION);
  lease_.recipe.allocation_size = kSize - 512;
  EXPECT_EQ(Import(), VRAMD_FAILED_PRECONDITION);
  EXPECT_THAT(
      vramd_last_error(),
      AllOf(HasSubstr(std::to_string(kSize - 512)), HasSubstr(std::to_string(SectionAlignment())),
            HasSubstr("minImportedHostPointerAlignment"), HasSubstr("another handle type")));
  EXPECT_EQ(lease_.handles_given, 0);
  EXPECT_THAT(driver_.calls, testing::IsEmpty());
  close(lease_.fd);
}

TEST_F(ClientVulkanTest, ADeviceThatWantsMoreAlignmentThanMappingsHaveImportsNoSection) {
  LeaseOf(VRAMD_RESOURCE_RAW, VRAMD_HANDLE_HOST_SECTION);
  device_.description.host_pointer_alignment = 2 * SectionAlignment();
  EXPECT_EQ(Import(), VRAMD_FAILED_PRECONDITION);
  EXPECT_THAT(vramd_last_error(), AllOf(HasSubstr(std::to_string(2 * SectionAlignment())),
                                        HasSubstr("minImportedHostPointerAlignment"),
                                        HasSubstr("another handle type")));
  EXPECT_THAT(driver_.calls, testing::IsEmpty());
  close(lease_.fd);
}

TEST_F(ClientVulkanTest, WhetherADmaBufIsDedicatedIsTheImportersToSay) {
  for (const vramd_resource_kind kind : {VRAMD_RESOURCE_IMAGE, VRAMD_RESOURCE_BUFFER}) {
    for (const bool exported_dedicated : {false, true}) {
      LeaseOf(kind, VRAMD_HANDLE_DMA_BUF);
      lease_.recipe.dedicated = exported_dedicated;
      driver_ = Driver();
      ASSERT_EQ(Import(), VRAMD_OK) << vramd_last_error();
      EXPECT_FALSE(driver_.allocate_was_dedicated);
      EXPECT_EQ(driver_.allocate_info.allocationSize, kSize);
      vramd_vk_resource_destroy(&device_, &resource_);

      driver_ = Driver();
      driver_.requires_dedicated = true;
      driver_.resource_size = kSize - 256;  // and Vulkan wants just that much of it
      ASSERT_EQ(Import(), VRAMD_OK) << vramd_last_error();
      EXPECT_TRUE(driver_.allocate_was_dedicated);
      EXPECT_EQ(driver_.allocate_info.allocationSize, kSize - 256);
      EXPECT_EQ(resource_.size, kSize - 256);
      vramd_vk_resource_destroy(&device_, &resource_);
      close(lease_.fd);
    }
  }
}

TEST_F(ClientVulkanTest, WhetherAnOpaqueFdIsDedicatedIsTheRecipesToSay) {
  LeaseOf(VRAMD_RESOURCE_IMAGE, VRAMD_HANDLE_OPAQUE_FD);
  driver_.prefers_dedicated = true;
  ASSERT_EQ(Import(), VRAMD_OK) << vramd_last_error();
  EXPECT_FALSE(driver_.allocate_was_dedicated);
  vramd_vk_resource_destroy(&device_, &resource_);
  close(lease_.fd);
}

TEST_F(ClientVulkanTest, EqualUuidsWithOtherLuidsAreAnotherDevice) {
  DeviceIdentity a, b;
  EXPECT_TRUE(IsSameDevice(a, b));
  a.luid[0] = 1;
  a.luid_valid = true;
  EXPECT_TRUE(IsSameDevice(a, b)) << "one side has no LUID";
  b.luid_valid = true;
  EXPECT_FALSE(IsSameDevice(a, b));
}

TEST_F(ClientVulkanTest, AMemoryTypeThatTheResourceDoesNotAllowIsRefused) {
  LeaseOf(VRAMD_RESOURCE_IMAGE, VRAMD_HANDLE_OPAQUE_FD);
  driver_.memory_type_bits = 0b01;
  EXPECT_EQ(Import(), VRAMD_FAILED_PRECONDITION);
  EXPECT_THAT(vramd_last_error(), HasSubstr("memory type 1"));
  EXPECT_FALSE(IsOpen(lease_.fd));
}

TEST_F(ClientVulkanTest, AResourceThatNeedsMoreThanTheAllocationIsRefused) {
  LeaseOf(VRAMD_RESOURCE_IMAGE, VRAMD_HANDLE_OPAQUE_FD);
  driver_.resource_size = kSize + 1;
  EXPECT_EQ(Import(), VRAMD_FAILED_PRECONDITION);
  EXPECT_THAT(driver_.calls, ElementsAre("CreateImage", "DestroyImage"));
  EXPECT_FALSE(IsOpen(lease_.fd));
}

TEST_F(ClientVulkanTest, ADeviceWithoutTheExtensionIsToldWhatToEnable) {
  LeaseOf(VRAMD_RESOURCE_IMAGE, VRAMD_HANDLE_OPAQUE_FD);
  device_.importers.clear();
  EXPECT_EQ(Import(), VRAMD_FAILED_PRECONDITION);
  EXPECT_THAT(vramd_last_error(), HasSubstr("vramd_vk_enumerate_device_extensions"));
  close(lease_.fd);
}

// In the child of a fork. What it finds is its exit code.
int UseDeviceAsChild(vramd_vk_device* device, const vramd_lease* lease, vramd_vk_resource* held,
                     const Driver& driver) {
  const size_t calls = driver.calls.size();
  vramd_vk_resource other = VRAMD_VK_RESOURCE_INIT;
  const vramd_vk_barrier barrier = VRAMD_VK_BARRIER_INIT;
  if (vramd_vk_import(device, lease, &other) != VRAMD_FAILED_PRECONDITION) return 1;
  if (std::string(vramd_last_error()).find("device was created before fork()") != 0) return 2;
  vramd_vk_record_acquire(device, VK_NULL_HANDLE, held, &barrier);
  vramd_vk_record_release(device, VK_NULL_HANDLE, held, &barrier);
  vramd_vk_resource_destroy(device, held);
  if (driver.calls.size() != calls || !driver.barriers.empty()) return 3;
  return held->internal == nullptr && held->mapped == nullptr ? 0 : 4;
}

TEST_F(ClientVulkanTest, AfterAForkTheParentsDriverIsLeftAlone) {
  LeaseOf(VRAMD_RESOURCE_BUFFER, VRAMD_HANDLE_HOST_SECTION);
  ASSERT_EQ(Import(), VRAMD_OK) << vramd_last_error();
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) _exit(UseDeviceAsChild(&device_, &lease_, &resource_, driver_));
  int status = -1;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  vramd_vk_resource_destroy(&device_, &resource_);
  EXPECT_THAT(driver_.calls,
              ElementsAre("CreateBuffer", "AllocateMemory", "DestroyBuffer", "FreeMemory"));
}

TEST_F(ClientVulkanTest, TheImageIsCreatedAsTheRecipeSays) {
  LeaseOf(VRAMD_RESOURCE_IMAGE, VRAMD_HANDLE_OPAQUE_FD);
  lease_.recipe.image = {VK_IMAGE_CREATE_MUTABLE_FORMAT_BIT,
                         VK_IMAGE_TYPE_3D,
                         VK_FORMAT_R32_SFLOAT,
                         5,
                         6,
                         7,
                         2,
                         3,
                         VK_SAMPLE_COUNT_4_BIT,
                         VK_IMAGE_TILING_LINEAR,
                         VK_IMAGE_USAGE_SAMPLED_BIT,
                         {VK_FORMAT_R32_SFLOAT, VK_FORMAT_R32_UINT},
                         std::nullopt};
  ASSERT_EQ(Import(), VRAMD_OK) << vramd_last_error();
  const VkImageCreateInfo& info = driver_.image_info;
  EXPECT_EQ(info.flags, VkImageCreateFlags{VK_IMAGE_CREATE_MUTABLE_FORMAT_BIT});
  EXPECT_EQ(info.imageType, VK_IMAGE_TYPE_3D);
  EXPECT_EQ(info.format, VK_FORMAT_R32_SFLOAT);
  EXPECT_EQ(info.extent.width, 5u);
  EXPECT_EQ(info.extent.height, 6u);
  EXPECT_EQ(info.extent.depth, 7u);
  EXPECT_EQ(info.mipLevels, 2u);
  EXPECT_EQ(info.arrayLayers, 3u);
  EXPECT_EQ(info.samples, VK_SAMPLE_COUNT_4_BIT);
  EXPECT_EQ(info.tiling, VK_IMAGE_TILING_LINEAR);
  EXPECT_EQ(info.usage, VkImageUsageFlags{VK_IMAGE_USAGE_SAMPLED_BIT});
  EXPECT_THAT(driver_.view_formats, ElementsAre(VK_FORMAT_R32_SFLOAT, VK_FORMAT_R32_UINT));
  vramd_vk_resource_destroy(&device_, &resource_);
  close(lease_.fd);
}

TEST_F(ClientVulkanTest, AStructWithoutASizeIsRefusedAndAShortOneIsNotOverrun) {
  LeaseOf(VRAMD_RESOURCE_BUFFER, VRAMD_HANDLE_HOST_SECTION);
  resource_.struct_size = 0;
  EXPECT_EQ(Import(), VRAMD_INVALID_ARGUMENT);
  EXPECT_THAT(vramd_last_error(), HasSubstr("struct_size"));
  vramd_vk_barrier longer[2] = {VRAMD_VK_BARRIER_INIT, VRAMD_VK_BARRIER_INIT};
  longer[0].struct_size = offsetof(vramd_vk_barrier, first_layer);  // an older caller's
  longer[0].first_layer = 7;                                        // not a field to that caller
  resource_ = VRAMD_VK_RESOURCE_INIT;
  lease_.recipe.kind = ResourceKind::kImage;
  ASSERT_EQ(Import(), VRAMD_OK) << vramd_last_error();
  vramd_vk_record_acquire(&device_, VK_NULL_HANDLE, &resource_, longer);
  ASSERT_EQ(driver_.barriers.size(), 1u);
  EXPECT_EQ(driver_.barriers[0].images[0].subresourceRange.baseArrayLayer, 0u);
  vramd_vk_resource_destroy(&device_, &resource_);
}

}  // namespace
}  // namespace vramd
