// Looks up every function of a table, once.
#include "client/src/vulkan_functions.h"

#include "absl/strings/str_cat.h"

namespace vramd {

absl::StatusOr<InstanceFunctions> InstanceFunctions::Load(PFN_vkGetInstanceProcAddr get,
                                                          VkInstance instance) {
  InstanceFunctions table;
#define VRAMD_LOAD(name)                                                   \
  table.name = reinterpret_cast<PFN_vk##name>(get(instance, "vk" #name));  \
  if (table.name == nullptr)                                               \
    return absl::FailedPreconditionError("this VkInstance has no vk" #name \
                                         "; create it with apiVersion 1.1 or newer");
  VRAMD_INSTANCE_FUNCTIONS(VRAMD_LOAD)
#undef VRAMD_LOAD
  return table;
}

absl::StatusOr<DeviceFunctions> DeviceFunctions::Load(PFN_vkGetDeviceProcAddr get,
                                                      VkDevice device) {
  DeviceFunctions table;
#define VRAMD_LOAD(name)                                                \
  table.name = reinterpret_cast<PFN_vk##name>(get(device, "vk" #name)); \
  if (table.name == nullptr) return absl::InternalError("the Vulkan driver has no vk" #name);
  VRAMD_DEVICE_FUNCTIONS(VRAMD_LOAD)
#undef VRAMD_LOAD
  return table;
}

}  // namespace vramd
