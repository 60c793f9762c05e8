#include "driver-shim/layer/extension_list.h"

#include <algorithm>
#include <cstring>

namespace vramd::layer {

bool Has(const ExtensionList& list, const char* name) {
  return std::any_of(list.begin(), list.end(), [&](const VkExtensionProperties& extension) {
    return std::strcmp(extension.extensionName, name) == 0;
  });
}

void AddIfMissing(ExtensionList& list, const char* name) {
  if (Has(list, name)) return;
  VkExtensionProperties extension{};
  std::strncpy(extension.extensionName, name, VK_MAX_EXTENSION_NAME_SIZE - 1);
  extension.specVersion = 1;
  list.push_back(extension);
}

VkResult Answer(const ExtensionList& list, uint32_t* count, VkExtensionProperties* out) {
  const auto all = static_cast<uint32_t>(list.size());
  if (out == nullptr) {
    *count = all;
    return VK_SUCCESS;
  }
  const uint32_t copied = std::min(*count, all);
  std::copy_n(list.begin(), copied, out);
  *count = copied;
  return copied < all ? VK_INCOMPLETE : VK_SUCCESS;
}

std::vector<const char*> Without(const char* const* names, uint32_t count,
                                 std::initializer_list<const char*> removed) {
  std::vector<const char*> kept;
  for (uint32_t i = 0; i < count; ++i)
    if (std::none_of(removed.begin(), removed.end(),
                     [&](const char* name) { return std::strcmp(name, names[i]) == 0; }))
      kept.push_back(names[i]);
  return kept;
}

void AddName(std::vector<const char*>& names, const char* name) {
  if (std::none_of(names.begin(), names.end(),
                   [&](const char* have) { return std::strcmp(have, name) == 0; }))
    names.push_back(name);
}

}  // namespace vramd::layer
