// The device half: images, memory and handles.
//
// The NV structures are taken out of the chains that go down, and what they ask for is put in front
// in the driver's own terms: a chain may hold the NV structures or the KHR ones, never both.
//
// Ownership is the NV extension's: every exported handle is the application's, and a handle that
// was imported is the driver's, which here means that it is closed once the import succeeded.
#include <algorithm>
#include <string>
#include <utility>

#include "driver-shim/layer/chain.h"
#include "driver-shim/layer/layer.h"
#include "driver-shim/layer/state.h"

namespace vramd::layer {
namespace {

constexpr VkExternalMemoryHandleTypeFlagsNV kOpaqueNv =
    VK_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_WIN32_BIT_NV;
constexpr auto kOpaqueKhr = VK_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_WIN32_BIT;
constexpr auto kHostPointer = VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT;

VkExternalMemoryHandleTypeFlags DriverType(const DeviceState& device) {
  return device.mode == Mode::kKhr ? VkExternalMemoryHandleTypeFlags(kOpaqueKhr)
                                   : VkExternalMemoryHandleTypeFlags(kHostPointer);
}

// The application's chain without the structures that the layer translates.
ChainWithout WithoutNv(const void* chain) {
  return ChainWithout(chain, {VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_IMAGE_CREATE_INFO_NV,
                              VK_STRUCTURE_TYPE_EXPORT_MEMORY_ALLOCATE_INFO_NV,
                              VK_STRUCTURE_TYPE_EXPORT_MEMORY_WIN32_HANDLE_INFO_NV,
                              VK_STRUCTURE_TYPE_IMPORT_MEMORY_WIN32_HANDLE_INFO_NV});
}

bool IsShared(const VkImageCreateInfo& info) {
  const auto* external = Find<VkExternalMemoryImageCreateInfoNV>(
      info.pNext, VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_IMAGE_CREATE_INFO_NV);
  return external != nullptr && (external->handleTypes & kOpaqueNv) != 0;
}

// ---- Images ------------------------------------------------------------------------------------

// The creation of an image, in the driver's own terms.
struct DriverImage {
  DriverImage(const DeviceState& device, const VkImageCreateInfo& asked)
      : rest(WithoutNv(asked.pNext)),
        external{VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_IMAGE_CREATE_INFO, rest.head(),
                 DriverType(device)},
        info(asked) {
    info.pNext = IsShared(asked) ? &external : rest.head();
  }
  ChainWithout rest;
  VkExternalMemoryImageCreateInfo external;
  VkImageCreateInfo info;
};

VKAPI_ATTR VkResult VKAPI_CALL CreateImage(VkDevice handle, const VkImageCreateInfo* info,
                                           const VkAllocationCallbacks* allocator, VkImage* image) {
  DeviceState& device = *FindDevice(handle);
  if (device.mode == Mode::kAside) return device.create_image(handle, info, allocator, image);
  const DriverImage asked(device, *info);
  const VkResult result = device.create_image(handle, &asked.info, allocator, image);
  if (result == VK_SUCCESS && IsShared(*info)) {
    MutexLock lock(device.mutex);
    device.images.insert(*image);
  }
  return result;
}

VKAPI_ATTR void VKAPI_CALL DestroyImage(VkDevice handle, VkImage image,
                                        const VkAllocationCallbacks* allocator) {
  DeviceState& device = *FindDevice(handle);
  {
    MutexLock lock(device.mutex);
    device.images.erase(image);
  }
  device.destroy_image(handle, image, allocator);
}

bool IsSharedImage(DeviceState& device, VkImage image) {
  MutexLock lock(device.mutex);
  return device.images.contains(image);
}

// A section can be some memory types only, and is never dedicated: its size is rounded up.
void Restrict(const DeviceState& device, VkMemoryRequirements& requirements, const void* chain) {
  if (device.mode != Mode::kSection) return;
  requirements.memoryTypeBits &= device.section_types;
  const auto* dedicated =
      Find<VkMemoryDedicatedRequirements>(chain, VK_STRUCTURE_TYPE_MEMORY_DEDICATED_REQUIREMENTS);
  if (dedicated == nullptr) return;
  auto* changed = const_cast<VkMemoryDedicatedRequirements*>(dedicated);
  changed->prefersDedicatedAllocation = changed->requiresDedicatedAllocation = VK_FALSE;
}

VKAPI_ATTR void VKAPI_CALL GetImageMemoryRequirements(VkDevice handle, VkImage image,
                                                      VkMemoryRequirements* out) {
  DeviceState& device = *FindDevice(handle);
  device.image_requirements(handle, image, out);
  if (IsSharedImage(device, image)) Restrict(device, *out, nullptr);
}

VKAPI_ATTR void VKAPI_CALL GetImageMemoryRequirements2(VkDevice handle,
                                                       const VkImageMemoryRequirementsInfo2* info,
                                                       VkMemoryRequirements2* out) {
  DeviceState& device = *FindDevice(handle);
  device.image_requirements2(handle, info, out);
  if (IsSharedImage(device, info->image)) Restrict(device, out->memoryRequirements, out->pNext);
}

VKAPI_ATTR void VKAPI_CALL GetDeviceImageMemoryRequirements(
    VkDevice handle, const VkDeviceImageMemoryRequirements* info, VkMemoryRequirements2* out) {
  DeviceState& device = *FindDevice(handle);
  if (device.mode == Mode::kAside) return device.device_image_requirements(handle, info, out);
  const DriverImage image(device, *info->pCreateInfo);
  VkDeviceImageMemoryRequirements changed = *info;
  changed.pCreateInfo = &image.info;
  device.device_image_requirements(handle, &changed, out);
  if (IsShared(*info->pCreateInfo)) Restrict(device, out->memoryRequirements, out->pNext);
}

VKAPI_ATTR void VKAPI_CALL
GetDeviceImageSparseMemoryRequirements(VkDevice handle, const VkDeviceImageMemoryRequirements* info,
                                       uint32_t* count, VkSparseImageMemoryRequirements2* out) {
  DeviceState& device = *FindDevice(handle);
  if (device.mode == Mode::kAside)
    return device.device_image_sparse_requirements(handle, info, count, out);
  const DriverImage image(device, *info->pCreateInfo);
  VkDeviceImageMemoryRequirements changed = *info;
  changed.pCreateInfo = &image.info;
  device.device_image_sparse_requirements(handle, &changed, count, out);
}

// ---- Memory ------------------------------------------------------------------------------------

// What the application asked for in NV's structures.
struct Wish {
  explicit Wish(const VkMemoryAllocateInfo& info)
      : exported(Find<VkExportMemoryAllocateInfoNV>(
            info.pNext, VK_STRUCTURE_TYPE_EXPORT_MEMORY_ALLOCATE_INFO_NV)),
        access(Find<VkExportMemoryWin32HandleInfoNV>(
            info.pNext, VK_STRUCTURE_TYPE_EXPORT_MEMORY_WIN32_HANDLE_INFO_NV)),
        imported(Find<VkImportMemoryWin32HandleInfoNV>(
            info.pNext, VK_STRUCTURE_TYPE_IMPORT_MEMORY_WIN32_HANDLE_INFO_NV)) {
    if (imported != nullptr && imported->handleType == 0) imported = nullptr;
    if (exported != nullptr && exported->handleTypes == 0) exported = nullptr;
    if (exported == nullptr) access = nullptr;  // says how to export
  }
  bool any() const { return exported != nullptr || imported != nullptr; }
  // The one type that the layer gives. Others would need the driver.
  bool possible() const {
    return (exported == nullptr || exported->handleTypes == kOpaqueNv) &&
           (imported == nullptr || imported->handleType == kOpaqueNv);
  }

  const VkExportMemoryAllocateInfoNV* exported;
  const VkExportMemoryWin32HandleInfoNV* access;
  const VkImportMemoryWin32HandleInfoNV* imported;
};

MemoryState StateFor(const Wish& wish) {
  MemoryState state;
  if (wish.exported != nullptr) state.export_types = wish.exported->handleTypes;
  if (wish.access != nullptr && wish.access->pAttributes != nullptr)
    state.inheritable = wish.access->pAttributes->bInheritHandle != FALSE;
  return state;
}

// After a success: remembers the memory, and takes the imported handle away from the application.
VkResult Finish(DeviceState& device, const Wish& wish, MemoryState state, VkDeviceMemory memory) {
  {
    MutexLock lock(device.mutex);
    device.memories[memory] = std::move(state);
  }
  if (wish.imported != nullptr) CloseHandle(wish.imported->handle);
  return VK_SUCCESS;
}

VkResult AllocateKhr(DeviceState& device, const Wish& wish, const VkMemoryAllocateInfo& info,
                     const VkAllocationCallbacks* allocator, VkDeviceMemory* memory) {
  VkExportMemoryWin32HandleInfoKHR access = {VK_STRUCTURE_TYPE_EXPORT_MEMORY_WIN32_HANDLE_INFO_KHR};
  VkExportMemoryAllocateInfo exported = {VK_STRUCTURE_TYPE_EXPORT_MEMORY_ALLOCATE_INFO};
  VkImportMemoryWin32HandleInfoKHR imported = {
      VK_STRUCTURE_TYPE_IMPORT_MEMORY_WIN32_HANDLE_INFO_KHR};
  const ChainWithout rest = WithoutNv(info.pNext);
  VkMemoryAllocateInfo changed = info;
  changed.pNext = rest.head();
  if (wish.access != nullptr) {
    access.pNext = std::exchange(changed.pNext, &access);
    access.pAttributes = wish.access->pAttributes;
    access.dwAccess = wish.access->dwAccess;
  }
  if (wish.exported != nullptr) {
    exported.pNext = std::exchange(changed.pNext, &exported);
    exported.handleTypes = kOpaqueKhr;
  }
  if (wish.imported != nullptr) {
    imported.pNext = std::exchange(changed.pNext, &imported);
    imported.handleType = kOpaqueKhr;
    imported.handle = wish.imported->handle;
  }
  const VkResult result = device.allocate_memory(device.device, &changed, allocator, memory);
  if (result != VK_SUCCESS) return result;
  return Finish(device, wish, StateFor(wish), *memory);
}

// The section of an import is the application's until all has worked, so a duplicate is kept.
VkResult OpenSection(const Wish& wish, VkDeviceSize size, MemoryState& state) {
  if (wish.imported != nullptr) {
    OsHandle theirs(wish.imported->handle);
    auto copy = theirs.Duplicate();
    (void)theirs.Release();
    if (!copy.ok()) return VK_ERROR_INVALID_EXTERNAL_HANDLE;
    state.handle = *std::move(copy);
  } else {
    auto made = CreateSection(size, "vramd-layer");
    if (!made.ok()) return VK_ERROR_OUT_OF_HOST_MEMORY;
    state.handle = *std::move(made);
  }
  auto mapping = MappedSection::Map(state.handle, size, SectionAccess::kReadWrite);
  if (!mapping.ok())
    return wish.imported != nullptr ? VK_ERROR_INVALID_EXTERNAL_HANDLE
                                    : VK_ERROR_OUT_OF_HOST_MEMORY;
  state.mapping = *std::move(mapping);
  if (wish.exported == nullptr) state.handle.Reset();
  return VK_SUCCESS;
}

VkResult AllocateSection(DeviceState& device, const Wish& wish, const VkMemoryAllocateInfo& info,
                         const VkAllocationCallbacks* allocator, VkDeviceMemory* memory) {
  MemoryState state = StateFor(wish);
  VkMemoryAllocateInfo changed = info;
  changed.allocationSize =
      (info.allocationSize + device.granularity - 1) / device.granularity * device.granularity;
  const VkResult opened = OpenSection(wish, changed.allocationSize, state);
  if (opened != VK_SUCCESS) return opened;
  VkImportMemoryHostPointerInfoEXT pointer = {
      VK_STRUCTURE_TYPE_IMPORT_MEMORY_HOST_POINTER_INFO_EXT};
  pointer.handleType = kHostPointer;
  pointer.pHostPointer = state.mapping.data();
  // The chain is made anew, since it may name a dedicated image, which a rounded size rules out.
  changed.pNext = &pointer;
  VkMemoryAllocateFlagsInfo flags;
  if (const auto* given = Find<VkMemoryAllocateFlagsInfo>(
          info.pNext, VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_FLAGS_INFO)) {
    flags = *given;
    flags.pNext = nullptr;
    pointer.pNext = &flags;
  }
  const VkResult result = device.allocate_memory(device.device, &changed, allocator, memory);
  if (result != VK_SUCCESS) return result;
  return Finish(device, wish, std::move(state), *memory);
}

// Structures that ask for no handle type ask for nothing.
VkResult AllocatePlain(DeviceState& device, const VkMemoryAllocateInfo& info,
                       const VkAllocationCallbacks* allocator, VkDeviceMemory* memory) {
  const ChainWithout rest = WithoutNv(info.pNext);
  VkMemoryAllocateInfo changed = info;
  changed.pNext = rest.head();
  return device.allocate_memory(device.device, &changed, allocator, memory);
}

VKAPI_ATTR VkResult VKAPI_CALL AllocateMemory(VkDevice handle, const VkMemoryAllocateInfo* info,
                                              const VkAllocationCallbacks* allocator,
                                              VkDeviceMemory* memory) {
  DeviceState& device = *FindDevice(handle);
  if (device.mode == Mode::kAside) return device.allocate_memory(handle, info, allocator, memory);
  const Wish wish(*info);
  if (!wish.any()) return AllocatePlain(device, *info, allocator, memory);
  if (!wish.possible())
    return wish.imported != nullptr ? VK_ERROR_INVALID_EXTERNAL_HANDLE
                                    : VK_ERROR_OUT_OF_DEVICE_MEMORY;
  return device.mode == Mode::kKhr ? AllocateKhr(device, wish, *info, allocator, memory)
                                   : AllocateSection(device, wish, *info, allocator, memory);
}

VKAPI_ATTR void VKAPI_CALL FreeMemory(VkDevice handle, VkDeviceMemory memory,
                                      const VkAllocationCallbacks* allocator) {
  DeviceState& device = *FindDevice(handle);
  std::map<VkDeviceMemory, MemoryState>::node_type state;
  {
    MutexLock lock(device.mutex);
    state = device.memories.extract(memory);
  }
  // The driver lets go of the pages first, then `state` unmaps them.
  device.free_memory(handle, memory, allocator);
}

// ---- Handles -----------------------------------------------------------------------------------

// The KHR family may be asked once for a memory, so what it gave is kept.
VkResult KeepKhrHandle(DeviceState& device, VkDeviceMemory memory, MemoryState& state) {
  if (device.mode != Mode::kKhr || state.handle.valid()) return VK_SUCCESS;
  const VkMemoryGetWin32HandleInfoKHR info = {VK_STRUCTURE_TYPE_MEMORY_GET_WIN32_HANDLE_INFO_KHR,
                                              nullptr, memory, kOpaqueKhr};
  HANDLE made = nullptr;
  const VkResult result = device.get_handle_khr(device.device, &info, &made);
  if (result == VK_SUCCESS) state.handle.Reset(made);
  return result;
}

VkResult DuplicateFor(const MemoryState& state, HANDLE* out) {
  if (DuplicateHandle(GetCurrentProcess(), state.handle.get(), GetCurrentProcess(), out, 0,
                      state.inheritable, DUPLICATE_SAME_ACCESS))
    return VK_SUCCESS;
  return GetLastError() == ERROR_NOT_ENOUGH_MEMORY ? VK_ERROR_OUT_OF_HOST_MEMORY
                                                   : VK_ERROR_TOO_MANY_OBJECTS;
}

// VUIDs of vkGetMemoryWin32HandleNV: handleType was named when the memory was allocated, is one
// known bit and not 0; the memory is the device's; the pointer is valid. A caller that breaks one
// gets an error that the specification lists, and no handle.
VKAPI_ATTR VkResult VKAPI_CALL GetMemoryWin32HandleNV(VkDevice handle, VkDeviceMemory memory,
                                                      VkExternalMemoryHandleTypeFlagsNV type,
                                                      HANDLE* out) {
  if (out == nullptr) return VK_ERROR_OUT_OF_HOST_MEMORY;
  *out = nullptr;
  DeviceState* const device = FindDevice(handle);
  if (device == nullptr) return VK_ERROR_OUT_OF_HOST_MEMORY;
  if (device->mode == Mode::kAside && device->get_handle_nv != nullptr)
    return device->get_handle_nv(handle, memory, type, out);
  if (device->mode == Mode::kAside || type != kOpaqueNv) return VK_ERROR_OUT_OF_HOST_MEMORY;
  MutexLock lock(device->mutex);
  const auto found = device->memories.find(memory);
  if (found == device->memories.end() || (found->second.export_types & type) == 0)
    return VK_ERROR_OUT_OF_HOST_MEMORY;
  const VkResult kept = KeepKhrHandle(*device, memory, found->second);
  if (kept == VK_SUCCESS) return DuplicateFor(found->second, out);
  return kept == VK_ERROR_TOO_MANY_OBJECTS ? kept : VK_ERROR_OUT_OF_HOST_MEMORY;
}

VKAPI_ATTR void VKAPI_CALL DestroyDevice(VkDevice handle, const VkAllocationCallbacks* allocator) {
  const auto state = RemoveDevice(handle);
  if (state == nullptr) return;
  reinterpret_cast<PFN_vkDestroyDevice>(state->next(handle, "vkDestroyDevice"))(handle, allocator);
}

// ---- Preparing a device ------------------------------------------------------------------------

template <typename Function>
void Load(const DeviceState& device, const char* name, Function& function) {
  function = reinterpret_cast<Function>(device.next(device.device, name));
}

// Devices of version 1.0 have it by the name of its extension only.
template <typename Function>
void LoadPromoted(const DeviceState& device, const char* name, Function& function) {
  Load(device, name, function);
  if (function == nullptr) Load(device, (std::string(name) + "KHR").c_str(), function);
}

uint32_t MemoryTypesOfSections(const DeviceState& device) {
  auto section = CreateSection(device.granularity, "vramd-layer-probe");
  if (!section.ok()) return 0;
  auto mapping = MappedSection::Map(*section, device.granularity, SectionAccess::kReadWrite);
  if (!mapping.ok()) return 0;
  VkMemoryHostPointerPropertiesEXT properties = {
      VK_STRUCTURE_TYPE_MEMORY_HOST_POINTER_PROPERTIES_EXT};
  device.host_pointer_properties(device.device, kHostPointer, mapping->data(), &properties);
  return properties.memoryTypeBits;
}

// 0 where nobody can be asked; no driver may want more than 64 KiB, which a section's view has.
VkDeviceSize PointerAlignment(const DeviceState& device) {
  VkPhysicalDeviceExternalMemoryHostPropertiesEXT host = {
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_MEMORY_HOST_PROPERTIES_EXT};
  VkPhysicalDeviceProperties2 properties = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, &host};
  const auto ask = device.instance->GetPromoted<PFN_vkGetPhysicalDeviceProperties2>(
      "vkGetPhysicalDeviceProperties2");
  if (ask != nullptr) ask(device.physical_device, &properties);
  return host.minImportedHostPointerAlignment;
}

}  // namespace

void PrepareDevice(DeviceState& device) {
  Load(device, "vkAllocateMemory", device.allocate_memory);
  Load(device, "vkFreeMemory", device.free_memory);
  Load(device, "vkCreateImage", device.create_image);
  Load(device, "vkDestroyImage", device.destroy_image);
  Load(device, "vkGetImageMemoryRequirements", device.image_requirements);
  LoadPromoted(device, "vkGetImageMemoryRequirements2", device.image_requirements2);
  LoadPromoted(device, "vkGetDeviceImageMemoryRequirements", device.device_image_requirements);
  LoadPromoted(device, "vkGetDeviceImageSparseMemoryRequirements",
               device.device_image_sparse_requirements);
  Load(device, "vkGetMemoryWin32HandleNV", device.get_handle_nv);
  Load(device, "vkGetMemoryWin32HandleKHR", device.get_handle_khr);
  Load(device, "vkGetMemoryHostPointerPropertiesEXT", device.host_pointer_properties);
  if (device.mode != Mode::kSection) return;
  device.granularity = std::max<VkDeviceSize>(SectionAlignment(), PointerAlignment(device));
  device.section_types = MemoryTypesOfSections(device);
}

std::span<const Intercept> DeviceIntercepts() {
  static const Intercept kIntercepts[] = {
      VRAMD_INTERCEPT(GetDeviceProcAddr, Intercept::kAdded | Intercept::kAlways),
      VRAMD_INTERCEPT(DestroyDevice, Intercept::kAlways),
      VRAMD_INTERCEPT(CreateImage, 0),
      VRAMD_INTERCEPT(DestroyImage, 0),
      VRAMD_INTERCEPT(GetImageMemoryRequirements, 0),
      VRAMD_INTERCEPT(GetImageMemoryRequirements2, Intercept::kPromoted),
      VRAMD_INTERCEPT(GetDeviceImageMemoryRequirements, Intercept::kPromoted),
      VRAMD_INTERCEPT(GetDeviceImageSparseMemoryRequirements, Intercept::kPromoted),
      VRAMD_INTERCEPT(AllocateMemory, 0),
      VRAMD_INTERCEPT(FreeMemory, 0),
      VRAMD_INTERCEPT(GetMemoryWin32HandleNV, Intercept::kAdded),
  };
  return kIntercepts;
}

}  // namespace vramd::layer
