// The pipe tells a process number; the process is opened by it and held, and its token tells the
// user. A number may have come to mean another process since it connected, so:
//   - the process must have started before we asked, and
//   - the pipe must still be connected after it was opened: a dead process has closed its end.
// On the broker's side the door compares the user once more with the token that the kernel took
// when the pipe was opened (CheckImpersonation), which no number can forge.
//
// A client may not open a process of SYSTEM. Then the owner of the pipe object says who serves:
// the system lets nobody set an owner that he is not.
#include "ipc/peer_identity.h"

#include <windows.h>
// These need windows.h before them.
#include <aclapi.h>
#include <sddl.h>

#include <cstdlib>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/os_error.h"
#include "base/status_macros.h"
#include "base/wide_windows.h"
#include "ipc/peer_checks_windows.h"
#include "ipc/token_windows.h"

namespace vramd {
namespace {

constexpr absl::string_view kSystemSid = "S-1-5-18";
constexpr absl::string_view kAdministratorsSid = "S-1-5-32-544";

uint64_t Ticks(const FILETIME& time) {
  return static_cast<uint64_t>(time.dwHighDateTime) << 32 | time.dwLowDateTime;
}

std::string ExecutablePath(const OsHandle& process) {
  std::wstring path(32768, L'\0');
  auto size = static_cast<DWORD>(path.size());
  if (!QueryFullProcessImageNameW(process.get(), 0, path.data(), &size)) return "";
  return ToUtf8(std::wstring_view(path.data(), size));
}

absl::StatusOr<OsHandle> ProcessToken(const OsHandle& process) {
  HANDLE token = nullptr;
  if (!OpenProcessToken(process.get(), TOKEN_QUERY, &token))
    return LastOsError("open the access token of a process");
  return OsHandle(token);
}

absl::StatusOr<OsHandle> HoldProcess(const OsHandle& stream, DWORD pid, DWORD access) {
  const uint64_t connected_before = SystemTicks();
  OsHandle process(OpenProcess(access, FALSE, pid));
  if (!process.valid()) return LastOsError(absl::StrCat("open process ", pid));
  VRAMD_RETURN_IF_ERROR(CheckStartedBefore(process, connected_before));
  VRAMD_RETURN_IF_ERROR(CheckStillConnected(stream));
  return process;
}

absl::StatusOr<std::string> PipeOwner(const OsHandle& stream, std::string* name) {
  PSID owner = nullptr;
  PSECURITY_DESCRIPTOR descriptor = nullptr;
  const DWORD error = GetSecurityInfo(stream.get(), SE_KERNEL_OBJECT, OWNER_SECURITY_INFORMATION,
                                      &owner, nullptr, nullptr, nullptr, &descriptor);
  if (error != ERROR_SUCCESS) return OsError(static_cast<int>(error), "learn the pipe's owner");
  const std::string sid = SidToText(owner);
  *name = AccountName(owner);
  LocalFree(descriptor);
  return sid;
}

bool IsAdministrator(absl::string_view sid) {
  return sid == kSystemSid || sid == kAdministratorsSid;
}

absl::StatusOr<Peer> ReadPeer(const OsHandle& process, DWORD pid) {
  VRAMD_ASSIGN_OR_RETURN(const OsHandle token, ProcessToken(process));
  VRAMD_ASSIGN_OR_RETURN(TokenFacts facts, ReadToken(token));
  Peer peer;
  peer.user_id = std::move(facts.user_id);
  peer.user_name = std::move(facts.user_name);
  peer.group_ids = std::move(facts.group_ids);
  peer.process_id = pid;
  peer.executable = ExecutablePath(process);
  peer.is_administrator = peer.user_id == kSystemSid;
  return peer;
}

absl::StatusOr<PeerIdentity> IdentifyClient(const OsHandle& stream) {
  DWORD pid = 0;
  if (!GetNamedPipeClientProcessId(stream.get(), &pid))
    return LastOsError("learn who opened the pipe");
  // PROCESS_DUP_HANDLE is for the handle lane; nothing else reaches into the client.
  auto process = HoldProcess(stream, pid,
                             PROCESS_QUERY_LIMITED_INFORMATION | SYNCHRONIZE | PROCESS_DUP_HANDLE);
  if (absl::IsPermissionDenied(process.status()))
    return absl::UnauthenticatedError(absl::StrCat(
        "process ", pid,
        " cannot be opened by the broker, which runs with fewer rights (is the client "
        "elevated?); run the broker as a service, or the client as the broker's user"));
  if (!process.ok()) return absl::UnauthenticatedError(process.status().message());
  PeerIdentity identity;
  identity.process = *std::move(process);
  VRAMD_ASSIGN_OR_RETURN(identity.peer, ReadPeer(identity.process, pid));
  return identity;
}

absl::StatusOr<PeerIdentity> IdentifyServer(const OsHandle& stream) {
  DWORD pid = 0;
  if (!GetNamedPipeServerProcessId(stream.get(), &pid))
    return LastOsError("learn who serves the pipe");
  std::string owner_name;
  VRAMD_ASSIGN_OR_RETURN(const std::string owner, PipeOwner(stream, &owner_name));
  PeerIdentity identity;
  auto process = HoldProcess(stream, pid, PROCESS_QUERY_LIMITED_INFORMATION | SYNCHRONIZE);
  if (absl::IsPermissionDenied(process.status())) {
    identity.peer = {.user_id = owner, .user_name = owner_name, .process_id = pid};
    identity.peer.is_administrator = IsAdministrator(owner);
    return identity;
  }
  if (!process.ok()) return process.status();
  identity.process = *std::move(process);
  VRAMD_ASSIGN_OR_RETURN(identity.peer, ReadPeer(identity.process, pid));
  if (owner != identity.peer.user_id && !IsAdministrator(owner))
    return absl::PermissionDeniedError(absl::StrCat("the pipe belongs to ", owner_name, " but ",
                                                    identity.peer.Describe(),
                                                    " serves it: somebody took the broker's name"));
  return identity;
}

// What can stand in a token. A domain's name is an account to Windows, too, and so is no name at
// all.
bool CanBeInAToken(SID_NAME_USE use) {
  return use == SidTypeUser || use == SidTypeGroup || use == SidTypeAlias ||
         use == SidTypeWellKnownGroup;
}

absl::StatusOr<std::string> ResolveAccount(absl::string_view name, absl::string_view kind) {
  PSID sid = nullptr;
  if (absl::StartsWithIgnoreCase(name, "S-1-") &&
      ConvertStringSidToSidW(ToWide(name).c_str(), &sid)) {
    const std::string text = SidToText(sid);
    LocalFree(sid);
    return text;
  }
  BYTE buffer[SECURITY_MAX_SID_SIZE];
  wchar_t domain[256];
  DWORD sid_size = sizeof(buffer);
  DWORD domain_size = 256;
  SID_NAME_USE use{};
  if (LookupAccountNameW(nullptr, ToWide(name).c_str(), buffer, &sid_size, domain, &domain_size,
                         &use) &&
      CanBeInAToken(use))
    return SidToText(buffer);
  return absl::NotFoundError(absl::StrCat("no ", kind, " \"", name, "\" on this system"));
}

}  // namespace

absl::StatusOr<PeerIdentity> IdentifyPeer(const OsHandle& stream) {
  DWORD flags = 0;
  if (!GetNamedPipeInfo(stream.get(), &flags, nullptr, nullptr, nullptr))
    return LastOsError("inspect the pipe");
  return (flags & PIPE_SERVER_END) != 0 ? IdentifyClient(stream) : IdentifyServer(stream);
}

uint64_t SystemTicks() {
  FILETIME now{};
  GetSystemTimePreciseAsFileTime(&now);
  return Ticks(now);
}

absl::Status CheckStartedBefore(const OsHandle& process, uint64_t moment) {
  FILETIME created{}, exited{}, kernel{}, user{};
  if (!GetProcessTimes(process.get(), &created, &exited, &kernel, &user))
    return LastOsError("learn when a process started");
  if (Ticks(created) <= moment) return absl::OkStatus();
  return absl::UnauthenticatedError(
      absl::StrCat("process ", GetProcessId(process.get()), " started after it connected"));
}

absl::Status CheckStillConnected(const OsHandle& stream) {
  if (PeekNamedPipe(stream.get(), nullptr, 0, nullptr, nullptr, nullptr)) return absl::OkStatus();
  return absl::UnauthenticatedError("the peer closed the connection before it was identified");
}

absl::Status CheckImpersonation(const OsHandle& stream, const Peer& peer) {
  if (!ImpersonateNamedPipeClient(stream.get()))
    return absl::UnauthenticatedError(LastOsError("identify the client by its pipe").message());
  HANDLE raw = nullptr;
  const bool opened = OpenThreadToken(GetCurrentThread(), TOKEN_QUERY, TRUE, &raw);
  const absl::Status failure = opened ? absl::OkStatus() : LastOsError("open the client's token");
  // A thread that stayed impersonated would act in the client's name.
  if (!RevertToSelf()) std::abort();
  if (!opened) return absl::UnauthenticatedError(failure.message());
  const OsHandle token(raw);
  VRAMD_ASSIGN_OR_RETURN(const std::string user, TokenUser(token));
  if (user == peer.user_id) return absl::OkStatus();
  return absl::UnauthenticatedError(absl::StrCat("the pipe was opened by ", user, ", but process ",
                                                 peer.process_id, " runs as ", peer.user_id));
}

std::string OwnUserId() {
  HANDLE token = nullptr;
  if (!OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token)) return "";
  return TokenUser(OsHandle(token)).value_or("");
}

absl::StatusOr<std::string> ResolveUser(absl::string_view name) {
  return ResolveAccount(name, "user");
}

absl::StatusOr<std::string> ResolveGroup(absl::string_view name) {
  return ResolveAccount(name, "group");
}

absl::Status CheckServerTrusted(const Peer& server, absl::string_view trusted_user) {
  if (server.is_administrator || server.user_id == OwnUserId()) return absl::OkStatus();
  if (!trusted_user.empty()) {
    VRAMD_ASSIGN_OR_RETURN(const std::string trusted, ResolveUser(trusted_user));
    if (server.user_id == trusted) return absl::OkStatus();
  }
  return absl::PermissionDeniedError(absl::StrCat(
      "the endpoint is served by ", server.Describe(),
      ", which is neither this user nor SYSTEM; name that user as trusted if it should be"));
}

}  // namespace vramd
