#include "client/src/c_convert.h"

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/utf8.h"
#include "proto/convert.h"

namespace vramd {
namespace {

ImageInfo FromC(const vramd_image_info& in) {
  return ImageInfo{.flags = in.flags,
                   .image_type = in.image_type,
                   .format = in.format,
                   .width = in.width,
                   .height = in.height,
                   .depth = in.depth,
                   .mip_levels = in.mip_levels,
                   .array_layers = in.array_layers,
                   .samples = in.samples,
                   .tiling = in.tiling,
                   .usage = in.usage};
}

vramd_image_info ToC(const ImageInfo& in) {
  return {in.flags,      in.image_type,   in.format,  in.width,  in.height, in.depth,
          in.mip_levels, in.array_layers, in.samples, in.tiling, in.usage};
}

vramd_memory_type ToC(const v1::MemoryType& in) {
  return {in.property_flags(), in.heap_index(), in.heap_size(), in.heap_budget(), in.heap_usage()};
}

vramd_handle_support ToC(const v1::HandleSupport& in) {
  vramd_handle_support out{};
  out.type = static_cast<vramd_handle_type>(FromProto(in.type()));
  out.can_export = in.can_export();
  out.can_import = in.can_import();
  CopyText(in.reason(), out.reason);
  return out;
}

}  // namespace

void CopyText(absl::string_view from, char* to, size_t size) {
  if (to == nullptr || size == 0) return;
  const size_t copied = std::min(from.size(), size - 1);
  std::memcpy(to, from.data(), copied);
  to[copied] = '\0';
}

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

vramd_recipe ToC(const Recipe& in) {
  vramd_recipe out{};
  out.struct_size = sizeof(out);
  out.kind = static_cast<vramd_resource_kind>(in.kind);
  out.buffer = {in.buffer.size, in.buffer.usage, in.buffer.flags};
  out.image = ToC(in.image);
  out.allocation_size = in.allocation_size;
  out.memory_type_index = in.memory_type_index;
  out.memory_property_flags = in.memory_property_flags;
  out.dedicated = in.dedicated;
  out.handle_type = static_cast<vramd_handle_type>(in.handle_type);
  out.device = ToC(in.device);
  out.handover_layout = in.handover_layout;
  return out;
}

Recipe FromC(const vramd_recipe& in) {
  Recipe out;
  out.kind = static_cast<ResourceKind>(in.kind);
  out.buffer = {in.buffer.size, in.buffer.usage, in.buffer.flags};
  out.image = FromC(in.image);
  out.allocation_size = in.allocation_size;
  out.memory_type_index = in.memory_type_index;
  out.memory_property_flags = in.memory_property_flags;
  out.dedicated = in.dedicated;
  out.handle_type = static_cast<HandleType>(in.handle_type);
  out.device = FromC(in.device);
  out.handover_layout = in.handover_layout;
  return out;
}

absl::StatusOr<vramd_device_info> ToC(const v1::Device& in) {
  vramd_device_info out{};
  out.struct_size = sizeof(out);
  out.index = in.index();
  CopyText(in.name(), out.name);
  CopyText(in.driver_name(), out.driver_name);
  CopyText(in.driver_version(), out.driver_version);
  out.api_version = in.api_version();
  out.device_type = in.device_type();
  VRAMD_ASSIGN_OR_RETURN(const DeviceIdentity identity, FromProto(in.identity()));
  out.identity = ToC(identity);
  out.state = static_cast<vramd_device_state>(in.state());
  CopyText(in.state_reason(), out.state_reason);
  out.memory_type_count = std::min(in.memory_types_size(), VRAMD_MAX_MEMORY_TYPES);
  for (uint32_t i = 0; i < out.memory_type_count; ++i)
    out.memory_types[i] = ToC(in.memory_types(static_cast<int>(i)));
  out.handle_type_count = std::min(in.handles_size(), VRAMD_MAX_HANDLE_TYPES);
  for (uint32_t i = 0; i < out.handle_type_count; ++i)
    out.handle_types[i] = ToC(in.handles(static_cast<int>(i)));
  out.timeline_export = in.timeline_export();
  CopyText(in.timeline_reason(), out.timeline_reason);
  return out;
}

absl::StatusOr<vramd_published> ToC(const v1::Published& in) {
  vramd_published out{};
  out.struct_size = sizeof(out);
  CopyText(in.name(), out.name);
  out.allocation_id = in.allocation_id();
  CopyText(in.publisher().user(), out.user);
  out.process_id = in.publisher().process_id();
  CopyText(in.publisher().executable(), out.executable);
  CopyText(in.label(), out.label);
  out.lease_count = in.lease_count();
  VRAMD_ASSIGN_OR_RETURN(const Recipe recipe, FromProto(in.recipe()));
  out.recipe = ToC(recipe);
  return out;
}

vramd_event ToC(const WatchItem& item) {
  vramd_event out{};
  out.struct_size = sizeof(out);
  out.kind = item.kind;
  CopyText(item.event.published().name(), out.name);
  out.allocation_id = item.event.published().allocation_id();
  CopyText(item.event.reason(), out.reason);
  if (item.event.has_device())
    if (auto device = FromProto(item.event.device()); device.ok()) out.device = ToC(*device);
  return out;
}

absl::StatusOr<v1::AllocateRequest> FromC(const vramd_allocate_info& in) {
  v1::AllocateRequest out;
  switch (in.kind) {
    case VRAMD_RESOURCE_BUFFER:
      ToProto(BufferInfo{in.buffer.size, in.buffer.usage, in.buffer.flags},
              out.mutable_resource()->mutable_buffer());
      break;
    case VRAMD_RESOURCE_IMAGE:
      ToProto(FromC(in.image), out.mutable_resource()->mutable_image());
      break;
    case VRAMD_RESOURCE_RAW:
      out.mutable_resource()->mutable_raw()->set_size(in.raw_size);
      out.mutable_resource()->mutable_raw()->set_memory_type_bits(in.raw_memory_type_bits);
      break;
    default:
      return absl::InvalidArgumentError(
          absl::StrCat("kind ", static_cast<int>(in.kind), " is none of vramd_resource_kind"));
  }
  out.set_intent(static_cast<v1::MemoryIntent>(in.intent));
  out.set_handle_type(static_cast<v1::HandleType>(in.handle_type));
  VRAMD_ASSIGN_OR_RETURN(*out.mutable_device(), TextFromC("device", in.device));
  VRAMD_ASSIGN_OR_RETURN(*out.mutable_label(), TextFromC("label", in.label));
  out.set_dedicated(in.dedicated);
  return out;
}

absl::StatusOr<std::string> TextFromC(const char* field, const char* text) {
  if (text == nullptr) return std::string();
  VRAMD_RETURN_IF_ERROR(CheckUtf8(field, text));
  return std::string(text);
}

absl::StatusOr<v1::CheckShareRequest> FromC(const vramd_recipe& recipe,
                                            const vramd_importer& importer) {
  if (importer.importable_count > VRAMD_MAX_HANDLE_TYPES)
    return absl::InvalidArgumentError(absl::StrCat("importable_count is ",
                                                   importer.importable_count, "; at most ",
                                                   VRAMD_MAX_HANDLE_TYPES, " fit"));
  v1::CheckShareRequest out;
  ToProto(FromC(recipe), out.mutable_recipe());
  ToProto(FromC(importer.identity), out.mutable_importer());
  for (uint32_t i = 0; i < importer.importable_count; ++i)
    out.add_importable(static_cast<v1::HandleType>(importer.importable[i]));
  out.set_memory_type_count(importer.memory_type_count);
  return out;
}

}  // namespace vramd
