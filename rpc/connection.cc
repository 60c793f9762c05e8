#include "rpc/connection.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "rpc/channel.h"

namespace vramd {
namespace {

constexpr size_t kReadSize = 64 << 10;
// Reads in a row under the lock, so that a server that never stops does not keep it.
constexpr int kMaxReads = 16;

}  // namespace

absl::StatusOr<std::unique_ptr<Connection>> Connection::Create(OsHandle stream, Metadata metadata) {
  VRAMD_ASSIGN_OR_RETURN(auto bytes, ByteStream::Adopt(std::move(stream)));
  std::unique_ptr<Connection> made(new Connection(std::move(bytes), std::move(metadata)));
  MutexLock lock(made->mutex_);
  VRAMD_ASSIGN_OR_RETURN(made->session_, Http2Session::Create(made.get()));
  made->Flush();
  return made;
}

Connection::Connection(std::unique_ptr<ByteStream> stream, Metadata metadata)
    : stream_(std::move(stream)),
      metadata_([&metadata] {
        for (auto& [key, value] : metadata) value = MetadataText(key, value);
        return std::move(metadata);
      }()),
      buffer_(new char[kReadSize]) {}

bool Connection::broken() {
  if (stream_->hung_up()) return true;
  MutexLock lock(mutex_);
  return !broken_.ok() || session_->spent();
}

NativeHandle Connection::poll_handle() {
  MutexLock lock(mutex_);
  return stream_->poll_handle();
}

// ---- Calls ------------------------------------------------------------------------------------

Metadata Connection::Fields(absl::string_view method, Clock::time_point deadline) const {
  Metadata fields = {
      {":method", "POST"},        {":scheme", "http"}, {":path", std::string(method)},
      {":authority", "vramd"},    {"te", "trailers"},  {"content-type", "application/grpc"},
      {"user-agent", "vramd-rpc"}};
  if (deadline != Clock::time_point::max())
    fields.emplace_back("grpc-timeout", TimeoutText(deadline - Clock::now()));
  fields.insert(fields.end(), metadata_.begin(), metadata_.end());
  return fields;
}

absl::StatusOr<std::shared_ptr<PendingCall>> Connection::Submit(absl::string_view method,
                                                                std::string body,
                                                                std::shared_ptr<PendingCall> call,
                                                                Clock::time_point deadline) {
  VRAMD_RETURN_IF_ERROR(broken_);
  VRAMD_ASSIGN_OR_RETURN(call->stream_,
                         session_->Start(Fields(method, deadline), std::move(body), call));
  return call;
}

absl::StatusOr<std::shared_ptr<PendingCall>> Connection::Start(absl::string_view method,
                                                               std::string body, Answer::Kind kind,
                                                               Clock::time_point deadline) {
  MutexLock lock(mutex_);
  auto call = std::make_shared<PendingCall>(kind, kind == Answer::Kind::kStream);
  VRAMD_ASSIGN_OR_RETURN(call, Submit(method, std::move(body), std::move(call), deadline));
  Flush();
  return call;
}

// Answers are taken in here, too: a thread that sends and never calls would leave them all to the
// server otherwise.
void Connection::Send(absl::string_view method, std::string body,
                      std::chrono::milliseconds patience) {
  MutexLock lock(mutex_);
  DropErrands();
  if (errands_.size() >= Channel::kMaxErrands) Pump();
  if (errands_.size() >= Channel::kMaxErrands) return;
  const auto deadline = Clock::now() + patience;
  auto call = Submit(method, std::move(body),
                     std::make_shared<PendingCall>(Answer::Kind::kOneMessage, false), deadline);
  if (!call.ok()) return;
  errands_.emplace(deadline, *std::move(call));
  Pump();
}

// Those that are answered leave when the oldest does: they are small, and few.
void Connection::DropErrands() {
  const auto now = Clock::now();
  for (auto errand = errands_.begin(); errand != errands_.end();) {
    PendingCall& call = *errand->second;
    if (!call.ended() && errand->first > now) break;
    if (!call.ended()) session_->Cancel(call.stream_);
    errand = errands_.erase(errand);
  }
}

absl::StatusOr<std::string> Connection::Take(PendingCall& call) {
  MutexLock lock(mutex_);
  if (!call.has_message()) {
    SetNews(call, false);
    return call.status().ok() ? absl::OutOfRangeError("the stream has ended") : call.status();
  }
  std::string message = call.TakeMessage();
  session_->Taken(call.stream_, call);
  Flush();
  SetNews(call, call.has_message() || call.ended());
  return message;
}

void Connection::Cancel(PendingCall& call, absl::Status status) {
  MutexLock lock(mutex_);
  session_->Cancel(call.stream_);
  call.Fail(std::move(status));
  call.Discard();
  SetNews(call, false);
  call.changed_.NotifyAll();
  Flush();
}

// ---- Waiting ----------------------------------------------------------------------------------

bool Connection::IsDone(const PendingCall& call) const {
  return call.ended() || (call.counts_as_news_ && call.has_message());
}

absl::Status Connection::Await(PendingCall& call, Clock::time_point deadline) {
  MutexLock lock(mutex_);
  bool looked = false;
  while (!IsDone(call)) {
    if (Clock::now() < deadline) {
      Wait(call, deadline);
      continue;
    }
    if (looked) break;
    looked = true;
    Pump();
  }
  HandOver();
  return IsDone(call) ? absl::OkStatus() : absl::DeadlineExceededError("Deadline Exceeded");
}

void Connection::Wait(PendingCall& call, Clock::time_point deadline) {
  if (someone_reads_) {
    const auto place = waiters_.insert(waiters_.end(), &call);
    if (deadline == Clock::time_point::max()) {
      call.changed_.Wait(mutex_);
    } else {
      call.changed_.WaitUntil(mutex_, deadline);
    }
    waiters_.erase(place);
    return;
  }
  someone_reads_ = true;
  reader_waits_for_room_ = is_full_;
  stream_->BeginWait(is_full_);
  mutex_.Unlock();
  stream_->Wait(deadline);
  mutex_.Lock();
  stream_->EndWait();
  someone_reads_ = false;
  Pump();
}

// Whoever is woken looks by himself whether the part is still to be had.
void Connection::HandOver() {
  if (!someone_reads_ && !waiters_.empty()) waiters_.front()->changed_.NotifyAll();
}

void Connection::OnProgress(Answer& answer) {
  auto& call = static_cast<PendingCall&>(answer);
  if (!IsDone(call)) return;
  SetNews(call, true);
  call.changed_.NotifyAll();
}

void Connection::SetNews(PendingCall& call, bool news) {
  if (!call.counts_as_news_ || std::exchange(call.is_news_, news) == news) return;
  news_ += news ? 1 : -1;
  stream_->SetNews(news_ > 0);
}

// ---- Bytes ------------------------------------------------------------------------------------

absl::Status Connection::WriteOut() {
  is_full_ = false;
  for (auto bytes = session_->output(); !bytes.empty(); bytes = session_->output()) {
    VRAMD_ASSIGN_OR_RETURN(const size_t moved, stream_->Write(bytes));
    session_->Sent(moved);
    if (moved == 0) {
      is_full_ = true;
      break;
    }
  }
  return absl::OkStatus();
}

absl::Status Connection::ReadIn() {
  for (int i = 0; i < kMaxReads; ++i) {
    VRAMD_ASSIGN_OR_RETURN(const size_t got, stream_->Read(buffer_.get(), kReadSize));
    if (got == 0) break;
    VRAMD_RETURN_IF_ERROR(session_->Receive({buffer_.get(), got}));
    if (got < kReadSize) break;  // a stream gives all that it has
  }
  return absl::OkStatus();
}

// The server's last words may have come before its end broke our write: they are read first.
void Connection::Flush() {
  if (!broken_.ok()) return;
  if (absl::Status written = WriteOut(); !written.ok()) {
    const absl::Status read = ReadIn();
    return Break(read.ok() ? written : read);
  }
  if (absl::Status checked = session_->Check(); !checked.ok()) return Break(checked);
  if (is_full_ && someone_reads_ && !std::exchange(reader_waits_for_room_, true)) stream_->Wake();
}

void Connection::Pump() {
  if (!broken_.ok()) return;
  const absl::Status read = ReadIn();
  if (read.ok()) return Flush();
  (void)WriteOut();  // what was wrong with the server's bytes
  Break(read);
}

void Connection::Break(const absl::Status& why) {
  broken_ = why;
  stream_->Abandon();
  session_->FailAll(why);
  errands_.clear();
}

}  // namespace vramd
