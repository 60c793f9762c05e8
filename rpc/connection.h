// Connection: an Http2Session on a ByteStream, shared by threads of which one reads for all.
//
// The reader's part goes round: a thread that waits for an answer takes it if nobody has it, waits
// at the stream without the lock, and takes in what came with the lock. Everybody else waits at a
// condition of his own call. Whoever leaves hands the part to one who still waits.
//
// Thread-safe.
#ifndef VRAMD_RPC_CONNECTION_H_
#define VRAMD_RPC_CONNECTION_H_

#include <chrono>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <string>

#include "base/mutex.h"
#include "rpc/answer.h"
#include "rpc/byte_stream.h"
#include "rpc/http2_session.h"

namespace vramd {

// An answer and who waits for it. Guarded by the connection's lock.
class PendingCall final : public Answer {
 public:
  PendingCall(Kind kind, bool counts_as_news) : Answer(kind), counts_as_news_(counts_as_news) {}

 private:
  friend class Connection;
  const bool counts_as_news_;
  bool is_news_ = false;
  int32_t stream_ = 0;
  Condition changed_;
};

class Connection final : Http2Session::Observer {
 public:
  static absl::StatusOr<std::unique_ptr<Connection>> Create(OsHandle stream, Metadata metadata);
  ~Connection() = default;

  bool broken();
  NativeHandle poll_handle();

  absl::StatusOr<std::shared_ptr<PendingCall>> Start(absl::string_view method, std::string body,
                                                     Answer::Kind kind, Clock::time_point deadline);
  void Send(absl::string_view method, std::string body, std::chrono::milliseconds patience);
  // DEADLINE_EXCEEDED, and the call goes on; or OK: it has ended, or has a message for a stream.
  absl::Status Await(PendingCall& call, Clock::time_point deadline);
  // The oldest message. OUT_OF_RANGE when there is none and the call ended well, or how it ended.
  absl::StatusOr<std::string> Take(PendingCall& call);
  void Cancel(PendingCall& call, absl::Status status);

 private:
  using Waiters = std::list<PendingCall*>;

  Connection(std::unique_ptr<ByteStream> stream, Metadata metadata);

  void OnProgress(Answer& answer) override;
  Metadata Fields(absl::string_view method, Clock::time_point deadline) const;
  absl::StatusOr<std::shared_ptr<PendingCall>> Submit(absl::string_view method, std::string body,
                                                      std::shared_ptr<PendingCall> call,
                                                      Clock::time_point deadline)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool IsDone(const PendingCall& call) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Wait(PendingCall& call, Clock::time_point deadline) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void HandOver() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Moves what can be moved without waiting: bytes out, bytes in, and what those bring about.
  void Pump() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Flush() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status WriteOut() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status ReadIn() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void DropErrands() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Break(const absl::Status& why) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void SetNews(PendingCall& call, bool news) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::unique_ptr<ByteStream> stream_;
  const Metadata metadata_;

  Mutex mutex_;
  std::unique_ptr<Http2Session> session_ ABSL_GUARDED_BY(mutex_);
  absl::Status broken_ ABSL_GUARDED_BY(mutex_);  // OK while the connection lives
  bool someone_reads_ ABSL_GUARDED_BY(mutex_) = false;
  bool reader_waits_for_room_ ABSL_GUARDED_BY(mutex_) = false;
  bool is_full_ ABSL_GUARDED_BY(mutex_) = false;  // there is output, and no room for it
  Waiters waiters_ ABSL_GUARDED_BY(mutex_);
  std::multimap<Clock::time_point, std::shared_ptr<PendingCall>> errands_ ABSL_GUARDED_BY(mutex_);
  size_t news_ ABSL_GUARDED_BY(mutex_) = 0;  // streams with something to take
  std::unique_ptr<char[]> buffer_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace vramd

#endif  // VRAMD_RPC_CONNECTION_H_
