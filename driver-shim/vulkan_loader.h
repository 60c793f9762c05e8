// Where Vulkan's functions come from.
#ifndef VRAMD_DRIVER_SHIM_VULKAN_LOADER_H_
#define VRAMD_DRIVER_SHIM_VULKAN_LOADER_H_

#include <volk.h>

#include <string>

namespace vramd {

// Loads the system's Vulkan library for volk. On Windows our own layer is put over it, which gives
// VK_NV_external_memory_win32 to drivers that lack it. Once per process, under VolkMutex().
VkResult LoadVulkanLibrary();

// Once it is loaded: why it reaches no driver, and what to do, as far as that can be told without
// an instance; else empty.
std::string WhyNoDriver();

}  // namespace vramd

#endif  // VRAMD_DRIVER_SHIM_VULKAN_LOADER_H_
