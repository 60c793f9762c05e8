// The door on Linux: one thread, one epoll set.
//
// A connection is first a greeting (waiting for ClientHello) and then a resident: gRPC reads and
// writes it, while the door keeps a duplicate of the descriptor and watches it for hang-up only.
// gRPC shuts its socket down when it drops a connection, and so does Disconnect(), so a hang-up on
// the duplicate tells of every way to leave; the pidfd adds the case that a child process inherited
// the connection and keeps it open after its owner died.
#include "ipc/door.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <map>
#include <optional>
#include <set>
#include <thread>
#include <unordered_map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/mutex.h"
#include "base/os_error.h"
#include "base/status_macros.h"
#include "ipc/handshake.h"
#include "ipc/peer_identity.h"
#include "ipc/unix_listener_linux.h"

namespace vramd {
namespace {

// What an epoll event is about: a kind in the top byte, a session id below it.
enum class Source : uint64_t { kListener = 1, kWake, kGreeting, kResident, kProcess };
constexpr int kSourceShift = 56;

// Newcomers in one turn, so that a crowd of them cannot keep the door from those inside.
constexpr int kAcceptsAtOnce = 32;
// How long connections wait in the queue when not even a refusal can be sent.
constexpr std::chrono::milliseconds kListenerPause(100);

uint64_t Tag(Source source, SessionId session = {}) {
  return static_cast<uint64_t>(source) << kSourceShift | session.value;
}

struct Greeting {
  PeerIdentity identity;
  OsHandle stream;
  Clock::time_point deadline;
  ClientHelloBytes bytes{};
  size_t have = 0;
};

struct Resident {
  OsHandle stream;  // the door's duplicate
  OsHandle process;
};

class LinuxDoor final : public Door {
 public:
  LinuxDoor(DoorOptions options, UnixListener listener, DoorKeeper* keeper)
      : options_(std::move(options)),
        keeper_(keeper),
        listener_(std::move(listener)),
        endpoint_(listener_.path()) {}

  ~LinuxDoor() override {
    stopping_ = true;
    Wake();
    if (thread_.joinable()) thread_.join();
  }

  absl::Status Start() {
    epoll_ = OsHandle(epoll_create1(EPOLL_CLOEXEC));
    wake_ = OsHandle(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    spare_ = OsHandle(open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (!epoll_.valid() || !wake_.valid() || !spare_.valid())
      return LastOsError("open the door's event descriptors");
    VRAMD_RETURN_IF_ERROR(Watch(listener_.socket(), EPOLLIN, Tag(Source::kListener)));
    VRAMD_RETURN_IF_ERROR(Watch(wake_, EPOLLIN, Tag(Source::kWake)));
    thread_ = std::thread([this] { Run(); });
    return absl::OkStatus();
  }

  const std::string& endpoint() const override { return endpoint_; }

  void StopListening() override {
    stop_listening_ = true;
    Wake();
  }

  void Disconnect(SessionId session) override {
    {
      MutexLock lock(mutex_);
      disconnects_.insert(session);
    }
    Wake();
  }

 private:
  void Run();
  void Handle(const epoll_event& event);
  void HandleWake();
  void HandleListener();
  void HandleAccepted(OsHandle stream);
  void HandleGreeting(SessionId session);
  void HandleGone(SessionId session, absl::string_view why);

  absl::Status Watch(const OsHandle& handle, uint32_t events, uint64_t tag);
  bool RefuseForLackOfDescriptors();
  void PauseListening();
  void ResumeListening();
  void CloseListener();
  void Refuse(Greeting& greeting, const absl::Status& why);
  absl::Status Welcome(SessionId session, Greeting& greeting);
  absl::Status SettleIn(SessionId session, Greeting& greeting, OsHandle lane, SecretToken token);
  void ExpireGreetings();
  int MillisecondsToNextDeadline() const;
  size_t GreetingsOf(const std::string& user_id) const;
  void Wake();

  const DoorOptions options_;
  DoorKeeper* const keeper_;

  // Set from any thread, acted on by the door's own.
  std::atomic<bool> stopping_ = false;
  std::atomic<bool> stop_listening_ = false;
  Mutex mutex_;
  std::set<SessionId> disconnects_ ABSL_GUARDED_BY(mutex_);

  // The door's thread only.
  UnixListener listener_;
  const std::string endpoint_;
  OsHandle epoll_;
  OsHandle wake_;
  OsHandle spare_;  // given up for a moment when the process is out of descriptors
  std::optional<Clock::time_point> listener_resumes_;  // it is paused until then
  SessionId last_session_;
  std::map<SessionId, Greeting> greetings_;
  std::unordered_map<SessionId, Resident> residents_;
  std::thread thread_;
};

absl::Status LinuxDoor::Watch(const OsHandle& handle, uint32_t events, uint64_t tag) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = tag;
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, handle.get(), &event) != 0)
    return LastOsError("watch a connection");
  return absl::OkStatus();
}

void LinuxDoor::Wake() {
  const uint64_t one = 1;
  // Fails only if the counter is full, and then the thread is awake already.
  [[maybe_unused]] const ssize_t written = write(wake_.get(), &one, sizeof(one));
}

void LinuxDoor::Run() {
  std::array<epoll_event, 64> events;
  while (!stopping_) {
    const int count =
        epoll_wait(epoll_.get(), events.data(), events.size(), MillisecondsToNextDeadline());
    for (int i = 0; i < count; ++i) Handle(events[static_cast<size_t>(i)]);
    ExpireGreetings();
    if (listener_resumes_ && *listener_resumes_ <= Clock::now()) ResumeListening();
  }
  listener_.Close();
  greetings_.clear();
  while (!residents_.empty()) HandleGone(residents_.begin()->first, "the broker stops");
}

void LinuxDoor::Handle(const epoll_event& event) {
  const SessionId session{event.data.u64 & ((uint64_t{1} << kSourceShift) - 1)};
  switch (static_cast<Source>(event.data.u64 >> kSourceShift)) {
    case Source::kListener:
      return HandleListener();
    case Source::kWake:
      return HandleWake();
    case Source::kGreeting:
      return HandleGreeting(session);
    case Source::kResident:
      return HandleGone(session, "the connection was closed");
    case Source::kProcess:
      return HandleGone(session, "the process ended");
  }
}

void LinuxDoor::HandleWake() {
  uint64_t count;
  [[maybe_unused]] const ssize_t drained = read(wake_.get(), &count, sizeof(count));
  if (stop_listening_) CloseListener();
  std::set<SessionId> disconnects;
  {
    MutexLock lock(mutex_);
    disconnects.swap(disconnects_);
  }
  for (const SessionId session : disconnects) HandleGone(session, "the broker closed it");
}

void LinuxDoor::CloseListener() {
  if (!listener_.socket().valid()) return;
  // A service manager that passed the socket has it open still, so closing ours alone would leave
  // it in the set.
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, listener_.socket().get(), nullptr);
  listener_.Close();
  listener_resumes_.reset();
}

void LinuxDoor::HandleListener() {
  if (!listener_.socket().valid()) return;
  for (int i = 0; i < kAcceptsAtOnce; ++i) {
    OsHandle stream(
        accept4(listener_.socket().get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (stream.valid()) {
      HandleAccepted(std::move(stream));
    } else if (errno == EAGAIN) {
      return;
    } else if (errno == EMFILE || errno == ENFILE) {
      if (!RefuseForLackOfDescriptors()) return PauseListening();
    } else if (errno != EINTR && errno != ECONNABORTED) {
      return PauseListening();
    }
  }
}

// While the listener has connections that cannot be accepted, epoll would report it without end.
void LinuxDoor::PauseListening() {
  epoll_event none{};
  epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, listener_.socket().get(), &none);
  listener_resumes_ = Clock::now() + kListenerPause;
}

void LinuxDoor::ResumeListening() {
  listener_resumes_.reset();
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = Tag(Source::kListener);
  epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, listener_.socket().get(), &event);
}

// Takes one connection out of the queue by giving up the spare descriptor for it. False if somebody
// else took the spare's place.
bool LinuxDoor::RefuseForLackOfDescriptors() {
  spare_.Reset();
  OsHandle stream(
      accept4(listener_.socket().get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  const bool accepted = stream.valid();
  if (accepted) {
    Greeting greeting;
    if (auto identity = IdentifyPeer(stream); identity.ok())
      greeting.identity = *std::move(identity);
    greeting.stream = std::move(stream);
    Refuse(greeting, absl::ResourceExhaustedError(
                         "the broker is out of file descriptors: raise its LimitNOFILE"));
  }
  spare_ = OsHandle(open("/dev/null", O_RDONLY | O_CLOEXEC));
  return accepted;
}

void LinuxDoor::HandleAccepted(OsHandle stream) {
  Greeting greeting;
  greeting.stream = std::move(stream);
  greeting.deadline = Clock::now() + options_.greeting_timeout;
  auto identity = IdentifyPeer(greeting.stream);
  if (!identity.ok()) return Refuse(greeting, identity.status());
  greeting.identity = *std::move(identity);
  if (absl::Status admitted = keeper_->Admit(greeting.identity.peer); !admitted.ok())
    return Refuse(greeting, admitted);
  if (greetings_.size() >= options_.max_greetings)
    return Refuse(greeting, absl::ResourceExhaustedError(absl::StrCat(
                                "the broker greets ", options_.max_greetings,
                                " connections already, its limit; try again in a moment")));
  if (GreetingsOf(greeting.identity.peer.user_id) >= options_.max_greetings_per_user)
    return Refuse(greeting, absl::ResourceExhaustedError(absl::StrCat(
                                "this user has ", options_.max_greetings_per_user,
                                " greetings in progress, the limit; try again in a moment")));
  const SessionId session{++last_session_.value};
  if (absl::Status watched =
          Watch(greeting.stream, EPOLLIN | EPOLLRDHUP, Tag(Source::kGreeting, session));
      !watched.ok())
    return Refuse(greeting, watched);
  greetings_.emplace(session, std::move(greeting));
}

size_t LinuxDoor::GreetingsOf(const std::string& user_id) const {
  size_t count = 0;
  for (const auto& [session, greeting] : greetings_)
    count += greeting.identity.peer.user_id == user_id;
  return count;
}

void LinuxDoor::HandleGreeting(SessionId session) {
  const auto found = greetings_.find(session);
  if (found == greetings_.end()) return;
  Greeting& greeting = found->second;
  // Without a control buffer the kernel drops descriptors that a peer attaches.
  const ssize_t got = recv(greeting.stream.get(), greeting.bytes.data() + greeting.have,
                           greeting.bytes.size() - greeting.have, 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  absl::Status outcome;
  if (got <= 0) {
    outcome = absl::CancelledError(
        absl::StrCat("the peer left after ", greeting.have, " bytes of its greeting"));
  } else {
    greeting.have += static_cast<size_t>(got);
    if (greeting.have < greeting.bytes.size()) return;
    outcome = Welcome(session, greeting);
  }
  if (!outcome.ok()) Refuse(greeting, outcome);
  greetings_.erase(session);
}

absl::Status LinuxDoor::Welcome(SessionId session, Greeting& greeting) {
  VRAMD_RETURN_IF_ERROR(DecodeClientHello(greeting.bytes).status());
  // The broker makes the pair, so that it never has to take a descriptor from a stranger.
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0)
    return LastOsError("make a handle lane");
  OsHandle ours(pair[0]);
  OsHandle theirs(pair[1]);
  VRAMD_ASSIGN_OR_RETURN(const SecretToken token,
                         keeper_->Enter(session, greeting.identity.peer,
                                        std::make_shared<HandleSender>(std::move(ours))));
  absl::Status settled = SettleIn(session, greeting, std::move(theirs), token);
  if (!settled.ok()) keeper_->Left(session, settled.message());
  return settled;
}

absl::Status SendWelcome(const OsHandle& stream, const ServerHelloBytes& bytes,
                         const OsHandle& lane) {
  iovec data = {const_cast<uint8_t*>(bytes.data()), bytes.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  cmsghdr* part = CMSG_FIRSTHDR(&message);
  part->cmsg_level = SOL_SOCKET;
  part->cmsg_type = SCM_RIGHTS;
  part->cmsg_len = CMSG_LEN(sizeof(int));
  const int descriptor = lane.get();
  std::memcpy(CMSG_DATA(part), &descriptor, sizeof(descriptor));
  // A fresh connection's buffer holds far more than a greeting: less than all of it is a failure.
  if (sendmsg(stream.get(), &message, MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size()))
    return absl::OkStatus();
  return LastOsError("send the greeting");
}

// From greeting to resident. What can fail comes before the welcome is sent.
absl::Status LinuxDoor::SettleIn(SessionId session, Greeting& greeting, OsHandle lane,
                                 SecretToken token) {
  Resident resident;
  VRAMD_ASSIGN_OR_RETURN(resident.stream, greeting.stream.Duplicate());
  resident.process = std::move(greeting.identity.process);
  VRAMD_RETURN_IF_ERROR(Watch(resident.process, EPOLLIN, Tag(Source::kProcess, session)));
  VRAMD_RETURN_IF_ERROR(Watch(resident.stream, EPOLLRDHUP, Tag(Source::kResident, session)));
  const ServerHello hello{.session = session, .token = token};
  VRAMD_RETURN_IF_ERROR(SendWelcome(greeting.stream, Encode(hello), lane));
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, greeting.stream.get(), nullptr);
  // The door sees a hang-up itself, on its duplicate.
  keeper_->Serve(session, std::move(greeting.stream), nullptr);
  residents_.emplace(session, std::move(resident));
  return absl::OkStatus();
}

void LinuxDoor::Refuse(Greeting& greeting, const absl::Status& why) {
  keeper_->Refused(greeting.identity.peer, why);  // first, so that who was answered was also logged
  const ServerHelloBytes bytes = Encode(ServerHello{.refusal = why});
  // Best effort: the peer may be gone already.
  (void)send(greeting.stream.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

void LinuxDoor::HandleGone(SessionId session, absl::string_view why) {
  auto resident = residents_.extract(session);
  if (resident.empty()) return;
  // gRPC still holds the same open file, so closing our duplicate alone would leave it in the set.
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, resident.mapped().stream.get(), nullptr);
  shutdown(resident.mapped().stream.get(), SHUT_RDWR);
  keeper_->Left(session, why);
}

void LinuxDoor::ExpireGreetings() {
  const Clock::time_point now = Clock::now();
  for (auto entry = greetings_.begin(); entry != greetings_.end();) {
    Greeting& greeting = entry->second;
    if (greeting.deadline > now) {
      ++entry;
      continue;
    }
    Refuse(greeting, absl::DeadlineExceededError(absl::StrCat(
                         "no whole greeting within ", options_.greeting_timeout.count(),
                         " ms: ", greeting.have, " of ", kClientHelloSize, " bytes came")));
    entry = greetings_.erase(entry);
  }
}

int LinuxDoor::MillisecondsToNextDeadline() const {
  if (greetings_.empty() && !listener_resumes_) return -1;
  Clock::time_point next = listener_resumes_.value_or(Clock::time_point::max());
  for (const auto& [session, greeting] : greetings_) next = std::min(next, greeting.deadline);
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - Clock::now());
  return static_cast<int>(std::max<int64_t>(0, left.count()));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Door>> Door::Open(DoorOptions options, DoorKeeper* keeper) {
  auto listener = options.inherited.valid()
                      ? UnixListener::Adopt(std::move(options.inherited))
                      : UnixListener::Bind(options.endpoint, options.access_group);
  if (!listener.ok()) return listener.status();
  auto door = std::make_unique<LinuxDoor>(std::move(options), *std::move(listener), keeper);
  VRAMD_RETURN_IF_ERROR(door->Start());
  return door;
}

}  // namespace vramd
