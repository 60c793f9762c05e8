// Each check stands for one or more valid-usage rules of VkBufferCreateInfo, VkImageCreateInfo or
// VkMemoryAllocateInfo. Usage and create flags are lists of what is allowed, not of what is
// forbidden, so that a bit of a later extension cannot slip through.
#include "driver-shim/request_check.h"

#include <vulkan/vulkan_core.h>

#include <algorithm>
#include <bit>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/status_macros.h"
#include "driver-shim/format_info.h"

namespace vramd {
namespace {

constexpr uint32_t kBufferUsages =
    VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT |
    VK_BUFFER_USAGE_UNIFORM_TEXEL_BUFFER_BIT | VK_BUFFER_USAGE_STORAGE_TEXEL_BUFFER_BIT |
    VK_BUFFER_USAGE_UNIFORM_BUFFER_BIT | VK_BUFFER_USAGE_STORAGE_BUFFER_BIT |
    VK_BUFFER_USAGE_INDEX_BUFFER_BIT | VK_BUFFER_USAGE_VERTEX_BUFFER_BIT |
    VK_BUFFER_USAGE_INDIRECT_BUFFER_BIT;

constexpr uint32_t kAttachmentUsages = VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT |
                                       VK_IMAGE_USAGE_DEPTH_STENCIL_ATTACHMENT_BIT |
                                       VK_IMAGE_USAGE_INPUT_ATTACHMENT_BIT;

// Not TRANSIENT_ATTACHMENT: what is shared must have memory behind it.
constexpr uint32_t kImageUsages = VK_IMAGE_USAGE_TRANSFER_SRC_BIT |
                                  VK_IMAGE_USAGE_TRANSFER_DST_BIT | VK_IMAGE_USAGE_SAMPLED_BIT |
                                  VK_IMAGE_USAGE_STORAGE_BIT | kAttachmentUsages;

// Not SPARSE, PROTECTED, DISJOINT or SPLIT_INSTANCE_BIND: one plain memory backs one image.
constexpr uint32_t kImageFlags =
    VK_IMAGE_CREATE_MUTABLE_FORMAT_BIT | VK_IMAGE_CREATE_CUBE_COMPATIBLE_BIT |
    VK_IMAGE_CREATE_2D_ARRAY_COMPATIBLE_BIT | VK_IMAGE_CREATE_BLOCK_TEXEL_VIEW_COMPATIBLE_BIT |
    VK_IMAGE_CREATE_EXTENDED_USAGE_BIT | VK_IMAGE_CREATE_ALIAS_BIT;

template <typename... Parts>
absl::Status Invalid(const Parts&... parts) {
  return absl::InvalidArgumentError(absl::StrCat(parts...));
}

absl::Status CheckRange(absl::string_view what, uint64_t value, uint64_t most) {
  if (value >= 1 && value <= most) return absl::OkStatus();
  return Invalid(what, " ", value, " is not valid; it must be 1 to ", most);
}

absl::Status CheckBits(absl::string_view what, uint32_t bits, uint32_t allowed) {
  if ((bits & ~allowed) == 0) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrFormat("%s 0x%x has bits that cannot be shared: 0x%x; only bits of 0x%x are allowed",
                      what, bits, bits & ~allowed, allowed));
}

absl::Status CheckUsage(absl::string_view what, uint32_t usage, uint32_t allowed) {
  if (usage == 0)
    return Invalid(what, " 0 is not valid; name at least one use, as Vulkan's usage flags");
  return CheckBits(what, usage, allowed);
}

absl::Status CheckBuffer(const BufferInfo& buffer, const RequestLimits& limits) {
  VRAMD_RETURN_IF_ERROR(CheckRange("buffer size", buffer.size,
                                   std::min(limits.max_buffer_size, limits.max_allocation_size)));
  VRAMD_RETURN_IF_ERROR(CheckUsage("buffer usage", buffer.usage, kBufferUsages));
  if (buffer.flags != 0)
    return Invalid("buffer flags ", buffer.flags, " are not valid; they must be 0");
  return absl::OkStatus();
}

absl::Status CheckRaw(const AllocationRequest& request, const RequestLimits& limits) {
  VRAMD_RETURN_IF_ERROR(CheckRange("raw size", request.raw_size, limits.max_allocation_size));
  if (request.dedicated)
    return Invalid(
        "raw memory cannot be dedicated: it has no buffer or image; clear `dedicated`, or ask for "
        "a buffer or an image");
  return absl::OkStatus();
}

absl::Status CheckExtent(const ImageInfo& image, const RequestLimits& limits) {
  const bool is_1d = image.image_type == VK_IMAGE_TYPE_1D;
  const bool is_3d = image.image_type == VK_IMAGE_TYPE_3D;
  const uint32_t most = is_1d   ? limits.max_dimension_1d
                        : is_3d ? limits.max_dimension_3d
                                : limits.max_dimension_2d;
  VRAMD_RETURN_IF_ERROR(CheckRange("image width", image.width, most));
  VRAMD_RETURN_IF_ERROR(CheckRange("image height", image.height, is_1d ? 1 : most));
  VRAMD_RETURN_IF_ERROR(CheckRange("image depth", image.depth, is_3d ? most : 1));
  if ((image.usage & kAttachmentUsages) != 0) {
    VRAMD_RETURN_IF_ERROR(
        CheckRange("width of an attachment image", image.width, limits.max_framebuffer_width));
    VRAMD_RETURN_IF_ERROR(
        CheckRange("height of an attachment image", image.height, limits.max_framebuffer_height));
  }
  return absl::OkStatus();
}

absl::Status CheckMipsAndLayers(const ImageInfo& image, const RequestLimits& limits) {
  const uint32_t longest = std::max({image.width, image.height, image.depth});
  VRAMD_RETURN_IF_ERROR(CheckRange("mip level count", image.mip_levels,
                                   static_cast<uint64_t>(std::bit_width(longest))));
  const bool is_3d = image.image_type == VK_IMAGE_TYPE_3D;
  return CheckRange("array layer count", image.array_layers, is_3d ? 1 : limits.max_array_layers);
}

absl::Status CheckSamples(const ImageInfo& image) {
  if (!std::has_single_bit(image.samples) || image.samples > VK_SAMPLE_COUNT_64_BIT)
    return Invalid("sample count ", image.samples,
                   " is not valid; it must be 1, 2, 4, 8, 16, 32 or 64");
  if (image.samples == VK_SAMPLE_COUNT_1_BIT) return absl::OkStatus();
  if (image.image_type != VK_IMAGE_TYPE_2D || image.mip_levels != 1 ||
      image.tiling != VK_IMAGE_TILING_OPTIMAL ||
      (image.flags & VK_IMAGE_CREATE_CUBE_COMPATIBLE_BIT) != 0)
    return Invalid("sample count ", image.samples,
                   " needs a 2D image with one mip level, optimal tiling and no cube flag");
  if ((image.usage & VK_IMAGE_USAGE_STORAGE_BIT) != 0)
    return Invalid("sample count ", image.samples,
                   " cannot be combined with storage usage; take 1 sample or leave storage out");
  return absl::OkStatus();
}

absl::Status CheckFlags(const ImageInfo& image, const FormatInfo& format) {
  VRAMD_RETURN_IF_ERROR(CheckBits("image flags", image.flags, kImageFlags));
  if ((image.flags & VK_IMAGE_CREATE_CUBE_COMPATIBLE_BIT) != 0 &&
      (image.image_type != VK_IMAGE_TYPE_2D || image.width != image.height ||
       image.array_layers < 6))
    return Invalid("the cube flag needs a square 2D image with at least 6 array layers");
  if ((image.flags & VK_IMAGE_CREATE_2D_ARRAY_COMPATIBLE_BIT) != 0 &&
      image.image_type != VK_IMAGE_TYPE_3D)
    return Invalid("the 2D-array flag needs a 3D image");
  if ((image.flags & VK_IMAGE_CREATE_BLOCK_TEXEL_VIEW_COMPATIBLE_BIT) != 0 &&
      (!format.compressed || (image.flags & VK_IMAGE_CREATE_MUTABLE_FORMAT_BIT) == 0))
    return Invalid("the block-texel-view flag needs a compressed format and the mutable flag");
  return absl::OkStatus();
}

absl::Status CheckYcbcr(const ImageInfo& image, const FormatInfo& format) {
  if (!format.ycbcr) return absl::OkStatus();
  if (image.image_type != VK_IMAGE_TYPE_2D || image.mip_levels != 1 || image.array_layers != 1 ||
      image.samples != VK_SAMPLE_COUNT_1_BIT)
    return Invalid("YCbCr format ", image.format,
                   " needs a 2D image with 1 mip level, 1 array layer and 1 sample");
  if (image.width % format.block_width != 0 || image.height % format.block_height != 0)
    return Invalid("image size ", image.width, "x", image.height, " does not fit YCbCr format ",
                   image.format, "; width must be a multiple of ", format.block_width,
                   ", height of ", format.block_height);
  return absl::OkStatus();
}

// A driver may look at the list to choose how texels lie in memory: one that Vulkan forbids must
// not reach it.
absl::Status CheckViewFormats(const ImageInfo& image) {
  if (image.view_formats.size() > kMaxViewFormats)
    return Invalid(image.view_formats.size(), " view formats are too many; at most ",
                   kMaxViewFormats, " are allowed");
  const bool is_mutable = (image.flags & VK_IMAGE_CREATE_MUTABLE_FORMAT_BIT) != 0;
  for (const uint32_t format : image.view_formats) {
    if (!AreViewCompatible(image.format, format))
      return Invalid("view format ", format, " is not compatible with image format ", image.format);
    if (format != image.format && !is_mutable)
      return Invalid("view format ", format, " differs from the image's, ", image.format,
                     ", which needs VK_IMAGE_CREATE_MUTABLE_FORMAT_BIT");
  }
  if (!is_mutable && image.view_formats.size() > 1)
    return Invalid("several view formats need VK_IMAGE_CREATE_MUTABLE_FORMAT_BIT");
  return absl::OkStatus();
}

absl::Status CheckDrmModifier(const ImageInfo& image) {
  if (image.drm_modifier->plane_count > kMaxPlanes)
    return Invalid(image.drm_modifier->plane_count, " plane layouts are too many; at most ",
                   kMaxPlanes, " are allowed");
  if (image.tiling != VK_IMAGE_TILING_DRM_FORMAT_MODIFIER_EXT)
    return Invalid("a DRM format modifier needs image tiling ",
                   static_cast<uint32_t>(VK_IMAGE_TILING_DRM_FORMAT_MODIFIER_EXT),
                   " (VK_IMAGE_TILING_DRM_FORMAT_MODIFIER_EXT); this is ", image.tiling);
  return absl::FailedPreconditionError(
      "an image laid out by a DRM format modifier needs VK_EXT_image_drm_format_modifier, which this "
      "device, or this version of the broker, does not have; leave the modifier out");
}

absl::Status CheckImage(const ImageInfo& image, const RequestLimits& limits) {
  if (image.image_type > VK_IMAGE_TYPE_3D)
    return Invalid("image type ", image.image_type, " is not valid; it must be 0, 1 or 2");
  if (image.drm_modifier) return CheckDrmModifier(image);
  if (image.tiling > VK_IMAGE_TILING_LINEAR)
    return Invalid("image tiling ", image.tiling,
                   " is not valid; it must be 0 (optimal) or 1 (linear)");
  const std::optional<FormatInfo> format = FindFormat(image.format);
  if (!format)
    return Invalid("image format ", image.format, " is no VkFormat that vramd knows; it must be ",
                   "one of core Vulkan 1.3, and not VK_FORMAT_UNDEFINED");
  VRAMD_RETURN_IF_ERROR(CheckUsage("image usage", image.usage, kImageUsages));
  VRAMD_RETURN_IF_ERROR(CheckExtent(image, limits));
  VRAMD_RETURN_IF_ERROR(CheckMipsAndLayers(image, limits));
  VRAMD_RETURN_IF_ERROR(CheckSamples(image));
  VRAMD_RETURN_IF_ERROR(CheckFlags(image, *format));
  VRAMD_RETURN_IF_ERROR(CheckYcbcr(image, *format));
  VRAMD_RETURN_IF_ERROR(CheckViewFormats(image));
  if (const uint64_t size = TightImageSize(image); size > limits.max_allocation_size)
    return Invalid("the image needs at least ", size, " bytes; one allocation may have at most ",
                   limits.max_allocation_size, ": make it smaller or split it");
  return absl::OkStatus();
}

absl::Status CheckEnumerations(const AllocationRequest& request) {
  if (request.intent > MemoryIntent::kReadback)
    return Invalid("memory intent ", static_cast<uint32_t>(request.intent),
                   " is not valid; it must be device-local, upload or readback");
  if (request.handle_type > HandleType::kNtKhr)
    return Invalid("handle type ", static_cast<uint32_t>(request.handle_type),
                   " is not valid; leave it open to get the first that works");
  return absl::OkStatus();
}

absl::Status CheckMemoryTypes(const AllocationRequest& request, const RequestLimits& limits) {
  const uint32_t known =
      limits.memory_type_count >= 32 ? ~uint32_t{0} : (1u << limits.memory_type_count) - 1;
  if ((request.memory_types & ~known) == 0) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrFormat(
      "memory type bits 0x%x name types that the device does not have; it has types 0 to %d",
      request.memory_types, static_cast<int>(limits.memory_type_count) - 1));
}

uint64_t Blocks(uint32_t texels, uint32_t mip, uint32_t block) {
  const uint64_t extent = std::max(texels >> mip, 1u);
  return (extent + block - 1) / block;
}

}  // namespace

// At most 2^42 blocks of a 3D image, or 2^32 blocks, 2^12 layers and 2^6 samples of a 2D image, of
// 2^5 bytes each: the product fits.
uint64_t TightImageSize(const ImageInfo& image) {
  const FormatInfo format = FindFormat(image.format).value_or(FormatInfo());
  uint64_t blocks = 0;
  for (uint32_t mip = 0; mip < image.mip_levels; ++mip)
    blocks += Blocks(image.width, mip, format.block_width) *
              Blocks(image.height, mip, format.block_height) *
              Blocks(image.depth, mip, format.block_depth);
  return blocks * format.block_bytes * image.array_layers * image.samples;
}

absl::Status CheckRequest(const AllocationRequest& request, const RequestLimits& limits) {
  VRAMD_RETURN_IF_ERROR(CheckEnumerations(request));
  VRAMD_RETURN_IF_ERROR(CheckMemoryTypes(request, limits));
  switch (request.kind) {
    case ResourceKind::kBuffer:
      return CheckBuffer(request.buffer, limits);
    case ResourceKind::kImage:
      return CheckImage(request.image, limits);
    case ResourceKind::kRaw:
      return CheckRaw(request, limits);
    case ResourceKind::kUnknown:
      break;
  }
  return Invalid("the request names no resource; it must be a buffer, an image or raw memory");
}

}  // namespace vramd
