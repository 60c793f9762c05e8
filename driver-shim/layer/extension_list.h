// Lists of Vulkan extensions: asking for one, answering with one, and changing what is enabled.
#ifndef VRAMD_DRIVER_SHIM_LAYER_EXTENSION_LIST_H_
#define VRAMD_DRIVER_SHIM_LAYER_EXTENSION_LIST_H_

#include <vulkan/vulkan_core.h>

#include <initializer_list>
#include <vector>

namespace vramd::layer {

using ExtensionList = std::vector<VkExtensionProperties>;

bool Has(const ExtensionList& list, const char* name);
void AddIfMissing(ExtensionList& list, const char* name);

// Vulkan's two-call idiom, from the answering side.
VkResult Answer(const ExtensionList& list, uint32_t* count, VkExtensionProperties* out);

// The same from the asking side: `call` takes a count and a place for the answer. Empty on failure.
template <typename Call>
ExtensionList Ask(Call call) {
  ExtensionList list;
  uint32_t count = 0;
  VkResult result;
  do {
    if (call(&count, nullptr) != VK_SUCCESS) return {};
    list.resize(count);
    result = call(&count, list.data());
    list.resize(count);
  } while (result == VK_INCOMPLETE);
  return result == VK_SUCCESS ? list : ExtensionList();
}

// The enabled names without those that the driver does not know. The strings stay the caller's.
std::vector<const char*> Without(const char* const* names, uint32_t count,
                                 std::initializer_list<const char*> removed);
void AddName(std::vector<const char*>& names, const char* name);

}  // namespace vramd::layer

#endif  // VRAMD_DRIVER_SHIM_LAYER_EXTENSION_LIST_H_
