#include "tests/windows/fake_driver.h"

#include <windows.h>
// vulkan_win32.h needs windows.h before it.
#include <vulkan/vulkan_win32.h>

#include <cstring>
#include <memory>
#include <utility>

#include "base/section.h"
#include "driver-shim/layer/chain.h"

namespace vramd {

bool FakeDriver::has_host_memory_instead = false;
bool FakeDriver::grants_plain_buffers = false;
int FakeDriver::exports = 0;
int FakeDriver::violations = 0;
VkResult FakeDriver::next_export_result = VK_SUCCESS;

namespace {

using layer::Find;
constexpr auto kOpaque = VK_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_WIN32_BIT;

struct Memory {
  OsHandle section;
  bool exportable = false;
  bool exported = false;
};

Memory* Of(VkDeviceMemory memory) { return reinterpret_cast<Memory*>(memory); }

VkResult ListExtensions(VkPhysicalDevice, const char*, uint32_t* count,
                        VkExtensionProperties* out) {
  if (out != nullptr) {
    *out = {};
    std::strcpy(out->extensionName, FakeDriver::has_host_memory_instead
                                        ? VK_EXT_EXTERNAL_MEMORY_HOST_EXTENSION_NAME
                                        : VK_KHR_EXTERNAL_MEMORY_WIN32_EXTENSION_NAME);
  }
  *count = 1;
  return VK_SUCCESS;
}

VkResult ListInstanceExtensions(const char*, uint32_t* count, VkExtensionProperties*) {
  *count = 0;
  return VK_SUCCESS;
}

VkResult CreateInstance(const VkInstanceCreateInfo* info, const VkAllocationCallbacks*,
                        VkInstance* instance) {
  if (info->enabledExtensionCount != 0) return VK_ERROR_EXTENSION_NOT_PRESENT;
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

VkResult CreateDevice(VkPhysicalDevice, const VkDeviceCreateInfo* info,
                      const VkAllocationCallbacks*, VkDevice* device) {
  for (uint32_t i = 0; i < info->enabledExtensionCount; ++i)
    if (std::strcmp(info->ppEnabledExtensionNames[i],
                    VK_KHR_EXTERNAL_MEMORY_WIN32_EXTENSION_NAME) != 0)
      return VK_ERROR_EXTENSION_NOT_PRESENT;
  *device = reinterpret_cast<VkDevice>(new int);
  return VK_SUCCESS;
}
void DestroyDevice(VkDevice device, const VkAllocationCallbacks*) {
  delete reinterpret_cast<int*>(device);
}

VkResult AllocateMemory(VkDevice, const VkMemoryAllocateInfo* info, const VkAllocationCallbacks*,
                        VkDeviceMemory* out) {
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
      {"vkCreateDevice", Plain(&CreateDevice)},
      {"vkDestroyDevice", Plain(&DestroyDevice)},
      {"vkAllocateMemory", Plain(&AllocateMemory)},
      {"vkFreeMemory", Plain(&FreeMemory)},
      {"vkGetMemoryWin32HandleKHR", Plain(&GetHandle)},
      {"vkGetPhysicalDeviceImageFormatProperties", Plain(&FormatProperties)},
      {"vkGetPhysicalDeviceImageFormatProperties2", Plain(&FormatProperties2)},
      {"vkGetPhysicalDeviceExternalBufferProperties", Plain(&BufferProperties)},
  };
  for (const Entry& entry : kEntries)
    if (std::strcmp(name, entry.name) == 0) return entry.function;
  return nullptr;
}

}  // namespace vramd
