// Finding Vulkan, the one thing here that differs between operating systems.
#ifndef VRAMD_EXAMPLES_COMMON_LOAD_VULKAN_H_
#define VRAMD_EXAMPLES_COMMON_LOAD_VULKAN_H_

#include <volk.h>

namespace example {

// volkInitialize(); on Windows with vramd's layer over the driver, if it lies beside the program.
VkResult LoadVulkan();

}  // namespace example

#endif  // VRAMD_EXAMPLES_COMMON_LOAD_VULKAN_H_
