// As the broker does it: with the layer inside, so that vramctl imports what the broker exports
// also where the driver lacks VK_NV_external_memory_win32.
#include "driver-shim/layer/layer.h"
#include "tools/vramctl/vulkan_host.h"

namespace vramctl {

VkResult LoadVulkan() {
  const VkResult loaded = volkInitialize();
  if (loaded != VK_SUCCESS) return loaded;
  vramd::layer::UseDriver(vkGetInstanceProcAddr);
  volkInitializeCustom(&vramd::layer::GetInstanceProcAddr);
  return VK_SUCCESS;
}

}  // namespace vramctl
