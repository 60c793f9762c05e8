// NT handles of the two families. An import by VK_KHR_external_memory_win32 takes no ownership, so
// the handle is closed in every case; one by VK_NV_external_memory_win32 gives the handle to the
// driver, on success alone. The structures of the families are never mixed.
//
// An opaque handle may be imported as the memory type that its exporter used and as no other, so
// its bits allow all and the recipe decides.
#include <windows.h>
// vulkan_win32.h needs windows.h before it.
#include <vulkan/vulkan_core.h>
//
#include <vulkan/vulkan_win32.h>

#include <utility>

#include "client/src/vulkan_import.h"
#include "client/src/vulkan_status.h"

namespace vramd {
namespace {

class KhrImport : public PendingImport {
 public:
  explicit KhrImport(OsHandle handle) : handle_(std::move(handle)) {
    image_info_.handleTypes = VK_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_WIN32_BIT;
    buffer_info_.handleTypes = VK_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_WIN32_BIT;
    import_info_.handleType = VK_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_WIN32_BIT;
    import_info_.handle = handle_.get();
  }

  const void* image_chain() const override { return &image_info_; }
  const void* buffer_chain() const override { return &buffer_info_; }
  const void* allocate_chain() const override { return &import_info_; }
  uint32_t memory_types() const override { return ~uint32_t{0}; }
  MappedSection Complete() override { return MappedSection(); }

 private:
  OsHandle handle_;
  VkExternalMemoryImageCreateInfo image_info_ = {
      VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_IMAGE_CREATE_INFO};
  VkExternalMemoryBufferCreateInfo buffer_info_ = {
      VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_BUFFER_CREATE_INFO};
  VkImportMemoryWin32HandleInfoKHR import_info_ = {
      VK_STRUCTURE_TYPE_IMPORT_MEMORY_WIN32_HANDLE_INFO_KHR};
};

class NvImport : public PendingImport {
 public:
  explicit NvImport(OsHandle handle) : handle_(std::move(handle)) {
    image_info_.handleTypes = VK_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_WIN32_BIT_NV;
    import_info_.handleType = VK_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_WIN32_BIT_NV;
    import_info_.handle = handle_.get();
  }

  const void* image_chain() const override { return &image_info_; }
  // The family has no structure for buffers: the broker allocates none with it.
  const void* buffer_chain() const override { return nullptr; }
  const void* allocate_chain() const override { return &import_info_; }
  uint32_t memory_types() const override { return ~uint32_t{0}; }

  MappedSection Complete() override {
    [[maybe_unused]] const NativeHandle now_of_the_driver = handle_.Release();
    return MappedSection();
  }

 private:
  OsHandle handle_;
  VkExternalMemoryImageCreateInfoNV image_info_ = {
      VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_IMAGE_CREATE_INFO_NV};
  VkImportMemoryWin32HandleInfoNV import_info_ = {
      VK_STRUCTURE_TYPE_IMPORT_MEMORY_WIN32_HANDLE_INFO_NV};
};

template <typename Import>
class NtImporter : public Importer {
 public:
  absl::StatusOr<std::unique_ptr<PendingImport>> Begin(OsHandle handle, uint64_t) const override {
    return std::make_unique<Import>(std::move(handle));
  }
};

std::unique_ptr<Importer> MakeKhrImporter(VkDevice device, PFN_vkGetDeviceProcAddr get) {
  if (get(device, "vkGetMemoryWin32HandleKHR") == nullptr) return nullptr;
  return std::make_unique<NtImporter<KhrImport>>();
}

std::unique_ptr<Importer> MakeNvImporter(VkDevice device, PFN_vkGetDeviceProcAddr get) {
  if (get(device, "vkGetMemoryWin32HandleNV") == nullptr) return nullptr;
  return std::make_unique<NtImporter<NvImport>>();
}

}  // namespace

std::vector<ImportVariant> NativeImportVariants() {
  return {
      {VRAMD_HANDLE_NV_WIN32,
       "nv_win32",
       static_cast<VkExternalMemoryHandleTypeFlagBits>(0),
       {VK_NV_EXTERNAL_MEMORY_EXTENSION_NAME, VK_NV_EXTERNAL_MEMORY_WIN32_EXTENSION_NAME},
       /*same_device_only=*/true,
       Dedication::kRecipe,
       &MakeNvImporter},
      {VRAMD_HANDLE_KHR_WIN32,
       "khr_win32",
       VK_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_WIN32_BIT,
       {VK_KHR_EXTERNAL_MEMORY_WIN32_EXTENSION_NAME},
       /*same_device_only=*/true,
       Dedication::kRecipe,
       &MakeKhrImporter},
  };
}

}  // namespace vramd
