#include "rpc/channel.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/bury.h"
#include "base/status_macros.h"
#include "rpc/connection.h"

namespace vramd {
namespace {

absl::StatusOr<std::string> Frame(const google::protobuf::MessageLite& message) {
  const size_t size = message.ByteSizeLong();
  if (size > kMaxMessageSize)
    return absl::ResourceExhaustedError(absl::StrCat("a request of ", size, " bytes is too large; ",
                                                     "the limit is ", kMaxMessageSize));
  std::string body = MessagePrefix(size);
  if (!message.AppendToString(&body)) return absl::InternalError("cannot serialize the request");
  return body;
}

absl::Status Parse(const std::string& bytes, google::protobuf::MessageLite* message) {
  if (message->ParseFromString(bytes)) return absl::OkStatus();
  return absl::InternalError(absl::StrCat("the server sent what is no ", message->GetTypeName()));
}

}  // namespace

absl::StatusOr<std::shared_ptr<Channel>> Channel::Create(OsHandle stream, Metadata metadata) {
  VRAMD_ASSIGN_OR_RETURN(auto connection,
                         Connection::Create(std::move(stream), std::move(metadata)));
  return std::shared_ptr<Channel>(new Channel(std::move(connection)));
}

Channel::Channel(std::unique_ptr<Connection> connection) : connection_(std::move(connection)) {}

Channel::~Channel() {
  if (!birth_.is_here()) Bury(std::move(connection_));
}

absl::Status Channel::CheckBirth() const {
  if (birth_.is_here()) return absl::OkStatus();
  return absl::FailedPreconditionError(
      "the connection was made before fork() and belongs to the parent process");
}

bool Channel::broken() { return !birth_.is_here() || connection_->broken(); }

NativeHandle Channel::poll_handle() {
  return birth_.is_here() ? connection_->poll_handle() : kInvalidNativeHandle;
}

absl::Status Channel::Call(absl::string_view method, const google::protobuf::MessageLite& request,
                           google::protobuf::MessageLite* reply, Clock::time_point deadline) {
  VRAMD_RETURN_IF_ERROR(CheckBirth());
  if (Clock::now() >= deadline) return absl::DeadlineExceededError("Deadline Exceeded");
  VRAMD_ASSIGN_OR_RETURN(std::string body, Frame(request));
  VRAMD_ASSIGN_OR_RETURN(const auto call, connection_->Start(method, std::move(body),
                                                             Answer::Kind::kOneMessage, deadline));
  if (absl::Status waited = connection_->Await(*call, deadline); !waited.ok()) {
    connection_->Cancel(*call, waited);
    return waited;
  }
  // The server keeps the same deadline, and tells of it by taking the stream away.
  if (call->status().code() == absl::StatusCode::kCancelled && Clock::now() >= deadline)
    return absl::DeadlineExceededError("Deadline Exceeded");
  VRAMD_RETURN_IF_ERROR(call->status());
  VRAMD_ASSIGN_OR_RETURN(const std::string bytes, connection_->Take(*call));
  return Parse(bytes, reply);
}

void Channel::Send(absl::string_view method, const google::protobuf::MessageLite& request,
                   std::chrono::milliseconds patience) {
  if (!birth_.is_here()) return;
  if (auto body = Frame(request); body.ok()) connection_->Send(method, *std::move(body), patience);
}

absl::StatusOr<std::unique_ptr<ServerStream>> Channel::Open(
    absl::string_view method, const google::protobuf::MessageLite& request) {
  VRAMD_RETURN_IF_ERROR(CheckBirth());
  VRAMD_ASSIGN_OR_RETURN(std::string body, Frame(request));
  VRAMD_ASSIGN_OR_RETURN(
      auto call,
      connection_->Start(method, std::move(body), Answer::Kind::kStream, Clock::time_point::max()));
  return std::unique_ptr<ServerStream>(new ServerStream(shared_from_this(), std::move(call)));
}

ServerStream::ServerStream(std::shared_ptr<Channel> channel, std::shared_ptr<PendingCall> call)
    : channel_(std::move(channel)), call_(std::move(call)) {}

ServerStream::~ServerStream() {
  Cancel();
  if (!channel_->birth_.is_here()) Bury(std::move(call_));
}

absl::Status ServerStream::Read(google::protobuf::MessageLite* message,
                                Clock::time_point deadline) {
  VRAMD_RETURN_IF_ERROR(channel_->CheckBirth());
  VRAMD_RETURN_IF_ERROR(channel_->connection_->Await(*call_, deadline));
  VRAMD_ASSIGN_OR_RETURN(const std::string bytes, channel_->connection_->Take(*call_));
  return Parse(bytes, message);
}

void ServerStream::Cancel() {
  if (channel_->birth_.is_here())
    channel_->connection_->Cancel(*call_, absl::CancelledError("the stream was cancelled"));
}

}  // namespace vramd
