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
  if (errno != ENOPROTOOPT)
    return absl::UnauthenticatedError(
        absl::StrCat("process ", pid, " ended before it was identified"));
  return HoldByNumber(pid);
}

std::string UserName(uid_t uid) {
  std::array<char, 4096> buffer;
  passwd entry{};
  passwd* found = nullptr;
  if (getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr)
    return found->pw_name;
  return absl::StrCat(uid);
}

std::vector<std::string> GroupIds(const OsHandle& stream, gid_t primary) {
  std::vector<std::string> ids = {absl::StrCat(primary)};
  std::array<gid_t, 256> groups;
  socklen_t size = sizeof(groups);
  if (getsockopt(stream.get(), SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size) == 0)
    for (size_t i = 0; i < size / sizeof(gid_t); ++i) ids.push_back(absl::StrCat(groups[i]));
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
  identity.peer.user_name = UserName(credentials.uid);
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
  std::array<char, 4096> buffer;
  passwd entry{};
  passwd* found = nullptr;
  if (getpwnam_r(std::string(name).c_str(), &entry, buffer.data(), buffer.size(), &found) == 0 &&
      found != nullptr)
    return absl::StrCat(found->pw_uid);
  return absl::NotFoundError(absl::StrCat("no user \"", name, "\" on this system"));
}

absl::StatusOr<std::string> ResolveGroup(absl::string_view name) {
  gid_t gid = 0;
  if (absl::SimpleAtoi(name, &gid)) return absl::StrCat(gid);
  std::array<char, 16384> buffer;
  group entry{};
  group* found = nullptr;
  if (getgrnam_r(std::string(name).c_str(), &entry, buffer.data(), buffer.size(), &found) == 0 &&
      found != nullptr)
    return absl::StrCat(found->gr_gid);
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
