// The one table of rights. An object of a kind that is not in it is a driver's: its handle was made
// with the access that the exporter asked the driver for, which is what an import needs, and nobody
// but the driver knows what less would do.
#include "ipc/object_rights_windows.h"

#include <windows.h>
// winternl.h needs windows.h before it.
#include <winternl.h>

#include <string_view>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/wide_windows.h"

namespace vramd {
namespace {

struct Kind {
  std::wstring_view name;
  ACCESS_MASK most;
};

constexpr Kind kKinds[] = {
    {L"Section", SECTION_MAP_READ | SECTION_MAP_WRITE | SECTION_QUERY},
    {L"Event", SYNCHRONIZE | EVENT_MODIFY_STATE},
    {L"Process", 0},
    {L"Thread", 0},
    {L"Token", 0},
    {L"File", 0},  // pipes are files
};

absl::Status QueryError(const char* what, NTSTATUS status) {
  return absl::InternalError(
      absl::StrCat("cannot learn the ", what, " of an object: NTSTATUS 0x",
                   absl::Hex(static_cast<uint32_t>(status), absl::kZeroPad8)));
}

absl::StatusOr<std::wstring> KindOf(const OsHandle& handle) {
  struct {
    PUBLIC_OBJECT_TYPE_INFORMATION facts;
    wchar_t name[256];  // which facts.TypeName points into
  } answer{};
  const NTSTATUS status =
      NtQueryObject(handle.get(), ObjectTypeInformation, &answer, sizeof(answer), nullptr);
  if (!NT_SUCCESS(status)) return QueryError("kind", status);
  const UNICODE_STRING& name = answer.facts.TypeName;
  return std::wstring(name.Buffer, name.Length / sizeof(wchar_t));
}

}  // namespace

absl::StatusOr<uint32_t> GrantedRights(const OsHandle& handle) {
  PUBLIC_OBJECT_BASIC_INFORMATION facts{};
  const NTSTATUS status =
      NtQueryObject(handle.get(), ObjectBasicInformation, &facts, sizeof(facts), nullptr);
  if (!NT_SUCCESS(status)) return QueryError("rights", status);
  return facts.GrantedAccess;
}

absl::StatusOr<uint32_t> RightsToLend(const OsHandle& handle) {
  VRAMD_ASSIGN_OR_RETURN(const std::wstring kind, KindOf(handle));
  VRAMD_ASSIGN_OR_RETURN(const uint32_t granted, GrantedRights(handle));
  for (const Kind& known : kKinds) {
    if (kind != known.name) continue;
    if (known.most == 0)
      return absl::InternalError(
          absl::StrCat("a handle to an object of kind ", ToUtf8(kind), " must not be lent"));
    return granted & known.most;
  }
  return granted;
}

}  // namespace vramd
