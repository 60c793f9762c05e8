// Opaque fds and dma-bufs. Both become the driver's on success and stay ours on failure.
//
// An opaque fd may be imported as the memory type that its exporter used and as no other, so its
// bits allow all and the recipe decides; a dma-buf is asked for the types that it fits.
#include <fcntl.h>
#include <unistd.h>

#include <string>
#include <utility>

#include "client/src/vulkan_import.h"
#include "client/src/vulkan_status.h"

namespace vramd {
namespace {

// lavapipe's opaque fd is a memfd, of which an import reads the beginning through the file offset.
// Duplicates share that offset, so processes that import at the same time would disturb each other:
// opened anew, under the same number, it has an offset of its own.
void GiveOwnOffset(const OsHandle& fd) {
  const std::string path = "/proc/self/fd/" + std::to_string(fd.get());
  char target[8] = {};
  if (readlink(path.c_str(), target, 7) != 7 || std::string(target) != "/memfd:") return;
  const OsHandle own(open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (own.valid()) dup3(own.get(), fd.get(), O_CLOEXEC);
}

class FdImport : public PendingImport {
 public:
  FdImport(VkExternalMemoryHandleTypeFlagBits type, OsHandle fd, uint32_t memory_types)
      : fd_(std::move(fd)), memory_types_(memory_types) {
    image_info_.handleTypes = type;
    buffer_info_.handleTypes = type;
    import_info_.handleType = type;
    import_info_.fd = fd_.get();
  }

  const void* image_chain() const override { return &image_info_; }
  const void* buffer_chain() const override { return &buffer_info_; }
  const void* allocate_chain() const override { return &import_info_; }
  uint32_t memory_types() const override { return memory_types_; }

  MappedSection Complete() override {
    [[maybe_unused]] const NativeHandle now_of_the_driver = fd_.Release();
    return MappedSection();
  }

 private:
  OsHandle fd_;
  uint32_t memory_types_;
  VkExternalMemoryImageCreateInfo image_info_ = {
      VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_IMAGE_CREATE_INFO};
  VkExternalMemoryBufferCreateInfo buffer_info_ = {
      VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_BUFFER_CREATE_INFO};
  VkImportMemoryFdInfoKHR import_info_ = {VK_STRUCTURE_TYPE_IMPORT_MEMORY_FD_INFO_KHR};
};

class OpaqueFdImporter : public Importer {
 public:
  absl::StatusOr<std::unique_ptr<PendingImport>> Begin(OsHandle fd, uint64_t) const override {
    GiveOwnOffset(fd);
    return std::make_unique<FdImport>(VK_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_FD_BIT, std::move(fd),
                                      ~uint32_t{0});
  }
};

class DmaBufImporter : public Importer {
 public:
  DmaBufImporter(VkDevice device, PFN_vkGetMemoryFdPropertiesKHR get_properties)
      : device_(device), get_properties_(get_properties) {}

  absl::StatusOr<std::unique_ptr<PendingImport>> Begin(OsHandle fd, uint64_t) const override {
    constexpr auto kType = VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT;
    VkMemoryFdPropertiesKHR properties = {VK_STRUCTURE_TYPE_MEMORY_FD_PROPERTIES_KHR};
    const VkResult result = get_properties_(device_, kType, fd.get(), &properties);
    if (result != VK_SUCCESS)
      return VulkanStatus(result, "ask which memory types the dma-buf can be imported as");
    return std::make_unique<FdImport>(kType, std::move(fd), properties.memoryTypeBits);
  }

 private:
  VkDevice device_;
  PFN_vkGetMemoryFdPropertiesKHR get_properties_;
};

std::unique_ptr<Importer> MakeOpaqueFdImporter(VkDevice device, PFN_vkGetDeviceProcAddr get) {
  if (get(device, "vkGetMemoryFdKHR") == nullptr) return nullptr;
  return std::make_unique<OpaqueFdImporter>();
}

std::unique_ptr<Importer> MakeDmaBufImporter(VkDevice device, PFN_vkGetDeviceProcAddr get) {
  const auto get_properties =
      reinterpret_cast<PFN_vkGetMemoryFdPropertiesKHR>(get(device, "vkGetMemoryFdPropertiesKHR"));
  if (get_properties == nullptr) return nullptr;
  return std::make_unique<DmaBufImporter>(device, get_properties);
}

}  // namespace

std::vector<ImportVariant> NativeImportVariants() {
  return {
      {VRAMD_HANDLE_OPAQUE_FD,
       "opaque_fd",
       VK_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_FD_BIT,
       {VK_KHR_EXTERNAL_MEMORY_FD_EXTENSION_NAME},
       /*same_device_only=*/true,
       Dedication::kRecipe,
       &MakeOpaqueFdImporter},
      {VRAMD_HANDLE_DMA_BUF,
       "dma_buf",
       VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT,
       {VK_KHR_EXTERNAL_MEMORY_FD_EXTENSION_NAME, VK_EXT_EXTERNAL_MEMORY_DMA_BUF_EXTENSION_NAME},
       /*same_device_only=*/false,
       Dedication::kImporter,
       &MakeDmaBufImporter},
  };
}

}  // namespace vramd
