// The driver makes a new fd for every call of vkGetMemoryFdKHR; the caller owns it. Some drivers
// make it without close-on-exec, so it is set here.
#include "driver-shim/fd_memory_linux.h"

#include <fcntl.h>

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/os_error.h"
#include "base/status_macros.h"
#include "driver-shim/allocation_plan.h"
#include "driver-shim/vulkan_memory.h"
#include "driver-shim/vulkan_result.h"

namespace vramd {
namespace {

bool OutOfDescriptors() {
  const OsHandle probe(open("/dev/null", O_RDONLY | O_CLOEXEC));
  return !probe.valid() && (errno == EMFILE || errno == ENFILE);
}

class FdMemory final : public DeviceMemory {
 public:
  FdMemory(const VulkanContext& context, const AllocationPlan& plan, VulkanMemory memory)
      : context_(context),
        handle_bit_(static_cast<VkExternalMemoryHandleTypeFlagBits>(plan.exporter->handle.bit)),
        recipe_(MakeRecipe(context, plan, plan.memory_type_index)),
        memory_(std::move(memory)) {}

  const Recipe& recipe() const override { return recipe_; }

  absl::StatusOr<OsHandle> Export() override {
    VkMemoryGetFdInfoKHR info = {VK_STRUCTURE_TYPE_MEMORY_GET_FD_INFO_KHR};
    info.memory = memory_.handle();
    info.handleType = handle_bit_;
    int fd = -1;
    const VkResult result = context_.vk().vkGetMemoryFdKHR(context_.device(), &info, &fd);
    OsHandle handle(fd);
    // Without a free descriptor drivers differ: lavapipe succeeds with -1, NVIDIA's 580 says
    // VK_ERROR_INITIALIZATION_FAILED, the specification VK_ERROR_TOO_MANY_OBJECTS.
    if (!handle.valid() && OutOfDescriptors())
      return absl::ResourceExhaustedError(
          "vkGetMemoryFdKHR gave no descriptor: the process has too many open files; raise its "
          "limit (ulimit -n, LimitNOFILE=) or release leases");
    VRAMD_RETURN_IF_VULKAN_ERROR("vkGetMemoryFdKHR", result);
    if (!handle.valid()) return absl::InternalError("vkGetMemoryFdKHR succeeded without a handle");
    if (fcntl(handle.get(), F_SETFD, FD_CLOEXEC) != 0)
      return LastOsError("set close-on-exec on an exported descriptor");
    return handle;
  }

 private:
  const VulkanContext& context_;
  const VkExternalMemoryHandleTypeFlagBits handle_bit_;
  const Recipe recipe_;
  const VulkanMemory memory_;
};

}  // namespace

ExporterSupport FdSupport(const VulkanContext& context,
                          VkExternalMemoryHandleTypeFlagBits handle_bit) {
  const VkExternalMemoryFeatureFlags features = ProbeFeatures(context, handle_bit);
  ExporterSupport support;
  support.can_export = (features & VK_EXTERNAL_MEMORY_FEATURE_EXPORTABLE_BIT) != 0;
  support.can_import = (features & VK_EXTERNAL_MEMORY_FEATURE_IMPORTABLE_BIT) != 0;
  if (!support.can_export || !support.can_import)
    support.reason = absl::StrCat("the driver has the extension, but can ",
                                  support.can_export   ? "only export"
                                  : support.can_import ? "only import"
                                                       : "neither export nor import",
                                  " plain buffers and images with it");
  return support;
}

absl::StatusOr<std::unique_ptr<DeviceMemory>> CreateFdMemory(const VulkanContext& context,
                                                             const AllocationPlan& plan) {
  VkExportMemoryAllocateInfo exportable = {VK_STRUCTURE_TYPE_EXPORT_MEMORY_ALLOCATE_INFO};
  exportable.handleTypes = plan.exporter->handle.bit;
  VRAMD_ASSIGN_OR_RETURN(VulkanMemory memory,
                         VulkanMemory::Allocate(context, plan, plan.memory_type_index, exportable));
  return std::make_unique<FdMemory>(context, plan, std::move(memory));
}

}  // namespace vramd
