// Which physical devices there are, what each can import, and which of them fits a recipe.
//
// An opaque handle means something to the driver and device that made it, and to no other. A buffer
// in a dma-buf or a host section is plain bytes, which any device can read; how the texels of an
// image lie in memory is again the driver's own affair.
#include <algorithm>
#include <cstring>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/recipe.h"
#include "base/section.h"
#include "base/status_macros.h"
#include "client/src/last_error.h"
#include "client/src/null_check.h"
#include "client/src/recipe_convert.h"
#include "client/src/sized_struct.h"
#include "client/src/vulkan_device.h"
#include "client/src/vulkan_status.h"

namespace vramd {
namespace {

absl::StatusOr<std::set<std::string>> ExtensionNames(const InstanceFunctions& vk,
                                                     VkPhysicalDevice device) {
  std::vector<VkExtensionProperties> properties;
  uint32_t count = 0;
  VkResult result = VK_INCOMPLETE;
  while (result == VK_INCOMPLETE) {
    result = vk.EnumerateDeviceExtensionProperties(device, nullptr, &count, nullptr);
    properties.resize(count);
    if (result == VK_SUCCESS)
      result = vk.EnumerateDeviceExtensionProperties(device, nullptr, &count, properties.data());
  }
  if (result != VK_SUCCESS) return VulkanStatus(result, "list the device's extensions");
  std::set<std::string> names;
  for (uint32_t i = 0; i < count; ++i) names.insert(properties[i].extensionName);
  return names;
}

bool DriverImports(const InstanceFunctions& vk, VkPhysicalDevice device,
                   const ImportVariant& variant) {
  if (variant.bit == 0) return true;
  VkPhysicalDeviceExternalBufferInfo info = {
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_BUFFER_INFO};
  info.usage = VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT;
  info.handleType = variant.bit;
  VkExternalBufferProperties properties = {VK_STRUCTURE_TYPE_EXTERNAL_BUFFER_PROPERTIES};
  vk.GetPhysicalDeviceExternalBufferProperties(device, &info, &properties);
  return (properties.externalMemoryProperties.externalMemoryFeatures &
          VK_EXTERNAL_MEMORY_FEATURE_IMPORTABLE_BIT) != 0;
}

bool HasAll(const std::set<std::string>& names, const std::vector<const char*>& wanted) {
  return std::all_of(wanted.begin(), wanted.end(),
                     [&](const char* name) { return names.count(name) != 0; });
}

// 0 where the device imports no host memory.
uint64_t HostPointerAlignment(const InstanceFunctions& vk, VkPhysicalDevice device,
                              const std::set<std::string>& names) {
  if (names.count(VK_EXT_EXTERNAL_MEMORY_HOST_EXTENSION_NAME) == 0) return 0;
  VkPhysicalDeviceExternalMemoryHostPropertiesEXT host = {
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_MEMORY_HOST_PROPERTIES_EXT};
  VkPhysicalDeviceProperties2 properties = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, &host};
  vk.GetPhysicalDeviceProperties2(device, &properties);
  return host.minImportedHostPointerAlignment;
}

// Whether every mapping of a section is aligned as the device wants it.
bool MappingsFit(uint64_t host_pointer_alignment) {
  return host_pointer_alignment == 0 || SectionAlignment() % host_pointer_alignment == 0;
}

std::vector<const ImportVariant*> SupportedVariants(const InstanceFunctions& vk,
                                                    VkPhysicalDevice device,
                                                    const std::set<std::string>& names,
                                                    uint64_t host_pointer_alignment) {
  std::vector<const ImportVariant*> supported;
  for (const ImportVariant& variant : ImportVariants()) {
    if (variant.type == VRAMD_HANDLE_HOST_SECTION && !MappingsFit(host_pointer_alignment)) continue;
    if (HasAll(names, variant.extensions) && DriverImports(vk, device, variant))
      supported.push_back(&variant);
  }
  return supported;
}

bool ImportsTimelines(const InstanceFunctions& vk, VkPhysicalDevice device,
                      const std::set<std::string>& names) {
  if (!HasAll(names, TimelineExtensions())) return false;
  VkPhysicalDeviceTimelineSemaphoreFeatures timeline = {
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_TIMELINE_SEMAPHORE_FEATURES};
  VkPhysicalDeviceFeatures2 features = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, &timeline};
  vk.GetPhysicalDeviceFeatures2(device, &features);
  VkSemaphoreTypeCreateInfo type = {VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO};
  type.semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE;
  const VkPhysicalDeviceExternalSemaphoreInfo info = {
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_SEMAPHORE_INFO, &type, TimelineHandleType()};
  VkExternalSemaphoreProperties properties = {VK_STRUCTURE_TYPE_EXTERNAL_SEMAPHORE_PROPERTIES};
  vk.GetPhysicalDeviceExternalSemaphoreProperties(device, &info, &properties);
  return timeline.timelineSemaphore == VK_TRUE &&
         (properties.externalSemaphoreFeatures & VK_EXTERNAL_SEMAPHORE_FEATURE_IMPORTABLE_BIT) != 0;
}

DeviceIdentity IdentityOf(const VkPhysicalDeviceIDProperties& ids) {
  DeviceIdentity identity;
  std::memcpy(identity.device_uuid.data(), ids.deviceUUID, VRAMD_UUID_SIZE);
  std::memcpy(identity.driver_uuid.data(), ids.driverUUID, VRAMD_UUID_SIZE);
  identity.luid_valid = ids.deviceLUIDValid == VK_TRUE;
  if (!identity.luid_valid) return identity;
  std::memcpy(identity.luid.data(), ids.deviceLUID, VRAMD_LUID_SIZE);
  identity.node_mask = ids.deviceNodeMask;
  return identity;
}

bool NeedsSameDevice(const ImportVariant& variant, const Recipe& recipe) {
  return variant.same_device_only || recipe.kind == ResourceKind::kImage;
}

absl::Status WrongDevice(const ImporterDescription& device, const Recipe& recipe,
                         const ImportVariant& variant) {
  const char* const what =
      recipe.kind == ResourceKind::kImage ? "an image's layout" : "this kind of handle";
  return absl::FailedPreconditionError(absl::StrCat(
      what, " (", variant.name,
      ") is known to the device and driver that allocated it only: ", "device ",
      UuidToString(recipe.device.device_uuid), ", driver ", UuidToString(recipe.device.driver_uuid),
      "; '", device.name, "' is device ", UuidToString(device.identity.device_uuid), ", driver ",
      UuidToString(device.identity.driver_uuid),
      "; use vramd_vk_find_physical_device(), or allocate on the device that you use"));
}

// Vulkan takes a host pointer, and a size, that are multiples of minImportedHostPointerAlignment.
// The broker rounds the size up to what its own device wants, which may be less than another wants.
absl::Status CheckHostPointer(const ImporterDescription& device, const Recipe& recipe) {
  const uint64_t alignment = device.host_pointer_alignment;
  if (!MappingsFit(alignment))
    return absl::FailedPreconditionError(absl::StrCat(
        "'", device.name, "' imports host memory at multiples of ", alignment,
        " bytes (minImportedHostPointerAlignment), but this system maps a host_section at "
        "multiples of ",
        SectionAlignment(), "; allocate with another handle type"));
  if (alignment == 0 || recipe.allocation_size % alignment == 0) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "the host_section has ", recipe.allocation_size, " bytes, but '", device.name,
      "' imports multiples of ", alignment,
      " bytes (minImportedHostPointerAlignment); allocate on this device, a multiple of that as "
      "raw memory, or with another handle type"));
}

absl::StatusOr<VkPhysicalDevice> FindPhysicalDevice(const InstanceFunctions& vk,
                                                    VkInstance instance, const Recipe& recipe) {
  VRAMD_ASSIGN_OR_RETURN(const auto devices, ListPhysicalDevices(vk, instance));
  VkPhysicalDevice fallback = VK_NULL_HANDLE;
  std::vector<std::string> reasons;
  for (VkPhysicalDevice device : devices) {
    const auto description = DescribePhysicalDevice(vk, device);
    const absl::Status fits =
        description.ok() ? CheckImportable(*description, recipe) : description.status();
    if (!fits.ok()) {
      reasons.emplace_back(fits.message().data(), fits.message().size());
    } else if (IsSameDevice(description->identity, recipe.device)) {
      return device;
    } else if (fallback == VK_NULL_HANDLE) {
      fallback = device;
    }
  }
  if (fallback != VK_NULL_HANDLE) return fallback;
  if (reasons.empty()) reasons.emplace_back("this VkInstance has no device");
  return absl::NotFoundError(
      absl::StrCat("no device can import the recipe: ", absl::StrJoin(reasons, "; ")));
}

// Vulkan's two-call idiom for the names of all extensions that make something possible here.
absl::Status WriteExtensions(const ImporterDescription& device, uint32_t* count,
                             const char** names) {
  std::vector<const char*> all;
  const auto add = [&all](const std::vector<const char*>& some) {
    for (const char* name : some)
      if (std::none_of(all.begin(), all.end(),
                       [&](const char* have) { return std::strcmp(have, name) == 0; }))
        all.push_back(name);
  };
  for (const ImportVariant* variant : device.variants) add(variant->extensions);
  if (device.timelines) add(TimelineExtensions());
  if (device.format_list_extension) add({VK_KHR_IMAGE_FORMAT_LIST_EXTENSION_NAME});
  if (names == nullptr) {
    *count = static_cast<uint32_t>(all.size());
    return absl::OkStatus();
  }
  *count = std::min(*count, static_cast<uint32_t>(all.size()));
  std::copy_n(all.begin(), *count, names);
  return absl::OkStatus();
}

vramd_importer ToImporter(const ImporterDescription& description) {
  vramd_importer importer = VRAMD_IMPORTER_INIT;
  importer.identity = ToC(description.identity);
  importer.memory_type_count = description.memory.memoryTypeCount;
  for (const ImportVariant* variant : description.variants)
    importer.importable[importer.importable_count++] = variant->type;
  return importer;
}

}  // namespace

absl::StatusOr<std::vector<VkPhysicalDevice>> ListPhysicalDevices(const InstanceFunctions& vk,
                                                                  VkInstance instance) {
  std::vector<VkPhysicalDevice> devices;
  uint32_t count = 0;
  VkResult result = VK_INCOMPLETE;
  while (result == VK_INCOMPLETE) {
    result = vk.EnumeratePhysicalDevices(instance, &count, nullptr);
    devices.resize(count);
    if (result == VK_SUCCESS)
      result = vk.EnumeratePhysicalDevices(instance, &count, devices.data());
  }
  if (result != VK_SUCCESS) return VulkanStatus(result, "list the Vulkan devices");
  devices.resize(count);
  return devices;
}

absl::StatusOr<ImporterDescription> DescribePhysicalDevice(const InstanceFunctions& vk,
                                                           VkPhysicalDevice device) {
  VkPhysicalDeviceProperties basic;
  vk.GetPhysicalDeviceProperties(device, &basic);
  if (basic.apiVersion < VK_API_VERSION_1_1)
    return absl::FailedPreconditionError(
        absl::StrCat("'", basic.deviceName, "' is below Vulkan 1.1, which importing needs"));
  VkPhysicalDeviceIDProperties ids = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_ID_PROPERTIES};
  VkPhysicalDeviceProperties2 properties = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, &ids};
  vk.GetPhysicalDeviceProperties2(device, &properties);

  ImporterDescription description;
  description.name = basic.deviceName;
  description.api_version = basic.apiVersion;
  description.identity = IdentityOf(ids);
  vk.GetPhysicalDeviceMemoryProperties(device, &description.memory);
  VRAMD_ASSIGN_OR_RETURN(const std::set<std::string> names, ExtensionNames(vk, device));
  description.host_pointer_alignment = HostPointerAlignment(vk, device, names);
  description.variants = SupportedVariants(vk, device, names, description.host_pointer_alignment);
  description.timelines = ImportsTimelines(vk, device, names);
  description.format_list_extension = basic.apiVersion < VK_API_VERSION_1_2 &&
                                      names.count(VK_KHR_IMAGE_FORMAT_LIST_EXTENSION_NAME) != 0;
  return description;
}

bool IsSameDevice(const DeviceIdentity& a, const DeviceIdentity& b) {
  if (a.device_uuid != b.device_uuid || a.driver_uuid != b.driver_uuid) return false;
  const bool both = a.luid_valid && b.luid_valid;
  return !both || a.luid == b.luid;
}

absl::Status CheckImportable(const ImporterDescription& device, const Recipe& recipe) {
  const ImportVariant* const variant = FindImportVariant(TypeOf(recipe));
  if (variant == nullptr)
    return absl::FailedPreconditionError(
        absl::StrCat("handle type ", static_cast<int>(recipe.handle_type),
                     " is not known on this operating system, or to this version of the library"));
  if (variant->type == VRAMD_HANDLE_HOST_SECTION)
    VRAMD_RETURN_IF_ERROR(CheckHostPointer(device, recipe));
  const auto& supported = device.variants;
  if (std::find(supported.begin(), supported.end(), variant) == supported.end())
    return absl::FailedPreconditionError(absl::StrCat("'", device.name, "' cannot import ",
                                                      variant->name, ", which needs ",
                                                      absl::StrJoin(variant->extensions, " and ")));
  if (!IsSameDevice(device.identity, recipe.device) && NeedsSameDevice(*variant, recipe))
    return WrongDevice(device, recipe, *variant);
  if (variant->same_device_only && recipe.memory_type_index >= device.memory.memoryTypeCount)
    return absl::FailedPreconditionError(
        absl::StrCat("the recipe wants memory type ", recipe.memory_type_index, ", but '",
                     device.name, "' has ", device.memory.memoryTypeCount));
  return absl::OkStatus();
}

}  // namespace vramd

vramd_result vramd_vk_find_physical_device(PFN_vkGetInstanceProcAddr get_instance_proc_addr,
                                           VkInstance instance, const vramd_recipe* recipe,
                                           VkPhysicalDevice* physical_device) {
  return vramd::RunCall([&]() -> absl::Status {
    VRAMD_RETURN_IF_NULL(get_instance_proc_addr, instance, recipe, physical_device);
    VRAMD_ASSIGN_OR_RETURN(const vramd::Recipe wanted, vramd::ReadRecipe(recipe));
    VRAMD_ASSIGN_OR_RETURN(const auto vk,
                           vramd::InstanceFunctions::Load(get_instance_proc_addr, instance));
    VRAMD_ASSIGN_OR_RETURN(*physical_device, vramd::FindPhysicalDevice(vk, instance, wanted));
    return absl::OkStatus();
  });
}

vramd_result vramd_vk_describe_importer(PFN_vkGetInstanceProcAddr get_instance_proc_addr,
                                        VkInstance instance, VkPhysicalDevice physical_device,
                                        vramd_importer* importer) {
  return vramd::RunCall([&]() -> absl::Status {
    VRAMD_RETURN_IF_NULL(get_instance_proc_addr, instance, physical_device, importer);
    VRAMD_RETURN_IF_ERROR(vramd::CheckSized(importer));
    VRAMD_ASSIGN_OR_RETURN(const auto vk,
                           vramd::InstanceFunctions::Load(get_instance_proc_addr, instance));
    VRAMD_ASSIGN_OR_RETURN(const auto description,
                           vramd::DescribePhysicalDevice(vk, physical_device));
    vramd::WriteSized(vramd::ToImporter(description), importer);
    return absl::OkStatus();
  });
}

vramd_result vramd_vk_enumerate_device_extensions(PFN_vkGetInstanceProcAddr get_instance_proc_addr,
                                                  VkInstance instance,
                                                  VkPhysicalDevice physical_device, uint32_t* count,
                                                  const char** names) {
  return vramd::RunCall([&]() -> absl::Status {
    VRAMD_RETURN_IF_NULL(get_instance_proc_addr, instance, physical_device, count);
    VRAMD_ASSIGN_OR_RETURN(const auto vk,
                           vramd::InstanceFunctions::Load(get_instance_proc_addr, instance));
    VRAMD_ASSIGN_OR_RETURN(const auto description,
                           vramd::DescribePhysicalDevice(vk, physical_device));
    return vramd::WriteExtensions(description, count, names);
  });
}

vramd_result vramd_vk_supports_timeline(PFN_vkGetInstanceProcAddr get_instance_proc_addr,
                                        VkInstance instance, VkPhysicalDevice physical_device,
                                        bool* supported) {
  return vramd::RunCall([&]() -> absl::Status {
    VRAMD_RETURN_IF_NULL(get_instance_proc_addr, instance, physical_device, supported);
    VRAMD_ASSIGN_OR_RETURN(const auto vk,
                           vramd::InstanceFunctions::Load(get_instance_proc_addr, instance));
    VRAMD_ASSIGN_OR_RETURN(const auto description,
                           vramd::DescribePhysicalDevice(vk, physical_device));
    *supported = description.timelines;
    return absl::OkStatus();
  });
}
