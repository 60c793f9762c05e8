// The barriers of a hand-over, as the driver gets them.
#include "tests/unit/client_vulkan_fixture.h"

namespace vramd {
namespace {

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
