#include "client/src/recipe_convert.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "client/src/sized_struct.h"

namespace vramd {
namespace {

static_assert(VRAMD_MAX_VIEW_FORMATS == kMaxViewFormats);
static_assert(VRAMD_MAX_PLANES == kMaxPlanes);

absl::Status CheckCount(const char* field, uint32_t count, uint32_t most) {
  if (count <= most) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(field, " is ", count, "; at most ", most, " fit"));
}

absl::Status CheckImageInfo(const vramd_image_info* theirs) {
  VRAMD_RETURN_IF_ERROR((CheckSized<vramd_image_format_list, vramd_drm_modifier>(theirs)));
  for (const void* next = theirs->next; next != nullptr;) {
    const auto* link = static_cast<const vramd_base_in*>(next);
    VRAMD_RETURN_IF_ERROR(
        CheckHead(link, link->struct_type, "a struct chained to vramd_image_info"));
    next = link->next;
  }
  return absl::OkStatus();
}

// The struct of that type to be filled, or NULL.
template <typename T>
T* FindToFill(void* next) {
  return static_cast<T*>(const_cast<void*>(FindInChain(next, StructName<T>::kType)));
}

void WriteChained(const ImageInfo& image, void* next) {
  if (auto* list = FindToFill<vramd_image_format_list>(next); list != nullptr) {
    vramd_image_format_list ours = VRAMD_IMAGE_FORMAT_LIST_INIT;
    ours.view_format_count =
        static_cast<uint32_t>(std::min(image.view_formats.size(), kMaxViewFormats));
    std::copy_n(image.view_formats.begin(), ours.view_format_count, ours.view_formats);
    WriteSized(ours, list);
  }
  if (auto* modifier = FindToFill<vramd_drm_modifier>(next); modifier != nullptr) {
    vramd_drm_modifier ours = VRAMD_DRM_MODIFIER_INIT;
    if (image.drm_modifier) {
      ours.modifier = image.drm_modifier->modifier;
      ours.plane_count = std::min<uint32_t>(image.drm_modifier->plane_count, kMaxPlanes);
      for (uint32_t i = 0; i < ours.plane_count; ++i)
        ours.planes[i] = {image.drm_modifier->planes[i].offset,
                          image.drm_modifier->planes[i].pitch};
    }
    WriteSized(ours, modifier);
  }
}

void WriteImageInfo(const ImageInfo& in, vramd_image_info* theirs) {
  vramd_image_info ours = VRAMD_IMAGE_INFO_INIT;
  ours.flags = in.flags;
  ours.image_type = in.image_type;
  ours.format = in.format;
  ours.width = in.width;
  ours.height = in.height;
  ours.depth = in.depth;
  ours.mip_levels = in.mip_levels;
  ours.array_layers = in.array_layers;
  ours.samples = in.samples;
  ours.tiling = in.tiling;
  ours.usage = in.usage;
  WriteSized(ours, theirs);
  WriteChained(in, theirs->next);
}

// The caller's pointers, if its version has them.
vramd_recipe PointersOf(const vramd_recipe* theirs) {
  vramd_recipe own{};
  std::memcpy(&own, theirs, std::min<size_t>(theirs->struct_size, sizeof(own)));
  return own;
}

}  // namespace

vramd_device_identity ToC(const DeviceIdentity& in) {
  vramd_device_identity out{};
  std::copy(in.device_uuid.begin(), in.device_uuid.end(), out.device_uuid);
  std::copy(in.driver_uuid.begin(), in.driver_uuid.end(), out.driver_uuid);
  std::copy(in.luid.begin(), in.luid.end(), out.luid);
  out.luid_valid = in.luid_valid;
  out.node_mask = in.node_mask;
  return out;
}

DeviceIdentity FromC(const vramd_device_identity& in) {
  DeviceIdentity out;
  std::copy(std::begin(in.device_uuid), std::end(in.device_uuid), out.device_uuid.begin());
  std::copy(std::begin(in.driver_uuid), std::end(in.driver_uuid), out.driver_uuid.begin());
  std::copy(std::begin(in.luid), std::end(in.luid), out.luid.begin());
  out.luid_valid = in.luid_valid;
  out.node_mask = in.node_mask;
  return out;
}

absl::StatusOr<BufferInfo> ReadBufferInfo(const vramd_buffer_info* theirs) {
  VRAMD_ASSIGN_OR_RETURN(const vramd_buffer_info own, ReadSized(theirs));
  return BufferInfo{.size = own.size, .usage = own.usage, .flags = own.flags};
}

absl::StatusOr<ImageInfo> ReadImageInfo(const vramd_image_info* theirs) {
  VRAMD_ASSIGN_OR_RETURN(const vramd_image_info own,
                         (ReadSized<vramd_image_format_list, vramd_drm_modifier>(theirs)));
  ImageInfo out = {.flags = own.flags,
                   .image_type = own.image_type,
                   .format = own.format,
                   .width = own.width,
                   .height = own.height,
                   .depth = own.depth,
                   .mip_levels = own.mip_levels,
                   .array_layers = own.array_layers,
                   .samples = own.samples,
                   .tiling = own.tiling,
                   .usage = own.usage};
  VRAMD_ASSIGN_OR_RETURN(const auto list, ReadChained<vramd_image_format_list>(own.next));
  if (list) {
    VRAMD_RETURN_IF_ERROR(
        CheckCount("view_format_count", list->view_format_count, VRAMD_MAX_VIEW_FORMATS));
    out.view_formats.assign(list->view_formats, list->view_formats + list->view_format_count);
  }
  VRAMD_ASSIGN_OR_RETURN(const auto modifier, ReadChained<vramd_drm_modifier>(own.next));
  if (!modifier || modifier->modifier == VRAMD_DRM_MODIFIER_INVALID) return out;
  VRAMD_RETURN_IF_ERROR(CheckCount("plane_count", modifier->plane_count, VRAMD_MAX_PLANES));
  out.drm_modifier =
      DrmModifier{.modifier = modifier->modifier, .plane_count = modifier->plane_count};
  for (uint32_t i = 0; i < modifier->plane_count; ++i)
    out.drm_modifier->planes[i] = {modifier->planes[i].offset, modifier->planes[i].pitch};
  return out;
}

absl::StatusOr<Recipe> ReadRecipe(const vramd_recipe* theirs) {
  VRAMD_ASSIGN_OR_RETURN(const vramd_recipe in, ReadSized(theirs));
  Recipe out;
  out.kind = static_cast<ResourceKind>(in.kind);
  if (in.kind == VRAMD_RESOURCE_BUFFER) {
    VRAMD_ASSIGN_OR_RETURN(out.buffer, ReadBufferInfo(in.buffer));
  } else if (in.kind == VRAMD_RESOURCE_IMAGE) {
    VRAMD_ASSIGN_OR_RETURN(out.image, ReadImageInfo(in.image));
  }
  out.allocation_size = in.allocation_size;
  out.memory_type_index = in.memory_type_index;
  out.memory_property_flags = in.memory_property_flags;
  out.dedicated = in.dedicated;
  out.handle_type = static_cast<HandleType>(in.handle_type);
  out.device = FromC(in.device);
  out.handover_layout = in.handover_layout;
  return out;
}

absl::Status CheckRecipe(const vramd_recipe* theirs) {
  VRAMD_RETURN_IF_ERROR(CheckSized(theirs));
  const vramd_recipe own = PointersOf(theirs);
  if (own.buffer != nullptr) VRAMD_RETURN_IF_ERROR(CheckSized(own.buffer));
  if (own.image != nullptr) VRAMD_RETURN_IF_ERROR(CheckImageInfo(own.image));
  return absl::OkStatus();
}

void WriteRecipe(const Recipe& in, vramd_recipe* theirs) {
  vramd_recipe out = VRAMD_RECIPE_INIT;
  out.kind = static_cast<vramd_resource_kind>(in.kind);
  out.buffer = PointersOf(theirs).buffer;
  out.image = PointersOf(theirs).image;
  out.allocation_size = in.allocation_size;
  out.memory_type_index = in.memory_type_index;
  out.memory_property_flags = in.memory_property_flags;
  out.dedicated = in.dedicated;
  out.handle_type = static_cast<vramd_handle_type>(in.handle_type);
  out.device = ToC(in.device);
  out.handover_layout = in.handover_layout;
  WriteSized(out, theirs);
  if (out.image != nullptr) WriteImageInfo(in.image, out.image);
  if (out.buffer == nullptr) return;
  vramd_buffer_info buffer = VRAMD_BUFFER_INFO_INIT;
  buffer.size = in.buffer.size;
  buffer.usage = in.buffer.usage;
  buffer.flags = in.buffer.flags;
  WriteSized(buffer, out.buffer);
}

absl::StatusOr<Recipe> AskRecipe(const std::function<absl::Status(vramd_recipe*)>& fill) {
  vramd_drm_modifier modifier = VRAMD_DRM_MODIFIER_INIT;
  vramd_image_format_list list = VRAMD_IMAGE_FORMAT_LIST_INIT;
  vramd_image_info image = VRAMD_IMAGE_INFO_INIT;
  vramd_buffer_info buffer = VRAMD_BUFFER_INFO_INIT;
  vramd_recipe recipe = VRAMD_RECIPE_INIT;
  list.next = &modifier;
  image.next = &list;
  recipe.image = &image;
  recipe.buffer = &buffer;
  VRAMD_RETURN_IF_ERROR(fill(&recipe));
  return ReadRecipe(&recipe);
}

}  // namespace vramd
