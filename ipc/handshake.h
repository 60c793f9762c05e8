// The bytes before gRPC: one fixed-size greeting each way.
//
//   client -> broker   ClientHello, 32 bytes
//   broker -> client   ServerHello, 256 bytes; on Linux, when it welcomes, it carries one end of a
//                      SOCK_SEQPACKET pair, the handle lane (SCM_RIGHTS)
//
// Integers are little-endian, reserved bytes are zero. The client sends nothing more before it has
// the whole ServerHello; the next byte after the greetings is gRPC's. A size, magic or major
// version that does not fit ends the connection. Encoding and decoding are pure and thread-safe.
#ifndef VRAMD_IPC_HANDSHAKE_H_
#define VRAMD_IPC_HANDSHAKE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/environment.h"
#include "base/ids.h"

namespace vramd {

inline constexpr uint16_t kProtocolMajor = 1;
inline constexpr uint16_t kProtocolMinor = 0;

inline constexpr size_t kClientHelloSize = 32;
inline constexpr size_t kServerHelloSize = 256;
inline constexpr size_t kMaxRefusalText = 208;

using ClientHelloBytes = std::array<uint8_t, kClientHelloSize>;
using ServerHelloBytes = std::array<uint8_t, kServerHelloSize>;

struct ClientHello {
  uint16_t major = kProtocolMajor;
  uint16_t minor = kProtocolMinor;
  uint32_t features = 0;  // none defined yet; unknown bits are ignored
};

struct ServerHello {
  uint16_t major = kProtocolMajor;
  uint16_t minor = kProtocolMinor;
  uint32_t features = 0;
  absl::Status refusal;  // OK: welcome
  SessionId session;
  SecretToken token{};
};

ClientHelloBytes Encode(const ClientHello& hello);
ServerHelloBytes Encode(const ServerHello& hello);

// INVALID_ARGUMENT for a wrong magic or non-zero reserved bytes, FAILED_PRECONDITION for another
// major version; the message says what was seen.
absl::StatusOr<ClientHello> DecodeClientHello(const ClientHelloBytes& bytes);
absl::StatusOr<ServerHello> DecodeServerHello(const ServerHelloBytes& bytes);

}  // namespace vramd

#endif  // VRAMD_IPC_HANDSHAKE_H_
