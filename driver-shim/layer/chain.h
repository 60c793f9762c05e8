// Walking over Vulkan's pNext chains.
#ifndef VRAMD_DRIVER_SHIM_LAYER_CHAIN_H_
#define VRAMD_DRIVER_SHIM_LAYER_CHAIN_H_

#include <vulkan/vulkan_core.h>

namespace vramd::layer {

// The structure of that type in the chain that begins at `next`, or null.
template <typename Structure>
const Structure* Find(const void* next, VkStructureType type) {
  for (auto* at = static_cast<const VkBaseInStructure*>(next); at != nullptr; at = at->pNext)
    if (at->sType == type) return reinterpret_cast<const Structure*>(at);
  return nullptr;
}

}  // namespace vramd::layer

#endif  // VRAMD_DRIVER_SHIM_LAYER_CHAIN_H_
