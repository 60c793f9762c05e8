#include <grp.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <ctime>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/os_error.h"
#include "base/status_macros.h"
#include "ipc/peer_identity.h"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77  // Linux 6.5; the C library's headers may be older than the kernel
#endif

namespace vramd {
namespace {

// This process's trouble, which says nothing about the peer.
bool IsShortage(int error) { return error == EMFILE || error == ENFILE || error == ENOMEM; }

std::string ReadFile(const std::string& path) {
  std::string text(4096, '\0');
  std::FILE* file = std::fopen(path.c_str(), "re");
  if (file == nullptr) return "";
  text.resize(std::fread(text.data(), 1, text.size(), file));
  std::fclose(file);
  return text;
}

// Clock ticks since boot at which the process started: field 22 of /proc/PID/stat. The second field
// is the program's name in parentheses and may itself hold spaces, so counting starts after it.
absl::StatusOr<uint64_t> StartTicks(pid_t pid) {
  const std::string stat = ReadFile(absl::StrCat("/proc/", pid, "/stat"));
  const size_t name_end = stat.rfind(") ");
  uint64_t ticks = 0;
  if (name_end != std::string::npos) {
    const std::vector<std::string> fields =
        absl::StrSplit(stat.substr(name_end + 2), absl::MaxSplits(' ', 20));
    if (fields.size() > 19 && absl::SimpleAtoi(fields[19], &ticks)) return ticks;
  }
  return absl::UnauthenticatedError(absl::StrCat("process ", pid, " ended during the handshake"));
}

uint64_t TicksNow() {
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  const auto per_second = static_cast<uint64_t>(sysconf(_SC_CLK_TCK));
  return static_cast<uint64_t>(now.tv_sec) * per_second +
         static_cast<uint64_t>(now.tv_nsec) * per_second / 1'000'000'000;
}

// Below Linux 6.5 the socket tells a number only. The process that bears it now is the one that
// connected, unless it started after the connection was made.
absl::StatusOr<OsHandle> HoldByNumber(pid_t pid) {
  const uint64_t connected_before = TicksNow();
  OsHandle process(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  if (!process.valid() && IsShortage(errno)) return LastOsError("hold the peer's process");
  if (!process.valid())
    return absl::UnauthenticatedError(
        absl::StrCat("process ", pid, " cannot be held (pidfd_open, errno ", errno, ")"));
  VRAMD_ASSIGN_OR_RETURN(const uint64_t started, StartTicks(pid));
  if (started > connected_before)
    return absl::UnauthenticatedError(absl::StrCat("process ", pid, " started after it connected"));
  return process;
}

absl::StatusOr<OsHandle> HoldProcess(const OsHandle& stream, pid_t pid) {
  int pidfd = -1;
  socklen_t size = sizeof(pidfd);
  if (getsockopt(stream.get(), SOL_SOCKET, SO_PEERPIDFD, &pidfd, &size) == 0)
    return OsHandle(pidfd);
  if (IsShortage(errno)) return LastOsError("hold the peer's process");
  if (errno != ENOPROTOOPT)
    return absl::UnauthenticatedError(
        absl::StrCat("process ", pid, " ended before it was identified"));
  return HoldByNumber(pid);
}

// An entry of the user or group database, with the text that it points to.
template <typename Entry>
struct Account {
  Entry entry{};
  std::vector<char> text;
  Entry* found = nullptr;  // null: there is no such account
};

// `lookup` is getpwnam_r or one of its kin, which say ERANGE until they have room enough. An error
// means that the database could not be asked: that is not the same as "no such account".
template <typename Entry, typename Lookup>
absl::Status LookUp(Account<Entry>& account, Lookup lookup) {
  int error = ERANGE;
  for (size_t room = 4096; error == ERANGE && room <= (size_t{1} << 24); room *= 2) {
    account.text.resize(room);
    error = lookup(&account.entry, account.text.data(), room, &account.found);
  }
  // getpwnam_r(3) lists these as ways to say "not found".
  if (error == 0 || error == ENOENT || error == ESRCH || error == EBADF || error == EPERM)
    return absl::OkStatus();
  return OsError(error, "ask the system's user database");
}

absl::StatusOr<std::string> UserName(uid_t uid) {
  Account<passwd> account;
  VRAMD_RETURN_IF_ERROR(LookUp(account, [uid](auto... out) { return getpwuid_r(uid, out...); }));
  return account.found != nullptr ? account.found->pw_name : absl::StrCat(uid);
}

std::vector<std::string> GroupIds(const OsHandle& stream, gid_t primary) {
  std::vector<std::string> ids = {absl::StrCat(primary)};
  std::vector<gid_t> groups(64);
  socklen_t size;
  int answer;
  do {  // where there are more, the kernel says how many
    size = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
    answer = getsockopt(stream.get(), SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size);
    groups.resize(size / sizeof(gid_t));
  } while (answer != 0 && errno == ERANGE);
  if (answer == 0)
    for (const gid_t group : groups) ids.push_back(absl::StrCat(group));
  return ids;
}

std::string ExecutablePath(pid_t pid) {
  std::array<char, PATH_MAX> path;
  const ssize_t length =
      readlink(absl::StrCat("/proc/", pid, "/exe").c_str(), path.data(), path.size());
  return length > 0 ? std::string(path.data(), static_cast<size_t>(length)) : "";
}

}  // namespace

absl::StatusOr<PeerIdentity> IdentifyPeer(const OsHandle& stream) {
  ucred credentials{};
  socklen_t size = sizeof(credentials);
  if (getsockopt(stream.get(), SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0)
    return LastOsError("learn who is at the other end (SO_PEERCRED)");
  if (credentials.pid <= 0)
    return absl::UnauthenticatedError(
        "the peer's process is not visible from here (another PID namespace?)");
  PeerIdentity identity;
  VRAMD_ASSIGN_OR_RETURN(identity.process, HoldProcess(stream, credentials.pid));
  identity.peer.user_id = absl::StrCat(credentials.uid);
  VRAMD_ASSIGN_OR_RETURN(identity.peer.user_name, UserName(credentials.uid));
  identity.peer.group_ids = GroupIds(stream, credentials.gid);
  identity.peer.process_id = static_cast<uint32_t>(credentials.pid);
  identity.peer.executable = ExecutablePath(credentials.pid);
  identity.peer.is_administrator = credentials.uid == 0;
  return identity;
}

std::string OwnUserId() { return absl::StrCat(geteuid()); }

absl::StatusOr<std::string> ResolveUser(absl::string_view name) {
  uid_t uid = 0;
  if (absl::SimpleAtoi(name, &uid)) return absl::StrCat(uid);
  Account<passwd> account;
  const std::string text(name);
  VRAMD_RETURN_IF_ERROR(
      LookUp(account, [&](auto... out) { return getpwnam_r(text.c_str(), out...); }));
  if (account.found != nullptr) return absl::StrCat(account.found->pw_uid);
  return absl::NotFoundError(absl::StrCat("no user \"", name, "\" on this system"));
}

absl::StatusOr<std::string> ResolveGroup(absl::string_view name) {
  gid_t gid = 0;
  if (absl::SimpleAtoi(name, &gid)) return absl::StrCat(gid);
  Account<group> account;
  const std::string text(name);
  VRAMD_RETURN_IF_ERROR(
      LookUp(account, [&](auto... out) { return getgrnam_r(text.c_str(), out...); }));
  if (account.found != nullptr) return absl::StrCat(account.found->gr_gid);
  return absl::NotFoundError(absl::StrCat("no group \"", name, "\" on this system"));
}

absl::Status CheckServerTrusted(const Peer& server, absl::string_view trusted_user) {
  if (server.is_administrator || server.user_id == OwnUserId()) return absl::OkStatus();
  if (!trusted_user.empty()) {
    VRAMD_ASSIGN_OR_RETURN(const std::string trusted, ResolveUser(trusted_user));
    if (server.user_id == trusted) return absl::OkStatus();
  }
  return absl::PermissionDeniedError(absl::StrCat(
      "the endpoint is served by ", server.Describe(),
      ", which is neither this user nor root; name that user as trusted if it should be"));
}

}  // namespace vramd
