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
  std::vector<Subject> may_connect;
  std::vector<OpenRule> may_open;

  // PERMISSION_DENIED says what to write into the configuration.
  absl::Status CheckConnect(const Peer& peer) const;
  // `name` is empty for memory that has none: then only its own user may open it.
  absl::Status CheckOpen(const Peer& peer, const std::string& owner_user_id,
                         absl::string_view name) const;
};

// True if `text` fits `pattern`, segment by segment; exposed for tests.
bool NameMatches(absl::string_view pattern, absl::string_view text);

}  // namespace vramd

#endif  // VRAMD_DAEMON_POLICY_H_
