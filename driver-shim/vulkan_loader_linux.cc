#include "driver-shim/vulkan_loader.h"

namespace vramd {

VkResult LoadVulkanLibrary() { return volkInitialize(); }

std::string WhyNoDriver() { return ""; }

}  // namespace vramd
