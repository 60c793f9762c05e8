// Policy: who may connect, and who may open whose names. Plain data and pure decisions.
//
// Without a rule, a user's own names are open to that user and to nobody else. Immutable once
// built; SIGHUP builds another.
#ifndef VRAMD_DAEMON_POLICY_H_
#define VRAMD_DAEMON_POLICY_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "base/peer.h"
#include "base/recipe.h"

namespace vramd {

// Whom a rule is about. Ids, not names: names are resolved when the configuration is read.
struct Subject {
  enum class Kind { kUser, kGroup, kAdministrator, kEveryone };
  Kind kind = Kind::kUser;
  std::string id;  // uid, gid or SID; unused for the last two

  bool Matches(const Peer& peer) const;
};

// `who` may open names that fit `names`: user/application/label, where a * stands for any text
// without a slash.
struct OpenRule {
  Subject who;
  std::string names;
};

struct Policy {
  std::string broker_user_id;  // uid or SID that the broker runs as
  std::vector<Subject> may_connect;
  std::vector<OpenRule> may_open;

  // PERMISSION_DENIED says what to write into the configuration.
  absl::Status CheckConnect(const Peer& peer) const;
  // `name` is empty for memory that has none: then only its own user may open it.
  absl::Status CheckOpen(const Peer& peer, const std::string& owner_user_id,
                         absl::string_view name) const;

  // May `peer` have a handle of `type` to memory of `device` that `owner_user_id` allocated? By an
  // opaque handle of a device of type CPU only the broker's own user may: see docs/decisions/0007.
  // PERMISSION_DENIED says why and what to allocate instead.
  absl::Status CheckHandover(const Peer& peer, const std::string& owner_user_id,
                             const DeviceInfo& device, HandleType type) const;
};

// True if `text` fits `pattern`, segment by segment; exposed for tests.
bool NameMatches(absl::string_view pattern, absl::string_view text);

}  // namespace vramd

#endif  // VRAMD_DAEMON_POLICY_H_
