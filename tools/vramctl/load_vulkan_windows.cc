// As the broker does it: with the layer inside, so that vramctl imports what the broker exports
// also where the driver lacks VK_NV_external_memory_win32.
#include "driver-shim/layer/layer.h"
#include "driver-shim/layer/no_driver.h"
#include "tools/vramctl/vulkan_host.h"

namespace vramctl {
namespace {

PFN_vkGetInstanceProcAddr g_library = nullptr;  // what is under the layer

}  // namespace

VkResult LoadVulkan() {
  const VkResult loaded = volkInitialize();
  if (loaded != VK_SUCCESS) return loaded;
  vramd::layer::UseDriver(vkGetInstanceProcAddr);
  g_library = vkGetInstanceProcAddr;
  volkInitializeCustom(&vramd::layer::GetInstanceProcAddr);
  return VK_SUCCESS;
}

std::string WhyNoDriver() { return vramd::layer::WhyNoDriver(g_library); }

}  // namespace vramctl
