#include "common/load_vulkan.h"

namespace example {

VkResult LoadVulkan() { return volkInitialize(); }

}  // namespace example
