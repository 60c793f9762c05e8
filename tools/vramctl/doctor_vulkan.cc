// The Vulkan half of the doctor, through the application's side of the client library: what it
// finds is what an application on this machine would find.
#include <algorithm>
#include <array>
#include <cstring>

#include "tools/vramctl/doctor.h"
#include "tools/vramctl/section_probe.h"
#include "tools/vramctl/text.h"
#include "tools/vramctl/vulkan_host.h"

namespace vramctl {
namespace {

struct LocalDevice {
  VkPhysicalDeviceProperties properties;
  vramd_importer importer;
  bool timelines;  // it can take part in streams that have them
};

// The NV family has no query that tells of buffers: to have its extension is to export.
constexpr VkFlags kNoQuery = 0;

struct ExportWay {
  vramd_handle_type type;
  const char* extension;
  VkFlags bit;
};

constexpr std::array<ExportWay, 4> kExportWays = {{
    {VRAMD_HANDLE_OPAQUE_FD, "VK_KHR_external_memory_fd",
     VK_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_FD_BIT},
    {VRAMD_HANDLE_DMA_BUF, "VK_EXT_external_memory_dma_buf",
     VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT},
    {VRAMD_HANDLE_NV_WIN32, "VK_NV_external_memory_win32", kNoQuery},
    {VRAMD_HANDLE_KHR_WIN32, "VK_KHR_external_memory_win32",
     VK_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_WIN32_BIT},
}};

bool HasDeviceExtension(VkPhysicalDevice physical, const char* name) {
  uint32_t count = 0;
  vkEnumerateDeviceExtensionProperties(physical, nullptr, &count, nullptr);
  std::vector<VkExtensionProperties> extensions(count);
  vkEnumerateDeviceExtensionProperties(physical, nullptr, &count, extensions.data());
  return std::any_of(extensions.begin(), extensions.end(), [name](const auto& extension) {
    return std::strcmp(extension.extensionName, name) == 0;
  });
}

bool ExportsBuffers(VkPhysicalDevice physical, VkFlags bit) {
  VkPhysicalDeviceExternalBufferInfo info{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_BUFFER_INFO};
  info.usage = VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT;
  info.handleType = static_cast<VkExternalMemoryHandleTypeFlagBits>(bit);
  VkExternalBufferProperties found{VK_STRUCTURE_TYPE_EXTERNAL_BUFFER_PROPERTIES};
  vkGetPhysicalDeviceExternalBufferProperties(physical, &info, &found);
  const auto features = found.externalMemoryProperties.externalMemoryFeatures;
  return (features & VK_EXTERNAL_MEMORY_FEATURE_EXPORTABLE_BIT) != 0;
}

// What a broker on this device could lend out by a handle of the driver's own.
std::vector<std::string> Exportable(VkPhysicalDevice physical) {
  std::vector<std::string> names;
  for (const ExportWay& way : kExportWays)
    if (HasDeviceExtension(physical, way.extension) &&
        (way.bit == kNoQuery || ExportsBuffers(physical, way.bit)))
      names.emplace_back(Name(way.type));
  return names;
}

std::vector<std::string> Importable(const vramd_importer& importer) {
  std::vector<std::string> names;
  for (uint32_t i = 0; i < importer.importable_count; ++i)
    names.emplace_back(Name(importer.importable[i]));
  return names;
}

std::string JoinOrNothing(const std::vector<std::string>& words) {
  return words.empty() ? "nothing" : Join(words);
}

void CheckValidationLayer(Findings& findings) {
  uint32_t count = 0;
  vkEnumerateInstanceLayerProperties(&count, nullptr);
  std::vector<VkLayerProperties> layers(count);
  vkEnumerateInstanceLayerProperties(&count, layers.data());
  const bool present = std::any_of(layers.begin(), layers.end(), [](const auto& layer) {
    return std::strcmp(layer.layerName, "VK_LAYER_KHRONOS_validation") == 0;
  });
  findings.Ok("validation", present ? "the validation layer is installed"
                                    : "no validation layer; only developers need one "
                                      "(package vulkan-validationlayers)");
}

// By a real import, where the device says that it imports host sections.
void CheckSections(const VulkanInstance& instance, VkPhysicalDevice physical,
                   const std::string& name, vramd_importer& importer, Findings& findings) {
  auto* const end = importer.importable + importer.importable_count;
  if (std::find(importer.importable, end, VRAMD_HANDLE_HOST_SECTION) == end) return;
  const auto host = VulkanHost::Create(instance, physical);
  JudgeSections(name, host.ok() ? ImportSection(*host) : host.status(), importer, findings);
}

LocalDevice CheckDevice(const VulkanInstance& instance, VkPhysicalDevice physical,
                        Findings& findings) {
  LocalDevice local{};
  vkGetPhysicalDeviceProperties(physical, &local.properties);
  const std::string name = local.properties.deviceName;
  if (local.properties.apiVersion < VK_API_VERSION_1_1) {
    findings.Warning("device", name + " has no Vulkan 1.1: it cannot share", "update its driver");
    return local;
  }
  const auto importer =
      vramd::VulkanDevice::DescribeImporter(vkGetInstanceProcAddr, instance.get(), physical);
  if (!importer.ok()) {
    findings.Problem("device", name + ": " + importer.status().ToString(), "update its driver");
    return local;
  }
  local.importer = *importer;
  const auto timelines =
      vramd::VulkanDevice::SupportsTimeline(vkGetInstanceProcAddr, instance.get(), physical);
  local.timelines = timelines.ok() && *timelines;
  CheckSections(instance, physical, name, local.importer, findings);
  const std::vector<std::string> importable = Importable(local.importer);
  const std::string text = name + " (" + DeviceTypeName(local.properties.deviceType) + ", Vulkan " +
                           FormatVulkanVersion(local.properties.apiVersion) + ") imports " +
                           JoinOrNothing(importable) + "; exports " +
                           JoinOrNothing(Exportable(physical));
  if (importable.empty()) {
    findings.Warning("device", text, "update its driver; until then share on another device");
  } else {
    findings.Ok("device", text);
  }
  return local;
}

// As the library decides it: by LUID where both have one, else by the two UUIDs.
bool IsSameDevice(const vramd_device_identity& a, const vramd_device_identity& b) {
  if (a.luid_valid && b.luid_valid) return std::memcmp(a.luid, b.luid, sizeof(a.luid)) == 0;
  return std::memcmp(a.device_uuid, b.device_uuid, sizeof(a.device_uuid)) == 0 &&
         std::memcmp(a.driver_uuid, b.driver_uuid, sizeof(a.driver_uuid)) == 0;
}

// How frames of streams are ordered on the broker's device, seen from here. On a CPU nothing is
// lost by a fence.
void CheckFrameOrder(const vramd::DeviceInfo& theirs, const LocalDevice& local,
                     Findings& findings) {
  const std::string text = std::string("on ") + theirs.name + ", " + FrameOrder(theirs);
  if (theirs.timeline_export && !local.timelines) {
    findings.Problem("streams", text + "; but these cannot be imported here",
                     "use the same driver as the broker: compare VK_DRIVER_FILES and the versions");
  } else if (theirs.timeline_export || theirs.device_type == VK_PHYSICAL_DEVICE_TYPE_CPU) {
    findings.Ok("streams", text);
  } else {
    findings.Warning("streams", text, "update the driver; until then frames come a little later");
  }
}

// A driver that runs on the CPU keeps its notes inside what it shares by opaque handles.
void CheckHandover(const vramd::DeviceInfo& theirs, Findings& findings) {
  if (theirs.device_type != VK_PHYSICAL_DEVICE_TYPE_CPU) return;
  findings.Ok("sharing",
              std::string("on ") + theirs.name +
                  ", which runs on the CPU, host_section comes first; opaque handles are "
                  "for the broker's own user only, because every user of one could "
                  "change what the driver trusts");
}

void CheckMatch(const vramd::DeviceInfo& theirs, const std::vector<LocalDevice>& ours,
                Findings& findings) {
  if (theirs.state != VRAMD_DEVICE_READY) return;
  const std::string what = "the broker's device " + std::to_string(theirs.index);
  const auto match = std::find_if(ours.begin(), ours.end(), [&theirs](const LocalDevice& local) {
    return IsSameDevice(theirs.identity, local.importer.identity);
  });
  if (match != ours.end()) {
    findings.Ok("match", what + " is " + match->properties.deviceName + " here");
    CheckFrameOrder(theirs, *match, findings);
    CheckHandover(theirs, findings);
  } else {
    findings.Problem("match", what + ", " + theirs.name + ", is none of the devices here",
                     "use the same driver as the broker: compare VK_DRIVER_FILES and the versions");
  }
}

}  // namespace

void JudgeSections(const std::string& name, const vramd::Status& imported, vramd_importer& importer,
                   Findings& findings) {
  if (imported.ok()) return;
  auto* const end = importer.importable + importer.importable_count;
  auto* const kept = std::remove(importer.importable, end, VRAMD_HANDLE_HOST_SECTION);
  importer.importable_count = static_cast<uint32_t>(kept - importer.importable);
  findings.Warning("device",
                   name + " says that it imports host sections, but one of 1 MiB failed: " +
                       std::string(imported.message()),
                   "share by another handle type; the broker's --exporter names one");
}

void CheckVulkan(const std::vector<vramd::DeviceInfo>& broker_devices, Findings& findings) {
  const auto instance = VulkanInstance::Create();
  if (!instance.ok()) {
    findings.Problem("vulkan", instance.status().message(), "then run vramctl doctor again");
    return;
  }
  findings.Ok("vulkan", "the loader has version " + FormatVulkanVersion(volkGetInstanceVersion()));
  CheckValidationLayer(findings);
  std::vector<LocalDevice> devices;
  for (VkPhysicalDevice physical : instance->PhysicalDevices())
    devices.push_back(CheckDevice(*instance, physical, findings));
  const bool only_cpu = std::all_of(devices.begin(), devices.end(), [](const LocalDevice& device) {
    return device.properties.deviceType == VK_PHYSICAL_DEVICE_TYPE_CPU;
  });
  if (devices.empty()) {
    findings.Problem("device", "no Vulkan device", "install the GPU's driver");
  } else if (only_cpu) {
    findings.Warning("device", "only devices that run on the CPU",
                     "if there is a GPU, install its driver and see the device files above");
  }
  for (const vramd::DeviceInfo& theirs : broker_devices) CheckMatch(theirs, devices, findings);
}

}  // namespace vramctl
