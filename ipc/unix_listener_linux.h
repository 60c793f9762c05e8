// A listening Unix socket with its lock. Linux only; used by the door.
#ifndef VRAMD_IPC_UNIX_LISTENER_LINUX_H_
#define VRAMD_IPC_UNIX_LISTENER_LINUX_H_

#include <string>

#include "absl/status/statusor.h"
#include "base/os_handle.h"

namespace vramd {

// Beside the socket lies PATH.lock, which a live broker holds locked. Who gets the lock may replace
// a socket that nobody serves; the kernel drops the lock when its holder dies, however it dies.
class UnixListener {
 public:
  // Makes the directory (0700, or 0750 with the group) if it is missing, and the socket (0600, or
  // 0660 with the group). ALREADY_EXISTS if someone serves it; PERMISSION_DENIED if the directory
  // is another user's or others may write to it.
  static absl::StatusOr<UnixListener> Bind(const std::string& path, const std::string& group);

  // A socket that the service manager made; it stays when we go.
  static absl::StatusOr<UnixListener> Adopt(OsHandle socket);

  UnixListener(UnixListener&&) = default;
  UnixListener& operator=(UnixListener&&) = default;
  ~UnixListener();

  const OsHandle& socket() const { return socket_; }
  const std::string& path() const { return path_; }
  void Close();  // removes the socket file if we made it

 private:
  UnixListener() = default;
  OsHandle socket_;
  OsHandle lock_;  // valid only if we made the socket
  std::string path_;
};

}  // namespace vramd

#endif  // VRAMD_IPC_UNIX_LISTENER_LINUX_H_
