// What an imported resource keeps beside its public fields.
#ifndef VRAMD_CLIENT_SRC_VULKAN_RESOURCE_H_
#define VRAMD_CLIENT_SRC_VULKAN_RESOURCE_H_

#include <vulkan/vulkan_core.h>

#include "base/section.h"

namespace vramd {

// vramd_vk_resource::internal.
struct ResourceState {
  MappedSection section;           // of a host section: the memory is imported from its address
  VkImageAspectFlags aspects = 0;  // of an image's format
};

// All aspects that a barrier on an image of `format` must name.
VkImageAspectFlags AspectsOf(VkFormat format);

}  // namespace vramd

#endif  // VRAMD_CLIENT_SRC_VULKAN_RESOURCE_H_
