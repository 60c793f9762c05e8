#include "ipc/token_windows.h"

#include <windows.h>
// sddl.h needs windows.h before it.
#include <sddl.h>

#include "absl/strings/str_cat.h"
#include "base/os_error.h"
#include "base/status_macros.h"
#include "base/wide_windows.h"

namespace vramd {
namespace {

// One TOKEN_INFORMATION_CLASS, in memory aligned for any of its structures.
absl::StatusOr<std::vector<uint64_t>> Query(const OsHandle& token, TOKEN_INFORMATION_CLASS what) {
  DWORD size = 0;
  GetTokenInformation(token.get(), what, nullptr, 0, &size);
  std::vector<uint64_t> buffer(size / sizeof(uint64_t) + 1);
  if (!GetTokenInformation(token.get(), what, buffer.data(), size, &size))
    return LastOsError("read an access token");
  return buffer;
}

}  // namespace

std::string SidToText(void* sid) {
  wchar_t* text = nullptr;
  if (!ConvertSidToStringSidW(sid, &text)) return "";
  const std::string result = ToUtf8(text);
  LocalFree(text);
  return result;
}

std::string AccountName(void* sid) {
  wchar_t name[256];
  wchar_t domain[256];
  DWORD name_size = 256;
  DWORD domain_size = 256;
  SID_NAME_USE use{};
  if (!LookupAccountSidW(nullptr, sid, name, &name_size, domain, &domain_size, &use))
    return SidToText(sid);
  if (domain_size == 0) return ToUtf8(name);
  return absl::StrCat(ToUtf8(domain), "\\", ToUtf8(name));
}

absl::StatusOr<std::string> TokenUser(const OsHandle& token) {
  VRAMD_ASSIGN_OR_RETURN(const auto buffer, Query(token, ::TokenUser));
  return SidToText(reinterpret_cast<const TOKEN_USER*>(buffer.data())->User.Sid);
}

absl::StatusOr<TokenFacts> ReadToken(const OsHandle& token) {
  VRAMD_ASSIGN_OR_RETURN(const auto user_buffer, Query(token, ::TokenUser));
  VRAMD_ASSIGN_OR_RETURN(const auto group_buffer, Query(token, TokenGroups));
  VRAMD_ASSIGN_OR_RETURN(const auto level_buffer, Query(token, TokenIntegrityLevel));
  const auto* user = reinterpret_cast<const TOKEN_USER*>(user_buffer.data());
  const auto* groups = reinterpret_cast<const TOKEN_GROUPS*>(group_buffer.data());
  const auto* level = reinterpret_cast<const TOKEN_MANDATORY_LABEL*>(level_buffer.data());
  TokenFacts facts;
  facts.user_id = SidToText(user->User.Sid);
  facts.user_name = AccountName(user->User.Sid);
  for (DWORD i = 0; i < groups->GroupCount; ++i) {
    const DWORD attributes = groups->Groups[i].Attributes;
    if ((attributes & SE_GROUP_ENABLED) != 0 && (attributes & SE_GROUP_USE_FOR_DENY_ONLY) == 0)
      facts.group_ids.push_back(SidToText(groups->Groups[i].Sid));
  }
  facts.group_ids.push_back(SidToText(level->Label.Sid));
  return facts;
}

}  // namespace vramd
