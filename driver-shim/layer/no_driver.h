// What is wrong when Vulkan's library is there and no driver is.
#ifndef VRAMD_DRIVER_SHIM_LAYER_NO_DRIVER_H_
#define VRAMD_DRIVER_SHIM_LAYER_NO_DRIVER_H_

#include <vulkan/vulkan_core.h>

#include <string>

namespace vramd::layer {

// Why the library that `library` belongs to reaches no driver, and what to do about it; empty if it
// reaches one, or for reasons that only vkCreateInstance can tell. Thread-safe.
std::string WhyNoDriver(PFN_vkGetInstanceProcAddr library);

}  // namespace vramd::layer

#endif  // VRAMD_DRIVER_SHIM_LAYER_NO_DRIVER_H_
