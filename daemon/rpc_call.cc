#include "daemon/rpc_call.h"

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "proto/convert.h"

namespace vramd {
namespace {

constexpr size_t kMaxSelectorBytes = 256;

// What two masks of memory types allow, where 0 allows all.
absl::StatusOr<uint32_t> BothMasks(uint32_t a, uint32_t b) {
  if (a == 0 || b == 0) return a | b;
  if ((a & b) != 0) return a & b;
  return absl::InvalidArgumentError(
      "memory_type_bits and raw.memory_type_bits have no memory type in common");
}

}  // namespace

grpc::Status FinishCall(const char* call, const Caller& caller, const absl::Status& status) {
  if (status.ok()) {
    log::Debug(call, {{"session", caller.session.value}, {"peer", caller.peer.Describe()}});
  } else {
    log::Info(call, {{"session", caller.session.value},
                     {"peer", caller.peer.Describe()},
                     {"code", absl::StatusCodeToString(status.code())},
                     {"why", status.message()}});
  }
  return ToGrpc(status);
}

absl::StatusOr<AllocationRequest> ParseMemory(const v1::Resource& resource, v1::MemoryIntent intent,
                                              v1::HandleType handle_type,
                                              uint32_t memory_type_bits) {
  AllocationRequest out;
  out.memory_types = memory_type_bits;
  switch (resource.kind_case()) {
    case v1::Resource::kBuffer:
      out.kind = ResourceKind::kBuffer;
      out.buffer = FromProto(resource.buffer());
      break;
    case v1::Resource::kImage:
      out.kind = ResourceKind::kImage;
      out.image = FromProto(resource.image());
      break;
    case v1::Resource::kRaw: {
      out.kind = ResourceKind::kRaw;
      out.raw_size = resource.raw().size();
      VRAMD_ASSIGN_OR_RETURN(out.memory_types,
                             BothMasks(memory_type_bits, resource.raw().memory_type_bits()));
      break;
    }
    case v1::Resource::KIND_NOT_SET:
      return absl::InvalidArgumentError("resource is empty; set buffer, image or raw");
  }
  if (!v1::MemoryIntent_IsValid(intent))
    return absl::InvalidArgumentError(
        absl::StrCat("intent ", static_cast<int>(intent), " is unknown to this broker"));
  if (!v1::HandleType_IsValid(handle_type))
    return absl::InvalidArgumentError(
        absl::StrCat("handle_type ", static_cast<int>(handle_type), " is unknown to this broker"));
  out.intent = static_cast<MemoryIntent>(intent);
  out.handle_type = FromProto(handle_type);
  return out;
}

absl::Status CheckSelector(absl::string_view device) {
  if (device.size() <= kMaxSelectorBytes) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("device has ", device.size(), " bytes; at most ",
                                                 kMaxSelectorBytes, " are allowed"));
}

}  // namespace vramd
