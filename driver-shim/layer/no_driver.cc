// Wine's library reaches the host's drivers by way of its display driver. Without a display it still
// loads and lists extensions, but says that it is of version 1.0, and makes no instance.
#include "driver-shim/layer/no_driver.h"

#include <windows.h>

namespace vramd::layer {
namespace {

bool IsWine() {
  return GetProcAddress(GetModuleHandleW(L"ntdll.dll"), "wine_get_version") != nullptr;
}

}  // namespace

std::string WhyNoDriver(PFN_vkGetInstanceProcAddr library) {
  const auto ask = reinterpret_cast<PFN_vkEnumerateInstanceVersion>(
      library(VK_NULL_HANDLE, "vkEnumerateInstanceVersion"));
  uint32_t version = VK_API_VERSION_1_0;
  if (ask != nullptr) ask(&version);
  if (version != VK_API_VERSION_1_0 || !IsWine()) return "";
  return "Wine's Vulkan reaches no driver: it needs a display, and there is none that it can open; "
         "set DISPLAY to a running X server, or start Wine by xvfb-run -a";
}

}  // namespace vramd::layer
