// What an access token says about its owner, and SIDs as text. Windows only.
#ifndef VRAMD_IPC_TOKEN_WINDOWS_H_
#define VRAMD_IPC_TOKEN_WINDOWS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/os_handle.h"

namespace vramd {

// "S-1-5-21-...". `sid` is a PSID.
std::string SidToText(void* sid);

// "DOMAIN\name" of an account, or the SID's text where the system knows no name.
std::string AccountName(void* sid);

// The user of a token opened with TOKEN_QUERY.
absl::StatusOr<std::string> TokenUser(const OsHandle& token);

struct TokenFacts {
  std::string user_id;
  std::string user_name;
  // Enabled groups only: one that is there to deny (as Administrators in a token that is not
  // elevated) gives no right. The integrity level, S-1-16-N, is one of them.
  std::vector<std::string> group_ids;
};
absl::StatusOr<TokenFacts> ReadToken(const OsHandle& token);

}  // namespace vramd

#endif  // VRAMD_IPC_TOKEN_WINDOWS_H_
