// The Vulkan functions that importing needs, asked of the application's own vkGetInstanceProcAddr.
//
// No loader is linked and nothing is global: each table belongs to one VkInstance or one VkDevice.
// Tables are immutable after loading, so any thread may read them.
#ifndef VRAMD_CLIENT_SRC_VULKAN_FUNCTIONS_H_
#define VRAMD_CLIENT_SRC_VULKAN_FUNCTIONS_H_

#include <vulkan/vulkan_core.h>

#include "absl/status/statusor.h"

namespace vramd {

// VRAMD_X(name) for vk##name.
#define VRAMD_INSTANCE_FUNCTIONS(VRAMD_X)               \
  VRAMD_X(EnumeratePhysicalDevices)                     \
  VRAMD_X(EnumerateDeviceExtensionProperties)           \
  VRAMD_X(GetPhysicalDeviceProperties)                  \
  VRAMD_X(GetPhysicalDeviceProperties2)                 \
  VRAMD_X(GetPhysicalDeviceMemoryProperties)            \
  VRAMD_X(GetPhysicalDeviceExternalBufferProperties)    \
  VRAMD_X(GetPhysicalDeviceExternalSemaphoreProperties) \
  VRAMD_X(GetPhysicalDeviceFeatures2)                   \
  VRAMD_X(GetDeviceProcAddr)

#define VRAMD_DEVICE_FUNCTIONS(VRAMD_X) \
  VRAMD_X(AllocateMemory)               \
  VRAMD_X(FreeMemory)                   \
  VRAMD_X(CreateBuffer)                 \
  VRAMD_X(DestroyBuffer)                \
  VRAMD_X(GetBufferMemoryRequirements2) \
  VRAMD_X(BindBufferMemory)             \
  VRAMD_X(CreateImage)                  \
  VRAMD_X(DestroyImage)                 \
  VRAMD_X(GetImageMemoryRequirements2)  \
  VRAMD_X(BindImageMemory)              \
  VRAMD_X(CmdPipelineBarrier)           \
  VRAMD_X(CreateSemaphore)              \
  VRAMD_X(DestroySemaphore)

#define VRAMD_DECLARE(name) PFN_vk##name name = nullptr;

struct InstanceFunctions {
  VRAMD_INSTANCE_FUNCTIONS(VRAMD_DECLARE)

  // FAILED_PRECONDITION names the function that the instance does not have.
  static absl::StatusOr<InstanceFunctions> Load(PFN_vkGetInstanceProcAddr get, VkInstance instance);
};

struct DeviceFunctions {
  VRAMD_DEVICE_FUNCTIONS(VRAMD_DECLARE)

  static absl::StatusOr<DeviceFunctions> Load(PFN_vkGetDeviceProcAddr get, VkDevice device);
};

#undef VRAMD_DECLARE

}  // namespace vramd

#endif  // VRAMD_CLIENT_SRC_VULKAN_FUNCTIONS_H_
