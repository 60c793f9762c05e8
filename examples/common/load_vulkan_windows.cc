// The layer gives VK_NV_external_memory_win32 to drivers that lack it. A Vulkan loader that knows
// layers can load it too (see its manifest); taken in directly, it works without one, as on Wine.
#include <windows.h>

#include "common/load_vulkan.h"

namespace example {

VkResult LoadVulkan() {
  const VkResult loaded = volkInitialize();
  const HMODULE layer = LoadLibraryW(L"VkLayer_vramd_external_memory.dll");
  if (loaded != VK_SUCCESS || layer == nullptr) return loaded;
  using PutOver = PFN_vkGetInstanceProcAddr(VKAPI_PTR*)(PFN_vkGetInstanceProcAddr driver);
  const auto put_over =
      reinterpret_cast<PutOver>(reinterpret_cast<void*>(GetProcAddress(layer, "vramd_layer_over")));
  if (put_over != nullptr) volkInitializeCustom(put_over(vkGetInstanceProcAddr));
  return loaded;
}

}  // namespace example
