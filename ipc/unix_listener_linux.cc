#include "ipc/unix_listener_linux.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/os_error.h"
#include "base/status_macros.h"
#include "ipc/peer_identity.h"
#include "ipc/unix_socket_linux.h"

namespace vramd {
namespace {

constexpr int kBacklog = 128;

// Whoever may write to the directory can put another socket in our place.
absl::Status CheckDirectory(const std::string& directory) {
  struct stat facts {};
  if (stat(directory.c_str(), &facts) != 0) return LastOsError(absl::StrCat("inspect ", directory));
  if (facts.st_uid != geteuid() && facts.st_uid != 0)
    return absl::PermissionDeniedError(
        absl::StrCat(directory, " belongs to user ", facts.st_uid,
                     ": the socket's directory must be this user's own, or root's"));
  const bool sticky = (facts.st_mode & S_ISVTX) != 0;
  if ((facts.st_mode & 0022) != 0 && !sticky)
    return absl::PermissionDeniedError(absl::StrCat(
        "others may write to ", directory, ": run chmod go-w on it, or choose another endpoint"));
  return absl::OkStatus();
}

// True if it was not there before.
absl::StatusOr<bool> MakeDirectory(const std::string& directory, mode_t mode) {
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(directory).parent_path(), error);
  const bool made = mkdir(directory.c_str(), mode) == 0;
  if (made) {
    if (chmod(directory.c_str(), mode) != 0)
      return LastOsError(absl::StrCat("set the mode of ", directory));
  } else if (errno != EEXIST) {
    return LastOsError(absl::StrCat("make the directory ", directory));
  }
  VRAMD_RETURN_IF_ERROR(CheckDirectory(directory));
  return made;
}

absl::StatusOr<OsHandle> TakeLock(const std::string& path) {
  const std::string lock_path = absl::StrCat(path, ".lock");
  OsHandle lock(open(lock_path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!lock.valid()) return LastOsError(absl::StrCat("open ", lock_path));
  if (flock(lock.get(), LOCK_EX | LOCK_NB) == 0) return lock;
  if (errno == EWOULDBLOCK)
    return absl::AlreadyExistsError(
        absl::StrCat("a broker serves ", path, " already; stop it, or choose another --endpoint"));
  return LastOsError(absl::StrCat("lock ", lock_path));
}

// A socket file without a lock holder: from a dead broker, or from another kind of server, which
// is left alone if it lives.
absl::Status RemoveStaleSocket(const std::string& path) {
  struct stat facts {};
  if (lstat(path.c_str(), &facts) != 0) {
    return errno == ENOENT ? absl::OkStatus() : LastOsError(absl::StrCat("inspect ", path));
  }
  if (!S_ISSOCK(facts.st_mode))
    return absl::AlreadyExistsError(
        absl::StrCat(path, " exists and is no socket; it is left alone: remove it by hand"));
  const OsHandle probe = NewUnixStream();
  if (!probe.valid()) return LastOsError("make a socket");
  // Any other answer, such as a full queue, comes from somebody who lives.
  if (ConnectUnix(probe, path) == 0 || errno != ECONNREFUSED)
    return absl::AlreadyExistsError(absl::StrCat("another program serves ", path));
  if (unlink(path.c_str()) != 0) return LastOsError(absl::StrCat("remove the stale socket ", path));
  return absl::OkStatus();
}

absl::Status GiveToGroup(const std::string& path, const std::string& group) {
  VRAMD_ASSIGN_OR_RETURN(const std::string id, ResolveGroup(group));
  gid_t gid = 0;
  if (!absl::SimpleAtoi(id, &gid)) return absl::InternalError(absl::StrCat("bad gid ", id));
  if (chown(path.c_str(), static_cast<uid_t>(-1), gid) != 0)
    return LastOsError(absl::StrCat("give ", path, " to group ", group));
  return absl::OkStatus();
}

int SocketOption(const OsHandle& socket, int option) {
  int value = 0;
  socklen_t size = sizeof(value);
  return getsockopt(socket.get(), SOL_SOCKET, option, &value, &size) == 0 ? value : 0;
}

}  // namespace

absl::StatusOr<UnixListener> UnixListener::Bind(const std::string& path, const std::string& group) {
  const std::string directory = std::filesystem::path(path).parent_path().string();
  VRAMD_ASSIGN_OR_RETURN(const bool made, MakeDirectory(directory, group.empty() ? 0700 : 0750));
  UnixListener listener;
  VRAMD_ASSIGN_OR_RETURN(listener.lock_, TakeLock(path));
  VRAMD_RETURN_IF_ERROR(RemoveStaleSocket(path));
  listener.socket_ = NewUnixStream();
  if (!listener.socket_.valid()) return LastOsError("make a socket");
  const sockaddr_un address = UnixAddress(path);
  // Nobody can connect before listen(), so there is no moment with a wider mode.
  if (bind(listener.socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) !=
      0)
    return LastOsError(absl::StrCat("bind ", path));
  listener.path_ = path;
  if (!group.empty()) {
    // A directory that was there may hold other things: whom they belong to is not ours to say.
    if (made) VRAMD_RETURN_IF_ERROR(GiveToGroup(directory, group));
    VRAMD_RETURN_IF_ERROR(GiveToGroup(path, group));
  }
  if (chmod(path.c_str(), group.empty() ? 0600 : 0660) != 0)
    return LastOsError(absl::StrCat("set the mode of ", path));
  if (listen(listener.socket_.get(), kBacklog) != 0)
    return LastOsError(absl::StrCat("listen on ", path));
  return listener;
}

absl::StatusOr<UnixListener> UnixListener::Adopt(OsHandle socket) {
  sockaddr_un address{};
  socklen_t size = sizeof(address);
  if (getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0)
    return LastOsError("inspect the inherited socket");
  if (address.sun_family != AF_UNIX || SocketOption(socket, SO_TYPE) != SOCK_STREAM ||
      SocketOption(socket, SO_ACCEPTCONN) == 0)
    return absl::InvalidArgumentError(
        "the inherited socket is no listening Unix stream socket: use ListenStream= with a path");
  if (fcntl(socket.get(), F_SETFL, O_NONBLOCK) != 0 ||
      fcntl(socket.get(), F_SETFD, FD_CLOEXEC) != 0)
    return LastOsError("prepare the inherited socket");
  UnixListener listener;
  listener.socket_ = std::move(socket);
  // The longest path leaves no room for a NUL.
  listener.path_.assign(address.sun_path, strnlen(address.sun_path, sizeof(address.sun_path)));
  return listener;
}

void UnixListener::Close() {
  // The lock is still held here, so the file cannot be another broker's.
  if (socket_.valid() && lock_.valid()) unlink(path_.c_str());
  socket_.Reset();
  lock_.Reset();
}

UnixListener::~UnixListener() { Close(); }

}  // namespace vramd
