// Importing and barriers, against a driver that records what it is told and fails when asked to.
// No GPU: the tables of functions are filled by hand, and so is the lease.
#ifndef VRAMD_TESTS_UNIT_CLIENT_VULKAN_FIXTURE_H_
#define VRAMD_TESTS_UNIT_CLIENT_VULKAN_FIXTURE_H_

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/recipe.h"
#include "client/src/vulkan_device.h"
#include "vramd/vramd_vulkan.h"

// The lease that the library under test sees. Linked instead of the client.
struct vramd_lease {
  vramd::Recipe recipe;
  int fd = -1;
  mutable int handles_given = 0;
};

namespace vramd {

constexpr uint64_t kSize = 1 << 16;  // bytes

// What the driver was told, and what it shall answer.
struct Driver {
  VkResult allocate_result = VK_SUCCESS;
  VkResult bind_result = VK_SUCCESS;
  VkDeviceSize resource_size = kSize;
  uint32_t memory_type_bits = 0b11;

  std::vector<std::string> calls;
  VkImageCreateInfo image_info{};
  std::vector<VkFormat> view_formats;  // chained to it
  VkMemoryAllocateInfo allocate_info{};
  bool prefers_dedicated = false, requires_dedicated = false;
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

class ClientVulkanTest : public testing::Test {
 protected:
  ClientVulkanTest();
  ~ClientVulkanTest() override;

  void LeaseOf(vramd_resource_kind kind, vramd_handle_type type);
  vramd_result Import() { return vramd_vk_import(&device_, &lease_, &resource_); }

  Driver driver_;
  vramd_vk_device device_;
  vramd_lease lease_;
  vramd_vk_resource resource_ = VRAMD_VK_RESOURCE_INIT;
};

}  // namespace vramd

#endif  // VRAMD_TESTS_UNIT_CLIENT_VULKAN_FIXTURE_H_
