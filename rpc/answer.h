// Answer: what came back for one call so far. Knows gRPC's rules for a response, and nothing of
// connections: whoever reads HTTP/2 tells it of header fields, data and the end. Not thread-safe.
#ifndef VRAMD_RPC_ANSWER_H_
#define VRAMD_RPC_ANSWER_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "rpc/grpc_framing.h"

namespace vramd {

class Answer {
 public:
  enum class Kind { kOneMessage, kStream };

  explicit Answer(Kind kind) : kind_(kind) {}
  virtual ~Answer() = default;
  Answer(const Answer&) = delete;
  Answer& operator=(const Answer&) = delete;

  // A field of the block of fields that is being received. False if the block is too large.
  bool OnField(absl::string_view name, absl::string_view value);
  void OnFieldsEnd();
  void OnData(absl::string_view bytes);
  // The server has nothing more to say.
  void OnEnd();
  // The stream is gone, with an HTTP/2 error code if it was reset.
  void OnReset(uint32_t error);
  // Ends the call, unless it has ended.
  void Fail(absl::Status status);

  bool ended() const { return status_.has_value(); }
  // Of an answer that has ended.
  const absl::Status& status() const { return *status_; }

  bool has_message() const { return !messages_.empty(); }
  std::string TakeMessage();
  // Drops the messages that nobody has taken.
  void Discard();

  // Bytes that came in and that flow control still counts as unread, to be returned to the server.
  // All of them, while nothing waits to be taken: a message may be larger than the window.
  size_t TakeConsumed();

 private:
  void Judge(absl::string_view name, absl::string_view value);
  void Conclude();

  const Kind kind_;
  MessageReader reader_;
  std::deque<std::string> messages_;
  size_t held_ = 0;        // bytes received, less those returned
  size_t queued_ = 0;      // the part of them that messages_ takes
  size_t block_size_ = 0;  // of the fields that are being received
  int http_status_ = 0;
  std::optional<std::string> grpc_status_;
  std::string grpc_message_;
  std::optional<absl::Status> status_;
};

}  // namespace vramd

#endif  // VRAMD_RPC_ANSWER_H_
