// Buffers and images as Vulkan wants them, and what a driver needs to give them memory.
#ifndef VRAMD_DRIVER_SHIM_VULKAN_RESOURCE_H_
#define VRAMD_DRIVER_SHIM_VULKAN_RESOURCE_H_

#include "absl/status/statusor.h"
#include "driver-shim/device.h"
#include "driver-shim/vulkan_context.h"

namespace vramd {

// A VkBuffer or VkImage made for external memory, or nothing. Move-only; destroys what it holds.
class VulkanResource {
 public:
  // `request` is a checked buffer or image.
  static absl::StatusOr<VulkanResource> Create(const VulkanContext& context,
                                               const AllocationRequest& request,
                                               ExternalHandle handle);

  VulkanResource() = default;
  VulkanResource(VulkanResource&& other) noexcept;
  VulkanResource& operator=(VulkanResource&&) = delete;
  ~VulkanResource();

  VkBuffer buffer() const { return buffer_; }
  VkImage image() const { return image_; }

 private:
  const VulkanContext* context_ = nullptr;
  VkBuffer buffer_ = VK_NULL_HANDLE;
  VkImage image_ = VK_NULL_HANDLE;
};

struct ResourceRequirements {
  uint64_t size = 0;  // bytes
  uint32_t memory_type_bits = 0;
  bool prefers_dedicated = false;
  bool requires_dedicated = false;
};

// Of a checked buffer or image. Creates it for a moment where the driver cannot tell otherwise.
absl::StatusOr<ResourceRequirements> QueryRequirements(const VulkanContext& context,
                                                       const AllocationRequest& request,
                                                       ExternalHandle handle);

// What the driver can do with the handle type for this very resource; raw memory is asked about as
// a buffer for transfers. FAILED_PRECONDITION for an image that the device cannot have at all,
// INVALID_ARGUMENT for one that is beyond its limits.
absl::StatusOr<VkExternalMemoryFeatureFlags> QueryExternalFeatures(const VulkanContext& context,
                                                                   const AllocationRequest& request,
                                                                   ExternalHandle handle);

}  // namespace vramd

#endif  // VRAMD_DRIVER_SHIM_VULKAN_RESOURCE_H_
