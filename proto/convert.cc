#include "proto/convert.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace vramd {
namespace {

// Byte strings of the wire have one exact length; anything else was not made by us.
template <size_t N>
absl::Status CopyExactly(const std::string& in, const char* field, std::array<uint8_t, N>* out) {
  if (in.size() != N)
    return absl::InvalidArgumentError(
        absl::StrCat(field, " has ", in.size(), " bytes; it must have ", N));
  std::copy(in.begin(), in.end(), out->begin());
  return absl::OkStatus();
}

template <size_t N>
std::string AsString(const std::array<uint8_t, N>& bytes) {
  return std::string(bytes.begin(), bytes.end());
}

}  // namespace

v1::HandleType ToProto(HandleType type) { return static_cast<v1::HandleType>(type); }

HandleType FromProto(v1::HandleType type) {
  return v1::HandleType_IsValid(type) ? static_cast<HandleType>(type) : HandleType::kUnknown;
}

void ToProto(const DeviceIdentity& identity, v1::DeviceIdentity* out) {
  out->set_device_uuid(AsString(identity.device_uuid));
  out->set_driver_uuid(AsString(identity.driver_uuid));
  if (identity.luid_valid) {
    out->set_luid(AsString(identity.luid));
    out->set_node_mask(identity.node_mask);
  }
}

absl::StatusOr<DeviceIdentity> FromProto(const v1::DeviceIdentity& in) {
  DeviceIdentity out;
  VRAMD_RETURN_IF_ERROR(CopyExactly(in.device_uuid(), "device_uuid", &out.device_uuid));
  VRAMD_RETURN_IF_ERROR(CopyExactly(in.driver_uuid(), "driver_uuid", &out.driver_uuid));
  if (!in.luid().empty()) {
    VRAMD_RETURN_IF_ERROR(CopyExactly(in.luid(), "luid", &out.luid));
    out.luid_valid = true;
    out.node_mask = in.node_mask();
  }
  return out;
}

void ToProto(const ImageInfo& image, v1::ImageInfo* out) {
  out->set_flags(image.flags);
  out->set_image_type(image.image_type);
  out->set_format(image.format);
  out->set_width(image.width);
  out->set_height(image.height);
  out->set_depth(image.depth);
  out->set_mip_levels(image.mip_levels);
  out->set_array_layers(image.array_layers);
  out->set_samples(image.samples);
  out->set_tiling(image.tiling);
  out->set_usage(image.usage);
  out->clear_view_formats();
  for (const uint32_t format : image.view_formats) out->add_view_formats(format);
  out->clear_drm_modifier();
  if (!image.drm_modifier) return;
  out->mutable_drm_modifier()->set_modifier(image.drm_modifier->modifier);
  for (size_t i = 0; i < std::min<size_t>(image.drm_modifier->plane_count, kMaxPlanes); ++i) {
    v1::PlaneLayout* added = out->mutable_drm_modifier()->add_planes();
    added->set_offset(image.drm_modifier->planes[i].offset);
    added->set_pitch(image.drm_modifier->planes[i].pitch);
  }
}

ImageInfo FromProto(const v1::ImageInfo& in) {
  ImageInfo out = {.flags = in.flags(),
                   .image_type = in.image_type(),
                   .format = in.format(),
                   .width = in.width(),
                   .height = in.height(),
                   .depth = in.depth(),
                   .mip_levels = in.mip_levels(),
                   .array_layers = in.array_layers(),
                   .samples = in.samples(),
                   .tiling = in.tiling(),
                   .usage = in.usage()};
  out.view_formats.assign(in.view_formats().begin(), in.view_formats().end());
  if (!in.has_drm_modifier()) return out;
  const v1::DrmModifier& modifier = in.drm_modifier();
  out.drm_modifier = DrmModifier{.modifier = modifier.modifier(),
                                 .plane_count = static_cast<uint32_t>(modifier.planes_size())};
  for (size_t i = 0; i < std::min<size_t>(out.drm_modifier->plane_count, kMaxPlanes); ++i) {
    const v1::PlaneLayout& plane = modifier.planes(static_cast<int>(i));
    out.drm_modifier->planes[i] = {plane.offset(), plane.pitch()};
  }
  return out;
}

void ToProto(const BufferInfo& buffer, v1::BufferInfo* out) {
  out->set_size(buffer.size);
  out->set_usage(buffer.usage);
  out->set_flags(buffer.flags);
}

BufferInfo FromProto(const v1::BufferInfo& in) {
  return BufferInfo{.size = in.size(), .usage = in.usage(), .flags = in.flags()};
}

void ToProto(const Recipe& recipe, v1::Recipe* out) {
  switch (recipe.kind) {
    case ResourceKind::kBuffer:
      ToProto(recipe.buffer, out->mutable_resource()->mutable_buffer());
      break;
    case ResourceKind::kImage:
      ToProto(recipe.image, out->mutable_resource()->mutable_image());
      break;
    case ResourceKind::kRaw:
      out->mutable_resource()->mutable_raw()->set_size(recipe.allocation_size);
      break;
    case ResourceKind::kUnknown:
      break;
  }
  out->set_allocation_size(recipe.allocation_size);
  out->set_memory_type_index(recipe.memory_type_index);
  out->set_memory_property_flags(recipe.memory_property_flags);
  out->set_dedicated(recipe.dedicated);
  out->set_handle_type(ToProto(recipe.handle_type));
  ToProto(recipe.device, out->mutable_device());
  out->set_handover_layout(recipe.handover_layout);
}

absl::StatusOr<Recipe> FromProto(const v1::Recipe& in) {
  Recipe out;
  switch (in.resource().kind_case()) {
    case v1::Resource::kBuffer:
      out.kind = ResourceKind::kBuffer;
      out.buffer = FromProto(in.resource().buffer());
      break;
    case v1::Resource::kImage:
      out.kind = ResourceKind::kImage;
      out.image = FromProto(in.resource().image());
      break;
    case v1::Resource::kRaw:
      out.kind = ResourceKind::kRaw;
      break;
    case v1::Resource::KIND_NOT_SET:
      return absl::InvalidArgumentError("recipe.resource is empty; set buffer, image or raw");
  }
  out.allocation_size = in.allocation_size();
  out.memory_type_index = in.memory_type_index();
  out.memory_property_flags = in.memory_property_flags();
  out.dedicated = in.dedicated();
  out.handle_type = FromProto(in.handle_type());
  VRAMD_ASSIGN_OR_RETURN(out.device, FromProto(in.device()));
  out.handover_layout = in.handover_layout();
  return out;
}

void ToProto(const DeviceInfo& device, v1::Device* out) {
  out->set_index(device.index);
  out->set_name(device.name);
  out->set_driver_name(device.driver_name);
  out->set_driver_version(device.driver_version);
  out->set_api_version(device.api_version);
  out->set_device_type(device.device_type);
  ToProto(device.identity, out->mutable_identity());
  for (const MemoryTypeInfo& type : device.memory_types) {
    v1::MemoryType* added = out->add_memory_types();
    added->set_property_flags(type.property_flags);
    added->set_heap_index(type.heap_index);
    added->set_heap_size(type.heap_size);
  }
  for (const HandleSupport& support : device.handles) {
    v1::HandleSupport* added = out->add_handles();
    added->set_type(ToProto(support.type));
    added->set_can_export(support.can_export);
    added->set_can_import(support.can_import);
    added->set_reason(support.reason);
  }
  out->set_timeline_export(device.timelines.can_export);
  out->set_timeline_reason(device.timelines.reason);
}

absl::StatusOr<DeviceInfo> FromProto(const v1::Device& in) {
  DeviceInfo out;
  out.index = in.index();
  out.name = in.name();
  out.driver_name = in.driver_name();
  out.driver_version = in.driver_version();
  out.api_version = in.api_version();
  out.device_type = in.device_type();
  VRAMD_ASSIGN_OR_RETURN(out.identity, FromProto(in.identity()));
  for (const v1::MemoryType& type : in.memory_types())
    out.memory_types.push_back({type.property_flags(), type.heap_index(), type.heap_size()});
  for (const v1::HandleSupport& support : in.handles())
    out.handles.push_back(
        {FromProto(support.type()), support.can_export(), support.can_import(), support.reason()});
  out.timelines = {in.timeline_export(), in.timeline_reason()};
  return out;
}

void ToProto(const Peer& peer, v1::Peer* out) {
  out->set_user(peer.user_name);
  out->set_process_id(peer.process_id);
  out->set_executable(peer.executable);
}

grpc::Status ToGrpc(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), std::string(status.message()));
}

absl::Status FromGrpc(const grpc::Status& status) {
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
}

}  // namespace vramd
