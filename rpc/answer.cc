#include "rpc/answer.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "nghttp2/nghttp2.h"
#include "rpc/status_map.h"

namespace vramd {
namespace {

// As HTTP/2 counts: a field takes 32 bytes beyond its name and value.
constexpr size_t kFieldOverhead = 32;
constexpr size_t kMaxBlockSize = 64 << 10;

}  // namespace

bool Answer::OnField(absl::string_view name, absl::string_view value) {
  block_size_ += name.size() + value.size() + kFieldOverhead;
  if (block_size_ > kMaxBlockSize) {
    Fail(absl::ResourceExhaustedError(absl::StrCat("the server sent more than ", kMaxBlockSize,
                                                   " bytes of header fields for one call")));
    return false;
  }
  Judge(name, value);
  return true;
}

void Answer::Judge(absl::string_view name, absl::string_view value) {
  if (name == ":status") {
    if (!absl::SimpleAtoi(value, &http_status_)) http_status_ = 0;
  } else if (name == "grpc-status") {
    grpc_status_ = std::string(value);
  } else if (name == "grpc-message") {
    grpc_message_ = std::string(value);
  } else if (name == "grpc-encoding" && value != "identity") {
    Fail(absl::InternalError(
        absl::StrCat("the server compresses by '", value, "', though no compression was offered")));
  } else if (name == "content-type" && http_status_ == 200 &&
             !absl::StartsWith(value, "application/grpc")) {
    Fail(absl::UnknownError(
        absl::StrCat("the server's answer is not gRPC's: its content-type is '", value, "'")));
  }
}

// A status in the 100s announces another block of fields, so it says nothing.
void Answer::OnFieldsEnd() {
  block_size_ = 0;
  if (http_status_ >= 200 && http_status_ != 200 && !grpc_status_) Conclude();
}

void Answer::OnData(absl::string_view bytes) {
  held_ += bytes.size();
  if (ended()) return;
  const size_t before = messages_.size();
  if (absl::Status read = reader_.Feed(bytes, &messages_); !read.ok()) return Fail(std::move(read));
  for (size_t i = before; i < messages_.size(); ++i) queued_ += kPrefixSize + messages_[i].size();
  if (kind_ == Kind::kOneMessage && messages_.size() > 1)
    Fail(absl::UnimplementedError("the server answered a unary call with several messages"));
}

void Answer::OnEnd() {
  if (!ended()) Conclude();
}

void Answer::Conclude() {
  absl::Status status;
  if (grpc_status_) {
    status = absl::Status(CodeOfText(*grpc_status_), DecodeStatusMessage(grpc_message_));
  } else if (http_status_ != 0 && http_status_ != 200) {
    status = absl::Status(CodeOfHttpStatus(http_status_),
                          absl::StrCat("the server answered with HTTP status ", http_status_));
  } else {
    status = absl::UnknownError("the server ended the call without a status");
  }
  if (status.ok() && reader_.partial_size() > 0)
    status = absl::InternalError("the server ended the call amid a message");
  if (status.ok() && kind_ == Kind::kOneMessage && messages_.empty())
    status = absl::UnimplementedError("the server answered a unary call without a message");
  Fail(std::move(status));
}

void Answer::OnReset(uint32_t error) {
  if (grpc_status_ && error == NGHTTP2_NO_ERROR) return OnEnd();
  Fail(absl::Status(CodeOfHttp2Error(error),
                    absl::StrCat("the call's stream was reset: ", nghttp2_http2_strerror(error))));
}

void Answer::Fail(absl::Status status) {
  if (!status_) status_ = std::move(status);
}

std::string Answer::TakeMessage() {
  std::string message = std::move(messages_.front());
  messages_.pop_front();
  queued_ -= kPrefixSize + message.size();
  return message;
}

void Answer::Discard() {
  messages_.clear();
  queued_ = 0;
}

// The part of a message that has begun may have been returned before it had company in the queue,
// so what is kept errs on the side of too much; it is made up for when the queue is empty again.
size_t Answer::TakeConsumed() {
  const bool holds_back = kind_ == Kind::kStream && !messages_.empty();
  const size_t kept = holds_back ? std::min(held_, queued_ + reader_.partial_size()) : 0;
  return std::exchange(held_, kept) - kept;
}

}  // namespace vramd
