#include "driver-shim/layer/layer.h"
#include "driver-shim/layer/no_driver.h"
#include "driver-shim/vulkan_loader.h"

namespace vramd {
namespace {

PFN_vkGetInstanceProcAddr g_library = nullptr;  // what is under the layer

}  // namespace

VkResult LoadVulkanLibrary() {
  const VkResult loaded = volkInitialize();
  if (loaded != VK_SUCCESS) return loaded;
  layer::UseDriver(vkGetInstanceProcAddr);
  g_library = vkGetInstanceProcAddr;
  volkInitializeCustom(&layer::GetInstanceProcAddr);
  return VK_SUCCESS;
}

std::string WhyNoDriver() { return layer::WhyNoDriver(g_library); }

}  // namespace vramd
