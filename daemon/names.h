// Names of published allocations: user/application/label.
#ifndef VRAMD_DAEMON_NAMES_H_
#define VRAMD_DAEMON_NAMES_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/peer.h"

namespace vramd {

inline constexpr size_t kMaxNameBytes = 200;       // of application/label
inline constexpr size_t kMaxWholeNameBytes = 255;  // with the user before it
inline constexpr size_t kMaxLabelBytes = 128;
inline constexpr size_t kMaxNamesPerLease = 64;

// The whole name that `name` means for `peer`: application/label gets the peer's user before it, a
// whole name stays. INVALID_ARGUMENT for anything else.
absl::StatusOr<std::string> WholeName(absl::string_view name, const Peer& peer);

// The same for a name that `peer` wants to publish or withdraw: it must be the peer's own.
absl::StatusOr<std::string> OwnName(absl::string_view name, const Peer& peer);

}  // namespace vramd

#endif  // VRAMD_DAEMON_NAMES_H_
