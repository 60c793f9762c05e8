#include "client/src/c_convert.h"

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/utf8.h"
#include "client/src/sized_struct.h"
#include "proto/convert.h"

namespace vramd {
void CopyText(absl::string_view from, char* to, size_t size) {
  if (to == nullptr || size == 0) return;
  const size_t copied = std::min(from.size(), size - 1);
  std::memcpy(to, from.data(), copied);
  to[copied] = '\0';
}

vramd_memory_type ToC(const v1::MemoryType& in) {
  vramd_memory_type out = VRAMD_MEMORY_TYPE_INIT;
  out.property_flags = in.property_flags();
  out.heap_index = in.heap_index();
  out.heap_size = in.heap_size();
  out.heap_budget = in.heap_budget();
  out.heap_usage = in.heap_usage();
  return out;
}

vramd_handle_support ToC(const v1::HandleSupport& in) {
  vramd_handle_support out = VRAMD_HANDLE_SUPPORT_INIT;
  out.handle_type = static_cast<vramd_handle_type>(FromProto(in.type()));
  out.can_export = in.can_export();
  out.can_import = in.can_import();
  CopyText(in.reason(), out.reason);
  return out;
}

absl::StatusOr<vramd_device_info> ToC(const v1::Device& in) {
  vramd_device_info out = VRAMD_DEVICE_INFO_INIT;
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
  out.timeline_export = in.timeline_export();
  CopyText(in.timeline_reason(), out.timeline_reason);
  return out;
}

vramd_published ToC(const v1::Published& in) {
  vramd_published out = VRAMD_PUBLISHED_INIT;
  CopyText(in.name(), out.name);
  out.allocation_id = in.allocation_id();
  CopyText(in.publisher().user(), out.user);
  out.process_id = in.publisher().process_id();
  CopyText(in.publisher().executable(), out.executable);
  CopyText(in.label(), out.label);
  out.lease_count = in.lease_count();
  return out;
}

vramd_event ToC(const WatchItem& item) {
  vramd_event out = VRAMD_EVENT_INIT;
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
    case VRAMD_RESOURCE_BUFFER: {
      VRAMD_ASSIGN_OR_RETURN(const BufferInfo buffer, ReadBufferInfo(in.buffer));
      ToProto(buffer, out.mutable_resource()->mutable_buffer());
      break;
    }
    case VRAMD_RESOURCE_IMAGE: {
      VRAMD_ASSIGN_OR_RETURN(const ImageInfo image, ReadImageInfo(in.image));
      ToProto(image, out.mutable_resource()->mutable_image());
      break;
    }
    case VRAMD_RESOURCE_RAW:
      out.mutable_resource()->mutable_raw()->set_size(in.raw_size);
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
  VRAMD_ASSIGN_OR_RETURN(const auto wish, ReadChained<vramd_memory_wish>(in.next));
  if (wish) out.set_memory_type_bits(wish->memory_type_bits);
  return out;
}

absl::StatusOr<std::string> TextFromC(const char* field, const char* text) {
  if (text == nullptr) return std::string();
  VRAMD_RETURN_IF_ERROR(CheckUtf8(field, text));
  return std::string(text);
}

absl::StatusOr<v1::CheckShareRequest> FromC(const Recipe& recipe, const vramd_importer& importer) {
  if (importer.importable_count > VRAMD_MAX_HANDLE_TYPES)
    return absl::InvalidArgumentError(absl::StrCat("importable_count is ",
                                                   importer.importable_count, "; at most ",
                                                   VRAMD_MAX_HANDLE_TYPES, " fit"));
  v1::CheckShareRequest out;
  ToProto(recipe, out.mutable_recipe());
  ToProto(FromC(importer.identity), out.mutable_importer());
  for (uint32_t i = 0; i < importer.importable_count; ++i)
    out.add_importable(static_cast<v1::HandleType>(importer.importable[i]));
  out.set_memory_type_count(importer.memory_type_count);
  return out;
}

}  // namespace vramd
