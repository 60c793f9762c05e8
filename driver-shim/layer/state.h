// What the layer knows of the instances and devices that were made through it.
//
// Vulkan promises that an object is not destroyed while it is used, so a state that was found stays
// valid for the call; the registry's lock covers the search alone.
#ifndef VRAMD_DRIVER_SHIM_LAYER_STATE_H_
#define VRAMD_DRIVER_SHIM_LAYER_STATE_H_

#include <windows.h>
// The Vulkan headers for Windows need windows.h before them.
#include <vulkan/vulkan_core.h>
//
#include <vulkan/vulkan_win32.h>

#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>

#include "base/mutex.h"
#include "base/os_handle.h"
#include "base/section.h"

namespace vramd::layer {

// How a device gets the extension.
enum class Mode {
  kAside,    // the driver has it, or nothing here could give it
  kKhr,      // translated to VK_KHR_external_memory_win32
  kSection,  // a section, imported by VK_EXT_external_memory_host
};

struct InstanceState {
  VkInstance instance = VK_NULL_HANDLE;
  PFN_vkGetInstanceProcAddr next = nullptr;

  template <typename Function>
  Function Get(const char* name) const {
    return reinterpret_cast<Function>(next(instance, name));
  }
  // By the name that core has for it, or by the one of the extension that it came from: an instance
  // of version 1.0 has only that. Null if it has neither.
  template <typename Function>
  Function GetPromoted(const char* name) const {
    if (const auto core = Get<Function>(name)) return core;
    return Get<Function>((std::string(name) + "KHR").c_str());
  }
};

// One exportable or imported memory.
struct MemoryState {
  VkExternalMemoryHandleTypeFlagsNV export_types = 0;
  MappedSection mapping;  // kSection: must outlive the driver's memory
  OsHandle handle;        // what exports are duplicates of; kKhr: once it was asked for
  bool inheritable = false;
};

struct DeviceState {
  VkDevice device = VK_NULL_HANDLE;
  VkPhysicalDevice physical_device = VK_NULL_HANDLE;
  const InstanceState* instance = nullptr;
  PFN_vkGetDeviceProcAddr next = nullptr;
  Mode mode = Mode::kAside;
  VkDeviceSize granularity = 1;           // kSection: sizes are multiples of it
  uint32_t section_types = ~uint32_t{0};  // kSection: memory types that sections can be

  PFN_vkAllocateMemory allocate_memory = nullptr;
  PFN_vkFreeMemory free_memory = nullptr;
  PFN_vkCreateImage create_image = nullptr;
  PFN_vkDestroyImage destroy_image = nullptr;
  PFN_vkGetImageMemoryRequirements image_requirements = nullptr;
  PFN_vkGetImageMemoryRequirements2 image_requirements2 = nullptr;
  PFN_vkGetDeviceImageMemoryRequirements device_image_requirements = nullptr;
  PFN_vkGetDeviceImageSparseMemoryRequirements device_image_sparse_requirements = nullptr;
  PFN_vkGetMemoryWin32HandleKHR get_handle_khr = nullptr;
  PFN_vkGetMemoryWin32HandleNV get_handle_nv = nullptr;  // kAside
  PFN_vkGetMemoryHostPointerPropertiesEXT host_pointer_properties = nullptr;

  Mutex mutex;
  std::map<VkDeviceMemory, MemoryState> memories ABSL_GUARDED_BY(mutex);
  std::set<VkImage> images ABSL_GUARDED_BY(mutex);  // made to be bound to shared memory
};

// ---- The registry. Find functions return null for an object that was not made through the layer.
void AddInstance(std::unique_ptr<InstanceState> state);
InstanceState* FindInstance(VkInstance instance);
std::unique_ptr<InstanceState> RemoveInstance(VkInstance instance);

void AddPhysicalDevice(VkPhysicalDevice device, InstanceState* instance);
InstanceState* InstanceOf(VkPhysicalDevice device);

DeviceState* AddDevice(std::unique_ptr<DeviceState> state);
DeviceState* FindDevice(VkDevice device);
std::unique_ptr<DeviceState> RemoveDevice(VkDevice device);

// ---- What a driver can be given; instance_functions.cc.
Mode ModeOf(const InstanceState& instance, VkPhysicalDevice device);

// ---- The commands that the layer is in the way of; dispatch.cc gives them out.
struct Intercept {
  enum Flags : unsigned {
    kAdded = 1,     // given whether the driver has it or not
    kPromoted = 2,  // also by its name with KHR behind it
    kAlways = 4,    // also for devices that the layer leaves alone
  };
  const char* name;
  PFN_vkVoidFunction function;
  unsigned flags;
};
#define VRAMD_INTERCEPT(function, flags) \
  Intercept { "vk" #function, reinterpret_cast<PFN_vkVoidFunction>(&function), flags }

std::span<const Intercept> InstanceIntercepts();  // of instances and physical devices
std::span<const Intercept> DeviceIntercepts();

// What is under the layer when it is used in-process, or null.
PFN_vkGetInstanceProcAddr DriverBelow();

// device_functions.cc: readies a new device whose mode is set.
void PrepareDevice(DeviceState& device);

// instance_functions.cc
VKAPI_ATTR VkResult VKAPI_CALL CreateDevice(VkPhysicalDevice physical_device,
                                            const VkDeviceCreateInfo* info,
                                            const VkAllocationCallbacks* allocator,
                                            VkDevice* device);

}  // namespace vramd::layer

#endif  // VRAMD_DRIVER_SHIM_LAYER_STATE_H_
