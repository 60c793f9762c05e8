// Each call of vkGetMemoryWin32HandleNV makes a handle that the caller owns. An import gives the
// handle to the driver.
#include "driver-shim/nv_win32_windows.h"

#include <windows.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "driver-shim/allocation_plan.h"
#include "driver-shim/vulkan_memory.h"
#include "driver-shim/vulkan_result.h"

namespace vramd {
namespace {

constexpr const char* kExtensions[] = {VK_NV_EXTERNAL_MEMORY_EXTENSION_NAME,
                                       VK_NV_EXTERNAL_MEMORY_WIN32_EXTENSION_NAME};
constexpr auto kHandleBit = VK_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_WIN32_BIT_NV;

// The least that an importer on the same driver needs.
constexpr DWORD kAccess = GENERIC_READ | GENERIC_WRITE;

class NvWin32Memory final : public DeviceMemory {
 public:
  NvWin32Memory(const VulkanContext& context, Recipe recipe, VulkanMemory memory)
      : context_(context), recipe_(std::move(recipe)), memory_(std::move(memory)) {}

  const Recipe& recipe() const override { return recipe_; }

  absl::StatusOr<OsHandle> Export() override {
    HANDLE handle = nullptr;
    VRAMD_RETURN_IF_VULKAN_ERROR("vkGetMemoryWin32HandleNV",
                                 context_.vk().vkGetMemoryWin32HandleNV(
                                     context_.device(), memory_.handle(), kHandleBit, &handle));
    log::Debug("get_memory_win32_handle_nv", {{"bytes", recipe_.allocation_size},
                                              {"value", reinterpret_cast<uintptr_t>(handle)}});
    return OsHandle(handle);
  }

 private:
  const VulkanContext& context_;
  const Recipe recipe_;
  const VulkanMemory memory_;
};

ExporterSupport Supported(const VulkanContext& context) {
  const VkExternalMemoryFeatureFlags features = ProbeFeatures(context, kHandleBit);
  ExporterSupport support;
  support.can_export = (features & VK_EXTERNAL_MEMORY_FEATURE_EXPORTABLE_BIT) != 0;
  support.can_import = (features & VK_EXTERNAL_MEMORY_FEATURE_IMPORTABLE_BIT) != 0;
  if (!support.can_export || !support.can_import)
    support.reason = "the driver has the extension, but does not share plain images both ways";
  return support;
}

absl::StatusOr<std::unique_ptr<DeviceMemory>> Create(const VulkanContext& context,
                                                     const AllocationPlan& plan) {
  VkExportMemoryWin32HandleInfoNV access = {VK_STRUCTURE_TYPE_EXPORT_MEMORY_WIN32_HANDLE_INFO_NV};
  access.dwAccess = kAccess;
  VkExportMemoryAllocateInfoNV exportable = {VK_STRUCTURE_TYPE_EXPORT_MEMORY_ALLOCATE_INFO_NV,
                                             &access, kHandleBit};
  VRAMD_ASSIGN_OR_RETURN(VulkanMemory memory,
                         VulkanMemory::Allocate(context, plan, plan.memory_type_index, exportable));
  return std::make_unique<NvWin32Memory>(context, MakeRecipe(context, plan, plan.memory_type_index),
                                         std::move(memory));
}

}  // namespace

constinit const Exporter kNvWin32Exporter = {
    HandleType::kNtNv,
    kHandleBit,
    VK_EXTERNAL_MEMORY_FEATURE_EXPORTABLE_BIT | VK_EXTERNAL_MEMORY_FEATURE_IMPORTABLE_BIT,
    kExtensions,
    &Supported,
    &Create,
};

}  // namespace vramd
