// From a lease to a bound VkImage or VkBuffer.
//
// Order matters: the resource is created first, because a dedicated import names it, and because
// its requirements show whether this driver agrees with the one that made the recipe. Then the
// memory is imported, and from that moment the handle is the driver's or closed, by its type's
// rule.
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/os_handle.h"
#include "base/status_macros.h"
#include "client/src/last_error.h"
#include "client/src/null_check.h"
#include "client/src/recipe_convert.h"
#include "client/src/sized_struct.h"
#include "client/src/vulkan_device.h"
#include "client/src/vulkan_resource.h"
#include "client/src/vulkan_status.h"

namespace vramd {
namespace {

// Owns the Vulkan objects of a resource until they are given to the caller.
class ResourceBuilder {
 public:
  ResourceBuilder(vramd_vk_device* device, const Recipe& recipe)
      : device_(*device), recipe_(recipe) {}
  ResourceBuilder(const ResourceBuilder&) = delete;
  ResourceBuilder& operator=(const ResourceBuilder&) = delete;
  ~ResourceBuilder() { vramd_vk_resource_destroy(&device_, &made_); }

  absl::StatusOr<vramd_vk_resource> Build(PendingImport& import) {
    VRAMD_RETURN_IF_ERROR(Create(import));
    VRAMD_RETURN_IF_ERROR(Import(import));
    VRAMD_RETURN_IF_ERROR(Bind());
    return std::exchange(made_, VRAMD_VK_RESOURCE_INIT);
  }

 private:
  absl::Status Create(const PendingImport& import);
  absl::Status CreateBuffer(const void* chain);
  absl::Status CreateImage(const void* chain);
  void AskRequirements();
  absl::Status Import(PendingImport& import);
  absl::StatusOr<uint32_t> ChooseMemoryType(uint32_t allowed) const;
  bool ImportsDedicated() const;
  absl::Status Bind();

  vramd_vk_device& device_;
  const Recipe& recipe_;
  VkMemoryRequirements requirements_{0, 1, ~uint32_t{0}};
  bool wants_dedicated_ = false;  // says this driver of its own resource
  vramd_vk_resource made_ = VRAMD_VK_RESOURCE_INIT;
};

absl::Status ResourceBuilder::Create(const PendingImport& import) {
  switch (recipe_.kind) {
    case ResourceKind::kRaw:
      break;
    case ResourceKind::kBuffer:
      VRAMD_RETURN_IF_ERROR(CreateBuffer(import.buffer_chain()));
      break;
    case ResourceKind::kImage:
      VRAMD_RETURN_IF_ERROR(CreateImage(import.image_chain()));
      break;
    default:
      return absl::FailedPreconditionError(
          absl::StrCat("resource kind ", static_cast<uint32_t>(recipe_.kind),
                       " is not known to this version of the library"));
  }
  if (requirements_.size <= recipe_.allocation_size) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "the resource needs ", requirements_.size, " bytes on '", device_.description.name,
      "', but the allocation has ", recipe_.allocation_size));
}

absl::Status ResourceBuilder::CreateBuffer(const void* chain) {
  VkBufferCreateInfo info = {VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO, chain};
  info.flags = recipe_.buffer.flags;
  info.size = recipe_.buffer.size;
  info.usage = recipe_.buffer.usage;
  const VkResult result = device_.vk.CreateBuffer(device_.device, &info, nullptr, &made_.buffer);
  if (result != VK_SUCCESS)
    return VulkanStatus(result, absl::StrCat("create a buffer of ", info.size, " bytes"));
  AskRequirements();
  return absl::OkStatus();
}

absl::Status ResourceBuilder::CreateImage(const void* chain) {
  const ImageInfo& image = recipe_.image;
  const VkImageFormatListCreateInfo views = {
      VK_STRUCTURE_TYPE_IMAGE_FORMAT_LIST_CREATE_INFO, chain,
      static_cast<uint32_t>(image.view_formats.size()),
      reinterpret_cast<const VkFormat*>(image.view_formats.data())};
  if (!image.view_formats.empty()) chain = &views;
  if (image.drm_modifier)
    return absl::FailedPreconditionError(
        "the image is laid out by a DRM format modifier, which this version of the library cannot "
        "import");
  VkImageCreateInfo info = {VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO, chain};
  info.flags = image.flags;
  info.imageType = static_cast<VkImageType>(image.image_type);
  info.format = static_cast<VkFormat>(image.format);
  info.extent = {image.width, image.height, image.depth};
  info.mipLevels = image.mip_levels;
  info.arrayLayers = image.array_layers;
  info.samples = static_cast<VkSampleCountFlagBits>(image.samples);
  info.tiling = static_cast<VkImageTiling>(image.tiling);
  info.usage = image.usage;
  const VkResult result = device_.vk.CreateImage(device_.device, &info, nullptr, &made_.image);
  if (result != VK_SUCCESS)
    return VulkanStatus(result, absl::StrCat("create an image of ", image.width, "x", image.height,
                                             " texels in VkFormat ", image.format));
  AskRequirements();
  return absl::OkStatus();
}

void ResourceBuilder::AskRequirements() {
  VkMemoryDedicatedRequirements dedicated = {VK_STRUCTURE_TYPE_MEMORY_DEDICATED_REQUIREMENTS};
  VkMemoryRequirements2 answer = {VK_STRUCTURE_TYPE_MEMORY_REQUIREMENTS_2, &dedicated};
  if (made_.image != VK_NULL_HANDLE) {
    const VkImageMemoryRequirementsInfo2 question = {
        VK_STRUCTURE_TYPE_IMAGE_MEMORY_REQUIREMENTS_INFO_2, nullptr, made_.image};
    device_.vk.GetImageMemoryRequirements2(device_.device, &question, &answer);
  } else {
    const VkBufferMemoryRequirementsInfo2 question = {
        VK_STRUCTURE_TYPE_BUFFER_MEMORY_REQUIREMENTS_INFO_2, nullptr, made_.buffer};
    device_.vk.GetBufferMemoryRequirements2(device_.device, &question, &answer);
  }
  requirements_ = answer.memoryRequirements;
  wants_dedicated_ = dedicated.prefersDedicatedAllocation == VK_TRUE ||
                     dedicated.requiresDedicatedAllocation == VK_TRUE;
}

// The recipe's own type where it is allowed, which an opaque handle demands. Bytes that any device
// can read take the first type that fits.
absl::StatusOr<uint32_t> ResourceBuilder::ChooseMemoryType(uint32_t allowed) const {
  const uint32_t known = device_.description.memory.memoryTypeCount;
  const bool same_device = IsSameDevice(device_.description.identity, recipe_.device);
  const uint32_t wanted = recipe_.memory_type_index;
  if (same_device && wanted < known && (allowed >> wanted & 1) != 0) return wanted;
  if (FindImportVariant(TypeOf(recipe_))->same_device_only)
    return absl::FailedPreconditionError(absl::StrCat("'", device_.description.name,
                                                      "' does not allow memory type ", wanted,
                                                      " of the recipe for this resource"));
  for (uint32_t type = 0; type < known; ++type)
    if ((allowed >> type & 1) != 0) return type;
  return absl::FailedPreconditionError(
      absl::StrCat("'", device_.description.name,
                   "' has no memory type that fits both the handle and the resource"));
}

bool ResourceBuilder::ImportsDedicated() const {
  if (recipe_.kind == ResourceKind::kRaw) return false;  // there is nothing to dedicate it to
  switch (FindImportVariant(TypeOf(recipe_))->dedication) {
    case Dedication::kRecipe:
      return recipe_.dedicated;
    case Dedication::kImporter:
      return wants_dedicated_;
    case Dedication::kNever:
      break;
  }
  return false;
}

absl::Status ResourceBuilder::Import(PendingImport& import) {
  VRAMD_ASSIGN_OR_RETURN(const uint32_t type,
                         ChooseMemoryType(import.memory_types() & requirements_.memoryTypeBits));
  const VkMemoryDedicatedAllocateInfo dedicated = {VK_STRUCTURE_TYPE_MEMORY_DEDICATED_ALLOCATE_INFO,
                                                   import.allocate_chain(), made_.image,
                                                   made_.buffer};
  const bool is_dedicated = ImportsDedicated();
  // Vulkan wants a dedicated memory as large as the resource. Opaque memory has its exporter's
  // size.
  const bool has_own_size =
      is_dedicated && FindImportVariant(TypeOf(recipe_))->dedication == Dedication::kImporter;
  const uint64_t size = has_own_size ? requirements_.size : recipe_.allocation_size;
  const VkMemoryAllocateInfo info = {VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
                                     is_dedicated ? &dedicated : import.allocate_chain(), size,
                                     type};
  auto state = std::make_unique<ResourceState>();
  const VkResult result = device_.vk.AllocateMemory(device_.device, &info, nullptr, &made_.memory);
  if (result != VK_SUCCESS)
    return VulkanStatus(result, absl::StrCat("import ", size, " bytes as ",
                                             FindImportVariant(TypeOf(recipe_))->name));
  state->section = import.Complete();
  state->aspects = AspectsOf(static_cast<VkFormat>(recipe_.image.format));
  made_.mapped = state->section.data();
  made_.size = size;
  made_.memory_property_flags = device_.description.memory.memoryTypes[type].propertyFlags;
  made_.handover_layout = recipe_.handover_layout;
  made_.internal = state.release();
  return absl::OkStatus();
}

absl::Status ResourceBuilder::Bind() {
  VkResult result = VK_SUCCESS;
  if (made_.buffer != VK_NULL_HANDLE)
    result = device_.vk.BindBufferMemory(device_.device, made_.buffer, made_.memory, 0);
  if (made_.image != VK_NULL_HANDLE)
    result = device_.vk.BindImageMemory(device_.device, made_.image, made_.memory, 0);
  return VulkanStatus(result, "bind the imported memory");
}

absl::StatusOr<const Importer*> FindImporter(const vramd_vk_device& device, const Recipe& recipe) {
  VRAMD_RETURN_IF_ERROR(CheckImportable(device.description, recipe));
  const auto found = device.importers.find(TypeOf(recipe));
  if (found != device.importers.end()) return found->second.get();
  return absl::FailedPreconditionError(
      absl::StrCat("this VkDevice was created without the extensions for ",
                   FindImportVariant(TypeOf(recipe))->name,
                   "; enable those that vramd_vk_enumerate_device_extensions() names"));
}

absl::StatusOr<vramd_vk_resource> ImportLease(vramd_vk_device& device, const vramd_lease* lease) {
  VRAMD_ASSIGN_OR_RETURN(const Recipe recipe, AskRecipe([lease](vramd_recipe* fill) {
                           return LastStatus(vramd_lease_get_recipe(lease, fill));
                         }));
  return ImportResource(device, recipe,
                        [&](intptr_t* handle) { return vramd_lease_get_handle(lease, handle); });
}

absl::StatusOr<std::unique_ptr<vramd_vk_device>> MakeDevice(const vramd_vk_device_info& info) {
  VRAMD_RETURN_IF_NULL(info.get_instance_proc_addr, info.instance, info.physical_device,
                       info.device);
  VRAMD_ASSIGN_OR_RETURN(const auto instance_functions,
                         InstanceFunctions::Load(info.get_instance_proc_addr, info.instance));
  auto made = std::make_unique<vramd_vk_device>();
  const auto get = instance_functions.GetDeviceProcAddr;
  made->device = info.device;
  VRAMD_ASSIGN_OR_RETURN(made->vk, DeviceFunctions::Load(get, info.device));
  VRAMD_ASSIGN_OR_RETURN(made->description,
                         DescribePhysicalDevice(instance_functions, info.physical_device));
  made->timelines = TimelineImporter::Make(info.device, get);
  for (const ImportVariant* variant : made->description.variants)
    if (auto importer = variant->make(info.device, get))
      made->importers.emplace(variant->type, std::move(importer));
  return made;
}

}  // namespace

absl::Status LastStatus(vramd_result result) {
  if (result == VRAMD_OK) return absl::OkStatus();
  return absl::Status(static_cast<absl::StatusCode>(result), vramd_last_error());
}

absl::StatusOr<vramd_vk_resource> ImportResource(
    vramd_vk_device& device, const Recipe& recipe,
    const std::function<vramd_result(intptr_t*)>& get_handle) {
  VRAMD_ASSIGN_OR_RETURN(const Importer* importer, FindImporter(device, recipe));
  intptr_t value = 0;
  const vramd_result result = get_handle(&value);
  if (result != VRAMD_OK) return LastStatus(result);
  VRAMD_ASSIGN_OR_RETURN(auto import,
                         importer->Begin(OsHandle(NativeHandle(value)), recipe.allocation_size));
  return ResourceBuilder(&device, recipe).Build(*import);
}

}  // namespace vramd

vramd_result vramd_vk_device_create(const vramd_vk_device_info* info, vramd_vk_device** device) {
  return vramd::RunCall([&]() -> absl::Status {
    VRAMD_RETURN_IF_NULL(info, device);
    *device = nullptr;
    VRAMD_ASSIGN_OR_RETURN(const auto wanted, vramd::ReadSized(info));
    VRAMD_ASSIGN_OR_RETURN(auto made, vramd::MakeDevice(wanted));
    *device = made.release();
    return absl::OkStatus();
  });
}

void vramd_vk_device_destroy(vramd_vk_device* device) { delete device; }

vramd_result vramd_vk_import(vramd_vk_device* device, const vramd_lease* lease,
                             vramd_vk_resource* resource) {
  return vramd::RunCall([&]() -> absl::Status {
    VRAMD_RETURN_IF_NULL(resource);
    VRAMD_RETURN_IF_ERROR(vramd::CheckSized(resource));
    vramd::WriteSized(vramd_vk_resource{}, resource);  // empty after every failure
    VRAMD_RETURN_IF_NULL(device, lease);
    VRAMD_RETURN_IF_FORKED(device);
    VRAMD_ASSIGN_OR_RETURN(const vramd_vk_resource made, vramd::ImportLease(*device, lease));
    vramd::WriteSized(made, resource);
    return absl::OkStatus();
  });
}

void vramd_vk_resource_destroy(vramd_vk_device* device, vramd_vk_resource* resource) {
  if (device == nullptr || resource == nullptr) return;
  if (device->birth.is_here()) {
    device->vk.DestroyImage(device->device, resource->image, nullptr);
    device->vk.DestroyBuffer(device->device, resource->buffer, nullptr);
    device->vk.FreeMemory(device->device, resource->memory, nullptr);
  }
  delete static_cast<vramd::ResourceState*>(resource->internal);  // unmaps, so after the free
  vramd::WriteSized(vramd_vk_resource{}, resource);
}
