// Where the broker listens.
#ifndef VRAMD_IPC_ENDPOINT_H_
#define VRAMD_IPC_ENDPOINT_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace vramd {

// The endpoints that a client tries, in order: `configured` alone if it is not empty, else
// $VRAMD_ENDPOINT alone, else the user's broker, then the system's.
//   Linux    $XDG_RUNTIME_DIR/vramd/vramd.sock, /run/vramd/vramd.sock
//   Windows  \\.\pipe\vramd-<user SID>, \\.\pipe\vramd
// INVALID_ARGUMENT for a path longer than the system allows.
absl::StatusOr<std::vector<std::string>> ClientEndpoints(absl::string_view configured);

// Where a broker that was told nothing listens: the first of the above that fits this process.
absl::StatusOr<std::string> ServerEndpoint(absl::string_view configured);

}  // namespace vramd

#endif  // VRAMD_IPC_ENDPOINT_H_
