// The door on Windows: one thread, one completion port used as a queue of what happened.
//
// Nothing is bound to the port, since a pipe can be bound once and gRPC's transport wants to. Every
// event object and process is watched by the system's thread pool, whose callback posts to the
// queue; there is no limit of 64 handles in that.
//
// A connection is first an instance that waits, then a greeting, then a resident: gRPC reads and
// writes it, while the door keeps a duplicate to disconnect it by, and the process. Only the reader
// of a pipe learns that the other end closed it, so gRPC's transport tells us (hung_up).
#include <windows.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <thread>
#include <unordered_map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/os_error.h"
#include "base/status_macros.h"
#include "ipc/door.h"
#include "ipc/handshake.h"
#include "ipc/peer_checks_windows.h"
#include "ipc/peer_identity.h"
#include "ipc/pipe_io_windows.h"
#include "ipc/pipe_listener_windows.h"

namespace vramd {
namespace {

// What happened: a kind in the top byte, a session id below it.
enum class Source : uint64_t { kWake = 1, kInstance, kGreeting, kDisconnect, kHungUp, kProcess };
constexpr int kSourceShift = 56;

// A burst of this many clients finds a waiting instance each; more wait for a moment.
constexpr size_t kInstancesReady = 16;

// How soon instances that could not be made are tried again.
constexpr std::chrono::milliseconds kRetry(500);

// A greeting fits into an unused pipe's buffer, so that writing one completes at once.
constexpr std::chrono::milliseconds kAnswerTime(100);

class Events {
 public:
  Events() : port_(CreateIoCompletionPort(INVALID_HANDLE_VALUE, nullptr, 0, 1)) {}
  bool valid() const { return port_.valid(); }

  void Post(Source source, SessionId session = {}) {
    const uint64_t tag = static_cast<uint64_t>(source) << kSourceShift | session.value;
    PostQueuedCompletionStatus(port_.get(), 0, tag, nullptr);
  }

  // False when `milliseconds` went by.
  bool Next(DWORD milliseconds, Source* source, SessionId* session) {
    DWORD bytes = 0;
    ULONG_PTR tag = 0;
    OVERLAPPED* overlapped = nullptr;
    if (!GetQueuedCompletionStatus(port_.get(), &bytes, &tag, &overlapped, milliseconds))
      return false;
    *source = static_cast<Source>(tag >> kSourceShift);
    session->value = tag & ((uint64_t{1} << kSourceShift) - 1);
    return true;
  }

 private:
  OsHandle port_;
};

// Posts once when an event or a process is signalled. Can be armed again.
class Watch {
 public:
  Watch(std::shared_ptr<Events> events, Source source, SessionId session)
      : events_(std::move(events)), source_(source), session_(session) {
    wait_ = CreateThreadpoolWait(&Watch::Signalled, this, nullptr);
  }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  ~Watch() {
    if (wait_ == nullptr) return;
    SetThreadpoolWait(wait_, nullptr, nullptr);
    WaitForThreadpoolWaitCallbacks(wait_, TRUE);
    CloseThreadpoolWait(wait_);
  }

  absl::Status Arm(HANDLE handle) {
    if (wait_ == nullptr) return absl::ResourceExhaustedError("the thread pool watches no more");
    SetThreadpoolWait(wait_, handle, nullptr);
    return absl::OkStatus();
  }

 private:
  static void CALLBACK Signalled(PTP_CALLBACK_INSTANCE, void* self, PTP_WAIT, TP_WAIT_RESULT) {
    auto* watch = static_cast<Watch*>(self);
    watch->events_->Post(watch->source_, watch->session_);
  }

  const std::shared_ptr<Events> events_;
  const Source source_;
  const SessionId session_;
  PTP_WAIT wait_;
};

// A pipe with what is in flight on it. Members go in reverse order: first the watch, then the
// operation, then the pipe.
struct Visitor {
  Visitor(std::shared_ptr<Events> events, Source source, SessionId session)
      : watch(std::move(events), source, session) {}

  OsHandle stream;
  PipeOperation operation;
  Watch watch;
};

struct Greeting : Visitor {
  using Visitor::Visitor;

  PeerIdentity identity;
  Clock::time_point deadline;
  ClientHelloBytes bytes{};
  size_t have = 0;
};

struct Resident {
  Resident(std::shared_ptr<Events> events, SessionId session)
      : watch(std::move(events), Source::kProcess, session) {}

  OsHandle stream;  // the door's duplicate
  OsHandle process;
  Watch watch;
};

class WindowsDoor final : public Door {
 public:
  WindowsDoor(DoorOptions options, PipeListener listener, DoorKeeper* keeper)
      : options_(std::move(options)), keeper_(keeper), listener_(std::move(listener)) {}

  ~WindowsDoor() override {
    stopping_ = true;
    events_->Post(Source::kWake);
    if (thread_.joinable()) thread_.join();
  }

  absl::Status Start() {
    if (!events_->valid()) return LastOsError("open the door's queue");
    VRAMD_RETURN_IF_ERROR(AddInstance());
    thread_ = std::thread([this] { Run(); });
    return absl::OkStatus();
  }

  const std::string& endpoint() const override { return listener_.name(); }

  void StopListening() override {
    stop_listening_ = true;
    events_->Post(Source::kWake);
  }

  void Disconnect(SessionId session) override { events_->Post(Source::kDisconnect, session); }

 private:
  void Run();
  void Handle(Source source, SessionId session);
  void HandleInstance(SessionId number);
  void HandleConnected(OsHandle stream);
  void HandleGreeting(SessionId session);
  void HandleGone(SessionId session, absl::string_view why);

  absl::Status AddInstance();
  void TopUpInstances();
  absl::Status CheckRoom(const Peer& peer) const;
  absl::Status ReadMore(Greeting& greeting);
  absl::Status Welcome(SessionId session, Greeting& greeting);
  absl::Status SettleIn(SessionId session, Greeting& greeting, SecretToken token);
  void Refuse(const OsHandle& stream, const Peer& peer, const absl::Status& why);
  void ExpireGreetings();
  DWORD MillisecondsToNextDeadline() const;

  const DoorOptions options_;
  DoorKeeper* const keeper_;
  // Shared with gRPC's transports, which may outlive the door by a moment.
  const std::shared_ptr<Events> events_ = std::make_shared<Events>();

  // Set from any thread, acted on by the door's own.
  std::atomic<bool> stopping_ = false;
  std::atomic<bool> stop_listening_ = false;

  // The door's thread only.
  PipeListener listener_;
  SessionId last_session_;
  uint64_t last_instance_ = 0;
  std::map<SessionId, std::unique_ptr<Visitor>> instances_;  // that wait for a client
  bool short_of_instances_ = false;
  std::map<SessionId, std::unique_ptr<Greeting>> greetings_;
  std::unordered_map<SessionId, std::unique_ptr<Resident>> residents_;
  std::thread thread_;
};

void WindowsDoor::Run() {
  while (!stopping_) {
    TopUpInstances();
    Source source;
    SessionId session;
    if (events_->Next(MillisecondsToNextDeadline(), &source, &session)) Handle(source, session);
    ExpireGreetings();
  }
  instances_.clear();
  greetings_.clear();
  while (!residents_.empty()) HandleGone(residents_.begin()->first, "the broker stops");
}

void WindowsDoor::Handle(Source source, SessionId session) {
  switch (source) {
    case Source::kWake:
      if (stop_listening_) instances_.clear();
      return;
    case Source::kInstance:
      return HandleInstance(session);
    case Source::kGreeting:
      return HandleGreeting(session);
    case Source::kDisconnect:
      return HandleGone(session, "the broker closed it");
    case Source::kHungUp:
      return HandleGone(session, "the connection was closed");
    case Source::kProcess:
      return HandleGone(session, "the process ended");
  }
}

absl::Status WindowsDoor::AddInstance() {
  const SessionId number{++last_instance_};
  auto instance = std::make_unique<Visitor>(events_, Source::kInstance, number);
  VRAMD_ASSIGN_OR_RETURN(instance->stream, listener_.Next());
  VRAMD_RETURN_IF_ERROR(instance->operation.StartConnect(instance->stream));
  VRAMD_RETURN_IF_ERROR(instance->watch.Arm(instance->operation.event()));
  instances_.emplace(number, std::move(instance));
  return absl::OkStatus();
}

// The process may be out of handles: then it is tried again, and clients wait for a free instance.
void WindowsDoor::TopUpInstances() {
  if (stop_listening_) return;
  absl::Status added;
  while (added.ok() && instances_.size() < kInstancesReady) added = AddInstance();
  if (!added.ok() && !short_of_instances_)
    log::Error("no_pipe_instance", {{"endpoint", endpoint()}, {"why", added.message()}});
  short_of_instances_ = !added.ok();
}

void WindowsDoor::HandleInstance(SessionId number) {
  auto instance = instances_.extract(number);
  if (instance.empty()) return;
  // A client that opened and closed at once leaves an error here, and an instance to forget.
  if (!instance.mapped()->operation.Finish().ok()) return;
  HandleConnected(std::move(instance.mapped()->stream));
}

absl::Status WindowsDoor::CheckRoom(const Peer& peer) const {
  if (greetings_.size() >= options_.max_greetings)
    return absl::ResourceExhaustedError(
        absl::StrCat("the broker greets ", options_.max_greetings,
                     " connections already, its limit; try again in a moment"));
  const auto of_user = std::count_if(greetings_.begin(), greetings_.end(), [&](const auto& entry) {
    return entry.second->identity.peer.user_id == peer.user_id;
  });
  if (static_cast<size_t>(of_user) >= options_.max_greetings_per_user)
    return absl::ResourceExhaustedError(
        absl::StrCat("this user has ", options_.max_greetings_per_user,
                     " greetings in progress, the limit; try again in a moment"));
  return absl::OkStatus();
}

void WindowsDoor::HandleConnected(OsHandle stream) {
  auto identity = IdentifyPeer(stream);
  if (!identity.ok()) return Refuse(stream, Peer(), identity.status());
  absl::Status admitted = keeper_->Admit(identity->peer);
  if (admitted.ok()) admitted = CheckRoom(identity->peer);
  if (!admitted.ok()) return Refuse(stream, identity->peer, admitted);
  const SessionId session{++last_session_.value};
  auto greeting = std::make_unique<Greeting>(events_, Source::kGreeting, session);
  greeting->stream = std::move(stream);
  greeting->identity = *std::move(identity);
  greeting->deadline = Clock::now() + options_.greeting_timeout;
  if (absl::Status started = ReadMore(*greeting); !started.ok())
    return Refuse(greeting->stream, greeting->identity.peer, started);
  greetings_.emplace(session, std::move(greeting));
}

absl::Status WindowsDoor::ReadMore(Greeting& greeting) {
  VRAMD_RETURN_IF_ERROR(greeting.operation.StartRead(greeting.stream,
                                                     greeting.bytes.data() + greeting.have,
                                                     greeting.bytes.size() - greeting.have));
  return greeting.watch.Arm(greeting.operation.event());
}

void WindowsDoor::HandleGreeting(SessionId session) {
  const auto found = greetings_.find(session);
  if (found == greetings_.end()) return;
  Greeting& greeting = *found->second;
  const auto got = greeting.operation.Finish();
  absl::Status outcome;
  if (!got.ok() || *got == 0) {
    outcome = absl::CancelledError(
        absl::StrCat("the peer left after ", greeting.have, " bytes of its greeting"));
  } else {
    greeting.have += *got;
    outcome =
        greeting.have < greeting.bytes.size() ? ReadMore(greeting) : Welcome(session, greeting);
    if (outcome.ok() && greeting.have < greeting.bytes.size()) return;
  }
  if (!outcome.ok()) Refuse(greeting.stream, greeting.identity.peer, outcome);
  greetings_.erase(session);
}

absl::Status WindowsDoor::Welcome(SessionId session, Greeting& greeting) {
  VRAMD_RETURN_IF_ERROR(DecodeClientHello(greeting.bytes).status());
  VRAMD_RETURN_IF_ERROR(CheckImpersonation(greeting.stream, greeting.identity.peer));
  VRAMD_ASSIGN_OR_RETURN(OsHandle into, greeting.identity.process.Duplicate());
  VRAMD_ASSIGN_OR_RETURN(const SecretToken token,
                         keeper_->Enter(session, greeting.identity.peer,
                                        std::make_shared<HandleSender>(std::move(into))));
  absl::Status settled = SettleIn(session, greeting, token);
  if (!settled.ok()) keeper_->Left(session, settled.message());
  return settled;
}

// From greeting to resident. What can fail comes before the welcome is sent.
absl::Status WindowsDoor::SettleIn(SessionId session, Greeting& greeting, SecretToken token) {
  auto resident = std::make_unique<Resident>(events_, session);
  VRAMD_ASSIGN_OR_RETURN(resident->stream, greeting.stream.Duplicate());
  resident->process = std::move(greeting.identity.process);
  VRAMD_RETURN_IF_ERROR(resident->watch.Arm(resident->process.get()));
  const ServerHelloBytes hello = Encode(ServerHello{.session = session, .token = token});
  VRAMD_RETURN_IF_ERROR(
      WriteWhole(greeting.stream, hello.data(), hello.size(), Clock::now() + kAnswerTime));
  keeper_->Serve(session, std::move(greeting.stream),
                 [events = events_, session] { events->Post(Source::kHungUp, session); });
  residents_.emplace(session, std::move(resident));
  return absl::OkStatus();
}

void WindowsDoor::Refuse(const OsHandle& stream, const Peer& peer, const absl::Status& why) {
  const ServerHelloBytes bytes = Encode(ServerHello{.refusal = why});
  // Best effort: the peer may be gone already. It reads this after we have closed.
  if (stream.valid())
    (void)WriteWhole(stream, bytes.data(), bytes.size(), Clock::now() + kAnswerTime);
  keeper_->Refused(peer, why);
}

void WindowsDoor::HandleGone(SessionId session, absl::string_view why) {
  const auto resident = residents_.extract(session);
  if (resident.empty()) return;
  DisconnectNamedPipe(resident.mapped()->stream.get());
  keeper_->Left(session, why);
}

void WindowsDoor::ExpireGreetings() {
  const Clock::time_point now = Clock::now();
  for (auto entry = greetings_.begin(); entry != greetings_.end();) {
    Greeting& greeting = *entry->second;
    if (greeting.deadline > now) {
      ++entry;
      continue;
    }
    greeting.operation.Cancel();
    Refuse(greeting.stream, greeting.identity.peer,
           absl::DeadlineExceededError(
               absl::StrCat("no whole greeting within ", options_.greeting_timeout.count(),
                            " ms: ", greeting.have, " of ", kClientHelloSize, " bytes came")));
    entry = greetings_.erase(entry);
  }
}

DWORD WindowsDoor::MillisecondsToNextDeadline() const {
  Clock::time_point next = Clock::time_point::max();
  if (short_of_instances_) next = Clock::now() + kRetry;
  for (const auto& [session, greeting] : greetings_) next = std::min(next, greeting->deadline);
  return next == Clock::time_point::max() ? INFINITE : MillisecondsUntil(next);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Door>> Door::Open(DoorOptions options, DoorKeeper* keeper) {
  if (options.inherited.valid())
    return absl::InvalidArgumentError("no pipe can be inherited on Windows; name an endpoint");
  VRAMD_ASSIGN_OR_RETURN(PipeListener listener,
                         PipeListener::Open(options.endpoint, options.access_group));
  auto door = std::make_unique<WindowsDoor>(std::move(options), std::move(listener), keeper);
  VRAMD_RETURN_IF_ERROR(door->Start());
  return door;
}

}  // namespace vramd
