// The two functions by which the Vulkan loader knows a layer library.
#include <vulkan/vk_layer.h>

#include "driver-shim/layer/layer.h"

#define VRAMD_LAYER_EXPORT extern "C" __declspec(dllexport)

VRAMD_LAYER_EXPORT VkResult VKAPI_CALL
vkNegotiateLoaderLayerInterfaceVersion(VkNegotiateLayerInterface* version) {
  if (version->sType != LAYER_NEGOTIATE_INTERFACE_STRUCT) return VK_ERROR_INITIALIZATION_FAILED;
  if (version->loaderLayerInterfaceVersion < 2) return VK_ERROR_INITIALIZATION_FAILED;
  version->loaderLayerInterfaceVersion = 2;
  version->pfnGetInstanceProcAddr = &vramd::layer::GetInstanceProcAddr;
  version->pfnGetDeviceProcAddr = &vramd::layer::GetDeviceProcAddr;
  version->pfnGetPhysicalDeviceProcAddr = nullptr;
  return VK_SUCCESS;
}

// For applications without a loader that knows layers: what is under the layer.
VRAMD_LAYER_EXPORT PFN_vkGetInstanceProcAddr VKAPI_CALL
vramd_layer_over(PFN_vkGetInstanceProcAddr driver) {
  vramd::layer::UseDriver(driver);
  return &vramd::layer::GetInstanceProcAddr;
}
