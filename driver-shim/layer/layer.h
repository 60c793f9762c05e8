// VK_LAYER_VRAMD_external_memory: gives VK_NV_external_memory_win32 to a driver that lacks it, over
// VK_KHR_external_memory_win32 where there is one, else over a section object and
// VK_EXT_external_memory_host. Where the driver has the extension, the layer steps aside.
//
// The same code serves twice: in-process, by the two functions below, and as a layer library for
// any application (negotiate.cc). Thread-safe, for any number of instances and devices.
#ifndef VRAMD_DRIVER_SHIM_LAYER_LAYER_H_
#define VRAMD_DRIVER_SHIM_LAYER_LAYER_H_

#include <vulkan/vulkan_core.h>

namespace vramd::layer {

// In-process use: what is under the layer. Once, before anything else.
void UseDriver(PFN_vkGetInstanceProcAddr next);

// vkGetInstanceProcAddr and vkGetDeviceProcAddr with the layer's extensions in them.
PFN_vkVoidFunction VKAPI_CALL GetInstanceProcAddr(VkInstance instance, const char* name);
PFN_vkVoidFunction VKAPI_CALL GetDeviceProcAddr(VkDevice device, const char* name);

}  // namespace vramd::layer

#endif  // VRAMD_DRIVER_SHIM_LAYER_LAYER_H_
