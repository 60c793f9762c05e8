// What a session and its user pay for memory that they hold. A session pays for each of its
// holdings, a user once for the same memory, however many of its sessions hold it.
#ifndef VRAMD_DAEMON_HOLDING_H_
#define VRAMD_DAEMON_HOLDING_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "daemon/member.h"
#include "daemon/quota.h"

namespace vramd {

// The user's share. Ends with the last holding of that user.
struct UserHold {
  Charge bytes;
  Charge allocations;
};

// Who pays for some memory, by user id. Under the lock of whoever owns the memory.
using Payers = std::map<std::string, std::weak_ptr<UserHold>>;

struct HoldingSize {
  uint64_t bytes = 0;
  uint64_t allocations = 1;
  uint64_t handles = 1;
};

struct Holding {
  // Keeps the account alive, so that a user who comes back finds there what is still paid for.
  std::shared_ptr<User> user;
  Charge session_bytes;
  Charge session_allocations;  // of the session that made the memory
  Charge session_handles;
  Charge user_handles;
  std::shared_ptr<UserHold> user_hold;

  // Before the memory is shared with anybody.
  absl::Status ResizeBytes(uint64_t bytes);
  // For the maker of memory that grows or shrinks. On failure it stays as it was.
  absl::Status Resize(const HoldingSize& size);
};

// `payers` is null for memory that is about to be made.
absl::StatusOr<Holding> PayFor(const Member& member, const HoldingSize& size, Payers* payers);

}  // namespace vramd

#endif  // VRAMD_DAEMON_HOLDING_H_
