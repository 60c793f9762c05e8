// Importing and barriers, against a driver that records what it is told and fails when asked to.
// No GPU: the tables of functions are filled by hand, and so is the lease.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <vector>

#include "base/section.h"
#include "client/src/vulkan_device.h"
#include "vramd/vramd_vulkan.h"

// The lease that the library under test sees. Linked instead of the client.
struct vramd_lease {
  vramd_recipe recipe{};
  int fd = -1;
  mutable int handles_given = 0;
};

vramd_result vramd_lease_get_recipe(const vramd_lease* lease, vramd_recipe* recipe) {
  *recipe = lease->recipe;
  return VRAMD_OK;
}

vramd_result vramd_lease_get_handle(const vramd_lease* lease, intptr_t* handle) {
  ++lease->handles_given;
  *handle = lease->fd;
  return VRAMD_OK;
}

namespace vramd {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr uint64_t kSize = 1 << 16;  // bytes

bool IsOpen(int fd) { return fcntl(fd, F_GETFD) >= 0; }

template <typename Handle>
Handle Fake(uintptr_t value) {
  return reinterpret_cast<Handle>(value);
}

// What the driver was told, and what it shall answer.
struct Driver {
  VkResult allocate_result = VK_SUCCESS;
  VkResult bind_result = VK_SUCCESS;
  VkDeviceSize resource_size = kSize;
  uint32_t memory_type_bits = 0b11;

  std::vector<std::string> calls;
  VkImageCreateInfo image_info{};
  VkMemoryAllocateInfo allocate_info{};
  bool allocate_was_dedicated = false;
  int imported_fd = -1;
  volatile char* imported_pointer = nullptr;
  char byte_at_free = 0;

  struct Barrier {
    VkPipelineStageFlags from_stage, to_stage;
    std::vector<VkImageMemoryBarrier> images;
    std::vector<VkBufferMemoryBarrier> buffers;
  };
  std::vector<Barrier> barriers;
};

Driver* driver = nullptr;  // of the running test

VkResult CreateImage(VkDevice, const VkImageCreateInfo* info, const VkAllocationCallbacks*,
                     VkImage* image) {
  driver->calls.push_back("CreateImage");
  driver->image_info = *info;
  *image = Fake<VkImage>(11);
  return VK_SUCCESS;
}

VkResult CreateBuffer(VkDevice, const VkBufferCreateInfo*, const VkAllocationCallbacks*,
                      VkBuffer* buffer) {
  driver->calls.push_back("CreateBuffer");
  *buffer = Fake<VkBuffer>(12);
  return VK_SUCCESS;
}

void DestroyImage(VkDevice, VkImage image, const VkAllocationCallbacks*) {
  if (image != VK_NULL_HANDLE) driver->calls.push_back("DestroyImage");
}

void DestroyBuffer(VkDevice, VkBuffer buffer, const VkAllocationCallbacks*) {
  if (buffer != VK_NULL_HANDLE) driver->calls.push_back("DestroyBuffer");
}

void ImageRequirements(VkDevice, VkImage, VkMemoryRequirements* needs) {
  *needs = {driver->resource_size, 1, driver->memory_type_bits};
}

void BufferRequirements(VkDevice, VkBuffer, VkMemoryRequirements* needs) {
  *needs = {driver->resource_size, 1, driver->memory_type_bits};
}

void ReadImportChain(const void* next) {
  for (auto* link = static_cast<const VkBaseInStructure*>(next); link != nullptr;
       link = link->pNext) {
    if (link->sType == VK_STRUCTURE_TYPE_MEMORY_DEDICATED_ALLOCATE_INFO)
      driver->allocate_was_dedicated = true;
    if (link->sType == VK_STRUCTURE_TYPE_IMPORT_MEMORY_FD_INFO_KHR)
      driver->imported_fd = reinterpret_cast<const VkImportMemoryFdInfoKHR*>(link)->fd;
    if (link->sType == VK_STRUCTURE_TYPE_IMPORT_MEMORY_HOST_POINTER_INFO_EXT)
      driver->imported_pointer = static_cast<char*>(
          reinterpret_cast<const VkImportMemoryHostPointerInfoEXT*>(link)->pHostPointer);
  }
}

VkResult AllocateMemory(VkDevice, const VkMemoryAllocateInfo* info, const VkAllocationCallbacks*,
                        VkDeviceMemory* memory) {
  driver->calls.push_back("AllocateMemory");
  driver->allocate_info = *info;
  ReadImportChain(info->pNext);
  if (driver->allocate_result == VK_SUCCESS) *memory = Fake<VkDeviceMemory>(13);
  return driver->allocate_result;
}

void FreeMemory(VkDevice, VkDeviceMemory memory, const VkAllocationCallbacks*) {
  if (memory == VK_NULL_HANDLE) return;
  driver->calls.push_back("FreeMemory");
  if (driver->imported_pointer != nullptr) driver->byte_at_free = *driver->imported_pointer;
}

VkResult BindImage(VkDevice, VkImage, VkDeviceMemory, VkDeviceSize) { return driver->bind_result; }
VkResult BindBuffer(VkDevice, VkBuffer, VkDeviceMemory, VkDeviceSize) {
  return driver->bind_result;
}

void PipelineBarrier(VkCommandBuffer, VkPipelineStageFlags from, VkPipelineStageFlags to,
                     VkDependencyFlags, uint32_t, const VkMemoryBarrier*, uint32_t buffer_count,
                     const VkBufferMemoryBarrier* buffers, uint32_t image_count,
                     const VkImageMemoryBarrier* images) {
  driver->barriers.push_back(
      {from, to, {images, images + image_count}, {buffers, buffers + buffer_count}});
}

VkResult HostPointerProperties(VkDevice, VkExternalMemoryHandleTypeFlagBits, const void*,
                               VkMemoryHostPointerPropertiesEXT* properties) {
  properties->memoryTypeBits = 0b10;
  return VK_SUCCESS;
}

void Unused() {}

PFN_vkVoidFunction GetDeviceProc(VkDevice, const char* name) {
  if (std::strcmp(name, "vkGetMemoryHostPointerPropertiesEXT") == 0)
    return reinterpret_cast<PFN_vkVoidFunction>(&HostPointerProperties);
  return &Unused;
}

class ClientVulkanTest : public testing::Test {
 protected:
  ClientVulkanTest() {
    driver = &driver_;
    device_.device = Fake<VkDevice>(1);
    device_.vk = {&AllocateMemory,     &FreeMemory, &CreateBuffer,   &DestroyBuffer,
                  &BufferRequirements, &BindBuffer, &CreateImage,    &DestroyImage,
                  &ImageRequirements,  &BindImage,  &PipelineBarrier};
    device_.description.name = "fake";
    device_.description.memory.memoryTypeCount = 2;
    for (const ImportVariant& variant : ImportVariants()) {
      device_.description.variants.push_back(&variant);
      device_.importers.emplace(variant.type, variant.make(device_.device, &GetDeviceProc));
    }
    lease_.recipe.struct_size = sizeof(vramd_recipe);
    lease_.recipe.allocation_size = kSize;
    lease_.recipe.memory_type_index = 1;
    lease_.recipe.handover_layout = VK_IMAGE_LAYOUT_GENERAL;
    lease_.recipe.image = VRAMD_IMAGE_INFO_INIT;
  }
  ~ClientVulkanTest() override { driver = nullptr; }

  void LeaseOf(vramd_resource_kind kind, vramd_handle_type type) {
    lease_.recipe.kind = kind;
    lease_.recipe.handle_type = type;
    lease_.recipe.image.format = VK_FORMAT_R8G8B8A8_UNORM;
    lease_.fd = CreateSection(kSize, "test")->Release();
  }

  vramd_result Import() { return vramd_vk_import(&device_, &lease_, &resource_); }

  Driver driver_;
  vramd_vk_device device_;
  vramd_lease lease_;
  vramd_vk_resource resource_ = VRAMD_VK_RESOURCE_INIT;
};

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

TEST_F(ClientVulkanTest, EqualUuidsWithOtherLuidsAreAnotherDevice) {
  vramd_device_identity a{}, b{};
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
                         VK_IMAGE_USAGE_SAMPLED_BIT};
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
  lease_.recipe.kind = VRAMD_RESOURCE_IMAGE;
  ASSERT_EQ(Import(), VRAMD_OK) << vramd_last_error();
  vramd_vk_record_acquire(&device_, VK_NULL_HANDLE, &resource_, longer);
  ASSERT_EQ(driver_.barriers.size(), 1u);
  EXPECT_EQ(driver_.barriers[0].images[0].subresourceRange.baseArrayLayer, 0u);
  vramd_vk_resource_destroy(&device_, &resource_);
}

class BarrierTest : public ClientVulkanTest {
 protected:
  void ImportImage(VkFormat format = VK_FORMAT_R8G8B8A8_UNORM) {
    LeaseOf(VRAMD_RESOURCE_IMAGE, VRAMD_HANDLE_HOST_SECTION);
    lease_.recipe.image.format = format;
    ASSERT_EQ(Import(), VRAMD_OK) << vramd_last_error();
  }
  void TearDown() override { vramd_vk_resource_destroy(&device_, &resource_); }

  // Both halves of a transfer must name this, whatever layout the user works in.
  static void ExpectTransfer(const VkImageMemoryBarrier& image, uint32_t from, uint32_t to) {
    EXPECT_EQ(image.srcQueueFamilyIndex, from);
    EXPECT_EQ(image.dstQueueFamilyIndex, to);
    EXPECT_EQ(image.oldLayout, VK_IMAGE_LAYOUT_GENERAL);
    EXPECT_EQ(image.newLayout, VK_IMAGE_LAYOUT_GENERAL);
  }

  static void ExpectTransition(const VkImageMemoryBarrier& image, VkImageLayout from,
                               VkImageLayout to) {
    EXPECT_EQ(image.srcQueueFamilyIndex, VK_QUEUE_FAMILY_IGNORED);
    EXPECT_EQ(image.dstQueueFamilyIndex, VK_QUEUE_FAMILY_IGNORED);
    EXPECT_EQ(image.oldLayout, from);
    EXPECT_EQ(image.newLayout, to);
  }

  vramd_vk_barrier User(VkImageLayout layout) {
    vramd_vk_barrier barrier = VRAMD_VK_BARRIER_INIT;
    barrier.queue_family = 3;
    barrier.layout = layout;
    barrier.stage = VK_PIPELINE_STAGE_TRANSFER_BIT;
    barrier.access = VK_ACCESS_TRANSFER_READ_BIT;
    return barrier;
  }
};

TEST_F(BarrierTest, ReleaseChangesTheLayoutFirstAndThenTheOwner) {
  ImportImage();
  const vramd_vk_barrier user = User(VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL);
  vramd_vk_record_release(&device_, VK_NULL_HANDLE, &resource_, &user);
  ASSERT_EQ(driver_.barriers.size(), 2u);
  ExpectTransition(driver_.barriers[0].images[0], VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL,
                   VK_IMAGE_LAYOUT_GENERAL);
  EXPECT_EQ(driver_.barriers[0].from_stage, VkPipelineStageFlags{VK_PIPELINE_STAGE_TRANSFER_BIT});
  ExpectTransfer(driver_.barriers[1].images[0], 3, VK_QUEUE_FAMILY_EXTERNAL);
}

TEST_F(BarrierTest, AcquireTakesTheOwnershipFirstAndThenChangesTheLayout) {
  ImportImage();
  const vramd_vk_barrier user = User(VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL);
  vramd_vk_record_acquire(&device_, VK_NULL_HANDLE, &resource_, &user);
  ASSERT_EQ(driver_.barriers.size(), 2u);
  ExpectTransfer(driver_.barriers[0].images[0], VK_QUEUE_FAMILY_EXTERNAL, 3);
  ExpectTransition(driver_.barriers[1].images[0], VK_IMAGE_LAYOUT_GENERAL,
                   VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL);
  EXPECT_EQ(driver_.barriers[1].to_stage, VkPipelineStageFlags{VK_PIPELINE_STAGE_TRANSFER_BIT});
  EXPECT_EQ(driver_.barriers[1].images[0].dstAccessMask,
            VkAccessFlags{VK_ACCESS_TRANSFER_READ_BIT});
}

TEST_F(BarrierTest, InTheHandOverLayoutOneBarrierIsEnough) {
  ImportImage();
  for (const VkImageLayout layout : {VK_IMAGE_LAYOUT_GENERAL, VK_IMAGE_LAYOUT_UNDEFINED}) {
    const vramd_vk_barrier user = User(layout);
    driver_.barriers.clear();
    vramd_vk_record_acquire(&device_, VK_NULL_HANDLE, &resource_, &user);
    vramd_vk_record_release(&device_, VK_NULL_HANDLE, &resource_, &user);
    ASSERT_EQ(driver_.barriers.size(), 2u);
    ExpectTransfer(driver_.barriers[0].images[0], VK_QUEUE_FAMILY_EXTERNAL, 3);
    ExpectTransfer(driver_.barriers[1].images[0], 3, VK_QUEUE_FAMILY_EXTERNAL);
  }
}

TEST_F(BarrierTest, DiscardTakesNoOwnership) {
  ImportImage();
  vramd_vk_barrier user = User(VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL);
  user.discard = true;
  vramd_vk_record_acquire(&device_, VK_NULL_HANDLE, &resource_, &user);
  ASSERT_EQ(driver_.barriers.size(), 1u);
  ExpectTransition(driver_.barriers[0].images[0], VK_IMAGE_LAYOUT_UNDEFINED,
                   VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL);
}

// A wait for a semaphore, at any stage, and the work before it are ordered against what follows an
// acquire only if the barrier begins with a stage of theirs. TOP_OF_PIPE is none.
TEST_F(BarrierTest, AnAcquireComesAfterAllThatWasBeforeIt) {
  constexpr VkPipelineStageFlags kAll = VK_PIPELINE_STAGE_ALL_COMMANDS_BIT;
  for (const bool discard : {false, true}) {
    for (const vramd_resource_kind kind : {VRAMD_RESOURCE_IMAGE, VRAMD_RESOURCE_BUFFER}) {
      SCOPED_TRACE(testing::Message() << "discard " << discard << ", kind " << kind);
      LeaseOf(kind, VRAMD_HANDLE_HOST_SECTION);
      ASSERT_EQ(Import(), VRAMD_OK) << vramd_last_error();
      vramd_vk_barrier user = User(VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL);
      user.discard = discard;
      driver_.barriers.clear();
      vramd_vk_record_acquire(&device_, VK_NULL_HANDLE, &resource_, &user);
      ASSERT_FALSE(driver_.barriers.empty());
      for (const Driver::Barrier& barrier : driver_.barriers) EXPECT_EQ(barrier.from_stage, kAll);
      vramd_vk_resource_destroy(&device_, &resource_);
      resource_ = VRAMD_VK_RESOURCE_INIT;
    }
  }
}

// The content is lost, but not what wrote it: a slot that was rendered into and abandoned, say.
TEST_F(BarrierTest, DiscardComesAfterTheWritesBeforeIt) {
  ImportImage();
  vramd_vk_barrier user = User(VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL);
  user.discard = true;
  vramd_vk_record_acquire(&device_, VK_NULL_HANDLE, &resource_, &user);
  ASSERT_EQ(driver_.barriers.size(), 1u);
  EXPECT_NE(driver_.barriers[0].images[0].srcAccessMask & VK_ACCESS_MEMORY_WRITE_BIT, 0u);
}

TEST_F(BarrierTest, AllLevelsLayersAndAspectsAreNamed) {
  ImportImage(VK_FORMAT_D24_UNORM_S8_UINT);
  vramd_vk_barrier user = User(VK_IMAGE_LAYOUT_GENERAL);
  vramd_vk_record_acquire(&device_, VK_NULL_HANDLE, &resource_, &user);
  const VkImageSubresourceRange all = driver_.barriers[0].images[0].subresourceRange;
  EXPECT_EQ(all.aspectMask,
            VkImageAspectFlags{VK_IMAGE_ASPECT_DEPTH_BIT | VK_IMAGE_ASPECT_STENCIL_BIT});
  EXPECT_EQ(all.levelCount, VK_REMAINING_MIP_LEVELS);
  EXPECT_EQ(all.layerCount, VK_REMAINING_ARRAY_LAYERS);

  user.first_layer = 2;
  user.layer_count = 1;
  vramd_vk_record_acquire(&device_, VK_NULL_HANDLE, &resource_, &user);
  EXPECT_EQ(driver_.barriers[1].images[0].subresourceRange.baseArrayLayer, 2u);
  EXPECT_EQ(driver_.barriers[1].images[0].subresourceRange.layerCount, 1u);
}

TEST_F(BarrierTest, ABufferChangesHandsToo) {
  LeaseOf(VRAMD_RESOURCE_BUFFER, VRAMD_HANDLE_HOST_SECTION);
  ASSERT_EQ(Import(), VRAMD_OK) << vramd_last_error();
  const vramd_vk_barrier user = User(VK_IMAGE_LAYOUT_UNDEFINED);
  vramd_vk_record_acquire(&device_, VK_NULL_HANDLE, &resource_, &user);
  vramd_vk_record_release(&device_, VK_NULL_HANDLE, &resource_, &user);
  ASSERT_EQ(driver_.barriers.size(), 2u);
  const VkBufferMemoryBarrier& acquire = driver_.barriers[0].buffers.at(0);
  const VkBufferMemoryBarrier& release = driver_.barriers[1].buffers.at(0);
  EXPECT_EQ(acquire.srcQueueFamilyIndex, VK_QUEUE_FAMILY_EXTERNAL);
  EXPECT_EQ(acquire.dstQueueFamilyIndex, 3u);
  EXPECT_EQ(release.srcQueueFamilyIndex, 3u);
  EXPECT_EQ(release.dstQueueFamilyIndex, VK_QUEUE_FAMILY_EXTERNAL);
  EXPECT_EQ(release.size, VK_WHOLE_SIZE);
}

}  // namespace
}  // namespace vramd
