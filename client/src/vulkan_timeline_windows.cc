// Opaque NT handles: the importer still owns them after an import, and closes them.
#include <windows.h>

// After windows.h, and the declarations that the platform's own build on.
#include <vulkan/vulkan_core.h>
//
#include <vulkan/vulkan_win32.h>

#include "client/src/vulkan_status.h"
#include "client/src/vulkan_timeline.h"

namespace vramd {
namespace {

class Win32TimelineImporter : public TimelineImporter {
 public:
  Win32TimelineImporter(VkDevice device, PFN_vkGetSemaphoreCounterValue get_value,
                        PFN_vkImportSemaphoreWin32HandleKHR import)
      : TimelineImporter(device, get_value), import_(import) {}

  absl::Status Import(VkSemaphore semaphore, OsHandle handle) const override {
    VkImportSemaphoreWin32HandleInfoKHR info = {
        VK_STRUCTURE_TYPE_IMPORT_SEMAPHORE_WIN32_HANDLE_INFO_KHR};
    info.semaphore = semaphore;
    info.handleType = TimelineHandleType();
    info.handle = handle.get();
    return VulkanStatus(import_(device_, &info), "import a timeline semaphore");
  }

 private:
  const PFN_vkImportSemaphoreWin32HandleKHR import_;
};

}  // namespace

const std::vector<const char*>& TimelineExtensions() {
  static const auto* const names = new std::vector<const char*>{
      VK_KHR_TIMELINE_SEMAPHORE_EXTENSION_NAME, VK_KHR_EXTERNAL_SEMAPHORE_WIN32_EXTENSION_NAME};
  return *names;
}

VkExternalSemaphoreHandleTypeFlagBits TimelineHandleType() {
  return VK_EXTERNAL_SEMAPHORE_HANDLE_TYPE_OPAQUE_WIN32_BIT;
}

std::unique_ptr<TimelineImporter> TimelineImporter::Make(VkDevice device,
                                                         PFN_vkGetDeviceProcAddr get) {
  const auto import = reinterpret_cast<PFN_vkImportSemaphoreWin32HandleKHR>(
      get(device, "vkImportSemaphoreWin32HandleKHR"));
  const auto get_value = FindGetCounterValue(device, get);
  if (import == nullptr || get_value == nullptr) return nullptr;
  return std::make_unique<Win32TimelineImporter>(device, get_value, import);
}

}  // namespace vramd
