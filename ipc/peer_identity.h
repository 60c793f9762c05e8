// Who is at the other end, asked of the kernel and not of the peer.
#ifndef VRAMD_IPC_PEER_IDENTITY_H_
#define VRAMD_IPC_PEER_IDENTITY_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/os_handle.h"
#include "base/peer.h"

namespace vramd {

// A peer and its process, held: while `process` is open, the process's number cannot come to mean
// another process unnoticed. It becomes ready (readable, signalled) when the process ends.
struct PeerIdentity {
  Peer peer;
  OsHandle process;
};

// Of a connected stream. UNAUTHENTICATED if the process is gone, or may have been replaced.
absl::StatusOr<PeerIdentity> IdentifyPeer(const OsHandle& stream);

// This process's own user id.
std::string OwnUserId();

// The id of a user or group by name or id. NOT_FOUND if the system knows no such account.
absl::StatusOr<std::string> ResolveUser(absl::string_view name);
absl::StatusOr<std::string> ResolveGroup(absl::string_view name);

// May a client talk to this server? Only to itself, to the administrator, or to `trusted_user`
// (name or id, may be empty). PERMISSION_DENIED names who serves.
absl::Status CheckServerTrusted(const Peer& server, absl::string_view trusted_user);

}  // namespace vramd

#endif  // VRAMD_IPC_PEER_IDENTITY_H_
