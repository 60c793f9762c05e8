// Which gRPC code a call ends with when the server did not say so by grpc-status.
#ifndef VRAMD_RPC_STATUS_MAP_H_
#define VRAMD_RPC_STATUS_MAP_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace vramd {

// By gRPC's table in doc/http-grpc-status-mapping.md; UNKNOWN for what is not in it, 200 included.
absl::StatusCode CodeOfHttpStatus(int http_status);

// Of a RST_STREAM, by the table in gRPC's doc/PROTOCOL-HTTP2.md.
absl::StatusCode CodeOfHttp2Error(uint32_t error);

// Of a grpc-status; UNKNOWN if the text is not one of gRPC's numbers.
absl::StatusCode CodeOfText(absl::string_view grpc_status);

}  // namespace vramd

#endif  // VRAMD_RPC_STATUS_MAP_H_
