#include "ipc/pipe_listener_windows.h"

#include <windows.h>
// sddl.h needs windows.h before it.
#include <sddl.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/os_error.h"
#include "base/status_macros.h"
#include "base/wide_windows.h"
#include "ipc/peer_identity.h"

namespace vramd {
namespace {

// A greeting always fits, so that answering one never waits for the peer.
constexpr DWORD kBuffer = 64 * 1024;

// Reading and writing, without FILE_CREATE_PIPE_INSTANCE: who may connect may not serve.
constexpr DWORD kConnectOnly = FILE_GENERIC_READ | FILE_WRITE_DATA | FILE_WRITE_ATTRIBUTES;

// FILE_FLAG_FIRST_PIPE_INSTANCE says this too, but Wine does not heed it. Counting also notices who
// came between: then neither is first, and the broker does not start.
absl::Status CheckOnlyInstance(const OsHandle& pipe, absl::string_view name) {
  DWORD instances = 0;
  if (!GetNamedPipeHandleStateW(pipe.get(), nullptr, &instances, nullptr, nullptr, nullptr, 0))
    return LastOsError(absl::StrCat("count the instances of ", name));
  if (instances <= 1) return absl::OkStatus();
  return absl::AlreadyExistsError(
      absl::StrCat("a program serves ", name, " already; stop it, or choose another --endpoint"));
}

}  // namespace

std::string PipeDescriptor(absl::string_view owner, absl::string_view group) {
  std::string text = absl::StrCat("O:", owner, "D:P(A;;FA;;;", owner, ")(A;;FA;;;SY)(A;;FA;;;BA)");
  if (!group.empty()) absl::StrAppend(&text, "(A;;0x", absl::Hex(kConnectOnly), ";;;", group, ")");
  return text;
}

absl::StatusOr<PipeListener> PipeListener::Open(const std::string& name, const std::string& group) {
  std::string group_sid;
  if (!group.empty()) {
    VRAMD_ASSIGN_OR_RETURN(group_sid, ResolveGroup(group));
  }
  PipeListener listener;
  listener.name_ = name;
  listener.descriptor_ = PipeDescriptor(OwnUserId(), group_sid);
  VRAMD_ASSIGN_OR_RETURN(listener.first_, listener.Make(true));
  VRAMD_RETURN_IF_ERROR(CheckOnlyInstance(listener.first_, name));
  return listener;
}

absl::StatusOr<OsHandle> PipeListener::Next() {
  if (first_.valid()) return std::exchange(first_, OsHandle());
  return Make(false);
}

absl::StatusOr<OsHandle> PipeListener::Make(bool first) const {
  SECURITY_ATTRIBUTES attributes{};
  attributes.nLength = sizeof(attributes);
  if (!ConvertStringSecurityDescriptorToSecurityDescriptorW(
          ToWide(descriptor_).c_str(), SDDL_REVISION_1, &attributes.lpSecurityDescriptor, nullptr))
    return LastOsError(absl::StrCat("use the security descriptor ", descriptor_));
  const DWORD open_mode =
      PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED | (first ? FILE_FLAG_FIRST_PIPE_INSTANCE : 0);
  const DWORD pipe_mode =
      PIPE_TYPE_BYTE | PIPE_READMODE_BYTE | PIPE_WAIT | PIPE_REJECT_REMOTE_CLIENTS;
  const HANDLE pipe = CreateNamedPipeW(ToWide(name_).c_str(), open_mode, pipe_mode,
                                       PIPE_UNLIMITED_INSTANCES, kBuffer, kBuffer, 0, &attributes);
  const DWORD error = GetLastError();
  LocalFree(attributes.lpSecurityDescriptor);
  if (pipe != INVALID_HANDLE_VALUE) return OsHandle(pipe);
  if (first && (error == ERROR_ACCESS_DENIED || error == ERROR_PIPE_BUSY))
    return absl::AlreadyExistsError(absl::StrCat(
        "a program serves ", name_, " already; stop it, or choose another --endpoint"));
  return OsError(static_cast<int>(error), absl::StrCat("make an instance of ", name_));
}

}  // namespace vramd
