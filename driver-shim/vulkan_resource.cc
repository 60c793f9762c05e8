#include "driver-shim/vulkan_resource.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/status_macros.h"
#include "driver-shim/vulkan_result.h"

namespace vramd {
namespace {

// The create info together with what its pNext points to; neither copied nor moved.
struct BufferCreateInfo {
  BufferCreateInfo(const BufferInfo& buffer, ExternalHandle handle) {
    external.handleTypes = handle.bit;
    info.pNext = &external;
    info.flags = buffer.flags;
    info.size = buffer.size;
    info.usage = buffer.usage;
  }
  BufferCreateInfo(const BufferCreateInfo&) = delete;
  BufferCreateInfo& operator=(const BufferCreateInfo&) = delete;

  VkExternalMemoryBufferCreateInfo external = {
      VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_BUFFER_CREATE_INFO};
  VkBufferCreateInfo info = {VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO};
};

struct ImageCreateInfo {
  ImageCreateInfo(const ImageInfo& image, ExternalHandle handle) {
    external.handleTypes = handle.bit;
    external_nv.handleTypes = handle.bit;
    info.pNext = handle.is_nv ? static_cast<const void*>(&external_nv) : &external;
    if (!image.view_formats.empty()) {
      views.pNext = info.pNext;
      views.viewFormatCount = static_cast<uint32_t>(image.view_formats.size());
      views.pViewFormats = reinterpret_cast<const VkFormat*>(image.view_formats.data());
      info.pNext = &views;
    }
    info.flags = image.flags;
    info.imageType = static_cast<VkImageType>(image.image_type);
    info.format = static_cast<VkFormat>(image.format);
    info.extent = {image.width, image.height, image.depth};
    info.mipLevels = image.mip_levels;
    info.arrayLayers = image.array_layers;
    info.samples = static_cast<VkSampleCountFlagBits>(image.samples);
    info.tiling = static_cast<VkImageTiling>(image.tiling);
    info.usage = image.usage;
    info.initialLayout = VK_IMAGE_LAYOUT_UNDEFINED;
  }
  ImageCreateInfo(const ImageCreateInfo&) = delete;
  ImageCreateInfo& operator=(const ImageCreateInfo&) = delete;

  VkExternalMemoryImageCreateInfo external = {VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_IMAGE_CREATE_INFO};
  VkExternalMemoryImageCreateInfoNV external_nv = {
      VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_IMAGE_CREATE_INFO_NV};
  VkImageFormatListCreateInfo views = {VK_STRUCTURE_TYPE_IMAGE_FORMAT_LIST_CREATE_INFO};
  VkImageCreateInfo info = {VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO};
};

// Receives the answer of any of the four ways to ask.
struct RequirementsAnswer {
  VkMemoryDedicatedRequirements dedicated = {VK_STRUCTURE_TYPE_MEMORY_DEDICATED_REQUIREMENTS};
  VkMemoryRequirements2 base = {VK_STRUCTURE_TYPE_MEMORY_REQUIREMENTS_2, &dedicated};

  ResourceRequirements ToRequirements() const {
    return {base.memoryRequirements.size, base.memoryRequirements.memoryTypeBits,
            dedicated.prefersDedicatedAllocation == VK_TRUE,
            dedicated.requiresDedicatedAllocation == VK_TRUE};
  }
};

void AskWithoutResource(const VulkanContext& context, const AllocationRequest& request,
                        ExternalHandle handle, RequirementsAnswer& answer) {
  if (request.kind == ResourceKind::kBuffer) {
    const BufferCreateInfo create(request.buffer, handle);
    VkDeviceBufferMemoryRequirements question = {
        VK_STRUCTURE_TYPE_DEVICE_BUFFER_MEMORY_REQUIREMENTS};
    question.pCreateInfo = &create.info;
    context.buffer_requirements()(context.device(), &question, &answer.base);
  } else {
    const ImageCreateInfo create(request.image, handle);
    VkDeviceImageMemoryRequirements question = {VK_STRUCTURE_TYPE_DEVICE_IMAGE_MEMORY_REQUIREMENTS};
    question.pCreateInfo = &create.info;
    context.image_requirements()(context.device(), &question, &answer.base);
  }
}

void AskResource(const VulkanContext& context, const VulkanResource& resource,
                 RequirementsAnswer& answer) {
  if (resource.buffer() != VK_NULL_HANDLE) {
    const VkBufferMemoryRequirementsInfo2 question = {
        VK_STRUCTURE_TYPE_BUFFER_MEMORY_REQUIREMENTS_INFO_2, nullptr, resource.buffer()};
    context.vk().vkGetBufferMemoryRequirements2(context.device(), &question, &answer.base);
  } else {
    const VkImageMemoryRequirementsInfo2 question = {
        VK_STRUCTURE_TYPE_IMAGE_MEMORY_REQUIREMENTS_INFO_2, nullptr, resource.image()};
    context.vk().vkGetImageMemoryRequirements2(context.device(), &question, &answer.base);
  }
}

VkExternalMemoryFeatureFlags BufferFeatures(const VulkanContext& context,
                                            const AllocationRequest& request,
                                            ExternalHandle handle) {
  VkPhysicalDeviceExternalBufferInfo question = {
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_BUFFER_INFO};
  question.usage = request.kind == ResourceKind::kBuffer
                       ? request.buffer.usage
                       : VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT;
  question.handleType = static_cast<VkExternalMemoryHandleTypeFlagBits>(handle.bit);
  VkExternalBufferProperties answer = {VK_STRUCTURE_TYPE_EXTERNAL_BUFFER_PROPERTIES};
  context.instance_vk().vkGetPhysicalDeviceExternalBufferProperties(context.facts().handle,
                                                                    &question, &answer);
  return answer.externalMemoryProperties.externalMemoryFeatures;
}

absl::Status CheckAgainst(const VkImageFormatProperties& limits, const ImageInfo& image) {
  const auto check = [&image](absl::string_view what, uint32_t value, uint32_t most) {
    if (value <= most) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat("image ", what, " ", value, " is beyond the device's limit of ", most,
                     " for VkFormat ", image.format, " with this tiling and usage"));
  };
  VRAMD_RETURN_IF_ERROR(check("width", image.width, limits.maxExtent.width));
  VRAMD_RETURN_IF_ERROR(check("height", image.height, limits.maxExtent.height));
  VRAMD_RETURN_IF_ERROR(check("depth", image.depth, limits.maxExtent.depth));
  VRAMD_RETURN_IF_ERROR(check("mip level count", image.mip_levels, limits.maxMipLevels));
  VRAMD_RETURN_IF_ERROR(check("array layer count", image.array_layers, limits.maxArrayLayers));
  if ((limits.sampleCounts & image.samples) == 0)
    return absl::InvalidArgumentError(absl::StrFormat(
        "image sample count %d is not possible for VkFormat %d with this tiling and usage; the "
        "device has the counts of mask 0x%x",
        image.samples, image.format, limits.sampleCounts));
  if (TightImageSize(image) > limits.maxResourceSize)
    return absl::InvalidArgumentError(
        absl::StrCat("the image needs at least ", TightImageSize(image),
                     " bytes; the device allows images of ", limits.maxResourceSize));
  return absl::OkStatus();
}

absl::Status NoSuchImage(const ImageInfo& image) {
  return absl::FailedPreconditionError(absl::StrFormat(
      "no image of VkFormat %d, %s tiling, usage 0x%x and flags 0x%x", image.format,
      image.tiling == VK_IMAGE_TILING_LINEAR ? "linear" : "optimal", image.usage, image.flags));
}

// The NV family has a question of its own. Its feature bits have the values of Vulkan's own.
absl::StatusOr<VkExternalMemoryFeatureFlags> NvImageFeatures(const VulkanContext& context,
                                                             const ImageInfo& image,
                                                             ExternalHandle handle) {
  const auto ask = context.instance_vk().vkGetPhysicalDeviceExternalImageFormatPropertiesNV;
  if (ask == nullptr) return VkExternalMemoryFeatureFlags{0};
  VkExternalImageFormatPropertiesNV answer = {};
  const VkResult result =
      ask(context.facts().handle, static_cast<VkFormat>(image.format),
          static_cast<VkImageType>(image.image_type), static_cast<VkImageTiling>(image.tiling),
          image.usage, image.flags, handle.bit, &answer);
  if (result == VK_ERROR_FORMAT_NOT_SUPPORTED) return NoSuchImage(image);
  VRAMD_RETURN_IF_VULKAN_ERROR("vkGetPhysicalDeviceExternalImageFormatPropertiesNV", result);
  VRAMD_RETURN_IF_ERROR(CheckAgainst(answer.imageFormatProperties, image));
  return answer.externalMemoryFeatures;
}

absl::StatusOr<VkExternalMemoryFeatureFlags> ImageFeatures(const VulkanContext& context,
                                                           const ImageInfo& image,
                                                           ExternalHandle handle) {
  VkPhysicalDeviceExternalImageFormatInfo external_question = {
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_IMAGE_FORMAT_INFO, nullptr,
      static_cast<VkExternalMemoryHandleTypeFlagBits>(handle.bit)};
  VkPhysicalDeviceImageFormatInfo2 question = {
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_IMAGE_FORMAT_INFO_2, &external_question};
  question.format = static_cast<VkFormat>(image.format);
  question.type = static_cast<VkImageType>(image.image_type);
  question.tiling = static_cast<VkImageTiling>(image.tiling);
  question.usage = image.usage;
  question.flags = image.flags;
  const VkImageFormatListCreateInfo views = {
      VK_STRUCTURE_TYPE_IMAGE_FORMAT_LIST_CREATE_INFO, &external_question,
      static_cast<uint32_t>(image.view_formats.size()),
      reinterpret_cast<const VkFormat*>(image.view_formats.data())};
  if (!image.view_formats.empty()) question.pNext = &views;
  VkExternalImageFormatProperties external = {VK_STRUCTURE_TYPE_EXTERNAL_IMAGE_FORMAT_PROPERTIES};
  VkImageFormatProperties2 answer = {VK_STRUCTURE_TYPE_IMAGE_FORMAT_PROPERTIES_2, &external};
  const VkResult result = context.instance_vk().vkGetPhysicalDeviceImageFormatProperties2(
      context.facts().handle, &question, &answer);
  if (result == VK_ERROR_FORMAT_NOT_SUPPORTED) return NoSuchImage(image);
  VRAMD_RETURN_IF_VULKAN_ERROR("vkGetPhysicalDeviceImageFormatProperties2", result);
  VRAMD_RETURN_IF_ERROR(CheckAgainst(answer.imageFormatProperties, image));
  return external.externalMemoryProperties.externalMemoryFeatures;
}

}  // namespace

absl::StatusOr<VulkanResource> VulkanResource::Create(const VulkanContext& context,
                                                      const AllocationRequest& request,
                                                      ExternalHandle handle) {
  VulkanResource resource;
  resource.context_ = &context;
  if (request.kind == ResourceKind::kBuffer) {
    const BufferCreateInfo create(request.buffer, handle);
    VRAMD_RETURN_IF_VULKAN_ERROR(
        "vkCreateBuffer",
        context.vk().vkCreateBuffer(context.device(), &create.info, nullptr, &resource.buffer_));
  } else {
    const ImageCreateInfo create(request.image, handle);
    VRAMD_RETURN_IF_VULKAN_ERROR(
        "vkCreateImage",
        context.vk().vkCreateImage(context.device(), &create.info, nullptr, &resource.image_));
  }
  return resource;
}

VulkanResource::VulkanResource(VulkanResource&& other) noexcept
    : context_(other.context_),
      buffer_(std::exchange(other.buffer_, VK_NULL_HANDLE)),
      image_(std::exchange(other.image_, VK_NULL_HANDLE)) {}

VulkanResource::~VulkanResource() {
  if (buffer_ != VK_NULL_HANDLE)
    context_->vk().vkDestroyBuffer(context_->device(), buffer_, nullptr);
  if (image_ != VK_NULL_HANDLE) context_->vk().vkDestroyImage(context_->device(), image_, nullptr);
}

absl::StatusOr<ResourceRequirements> QueryRequirements(const VulkanContext& context,
                                                       const AllocationRequest& request,
                                                       ExternalHandle handle) {
  RequirementsAnswer answer;
  if (context.facts().maintenance4) {
    AskWithoutResource(context, request, handle, answer);
  } else {
    VRAMD_ASSIGN_OR_RETURN(const VulkanResource resource,
                           VulkanResource::Create(context, request, handle));
    AskResource(context, resource, answer);
  }
  const ResourceRequirements requirements = answer.ToRequirements();
  if (requirements.size == 0 || requirements.memory_type_bits == 0)
    return absl::FailedPreconditionError("the driver has no memory for such a resource");
  return requirements;
}

absl::StatusOr<VkExternalMemoryFeatureFlags> QueryExternalFeatures(const VulkanContext& context,
                                                                   const AllocationRequest& request,
                                                                   ExternalHandle handle) {
  if (handle.is_nv && request.kind == ResourceKind::kImage)
    return NvImageFeatures(context, request.image, handle);
  if (handle.is_nv && request.kind == ResourceKind::kRaw)
    return VK_EXTERNAL_MEMORY_FEATURE_EXPORTABLE_BIT | VK_EXTERNAL_MEMORY_FEATURE_IMPORTABLE_BIT;
  if (handle.is_nv) return VkExternalMemoryFeatureFlags{0};  // it has no buffers
  if (request.kind == ResourceKind::kImage) return ImageFeatures(context, request.image, handle);
  return BufferFeatures(context, request, handle);
}

}  // namespace vramd
