// The layer's two lookup functions, by the rules of vkGetInstanceProcAddr and vkGetDeviceProcAddr.
//
// Without an instance only global commands are given. With one, a command is given if the driver
// has it, or if the layer adds it. The loader asks its first layer for vkCreateInstance with a
// handle of its own that no layer knows yet, so an unknown instance counts as none.
#include <algorithm>
#include <string_view>

#include "driver-shim/layer/layer.h"
#include "driver-shim/layer/state.h"

namespace vramd::layer {
namespace {

const Intercept* Find(std::span<const Intercept> list, std::string_view name) {
  constexpr std::string_view kSuffix = "KHR";
  const auto matches = [&](const Intercept& intercept) {
    if (name == intercept.name) return true;
    return (intercept.flags & Intercept::kPromoted) != 0 && name.ends_with(kSuffix) &&
           name.substr(0, name.size() - kSuffix.size()) == intercept.name;
  };
  const auto found = std::find_if(list.begin(), list.end(), matches);
  return found == list.end() ? nullptr : &*found;
}

// Needs no instance. What else does, Vulkan gives to nobody without one.
bool IsGlobal(std::string_view name) {
  return name == "vkGetInstanceProcAddr" || name == "vkCreateInstance" ||
         name == "vkEnumerateInstanceVersion" || name == "vkEnumerateInstanceLayerProperties" ||
         name == "vkEnumerateInstanceExtensionProperties";
}

PFN_vkVoidFunction GlobalFunction(const char* name) {
  if (!IsGlobal(name)) return nullptr;
  if (const Intercept* ours = Find(InstanceIntercepts(), name)) return ours->function;
  return DriverBelow() == nullptr ? nullptr : DriverBelow()(VK_NULL_HANDLE, name);
}

PFN_vkVoidFunction Choose(const Intercept* ours, PFN_vkVoidFunction theirs) {
  if (ours == nullptr) return theirs;
  const bool is_added = (ours->flags & Intercept::kAdded) != 0;
  return is_added || theirs != nullptr ? ours->function : nullptr;
}

}  // namespace

PFN_vkVoidFunction VKAPI_CALL GetInstanceProcAddr(VkInstance instance, const char* name) {
  const InstanceState* const state = FindInstance(instance);
  if (state == nullptr) return GlobalFunction(name);
  const Intercept* ours = Find(InstanceIntercepts(), name);
  // By way of the instance a device's functions must work for every device, ours or not.
  if (ours == nullptr) ours = Find(DeviceIntercepts(), name);
  return Choose(ours, state->next(instance, name));
}

PFN_vkVoidFunction VKAPI_CALL GetDeviceProcAddr(VkDevice device, const char* name) {
  const DeviceState* const state = FindDevice(device);
  if (state == nullptr) return nullptr;
  const Intercept* ours = Find(DeviceIntercepts(), name);
  if (state->mode == Mode::kAside && ours != nullptr && (ours->flags & Intercept::kAlways) == 0)
    ours = nullptr;
  return Choose(ours, state->next(device, name));
}

}  // namespace vramd::layer
