// What an imported resource keeps beside its public fields.
#ifndef VRAMD_CLIENT_SRC_VULKAN_RESOURCE_H_
#define VRAMD_CLIENT_SRC_VULKAN_RESOURCE_H_

#include <vulkan/vulkan_core.h>

#include <functional>

#include "absl/status/statusor.h"
#include "base/os_handle.h"
#include "base/recipe.h"
#include "base/section.h"
#include "vramd/vramd_vulkan.h"

namespace vramd {

// vramd_vk_resource::internal.
struct ResourceState {
  MappedSection section;           // of a host section: the memory is imported from its address
  VkImageAspectFlags aspects = 0;  // of an image's format
};

// All aspects that a barrier on an image of `format` must name.
VkImageAspectFlags AspectsOf(VkFormat format);

// Creates what the recipe says, on memory that comes by calling `get_handle` for a handle; this is
// not called if the device cannot import it. Closes the handle, or hands it to the driver.
absl::StatusOr<vramd_vk_resource> ImportResource(
    vramd_vk_device& device, const Recipe& recipe,
    const std::function<vramd_result(intptr_t*)>& get_handle);

// Of the public call that just returned `result`, with the thread's message.
absl::Status LastStatus(vramd_result result);

}  // namespace vramd

#endif  // VRAMD_CLIENT_SRC_VULKAN_RESOURCE_H_
