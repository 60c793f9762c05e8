// One message per thread. absl::StatusCode and vramd_result both have gRPC's numbers, so a code
// converts by its value.
#include "client/src/last_error.h"

#include <string>

#include "absl/status/status.h"

namespace vramd {
namespace {

std::string& ThreadMessage() {
  thread_local std::string message;
  return message;
}

static_assert(static_cast<int>(absl::StatusCode::kUnauthenticated) == VRAMD_UNAUTHENTICATED);
static_assert(static_cast<int>(absl::StatusCode::kResourceExhausted) == VRAMD_RESOURCE_EXHAUSTED);

}  // namespace

vramd_result Fail(const absl::Status& status) {
  if (!status.ok()) ThreadMessage().assign(status.message().data(), status.message().size());
  return static_cast<vramd_result>(status.code());
}

}  // namespace vramd

const char* vramd_last_error(void) { return vramd::ThreadMessage().c_str(); }

const char* vramd_result_name(vramd_result result) {
  switch (result) {
    case VRAMD_OK:
      return "OK";
    case VRAMD_CANCELLED:
      return "CANCELLED";
    case VRAMD_UNKNOWN:
      return "UNKNOWN";
    case VRAMD_INVALID_ARGUMENT:
      return "INVALID_ARGUMENT";
    case VRAMD_DEADLINE_EXCEEDED:
      return "DEADLINE_EXCEEDED";
    case VRAMD_NOT_FOUND:
      return "NOT_FOUND";
    case VRAMD_ALREADY_EXISTS:
      return "ALREADY_EXISTS";
    case VRAMD_PERMISSION_DENIED:
      return "PERMISSION_DENIED";
    case VRAMD_RESOURCE_EXHAUSTED:
      return "RESOURCE_EXHAUSTED";
    case VRAMD_FAILED_PRECONDITION:
      return "FAILED_PRECONDITION";
    case VRAMD_ABORTED:
      return "ABORTED";
    case VRAMD_OUT_OF_RANGE:
      return "OUT_OF_RANGE";
    case VRAMD_UNIMPLEMENTED:
      return "UNIMPLEMENTED";
    case VRAMD_INTERNAL:
      return "INTERNAL";
    case VRAMD_UNAVAILABLE:
      return "UNAVAILABLE";
    case VRAMD_DATA_LOSS:
      return "DATA_LOSS";
    case VRAMD_UNAUTHENTICATED:
      return "UNAUTHENTICATED";
    case VRAMD_END_OF_STREAM:
      return "END_OF_STREAM";
    case VRAMD_RESULT_MAX_ENUM:
      break;
  }
  return "UNKNOWN";
}
