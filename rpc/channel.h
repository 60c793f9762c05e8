// One HTTP/2 connection on which gRPC calls are made, without the gRPC library and without a thread
// of its own: whoever waits for an answer reads for everybody.
//
// Nobody need read: what the server sends then stays in the connection until the next call. A
// stream whose messages nobody takes is held up by flow control, and holds up no other call.
//
// An object belongs to the process that made it. In a child after fork() calls answer
// FAILED_PRECONDITION, and destroying one touches nothing that the parent uses.
#ifndef VRAMD_RPC_CHANNEL_H_
#define VRAMD_RPC_CHANNEL_H_

#include <chrono>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/environment.h"
#include "base/fork.h"
#include "base/os_handle.h"
#include "google/protobuf/message_lite.h"
#include "rpc/grpc_framing.h"

namespace vramd {

class Connection;
class PendingCall;
class ServerStream;

// Thread-safe. Clock::time_point::max() is no deadline.
class Channel : public std::enable_shared_from_this<Channel> {
 public:
  // Takes a connected stream socket or overlapped pipe. `metadata` is sent with each call; the
  // value of a key that ends in "-bin" is raw bytes.
  static absl::StatusOr<std::shared_ptr<Channel>> Create(OsHandle stream, Metadata metadata);
  // Ends the connection, whoever else has a copy of the handle.
  ~Channel();
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  // True, for good, once the connection has ended: by either side, by an error, or by a GOAWAY with
  // no call left.
  bool broken();

  // A unary call; `method` is "/package.Service/Method". Code and message are the server's;
  // DEADLINE_EXCEEDED at the deadline, of which the server is told; UNAVAILABLE when the connection
  // breaks. `reply` is written only if the result is OK.
  absl::Status Call(absl::string_view method, const google::protobuf::MessageLite& request,
                    google::protobuf::MessageLite* reply, Clock::time_point deadline);

  // A unary call for its effect: nobody waits, nobody asks how it went. Does not block. If the
  // connection is full, the request leaves with the next use of the channel. Dropped without a word
  // when the connection has ended, or when kMaxErrands are unanswered.
  static constexpr size_t kMaxErrands = 4096;
  void Send(absl::string_view method, const google::protobuf::MessageLite& request,
            std::chrono::milliseconds patience);

  // Begins a call that is answered by a stream of messages. The stream keeps the channel alive.
  absl::StatusOr<std::unique_ptr<ServerStream>> Open(absl::string_view method,
                                                     const google::protobuf::MessageLite& request);

  // An epoll descriptor, readable while the connection has bytes to read or one of the streams has
  // something to take. It is level-triggered: it stays readable until each stream was read, with a
  // deadline that has passed, until DEADLINE_EXCEEDED or its end. The channel's, to be polled only;
  // kInvalidNativeHandle if the system has none to give.
  NativeHandle poll_handle();

 private:
  friend class ServerStream;
  explicit Channel(std::unique_ptr<Connection> connection);
  absl::Status CheckBirth() const;

  const Birth birth_;
  std::unique_ptr<Connection> connection_;
};

// One thread at a time reads; Cancel() is for any thread. The destructor cancels.
class ServerStream {
 public:
  ~ServerStream();
  ServerStream(const ServerStream&) = delete;
  ServerStream& operator=(const ServerStream&) = delete;

  // OK and a message; DEADLINE_EXCEEDED when none has come yet, and the stream goes on;
  // OUT_OF_RANGE when the stream has ended well; any other code: how it ended. What has ended
  // answers the same again.
  absl::Status Read(google::protobuf::MessageLite* message, Clock::time_point deadline);

  // Ends the stream: a Read() that waits ends with CANCELLED, and so does every later one.
  void Cancel();

 private:
  friend class Channel;
  ServerStream(std::shared_ptr<Channel> channel, std::shared_ptr<PendingCall> call);

  std::shared_ptr<Channel> channel_;
  std::shared_ptr<PendingCall> call_;
};

}  // namespace vramd

#endif  // VRAMD_RPC_CHANNEL_H_
