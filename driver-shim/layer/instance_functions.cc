// The instance half: what is advertised, and how devices are opened.
//
// Wine's Vulkan offers VK_EXT_external_memory_host but answers every query about external memory
// with nothing, since it passes on no handles; the extension itself works. So where a driver has
// the extension and denies it even for the plainest buffer, the layer corrects the answer. A driver
// that grants that one answers for itself, and what it denies stays denied.
#include <vulkan/vk_layer.h>

#include <cstring>
#include <vector>

#include "driver-shim/layer/chain.h"
#include "driver-shim/layer/extension_list.h"
#include "driver-shim/layer/layer.h"
#include "driver-shim/layer/state.h"

namespace vramd::layer {
namespace {

constexpr VkExternalMemoryHandleTypeFlagsNV kOpaque =
    VK_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_WIN32_BIT_NV;
constexpr VkExternalMemoryFeatureFlags kBothWays =
    VK_EXTERNAL_MEMORY_FEATURE_EXPORTABLE_BIT | VK_EXTERNAL_MEMORY_FEATURE_IMPORTABLE_BIT;

constexpr const char* kInstanceExtension = VK_NV_EXTERNAL_MEMORY_CAPABILITIES_EXTENSION_NAME;
constexpr const char* kDeviceExtensions[] = {VK_NV_EXTERNAL_MEMORY_EXTENSION_NAME,
                                             VK_NV_EXTERNAL_MEMORY_WIN32_EXTENSION_NAME};

// What is under the layer when it is used in-process.
PFN_vkGetInstanceProcAddr g_driver = nullptr;

ExtensionList DriverExtensions(const InstanceState& instance, VkPhysicalDevice device) {
  const auto enumerate = instance.Get<PFN_vkEnumerateDeviceExtensionProperties>(
      "vkEnumerateDeviceExtensionProperties");
  return Ask([&](uint32_t* count, VkExtensionProperties* out) {
    return enumerate(device, nullptr, count, out);
  });
}

Mode ModeFor(const ExtensionList& extensions) {
  if (Has(extensions, VK_NV_EXTERNAL_MEMORY_WIN32_EXTENSION_NAME)) return Mode::kAside;
  if (Has(extensions, VK_KHR_EXTERNAL_MEMORY_WIN32_EXTENSION_NAME)) return Mode::kKhr;
  if (Has(extensions, VK_EXT_EXTERNAL_MEMORY_HOST_EXTENSION_NAME)) return Mode::kSection;
  return Mode::kAside;
}

// ---- Instances ---------------------------------------------------------------------------------

VKAPI_ATTR VkResult VKAPI_CALL EnumerateInstanceExtensionProperties(const char* layer,
                                                                    uint32_t* count,
                                                                    VkExtensionProperties* out) {
  const auto next = reinterpret_cast<PFN_vkEnumerateInstanceExtensionProperties>(
      g_driver == nullptr ? nullptr : g_driver(nullptr, "vkEnumerateInstanceExtensionProperties"));
  if (layer != nullptr && next != nullptr) return next(layer, count, out);
  ExtensionList list;
  if (next != nullptr)
    list = Ask([&](uint32_t* n, VkExtensionProperties* p) { return next(nullptr, n, p); });
  AddIfMissing(list, kInstanceExtension);
  return Answer(list, count, out);
}

// As a layer: the loader's link, moved on for the next layer. In-process: the driver.
PFN_vkGetInstanceProcAddr NextOf(const VkInstanceCreateInfo& info) {
  for (auto* at = static_cast<const VkBaseInStructure*>(info.pNext); at != nullptr;
       at = at->pNext) {
    if (at->sType != VK_STRUCTURE_TYPE_LOADER_INSTANCE_CREATE_INFO) continue;
    auto* link = const_cast<VkLayerInstanceCreateInfo*>(
        reinterpret_cast<const VkLayerInstanceCreateInfo*>(at));
    if (link->function != VK_LAYER_LINK_INFO) continue;
    const auto next = link->u.pLayerInfo->pfnNextGetInstanceProcAddr;
    link->u.pLayerInfo = link->u.pLayerInfo->pNext;
    return next;
  }
  return g_driver;
}

ExtensionList DriverInstanceExtensions(PFN_vkGetInstanceProcAddr next) {
  const auto enumerate = reinterpret_cast<PFN_vkEnumerateInstanceExtensionProperties>(
      next(nullptr, "vkEnumerateInstanceExtensionProperties"));
  if (enumerate == nullptr) return {};
  return Ask(
      [&](uint32_t* count, VkExtensionProperties* out) { return enumerate(nullptr, count, out); });
}

// What the driver is to enable. In version 1.0 the queries by which the layer finds out what can be
// shared are extensions, which the application had no reason to enable.
std::vector<const char*> InstanceNames(const VkInstanceCreateInfo& info,
                                       const ExtensionList& below) {
  const auto given = info.ppEnabledExtensionNames;
  std::vector<const char*> names =
      Has(below, kInstanceExtension)
          ? std::vector<const char*>(given, given + info.enabledExtensionCount)
          : Without(given, info.enabledExtensionCount, {kInstanceExtension});
  const auto* application = info.pApplicationInfo;
  if (application != nullptr && application->apiVersion >= VK_API_VERSION_1_1) return names;
  for (const char* name : {VK_KHR_GET_PHYSICAL_DEVICE_PROPERTIES_2_EXTENSION_NAME,
                           VK_KHR_EXTERNAL_MEMORY_CAPABILITIES_EXTENSION_NAME})
    if (Has(below, name)) AddName(names, name);
  return names;
}

VKAPI_ATTR VkResult VKAPI_CALL CreateInstance(const VkInstanceCreateInfo* info,
                                              const VkAllocationCallbacks* allocator,
                                              VkInstance* instance) {
  auto state = std::make_unique<InstanceState>();
  state->next = NextOf(*info);
  if (state->next == nullptr) return VK_ERROR_INITIALIZATION_FAILED;
  const auto create =
      reinterpret_cast<PFN_vkCreateInstance>(state->next(nullptr, "vkCreateInstance"));
  const std::vector<const char*> names =
      InstanceNames(*info, DriverInstanceExtensions(state->next));
  VkInstanceCreateInfo changed = *info;
  changed.enabledExtensionCount = static_cast<uint32_t>(names.size());
  changed.ppEnabledExtensionNames = names.data();
  const VkResult result = create(&changed, allocator, instance);
  if (result != VK_SUCCESS) return result;
  state->instance = *instance;
  AddInstance(std::move(state));
  return VK_SUCCESS;
}

VKAPI_ATTR void VKAPI_CALL DestroyInstance(VkInstance instance,
                                           const VkAllocationCallbacks* allocator) {
  const auto state = RemoveInstance(instance);
  if (state != nullptr) state->Get<PFN_vkDestroyInstance>("vkDestroyInstance")(instance, allocator);
}

VKAPI_ATTR VkResult VKAPI_CALL EnumeratePhysicalDevices(VkInstance instance, uint32_t* count,
                                                        VkPhysicalDevice* devices) {
  InstanceState* const state = FindInstance(instance);
  const VkResult result = state->Get<PFN_vkEnumeratePhysicalDevices>("vkEnumeratePhysicalDevices")(
      instance, count, devices);
  if (devices != nullptr && result >= 0)
    for (uint32_t i = 0; i < *count; ++i) AddPhysicalDevice(devices[i], state);
  return result;
}

VKAPI_ATTR VkResult VKAPI_CALL EnumeratePhysicalDeviceGroups(
    VkInstance instance, uint32_t* count, VkPhysicalDeviceGroupProperties* groups) {
  InstanceState* const state = FindInstance(instance);
  const VkResult result = state->GetPromoted<PFN_vkEnumeratePhysicalDeviceGroups>(
      "vkEnumeratePhysicalDeviceGroups")(instance, count, groups);
  if (groups != nullptr && result >= 0)
    for (uint32_t i = 0; i < *count; ++i)
      for (uint32_t j = 0; j < groups[i].physicalDeviceCount; ++j)
        AddPhysicalDevice(groups[i].physicalDevices[j], state);
  return result;
}

// ---- Physical devices --------------------------------------------------------------------------

VKAPI_ATTR VkResult VKAPI_CALL EnumerateDeviceExtensionProperties(VkPhysicalDevice device,
                                                                  const char* layer,
                                                                  uint32_t* count,
                                                                  VkExtensionProperties* out) {
  const InstanceState* const instance = InstanceOf(device);
  if (layer != nullptr)
    return instance->Get<PFN_vkEnumerateDeviceExtensionProperties>(
        "vkEnumerateDeviceExtensionProperties")(device, layer, count, out);
  ExtensionList list = DriverExtensions(*instance, device);
  if (ModeFor(list) != Mode::kAside)
    for (const char* name : kDeviceExtensions) AddIfMissing(list, name);
  return Answer(list, count, out);
}

void Correct(VkExternalMemoryProperties& properties) {
  constexpr auto kHost = VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT;
  if (properties.externalMemoryFeatures != 0) return;
  properties.externalMemoryFeatures = VK_EXTERNAL_MEMORY_FEATURE_IMPORTABLE_BIT;
  properties.compatibleHandleTypes = kHost;
}

bool DeniesItsHostExtension(VkPhysicalDevice device, VkExternalMemoryHandleTypeFlags asked) {
  constexpr auto kHost = VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT;
  const InstanceState& instance = *InstanceOf(device);
  if (asked != kHost || ModeOf(instance, device) != Mode::kSection) return false;
  const VkPhysicalDeviceExternalBufferInfo plainest = {
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_BUFFER_INFO, nullptr, 0,
      VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT, kHost};
  VkExternalBufferProperties answer = {VK_STRUCTURE_TYPE_EXTERNAL_BUFFER_PROPERTIES};
  const auto ask = instance.GetPromoted<PFN_vkGetPhysicalDeviceExternalBufferProperties>(
      "vkGetPhysicalDeviceExternalBufferProperties");
  if (ask == nullptr) return false;
  ask(device, &plainest, &answer);
  return answer.externalMemoryProperties.externalMemoryFeatures == 0;
}

VKAPI_ATTR void VKAPI_CALL GetPhysicalDeviceExternalBufferProperties(
    VkPhysicalDevice device, const VkPhysicalDeviceExternalBufferInfo* info,
    VkExternalBufferProperties* out) {
  InstanceOf(device)->GetPromoted<PFN_vkGetPhysicalDeviceExternalBufferProperties>(
      "vkGetPhysicalDeviceExternalBufferProperties")(device, info, out);
  if (DeniesItsHostExtension(device, info->handleType)) Correct(out->externalMemoryProperties);
}

VKAPI_ATTR VkResult VKAPI_CALL GetPhysicalDeviceImageFormatProperties2(
    VkPhysicalDevice device, const VkPhysicalDeviceImageFormatInfo2* info,
    VkImageFormatProperties2* out) {
  const auto next = InstanceOf(device)->GetPromoted<PFN_vkGetPhysicalDeviceImageFormatProperties2>(
      "vkGetPhysicalDeviceImageFormatProperties2");
  if (next == nullptr) return VK_ERROR_FORMAT_NOT_SUPPORTED;  // asked by the layer itself
  VkResult result = next(device, info, out);
  const auto* asked = Find<VkPhysicalDeviceExternalImageFormatInfo>(
      info->pNext, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_IMAGE_FORMAT_INFO);
  if (asked == nullptr || !DeniesItsHostExtension(device, asked->handleType)) return result;
  if (result == VK_ERROR_FORMAT_NOT_SUPPORTED) {
    VkPhysicalDeviceImageFormatInfo2 plain = *info;
    plain.pNext = nullptr;
    result = next(device, &plain, out);
  }
  const auto* external = Find<VkExternalImageFormatProperties>(
      out->pNext, VK_STRUCTURE_TYPE_EXTERNAL_IMAGE_FORMAT_PROPERTIES);
  if (result == VK_SUCCESS && external != nullptr)
    Correct(const_cast<VkExternalImageFormatProperties*>(external)->externalMemoryProperties);
  return result;
}

// What the image can be in the terms that the mode stands on. A section is imported by both sides,
// so that who can import host memory can export, too.
VkResult SharingFeatures(Mode mode, VkPhysicalDevice device,
                         const VkPhysicalDeviceImageFormatInfo2& image,
                         VkExternalMemoryFeatureFlags* features) {
  const VkPhysicalDeviceExternalImageFormatInfo external_info = {
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_IMAGE_FORMAT_INFO, nullptr,
      mode == Mode::kKhr ? VK_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_WIN32_BIT
                         : VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT};
  VkPhysicalDeviceImageFormatInfo2 question = image;
  question.pNext = &external_info;
  VkExternalImageFormatProperties external = {VK_STRUCTURE_TYPE_EXTERNAL_IMAGE_FORMAT_PROPERTIES};
  VkImageFormatProperties2 answer = {VK_STRUCTURE_TYPE_IMAGE_FORMAT_PROPERTIES_2, &external};
  const VkResult result = GetPhysicalDeviceImageFormatProperties2(device, &question, &answer);
  *features = external.externalMemoryProperties.externalMemoryFeatures;
  if (result != VK_SUCCESS || mode == Mode::kKhr) return result;
  if ((*features & VK_EXTERNAL_MEMORY_FEATURE_IMPORTABLE_BIT) == 0)
    return VK_ERROR_FORMAT_NOT_SUPPORTED;
  *features = kBothWays;
  return VK_SUCCESS;
}

VKAPI_ATTR VkResult VKAPI_CALL GetPhysicalDeviceExternalImageFormatPropertiesNV(
    VkPhysicalDevice device, VkFormat format, VkImageType type, VkImageTiling tiling,
    VkImageUsageFlags usage, VkImageCreateFlags flags,
    VkExternalMemoryHandleTypeFlagsNV handle_type, VkExternalImageFormatPropertiesNV* out) {
  const InstanceState* const instance = InstanceOf(device);
  const Mode mode = ModeOf(*instance, device);
  const auto next = instance->Get<PFN_vkGetPhysicalDeviceExternalImageFormatPropertiesNV>(
      "vkGetPhysicalDeviceExternalImageFormatPropertiesNV");
  if (mode == Mode::kAside && next != nullptr)
    return next(device, format, type, tiling, usage, flags, handle_type, out);
  *out = {};
  const VkResult plain = instance->Get<PFN_vkGetPhysicalDeviceImageFormatProperties>(
      "vkGetPhysicalDeviceImageFormatProperties")(device, format, type, tiling, usage, flags,
                                                  &out->imageFormatProperties);
  if (plain != VK_SUCCESS || handle_type == 0) return plain;
  if (mode == Mode::kAside || handle_type != kOpaque) return VK_ERROR_FORMAT_NOT_SUPPORTED;
  const VkPhysicalDeviceImageFormatInfo2 image = {
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_IMAGE_FORMAT_INFO_2,
      nullptr,
      format,
      type,
      tiling,
      usage,
      flags};
  VkExternalMemoryFeatureFlags features = 0;
  const VkResult result = SharingFeatures(mode, device, image, &features);
  if (result != VK_SUCCESS) return result;
  // The bits of both families mean the same and have the same values.
  out->externalMemoryFeatures = features;
  out->compatibleHandleTypes = kOpaque;
  if ((features & VK_EXTERNAL_MEMORY_FEATURE_IMPORTABLE_BIT) != 0)
    out->exportFromImportedHandleTypes = mode == Mode::kSection ? kOpaque : 0;
  return VK_SUCCESS;
}

// ---- Devices -----------------------------------------------------------------------------------

PFN_vkGetDeviceProcAddr NextDeviceOf(const VkDeviceCreateInfo& info,
                                     const InstanceState& instance) {
  for (auto* at = static_cast<const VkBaseInStructure*>(info.pNext); at != nullptr;
       at = at->pNext) {
    if (at->sType != VK_STRUCTURE_TYPE_LOADER_DEVICE_CREATE_INFO) continue;
    auto* link =
        const_cast<VkLayerDeviceCreateInfo*>(reinterpret_cast<const VkLayerDeviceCreateInfo*>(at));
    if (link->function != VK_LAYER_LINK_INFO) continue;
    const auto next = link->u.pLayerInfo->pfnNextGetDeviceProcAddr;
    link->u.pLayerInfo = link->u.pLayerInfo->pNext;
    return next;
  }
  return instance.Get<PFN_vkGetDeviceProcAddr>("vkGetDeviceProcAddr");
}

bool Enables(const VkDeviceCreateInfo& info, const char* name) {
  for (uint32_t i = 0; i < info.enabledExtensionCount; ++i)
    if (std::strcmp(info.ppEnabledExtensionNames[i], name) == 0) return true;
  return false;
}

// What the driver is to enable in place of the NV extensions, with what that needs in version 1.0.
std::vector<const char*> DeviceNames(const VkDeviceCreateInfo& info, Mode mode,
                                     const ExtensionList& below) {
  std::vector<const char*> names = Without(info.ppEnabledExtensionNames, info.enabledExtensionCount,
                                           {kDeviceExtensions[0], kDeviceExtensions[1]});
  AddName(names, mode == Mode::kKhr ? VK_KHR_EXTERNAL_MEMORY_WIN32_EXTENSION_NAME
                                    : VK_EXT_EXTERNAL_MEMORY_HOST_EXTENSION_NAME);
  if (Has(below, VK_KHR_EXTERNAL_MEMORY_EXTENSION_NAME))
    AddName(names, VK_KHR_EXTERNAL_MEMORY_EXTENSION_NAME);
  return names;
}

}  // namespace

Mode ModeOf(const InstanceState& instance, VkPhysicalDevice device) {
  return ModeFor(DriverExtensions(instance, device));
}

VKAPI_ATTR VkResult VKAPI_CALL CreateDevice(VkPhysicalDevice physical_device,
                                            const VkDeviceCreateInfo* info,
                                            const VkAllocationCallbacks* allocator,
                                            VkDevice* device) {
  auto state = std::make_unique<DeviceState>();
  state->instance = InstanceOf(physical_device);
  state->physical_device = physical_device;
  state->next = NextDeviceOf(*info, *state->instance);
  const ExtensionList below = DriverExtensions(*state->instance, physical_device);
  // A device that did not ask for the extension is left alone.
  if (Enables(*info, VK_NV_EXTERNAL_MEMORY_WIN32_EXTENSION_NAME)) state->mode = ModeFor(below);
  VkDeviceCreateInfo changed = *info;
  std::vector<const char*> names;
  if (state->mode != Mode::kAside) {
    names = DeviceNames(*info, state->mode, below);
    changed.enabledExtensionCount = static_cast<uint32_t>(names.size());
    changed.ppEnabledExtensionNames = names.data();
  }
  const VkResult result = state->instance->Get<PFN_vkCreateDevice>("vkCreateDevice")(
      physical_device, &changed, allocator, device);
  if (result != VK_SUCCESS) return result;
  state->device = *device;
  PrepareDevice(*AddDevice(std::move(state)));
  return VK_SUCCESS;
}
void UseDriver(PFN_vkGetInstanceProcAddr next) { g_driver = next; }
PFN_vkGetInstanceProcAddr DriverBelow() { return g_driver; }

std::span<const Intercept> InstanceIntercepts() {
  static const Intercept kIntercepts[] = {
      VRAMD_INTERCEPT(GetInstanceProcAddr, Intercept::kAdded),
      VRAMD_INTERCEPT(GetDeviceProcAddr, Intercept::kAdded),
      VRAMD_INTERCEPT(EnumerateInstanceExtensionProperties, Intercept::kAdded),
      VRAMD_INTERCEPT(CreateInstance, Intercept::kAdded),
      VRAMD_INTERCEPT(DestroyInstance, 0),
      VRAMD_INTERCEPT(EnumeratePhysicalDevices, 0),
      VRAMD_INTERCEPT(EnumeratePhysicalDeviceGroups, Intercept::kPromoted),
      VRAMD_INTERCEPT(EnumerateDeviceExtensionProperties, 0),
      VRAMD_INTERCEPT(GetPhysicalDeviceExternalImageFormatPropertiesNV, Intercept::kAdded),
      VRAMD_INTERCEPT(GetPhysicalDeviceExternalBufferProperties, Intercept::kPromoted),
      VRAMD_INTERCEPT(GetPhysicalDeviceImageFormatProperties2, Intercept::kPromoted),
      VRAMD_INTERCEPT(CreateDevice, 0),
  };
  return kIntercepts;
}

}  // namespace vramd::layer
