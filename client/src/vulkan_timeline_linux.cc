// Opaque fds: the driver owns them after a successful import.
#include "client/src/vulkan_status.h"
#include "client/src/vulkan_timeline.h"

namespace vramd {
namespace {

class FdTimelineImporter : public TimelineImporter {
 public:
  FdTimelineImporter(VkDevice device, PFN_vkGetSemaphoreCounterValue get_value,
                     PFN_vkImportSemaphoreFdKHR import)
      : TimelineImporter(device, get_value), import_(import) {}

  absl::Status Import(VkSemaphore semaphore, OsHandle handle) const override {
    VkImportSemaphoreFdInfoKHR info = {VK_STRUCTURE_TYPE_IMPORT_SEMAPHORE_FD_INFO_KHR};
    info.semaphore = semaphore;
    info.handleType = TimelineHandleType();
    info.fd = handle.get();
    const VkResult result = import_(device_, &info);
    if (result != VK_SUCCESS) return VulkanStatus(result, "import a timeline semaphore");
    [[maybe_unused]] const NativeHandle now_of_the_driver = handle.Release();
    return absl::OkStatus();
  }

 private:
  const PFN_vkImportSemaphoreFdKHR import_;
};

}  // namespace

const std::vector<const char*>& TimelineExtensions() {
  static const auto* const names = new std::vector<const char*>{
      VK_KHR_TIMELINE_SEMAPHORE_EXTENSION_NAME, VK_KHR_EXTERNAL_SEMAPHORE_FD_EXTENSION_NAME};
  return *names;
}

VkExternalSemaphoreHandleTypeFlagBits TimelineHandleType() {
  return VK_EXTERNAL_SEMAPHORE_HANDLE_TYPE_OPAQUE_FD_BIT;
}

std::unique_ptr<TimelineImporter> TimelineImporter::Make(VkDevice device,
                                                         PFN_vkGetDeviceProcAddr get) {
  const auto import =
      reinterpret_cast<PFN_vkImportSemaphoreFdKHR>(get(device, "vkImportSemaphoreFdKHR"));
  const auto get_value = FindGetCounterValue(device, get);
  if (import == nullptr || get_value == nullptr) return nullptr;
  return std::make_unique<FdTimelineImporter>(device, get_value, import);
}

}  // namespace vramd
