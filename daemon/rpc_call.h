// What the services of the daemon share: whose call it is, how it ends, and what many requests
// have.
#ifndef VRAMD_DAEMON_RPC_CALL_H_
#define VRAMD_DAEMON_RPC_CALL_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "daemon/front_door.h"
#include "driver-shim/device.h"
#include "grpcpp/support/status.h"
#include "vramd/v1/types.pb.h"

namespace vramd {

// Every call is one line of the log, a refused one with the reason.
grpc::Status FinishCall(const char* call, const Caller& caller, const absl::Status& status);

// INVALID_ARGUMENT names the field.
absl::StatusOr<AllocationRequest> ParseMemory(const v1::Resource& resource, v1::MemoryIntent intent,
                                              v1::HandleType handle_type,
                                              uint32_t memory_type_bits);
absl::Status CheckSelector(absl::string_view device);

// Whose call it is, or the status that ends it.
#define VRAMD_CALLER_OR_RETURN(caller, context)                   \
  const auto caller##_or = front_door_->Authenticate(*(context)); \
  if (!caller##_or.ok()) return ToGrpc(caller##_or.status());     \
  const Caller& caller = *caller##_or

}  // namespace vramd

#endif  // VRAMD_DAEMON_RPC_CALL_H_
