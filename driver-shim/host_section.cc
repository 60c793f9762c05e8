// The section is mapped for as long as the driver uses it. Its memory belongs to the broker and to
// everybody who has the handle; each importer maps it and gives the pages to its own driver, so
// this works on every driver with the extension, also between different ones.
#include "driver-shim/host_section.h"

#include <bit>
#include <iterator>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/section.h"
#include "base/status_macros.h"
#include "driver-shim/allocation_plan.h"
#include "driver-shim/memory_choice.h"
#include "driver-shim/vulkan_memory.h"
#include "driver-shim/vulkan_result.h"

namespace vramd {
namespace {

constexpr const char* kExtensions[] = {VK_EXT_EXTERNAL_MEMORY_HOST_EXTENSION_NAME};
constexpr auto kHandleBit = VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT;

class HostSectionMemory final : public DeviceMemory {
 public:
  HostSectionMemory(Recipe recipe, OsHandle section, MappedSection mapping, VulkanMemory memory)
      : recipe_(std::move(recipe)),
        section_(std::move(section)),
        mapping_(std::move(mapping)),
        memory_(std::move(memory)) {}

  const Recipe& recipe() const override { return recipe_; }
  absl::StatusOr<OsHandle> Export() override { return section_.Duplicate(); }

 private:
  const Recipe recipe_;
  const OsHandle section_;
  const MappedSection mapping_;
  const VulkanMemory memory_;  // after mapping_: freed before its pages are unmapped
};

absl::StatusOr<uint32_t> TypesForPointer(const VulkanContext& context, const void* pointer) {
  VkMemoryHostPointerPropertiesEXT properties = {
      VK_STRUCTURE_TYPE_MEMORY_HOST_POINTER_PROPERTIES_EXT};
  VRAMD_RETURN_IF_VULKAN_ERROR("vkGetMemoryHostPointerPropertiesEXT",
                               context.vk().vkGetMemoryHostPointerPropertiesEXT(
                                   context.device(), kHandleBit, pointer, &properties));
  return properties.memoryTypeBits;
}

// A device for one trial. NVIDIA's driver under Wine fails to import a section's pages, and on the
// device where it has failed so, it fails many allocations that come after: on an H200 every one of
// KHR handles and of raw memory.
class TrialDevice {
 public:
  static absl::StatusOr<TrialDevice> Create(const VulkanContext& context) {
    const float priority = 1.0f;
    VkDeviceQueueCreateInfo queue = {VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO};
    queue.queueFamilyIndex = context.queue_family();
    queue.queueCount = 1;
    queue.pQueuePriorities = &priority;
    VkDeviceCreateInfo info = {VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO};
    info.queueCreateInfoCount = 1;
    info.pQueueCreateInfos = &queue;
    info.enabledExtensionCount = std::size(kExtensions);
    info.ppEnabledExtensionNames = kExtensions;
    VkDevice device = VK_NULL_HANDLE;
    VRAMD_RETURN_IF_VULKAN_ERROR(
        "vkCreateDevice",
        context.instance_vk().vkCreateDevice(context.facts().handle, &info, nullptr, &device));
    return TrialDevice(context, device);
  }
  TrialDevice(TrialDevice&& other) noexcept
      : context_(other.context_), device_(std::exchange(other.device_, VK_NULL_HANDLE)) {}
  ~TrialDevice() {
    if (device_ != VK_NULL_HANDLE)
      Function<PFN_vkDestroyDevice>("vkDestroyDevice")(device_, nullptr);
  }

  absl::Status Import(void* pages, uint64_t size, uint32_t type) const {
    VkImportMemoryHostPointerInfoEXT import = {
        VK_STRUCTURE_TYPE_IMPORT_MEMORY_HOST_POINTER_INFO_EXT};
    import.handleType = kHandleBit;
    import.pHostPointer = pages;
    const VkMemoryAllocateInfo info = {VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, &import, size, type};
    VkDeviceMemory memory = VK_NULL_HANDLE;
    VRAMD_RETURN_IF_VULKAN_ERROR(
        "vkAllocateMemory",
        Function<PFN_vkAllocateMemory>("vkAllocateMemory")(device_, &info, nullptr, &memory));
    Function<PFN_vkFreeMemory>("vkFreeMemory")(device_, memory, nullptr);
    return absl::OkStatus();
  }

 private:
  TrialDevice(const VulkanContext& context, VkDevice device) : context_(context), device_(device) {}
  template <typename Pointer>
  Pointer Function(const char* name) const {
    return reinterpret_cast<Pointer>(context_.instance_vk().vkGetDeviceProcAddr(device_, name));
  }

  const VulkanContext& context_;
  VkDevice device_;
};

// Asked with a page of its own, so that a request which cannot work is refused before anything is
// allocated. The page is imported, too: a driver may name memory types for pages that it then fails
// to pin.
absl::StatusOr<uint32_t> ProbeTypes(const VulkanContext& context, uint64_t size) {
  VRAMD_ASSIGN_OR_RETURN(const OsHandle section, CreateSection(size, "vramd-probe"));
  VRAMD_ASSIGN_OR_RETURN(const MappedSection mapping,
                         MappedSection::Map(section, size, SectionAccess::kReadWrite));
  VRAMD_ASSIGN_OR_RETURN(const uint32_t types, TypesForPointer(context, mapping.data()));
  if (types == 0)
    return absl::FailedPreconditionError("the driver takes no memory type for shared pages");
  VRAMD_ASSIGN_OR_RETURN(const TrialDevice trial, TrialDevice::Create(context));
  VRAMD_RETURN_IF_ERROR(trial.Import(mapping.data(), size, std::countr_zero(types)));
  return types;
}

ExporterSupport Supported(const VulkanContext& context) {
  ExporterSupport support;
  support.can_dedicate = false;  // sizes are rounded up, a dedicated one must be exact
  const uint64_t alignment = context.facts().host_pointer_alignment;
  if (alignment == 0 || SectionAlignment() % alignment != 0) {
    support.reason = absl::StrCat("the driver wants host pointers aligned to ", alignment,
                                  " bytes, this system aligns sections to ", SectionAlignment());
    return support;
  }
  const VkExternalMemoryFeatureFlags features = ProbeFeatures(context, kHandleBit);
  if ((features & VK_EXTERNAL_MEMORY_FEATURE_IMPORTABLE_BIT) == 0) {
    support.reason = "the driver has the extension, but imports no plain buffer or image with it";
    return support;
  }
  support.size_granularity = std::lcm(alignment, SectionAlignment());
  const auto types = ProbeTypes(context, support.size_granularity);
  if (!types.ok()) {
    support.reason =
        absl::StrCat("the driver has the extension, but an import of ", support.size_granularity,
                     " bytes failed: ", types.status().message());
    return support;
  }
  support.memory_type_bits = *types;
  support.can_export = support.can_import = true;
  return support;
}

absl::StatusOr<std::unique_ptr<DeviceMemory>> Create(const VulkanContext& context,
                                                     const AllocationPlan& plan) {
  VRAMD_ASSIGN_OR_RETURN(OsHandle section, CreateSection(plan.size, "vramd"));
  VRAMD_ASSIGN_OR_RETURN(MappedSection mapping,
                         MappedSection::Map(section, plan.size, SectionAccess::kReadWrite));
  VRAMD_ASSIGN_OR_RETURN(const uint32_t pointer_types, TypesForPointer(context, mapping.data()));
  VRAMD_ASSIGN_OR_RETURN(
      const uint32_t type,
      ChooseMemoryType(context.facts().memory, plan.memory_type_bits & pointer_types,
                       plan.request.intent));
  VkImportMemoryHostPointerInfoEXT import = {VK_STRUCTURE_TYPE_IMPORT_MEMORY_HOST_POINTER_INFO_EXT};
  import.handleType = kHandleBit;
  import.pHostPointer = mapping.data();
  VRAMD_ASSIGN_OR_RETURN(VulkanMemory memory, VulkanMemory::Allocate(context, plan, type, import));
  return std::make_unique<HostSectionMemory>(MakeRecipe(context, plan, type), std::move(section),
                                             std::move(mapping), std::move(memory));
}

}  // namespace

constinit const Exporter kHostSectionExporter = {
    HandleType::kHostSection,
    kHandleBit,
    VK_EXTERNAL_MEMORY_FEATURE_IMPORTABLE_BIT,
    kExtensions,
    &Supported,
    &Create,
};

}  // namespace vramd
