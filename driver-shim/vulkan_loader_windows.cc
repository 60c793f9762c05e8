#include "driver-shim/layer/layer.h"
#include "driver-shim/vulkan_loader.h"

namespace vramd {

VkResult LoadVulkanLibrary() {
  const VkResult loaded = volkInitialize();
  if (loaded != VK_SUCCESS) return loaded;
  layer::UseDriver(vkGetInstanceProcAddr);
  volkInitializeCustom(&layer::GetInstanceProcAddr);
  return VK_SUCCESS;
}

}  // namespace vramd
