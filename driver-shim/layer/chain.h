// Walking over Vulkan's pNext chains, and taking structures out of them.
#ifndef VRAMD_DRIVER_SHIM_LAYER_CHAIN_H_
#define VRAMD_DRIVER_SHIM_LAYER_CHAIN_H_

#include <vulkan/vulkan_core.h>

#include <cstddef>
#include <initializer_list>
#include <memory>
#include <vector>

namespace vramd::layer {

// The structure of that type in the chain that begins at `next`, or null.
template <typename Structure>
const Structure* Find(const void* next, VkStructureType type) {
  for (auto* at = static_cast<const VkBaseInStructure*>(next); at != nullptr; at = at->pNext)
    if (at->sType == type) return reinterpret_cast<const Structure*>(at);
  return nullptr;
}

// An input chain of VkImageCreateInfo or VkMemoryAllocateInfo without the structures of some types;
// all others stay, in their order. See chain.cc. Valid as long as both this and the chain are.
class ChainWithout {
 public:
  ChainWithout(const void* chain, std::initializer_list<VkStructureType> removed);
  const void* head() const { return head_; }

 private:
  std::vector<std::unique_ptr<std::byte[]>> copies_;
  const void* head_;
};

}  // namespace vramd::layer

#endif  // VRAMD_DRIVER_SHIM_LAYER_CHAIN_H_
