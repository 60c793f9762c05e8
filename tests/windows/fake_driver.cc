#include "tests/windows/fake_driver.h"

#include <windows.h>
// vulkan_win32.h needs windows.h before it.
#include <vulkan/vulkan_win32.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/section.h"
#include "driver-shim/layer/chain.h"

namespace vramd {

bool FakeDriver::has_host_memory_instead = false;
bool FakeDriver::grants_plain_buffers = false;
bool FakeDriver::is_version_1_0 = false;
int FakeDriver::exports = 0;
int FakeDriver::violations = 0;
VkResult FakeDriver::next_export_result = VK_SUCCESS;
std::function<void(const void*)> FakeDriver::sees_chain;

namespace {

using layer::Find;
constexpr auto kOpaque = VK_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_WIN32_BIT;

struct Memory {
  OsHandle section;
  bool exportable = false;
  bool exported = false;
};

Memory* Of(VkDeviceMemory memory) { return reinterpret_cast<Memory*>(memory); }

// ---- Instances and devices ---------------------------------------------------------------------

using Names = std::vector<const char*>;

VkResult Answer(const Names& names, uint32_t* count, VkExtensionProperties* out) {
  *count = static_cast<uint32_t>(names.size());
  for (size_t i = 0; out != nullptr && i < names.size(); ++i) {
    out[i] = {};
    std::strcpy(out[i].extensionName, names[i]);
  }
  return VK_SUCCESS;
}

Names InstanceExtensions() {
  if (!FakeDriver::is_version_1_0) return {};
  return {VK_KHR_GET_PHYSICAL_DEVICE_PROPERTIES_2_EXTENSION_NAME,
          VK_KHR_EXTERNAL_MEMORY_CAPABILITIES_EXTENSION_NAME};
}
Names DeviceExtensions() {
  if (FakeDriver::has_host_memory_instead) return {VK_EXT_EXTERNAL_MEMORY_HOST_EXTENSION_NAME};
  if (FakeDriver::is_version_1_0)
    return {VK_KHR_EXTERNAL_MEMORY_EXTENSION_NAME, VK_KHR_EXTERNAL_MEMORY_WIN32_EXTENSION_NAME};
  return {VK_KHR_EXTERNAL_MEMORY_WIN32_EXTENSION_NAME};
}

// Whether exactly the driver's own extensions are enabled, or, by a device that shares nothing,
// none.
bool EnablesAll(const Names& own, uint32_t count, const char* const* enabled) {
  for (const char* name : own)
    if (std::none_of(enabled, enabled + count,
                     [&](const char* given) { return std::strcmp(given, name) == 0; }))
      return false;
  return count == own.size();
}

VkResult ListExtensions(VkPhysicalDevice, const char*, uint32_t* count,
                        VkExtensionProperties* out) {
  return Answer(DeviceExtensions(), count, out);
}

VkResult ListInstanceExtensions(const char*, uint32_t* count, VkExtensionProperties* out) {
  return Answer(InstanceExtensions(), count, out);
}

VkResult CreateInstance(const VkInstanceCreateInfo* info, const VkAllocationCallbacks*,
                        VkInstance* instance) {
  if (!EnablesAll(InstanceExtensions(), info->enabledExtensionCount, info->ppEnabledExtensionNames))
    return VK_ERROR_EXTENSION_NOT_PRESENT;
  *instance = reinterpret_cast<VkInstance>(new int);
  return VK_SUCCESS;
}
void DestroyInstance(VkInstance instance, const VkAllocationCallbacks*) {
  delete reinterpret_cast<int*>(instance);
}

VkResult ListDevices(VkInstance instance, uint32_t* count, VkPhysicalDevice* devices) {
  *count = 1;
  if (devices != nullptr) *devices = reinterpret_cast<VkPhysicalDevice>(instance);
  return VK_SUCCESS;
}

VkResult ListGroups(VkInstance instance, uint32_t* count, VkPhysicalDeviceGroupProperties* groups) {
  *count = 1;
  if (groups == nullptr) return VK_SUCCESS;
  groups->physicalDeviceCount = 1;
  groups->physicalDevices[0] = reinterpret_cast<VkPhysicalDevice>(instance);
  return VK_SUCCESS;
}

VkResult CreateDevice(VkPhysicalDevice, const VkDeviceCreateInfo* info,
                      const VkAllocationCallbacks*, VkDevice* device) {
  if (!EnablesAll(DeviceExtensions(), info->enabledExtensionCount, info->ppEnabledExtensionNames))
    return VK_ERROR_EXTENSION_NOT_PRESENT;
  *device = reinterpret_cast<VkDevice>(new int);
  return VK_SUCCESS;
}
void DestroyDevice(VkDevice device, const VkAllocationCallbacks*) {
  delete reinterpret_cast<int*>(device);
}

// ---- Images ------------------------------------------------------------------------------------

// The chain that a driver sees: one with structures of both families breaks
// VUID-VkImageCreateInfo-pNext-00988, VUID-VkMemoryAllocateInfo-pNext-00640 or -00641, and one with
// the NV family's alone is of an extension that this driver hasn't got.
void SeeChain(const void* chain) {
  for (auto* at = static_cast<const VkBaseInStructure*>(chain); at != nullptr; at = at->pNext)
    for (const VkStructureType nv : {VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_IMAGE_CREATE_INFO_NV,
                                     VK_STRUCTURE_TYPE_EXPORT_MEMORY_ALLOCATE_INFO_NV,
                                     VK_STRUCTURE_TYPE_EXPORT_MEMORY_WIN32_HANDLE_INFO_NV,
                                     VK_STRUCTURE_TYPE_IMPORT_MEMORY_WIN32_HANDLE_INFO_NV})
      if (at->sType == nv) ++FakeDriver::violations;
  if (FakeDriver::sees_chain) FakeDriver::sees_chain(chain);
}

VkResult CreateImage(VkDevice, const VkImageCreateInfo* info, const VkAllocationCallbacks*,
                     VkImage* image) {
  SeeChain(info->pNext);
  *image = reinterpret_cast<VkImage>(new int);
  return VK_SUCCESS;
}
void DestroyImage(VkDevice, VkImage image, const VkAllocationCallbacks*) {
  delete reinterpret_cast<int*>(image);
}

void ImageRequirements(VkDevice, VkImage, VkMemoryRequirements* out) { *out = {1 << 20, 1, 1}; }
void ImageRequirements2(VkDevice, const VkImageMemoryRequirementsInfo2*,
                        VkMemoryRequirements2* out) {
  out->memoryRequirements = {1 << 20, 1, 1};
}
void DeviceImageRequirements(VkDevice, const VkDeviceImageMemoryRequirements* info,
                             VkMemoryRequirements2* out) {
  SeeChain(info->pCreateInfo->pNext);
  out->memoryRequirements = {1 << 20, 1, 1};
}
void DeviceImageSparseRequirements(VkDevice, const VkDeviceImageMemoryRequirements* info,
                                   uint32_t* count, VkSparseImageMemoryRequirements2*) {
  SeeChain(info->pCreateInfo->pNext);
  *count = 0;
}

// ---- Memory ------------------------------------------------------------------------------------

VkResult AllocateMemory(VkDevice, const VkMemoryAllocateInfo* info, const VkAllocationCallbacks*,
                        VkDeviceMemory* out) {
  SeeChain(info->pNext);
  auto memory = std::make_unique<Memory>();
  const auto* exported =
      Find<VkExportMemoryAllocateInfo>(info->pNext, VK_STRUCTURE_TYPE_EXPORT_MEMORY_ALLOCATE_INFO);
  const auto* imported = Find<VkImportMemoryWin32HandleInfoKHR>(
      info->pNext, VK_STRUCTURE_TYPE_IMPORT_MEMORY_WIN32_HANDLE_INFO_KHR);
  if (exported != nullptr && exported->handleTypes != kOpaque) ++FakeDriver::violations;
  memory->exportable = exported != nullptr;
  if (imported != nullptr) {
    if (imported->handleType != kOpaque) ++FakeDriver::violations;
    OsHandle theirs(imported->handle);
    auto copy = theirs.Duplicate();
    (void)theirs.Release();
    if (!copy.ok()) return VK_ERROR_INVALID_EXTERNAL_HANDLE;
    memory->section = *std::move(copy);
  } else {
    memory->section = CreateSection(info->allocationSize, "fake").value();
  }
  *out = reinterpret_cast<VkDeviceMemory>(memory.release());
  return VK_SUCCESS;
}
void FreeMemory(VkDevice, VkDeviceMemory memory, const VkAllocationCallbacks*) {
  delete Of(memory);
}

VkResult GetHandle(VkDevice, const VkMemoryGetWin32HandleInfoKHR* info, HANDLE* out) {
  ++FakeDriver::exports;
  Memory& memory = *Of(info->memory);
  if (FakeDriver::next_export_result != VK_SUCCESS)
    return std::exchange(FakeDriver::next_export_result, VK_SUCCESS);
  if (!memory.exportable || memory.exported || info->handleType != kOpaque)
    ++FakeDriver::violations;
  memory.exported = true;
  *out = memory.section.Duplicate().value().Release();
  return VK_SUCCESS;
}

// ---- What can be shared ------------------------------------------------------------------------

VkResult FormatProperties(VkPhysicalDevice, VkFormat, VkImageType, VkImageTiling, VkImageUsageFlags,
                          VkImageCreateFlags, VkImageFormatProperties*) {
  return VK_SUCCESS;
}

VkResult FormatProperties2(VkPhysicalDevice, const VkPhysicalDeviceImageFormatInfo2* info,
                           VkImageFormatProperties2* out) {
  const auto* asked = Find<VkPhysicalDeviceExternalImageFormatInfo>(
      info->pNext, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_IMAGE_FORMAT_INFO);
  if (FakeDriver::has_host_memory_instead) return VK_SUCCESS;
  if (asked == nullptr || asked->handleType != kOpaque) ++FakeDriver::violations;
  auto* answer = const_cast<VkExternalImageFormatProperties*>(Find<VkExternalImageFormatProperties>(
      out->pNext, VK_STRUCTURE_TYPE_EXTERNAL_IMAGE_FORMAT_PROPERTIES));
  answer->externalMemoryProperties.externalMemoryFeatures =
      VK_EXTERNAL_MEMORY_FEATURE_EXPORTABLE_BIT | VK_EXTERNAL_MEMORY_FEATURE_IMPORTABLE_BIT;
  return VK_SUCCESS;
}

void BufferProperties(VkPhysicalDevice, const VkPhysicalDeviceExternalBufferInfo* info,
                      VkExternalBufferProperties* out) {
  constexpr VkFlags kCopies = VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT;
  const bool granted = FakeDriver::grants_plain_buffers && (info->usage & ~kCopies) == 0;
  out->externalMemoryProperties.externalMemoryFeatures =
      granted ? VK_EXTERNAL_MEMORY_FEATURE_IMPORTABLE_BIT : 0;
}

struct Entry {
  const char* name;
  PFN_vkVoidFunction function;
  bool is_promoted = false;  // of version 1.1 or later; before that an extension's, with KHR
};

PFN_vkVoidFunction VKAPI_CALL GetDeviceProcAddr(VkDevice, const char* name) {
  return FakeDriver::GetInstanceProcAddr(nullptr, name);
}

template <typename Function>
PFN_vkVoidFunction Plain(Function* function) {
  return reinterpret_cast<PFN_vkVoidFunction>(function);
}

}  // namespace

PFN_vkVoidFunction VKAPI_CALL FakeDriver::GetInstanceProcAddr(VkInstance, const char* name) {
  static const Entry kEntries[] = {
      {"vkGetDeviceProcAddr", Plain(&GetDeviceProcAddr)},
      {"vkEnumerateInstanceExtensionProperties", Plain(&ListInstanceExtensions)},
      {"vkEnumerateDeviceExtensionProperties", Plain(&ListExtensions)},
      {"vkCreateInstance", Plain(&CreateInstance)},
      {"vkDestroyInstance", Plain(&DestroyInstance)},
      {"vkEnumeratePhysicalDevices", Plain(&ListDevices)},
      {"vkEnumeratePhysicalDeviceGroups", Plain(&ListGroups), true},
      {"vkCreateDevice", Plain(&CreateDevice)},
      {"vkDestroyDevice", Plain(&DestroyDevice)},
      {"vkCreateImage", Plain(&CreateImage)},
      {"vkDestroyImage", Plain(&DestroyImage)},
      {"vkGetImageMemoryRequirements", Plain(&ImageRequirements)},
      {"vkGetImageMemoryRequirements2", Plain(&ImageRequirements2), true},
      {"vkGetDeviceImageMemoryRequirements", Plain(&DeviceImageRequirements), true},
      {"vkGetDeviceImageSparseMemoryRequirements", Plain(&DeviceImageSparseRequirements), true},
      {"vkAllocateMemory", Plain(&AllocateMemory)},
      {"vkFreeMemory", Plain(&FreeMemory)},
      {"vkGetMemoryWin32HandleKHR", Plain(&GetHandle)},
      {"vkGetPhysicalDeviceImageFormatProperties", Plain(&FormatProperties)},
      {"vkGetPhysicalDeviceImageFormatProperties2", Plain(&FormatProperties2), true},
      {"vkGetPhysicalDeviceExternalBufferProperties", Plain(&BufferProperties), true},
  };
  for (const Entry& entry : kEntries) {
    const bool by_suffix = is_version_1_0 && entry.is_promoted;
    if (entry.name + std::string(by_suffix ? "KHR" : "") == name) return entry.function;
  }
  return nullptr;
}

}  // namespace vramd
