// Addresses and sockets of the Unix family. Linux only.
#ifndef VRAMD_IPC_UNIX_SOCKET_LINUX_H_
#define VRAMD_IPC_UNIX_SOCKET_LINUX_H_

#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>
#include <string>

#include "base/os_handle.h"

namespace vramd {

// `path` fits: endpoints are checked when they are read.
inline sockaddr_un UnixAddress(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  return address;
}

inline OsHandle NewUnixStream() {
  return OsHandle(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

// 0 when somebody accepts connections at `path`.
inline int ConnectUnix(const OsHandle& socket, const std::string& path) {
  const sockaddr_un address = UnixAddress(path);
  return connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address));
}

}  // namespace vramd

#endif  // VRAMD_IPC_UNIX_SOCKET_LINUX_H_
