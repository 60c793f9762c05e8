#include "tools/vramctl/vulkan_host.h"

namespace vramctl {

VkResult LoadVulkan() { return volkInitialize(); }

std::string WhyNoDriver() { return ""; }

}  // namespace vramctl
