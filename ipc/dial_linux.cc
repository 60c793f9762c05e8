#include "ipc/dial.h"

#include <poll.h>

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "base/os_error.h"
#include "base/status_macros.h"
#include "ipc/handshake.h"
#include "ipc/peer_identity.h"
#include "ipc/unix_socket_linux.h"

namespace vramd {
namespace {

absl::Status WaitFor(const OsHandle& stream, short events, Clock::time_point deadline) {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0)
      return absl::DeadlineExceededError("the broker did not answer the greeting in time");
    pollfd waiting = {stream.get(), events, 0};
    const int ready = poll(&waiting, 1, static_cast<int>(left));
    if (ready > 0) return absl::OkStatus();
    if (ready < 0 && errno != EINTR) return LastOsError("wait for the broker");
  }
}

absl::StatusOr<OsHandle> Connect(const std::string& endpoint, Clock::time_point deadline) {
  for (;;) {
    OsHandle stream = NewUnixStream();
    if (!stream.valid()) return LastOsError("make a socket");
    if (ConnectUnix(stream, endpoint) == 0) return stream;
    if (errno == ENOENT || errno == ECONNREFUSED)
      return absl::UnavailableError(
          absl::StrCat("no broker listens at ", endpoint, "; start vramd, or set VRAMD_ENDPOINT"));
    if (errno != EAGAIN) return LastOsError(absl::StrCat("connect to ", endpoint));
    // EAGAIN: the queue of connections is full. A Unix socket offers no event for "there is room",
    // so poll() serves as the pause between two tries.
    if (Clock::now() >= deadline)
      return absl::DeadlineExceededError(
          absl::StrCat("the broker at ", endpoint, " has too many connections waiting"));
    poll(nullptr, 0, 2);
  }
}

absl::Status SendAll(const OsHandle& stream, const ClientHelloBytes& bytes) {
  const ssize_t sent = send(stream.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (sent == static_cast<ssize_t>(bytes.size())) return absl::OkStatus();
  // A broker that refuses by identity may close before it reads; its words are still to be had.
  if (sent < 0 && (errno == EPIPE || errno == ECONNRESET)) return absl::OkStatus();
  return LastOsError("send the greeting");
}

// Reads exactly one ServerHello, and the lane's descriptor if it carries one.
absl::StatusOr<ServerHelloBytes> ReceiveHello(const OsHandle& stream, Clock::time_point deadline,
                                              OsHandle* lane) {
  ServerHelloBytes bytes{};
  size_t have = 0;
  while (have < bytes.size()) {
    VRAMD_RETURN_IF_ERROR(WaitFor(stream, POLLIN, deadline));
    iovec data = {bytes.data() + have, bytes.size() - have};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof(control);
    const ssize_t got = recvmsg(stream.get(), &message, MSG_CMSG_CLOEXEC);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (got <= 0) return absl::UnavailableError("the broker closed the connection");
    have += static_cast<size_t>(got);
    const cmsghdr* part = CMSG_FIRSTHDR(&message);
    if (part != nullptr && part->cmsg_level == SOL_SOCKET && part->cmsg_type == SCM_RIGHTS &&
        part->cmsg_len == CMSG_LEN(sizeof(int))) {
      int descriptor;
      std::memcpy(&descriptor, CMSG_DATA(part), sizeof(descriptor));
      lane->Reset(descriptor);
    }
  }
  return bytes;
}

}  // namespace

absl::StatusOr<Line> Dial(const std::string& endpoint, const std::string& trusted_user,
                          Clock::time_point deadline) {
  Line line;
  line.endpoint = endpoint;
  VRAMD_ASSIGN_OR_RETURN(line.stream, Connect(endpoint, deadline));
  VRAMD_ASSIGN_OR_RETURN(PeerIdentity server, IdentifyPeer(line.stream));
  line.server = std::move(server.peer);
  VRAMD_RETURN_IF_ERROR(CheckServerTrusted(line.server, trusted_user));
  VRAMD_RETURN_IF_ERROR(SendAll(line.stream, Encode(ClientHello{})));
  OsHandle lane;
  VRAMD_ASSIGN_OR_RETURN(const ServerHelloBytes bytes, ReceiveHello(line.stream, deadline, &lane));
  VRAMD_ASSIGN_OR_RETURN(const ServerHello hello, DecodeServerHello(bytes));
  VRAMD_RETURN_IF_ERROR(hello.refusal);
  if (!lane.valid()) return absl::UnavailableError("the broker's greeting carries no handle lane");
  line.lane = std::make_unique<HandleReceiver>(std::move(lane));
  line.session = hello.session;
  line.token = hello.token;
  return line;
}

}  // namespace vramd
