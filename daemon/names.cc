#include "daemon/names.h"

#include <algorithm>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"

namespace vramd {
namespace {

bool IsPlain(absl::string_view segment) {
  return !segment.empty() && std::all_of(segment.begin(), segment.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '_' || c == '-';
  });
}

absl::Status CheckSize(absl::string_view what, size_t size, size_t most) {
  if (size <= most) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(what, " has ", size, " bytes; at most ", most, " are allowed"));
}

}  // namespace

absl::StatusOr<std::string> WholeName(absl::string_view name, const Peer& peer) {
  VRAMD_RETURN_IF_ERROR(CheckSize("the name", name.size(), kMaxWholeNameBytes));
  const std::vector<std::string> parts = absl::StrSplit(name, '/');
  // A user's name may hold what the system allows; the two other parts are ours to restrict.
  const size_t own = parts.size() >= 2 ? parts.size() - 2 : 0;
  if (parts.size() < 2 || parts.size() > 3 || parts[0].empty() || !IsPlain(parts[own]) ||
      !IsPlain(parts[own + 1]))
    return absl::InvalidArgumentError(
        absl::StrCat("\"", absl::CHexEscape(name),
                     "\" is no name; use application/label or user/application/label, of letters, "
                     "digits, '.', '_' and '-'"));
  VRAMD_RETURN_IF_ERROR(
      CheckSize("application/label", parts[own].size() + 1 + parts[own + 1].size(), kMaxNameBytes));
  std::string whole =
      parts.size() == 3 ? std::string(name) : absl::StrCat(peer.user_name, "/", name);
  VRAMD_RETURN_IF_ERROR(CheckSize("user/application/label", whole.size(), kMaxWholeNameBytes));
  return whole;
}

absl::StatusOr<std::string> OwnName(absl::string_view name, const Peer& peer) {
  VRAMD_ASSIGN_OR_RETURN(std::string whole, WholeName(name, peer));
  const std::string prefix = absl::StrCat(peer.user_name, "/");
  if (whole.compare(0, prefix.size(), prefix) != 0)
    return absl::PermissionDeniedError(absl::StrCat(
        whole, " lies under another user's name; publish it as ", prefix, "application/label"));
  return whole;
}

}  // namespace vramd
