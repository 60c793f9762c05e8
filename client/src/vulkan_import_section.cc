// A host section: mapped into this process, then imported by its address. The mapping must live
// until the VkDeviceMemory is freed; the handle is not needed once it is mapped.
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/src/vulkan_import.h"
#include "client/src/vulkan_status.h"

namespace vramd {
namespace {

constexpr auto kType = VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT;

class SectionImport : public PendingImport {
 public:
  SectionImport(MappedSection mapped, uint32_t memory_types)
      : mapped_(std::move(mapped)), memory_types_(memory_types) {
    image_info_.handleTypes = kType;
    buffer_info_.handleTypes = kType;
    import_info_.handleType = kType;
    import_info_.pHostPointer = mapped_.data();
  }

  const void* image_chain() const override { return &image_info_; }
  const void* buffer_chain() const override { return &buffer_info_; }
  const void* allocate_chain() const override { return &import_info_; }
  uint32_t memory_types() const override { return memory_types_; }
  MappedSection Complete() override { return std::move(mapped_); }

 private:
  MappedSection mapped_;
  uint32_t memory_types_;
  VkExternalMemoryImageCreateInfo image_info_ = {
      VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_IMAGE_CREATE_INFO};
  VkExternalMemoryBufferCreateInfo buffer_info_ = {
      VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_BUFFER_CREATE_INFO};
  VkImportMemoryHostPointerInfoEXT import_info_ = {
      VK_STRUCTURE_TYPE_IMPORT_MEMORY_HOST_POINTER_INFO_EXT};
};

class SectionImporter : public Importer {
 public:
  SectionImporter(VkDevice device, PFN_vkGetMemoryHostPointerPropertiesEXT get_properties)
      : device_(device), get_properties_(get_properties) {}

  absl::StatusOr<std::unique_ptr<PendingImport>> Begin(OsHandle section,
                                                       uint64_t size) const override {
    auto mapped = MappedSection::Map(section, size, SectionAccess::kReadWrite);
    if (!mapped.ok()) return std::move(mapped).status();
    VkMemoryHostPointerPropertiesEXT properties = {
        VK_STRUCTURE_TYPE_MEMORY_HOST_POINTER_PROPERTIES_EXT};
    const VkResult result = get_properties_(device_, kType, mapped->data(), &properties);
    if (result != VK_SUCCESS)
      return VulkanStatus(result, "ask which memory types the host section can be imported as");
    return std::make_unique<SectionImport>(*std::move(mapped), properties.memoryTypeBits);
  }

 private:
  VkDevice device_;
  PFN_vkGetMemoryHostPointerPropertiesEXT get_properties_;
};

std::unique_ptr<Importer> MakeSectionImporter(VkDevice device, PFN_vkGetDeviceProcAddr get) {
  const auto get_properties = reinterpret_cast<PFN_vkGetMemoryHostPointerPropertiesEXT>(
      get(device, "vkGetMemoryHostPointerPropertiesEXT"));
  if (get_properties == nullptr) return nullptr;
  return std::make_unique<SectionImporter>(device, get_properties);
}

}  // namespace

ImportVariant SectionImportVariant() {
  return {VRAMD_HANDLE_HOST_SECTION,
          "host_section",
          kType,
          {VK_EXT_EXTERNAL_MEMORY_HOST_EXTENSION_NAME},
          /*same_device_only=*/false,
          Dedication::kNever,
          &MakeSectionImporter};
}

const std::vector<ImportVariant>& ImportVariants() {
  static const auto* const variants = [] {
    auto* all = new std::vector<ImportVariant>(NativeImportVariants());
    all->push_back(SectionImportVariant());
    return all;
  }();
  return *variants;
}

const ImportVariant* FindImportVariant(vramd_handle_type type) {
  for (const ImportVariant& variant : ImportVariants())
    if (variant.type == type) return &variant;
  return nullptr;
}

}  // namespace vramd
