#include "ipc/dial.h"

#include <windows.h>

#include "absl/strings/str_cat.h"
#include "base/os_error.h"
#include "base/status_macros.h"
#include "base/wide_windows.h"
#include "ipc/handshake.h"
#include "ipc/peer_identity.h"
#include "ipc/pipe_io_windows.h"

namespace vramd {
namespace {

// Not GENERIC_WRITE, which asks for the right to make further instances of the pipe too.
constexpr DWORD kAccess = FILE_GENERIC_READ | FILE_WRITE_DATA | FILE_WRITE_ATTRIBUTES;

// The server may learn who we are and may not act as us.
constexpr DWORD kFlags = FILE_FLAG_OVERLAPPED | SECURITY_SQOS_PRESENT | SECURITY_IDENTIFICATION;

absl::StatusOr<OsHandle> Connect(const std::string& endpoint, Clock::time_point deadline) {
  const std::wstring name = ToWide(endpoint);
  for (;;) {
    const HANDLE pipe =
        CreateFileW(name.c_str(), kAccess, 0, nullptr, OPEN_EXISTING, kFlags, nullptr);
    if (pipe != INVALID_HANDLE_VALUE) return OsHandle(pipe);
    const DWORD error = GetLastError();
    if (error == ERROR_FILE_NOT_FOUND)
      return absl::UnavailableError(
          absl::StrCat("no broker listens at ", endpoint, "; start vramd, or set VRAMD_ENDPOINT"));
    if (error != ERROR_PIPE_BUSY)
      return OsError(static_cast<int>(error), absl::StrCat("connect to ", endpoint));
    const DWORD left = MillisecondsUntil(deadline);
    // 0 would mean the pipe's own default time here.
    if (left == 0 || (!WaitNamedPipeW(name.c_str(), left) && GetLastError() == ERROR_SEM_TIMEOUT))
      return absl::DeadlineExceededError(
          absl::StrCat("the broker at ", endpoint, " has too many connections waiting"));
  }
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
  const ClientHelloBytes greeting = Encode(ClientHello{});
  // A broker that refuses by identity may close before it reads; its words are still to be had.
  (void)WriteWhole(line.stream, greeting.data(), greeting.size(), deadline);
  ServerHelloBytes answer{};
  const absl::Status heard = ReadWhole(line.stream, answer.data(), answer.size(), deadline);
  if (absl::IsUnavailable(heard)) return absl::UnavailableError("the broker closed the connection");
  VRAMD_RETURN_IF_ERROR(heard);
  VRAMD_ASSIGN_OR_RETURN(const ServerHello hello, DecodeServerHello(answer));
  VRAMD_RETURN_IF_ERROR(hello.refusal);
  line.lane = std::make_unique<HandleReceiver>(OsHandle());
  line.session = hello.session;
  line.token = hello.token;
  return line;
}

}  // namespace vramd
