// vkGetMemoryWin32HandleKHR may be called once for a memory and a handle type, so the handle is
// exported when the memory is made, kept for its life, and duplicated for each lease. An import
// takes no ownership: whoever imports closes its own.
#include "driver-shim/khr_win32_windows.h"

#include <windows.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "driver-shim/allocation_plan.h"
#include "driver-shim/vulkan_memory.h"
#include "driver-shim/vulkan_result.h"

namespace vramd {
namespace {

constexpr const char* kExtensions[] = {VK_KHR_EXTERNAL_MEMORY_WIN32_EXTENSION_NAME};
constexpr auto kHandleBit = VK_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_WIN32_BIT;

// The least that an importer on the same driver needs.
constexpr DWORD kAccess = GENERIC_READ | GENERIC_WRITE;

class KhrWin32Memory final : public DeviceMemory {
 public:
  KhrWin32Memory(Recipe recipe, VulkanMemory memory, OsHandle handle)
      : recipe_(std::move(recipe)), memory_(std::move(memory)), handle_(std::move(handle)) {}

  const Recipe& recipe() const override { return recipe_; }
  absl::StatusOr<OsHandle> Export() override { return handle_.Duplicate(); }

 private:
  const Recipe recipe_;
  const VulkanMemory memory_;
  const OsHandle handle_;
};

ExporterSupport Supported(const VulkanContext& context) {
  const VkExternalMemoryFeatureFlags features = ProbeFeatures(context, kHandleBit);
  ExporterSupport support;
  support.can_export = (features & VK_EXTERNAL_MEMORY_FEATURE_EXPORTABLE_BIT) != 0;
  support.can_import = (features & VK_EXTERNAL_MEMORY_FEATURE_IMPORTABLE_BIT) != 0;
  if (!support.can_export || !support.can_import)
    support.reason =
        "the driver has the extension, but does not share plain buffers and images "
        "both ways with it";
  return support;
}

absl::StatusOr<std::unique_ptr<DeviceMemory>> Create(const VulkanContext& context,
                                                     const AllocationPlan& plan) {
  VkExportMemoryWin32HandleInfoKHR access = {VK_STRUCTURE_TYPE_EXPORT_MEMORY_WIN32_HANDLE_INFO_KHR};
  access.dwAccess = kAccess;
  VkExportMemoryAllocateInfo exportable = {VK_STRUCTURE_TYPE_EXPORT_MEMORY_ALLOCATE_INFO, &access};
  exportable.handleTypes = kHandleBit;
  VRAMD_ASSIGN_OR_RETURN(VulkanMemory memory,
                         VulkanMemory::Allocate(context, plan, plan.memory_type_index, exportable));
  VkMemoryGetWin32HandleInfoKHR info = {VK_STRUCTURE_TYPE_MEMORY_GET_WIN32_HANDLE_INFO_KHR};
  info.memory = memory.handle();
  info.handleType = kHandleBit;
  HANDLE handle = nullptr;
  VRAMD_RETURN_IF_VULKAN_ERROR("vkGetMemoryWin32HandleKHR", context.vk().vkGetMemoryWin32HandleKHR(
                                                                context.device(), &info, &handle));
  return std::make_unique<KhrWin32Memory>(MakeRecipe(context, plan, plan.memory_type_index),
                                          std::move(memory), OsHandle(handle));
}

}  // namespace

constinit const Exporter kKhrWin32Exporter = {
    HandleType::kNtKhr,
    kHandleBit,
    VK_EXTERNAL_MEMORY_FEATURE_EXPORTABLE_BIT | VK_EXTERNAL_MEMORY_FEATURE_IMPORTABLE_BIT,
    kExtensions,
    &Supported,
    &Create,
};

}  // namespace vramd
