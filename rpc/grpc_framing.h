// What gRPC puts on an HTTP/2 stream, as bytes: message prefixes, and values of header fields.
// Pure.
#ifndef VRAMD_RPC_GRPC_FRAMING_H_
#define VRAMD_RPC_GRPC_FRAMING_H_

#include <chrono>
#include <cstddef>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace vramd {

// Keys are lower case; the value of a key that ends in "-bin" is raw bytes.
using Metadata = std::vector<std::pair<std::string, std::string>>;

inline constexpr size_t kPrefixSize = 5;  // a flag and a length
inline constexpr size_t kMaxMessageSize = size_t{64} << 20;

// The prefix of a message of `size` bytes, which must be less than 4 GiB.
std::string MessagePrefix(size_t size);

// Takes a stream of bytes apart into messages.
class MessageReader {
 public:
  // Appends the messages that `bytes` completes. RESOURCE_EXHAUSTED for one that is longer than
  // kMaxMessageSize, INTERNAL for one that is compressed: nobody offered the server that. After an
  // error there is nothing more to read.
  absl::Status Feed(absl::string_view bytes, std::deque<std::string>* messages);

  // Bytes of a message that has begun and has not ended.
  size_t partial_size() const { return prefix_.size() + message_.size(); }

 private:
  absl::Status TakePrefix(absl::string_view* bytes);

  std::string prefix_;
  std::string message_;
  size_t size_ = 0;  // of message_ when it is whole; known once the prefix is
};

// A grpc-message as text: %XX decoded, a % before anything else kept as it is, and whatever then is
// not UTF-8 replaced by U+FFFD.
std::string DecodeStatusMessage(absl::string_view value);

// A grpc-timeout: rounded up, at most eight digits and a unit; "0n" if there is no time left.
std::string TimeoutText(std::chrono::nanoseconds left);

// The value of `key` as it goes into a header field: base64 without padding for "-bin".
std::string MetadataText(absl::string_view key, absl::string_view value);

}  // namespace vramd

#endif  // VRAMD_RPC_GRPC_FRAMING_H_
