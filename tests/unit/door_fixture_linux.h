// A real door in a directory of its own, a keeper that remembers, and clients made of raw sockets.
#ifndef VRAMD_TESTS_UNIT_DOOR_FIXTURE_LINUX_H_
#define VRAMD_TESTS_UNIT_DOOR_FIXTURE_LINUX_H_

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "ipc/dial.h"
#include "ipc/door.h"
#include "ipc/handshake.h"
#include "ipc/unix_socket_linux.h"
#include "tests/unit/temporary_directory_linux.h"

namespace vramd {

inline Clock::time_point Soon() { return Clock::now() + std::chrono::seconds(20); }

class RecordingKeeper final : public DoorKeeper {
 public:
  // What Admit() and Enter() answer.
  void AnswerAdmit(absl::Status status) {
    Change([&] { admit_ = std::move(status); });
  }
  void AnswerEnter(absl::Status status) {
    Change([&] { enter_ = std::move(status); });
  }

  absl::Status Admit(const Peer&) override {
    MutexLock lock(mutex_);
    return admit_;
  }
  absl::StatusOr<SecretToken> Enter(SessionId session, const Peer& peer,
                                    std::shared_ptr<HandleSender> lane) override {
    MutexLock lock(mutex_);
    if (!enter_.ok()) return enter_;
    residents_[session] = {peer, std::move(lane), OsHandle()};
    SecretToken token{};
    token[0] = static_cast<uint8_t>(session.value);
    token[15] = 0x77;
    return token;
  }
  void Serve(SessionId session, OsHandle stream, std::function<void()>) override {
    Change([&] { residents_.at(session).stream = std::move(stream); });
  }
  void Left(SessionId session, absl::string_view why) override {
    Change([&] {
      EXPECT_EQ(residents_.erase(session), 1u) << "Left() once for each Enter()";
      left_.emplace(session, why);
    });
  }
  void Refused(const Peer&, const absl::Status& why) override {
    Change([&] { refused_.push_back(why); });
  }

  // Waits until `session` has left, and says why.
  std::string AwaitLeft(SessionId session) {
    Await([&] { return left_.contains(session); });
    MutexLock lock(mutex_);
    return left_[session];
  }
  absl::Status AwaitRefused(size_t count = 1) {
    Await([&] { return refused_.size() >= count; });
    MutexLock lock(mutex_);
    return refused_.size() >= count ? refused_[count - 1] : absl::OkStatus();
  }
  void AwaitResidents(size_t count) {
    Await([&] { return residents_.size() == count; });
  }
  size_t residents() {
    MutexLock lock(mutex_);
    return residents_.size();
  }
  std::shared_ptr<HandleSender> lane(SessionId session) {
    MutexLock lock(mutex_);
    return residents_.at(session).lane;
  }
  // As gRPC does: shuts the socket down, then closes it.
  void HangUp(SessionId session) {
    // The client may hear its welcome before Serve() is called.
    Await([&] { return residents_.at(session).stream.valid(); });
    MutexLock lock(mutex_);
    shutdown(residents_.at(session).stream.get(), SHUT_RDWR);
    residents_.at(session).stream.Reset();
  }
  Peer peer(SessionId session) {
    MutexLock lock(mutex_);
    return residents_.at(session).peer;
  }

 private:
  struct Resident {
    Peer peer;
    std::shared_ptr<HandleSender> lane;
    OsHandle stream;
  };
  template <typename Action>
  void Change(Action action) {
    MutexLock lock(mutex_);
    action();
    changed_.NotifyAll();
  }
  template <typename Predicate>
  void Await(Predicate predicate) {
    const Clock::time_point deadline = Soon();
    MutexLock lock(mutex_);
    while (!predicate())
      if (!changed_.WaitUntil(mutex_, deadline)) {
        ADD_FAILURE() << "the door did not come to it";
        return;
      }
  }

  Mutex mutex_;
  Condition changed_;
  absl::Status admit_;
  absl::Status enter_;
  std::map<SessionId, Resident> residents_;
  std::map<SessionId, std::string> left_;
  std::vector<absl::Status> refused_;
};

class DoorTest : public testing::Test {
 protected:
  void Open(DoorOptions options = {}) {
    options.endpoint = endpoint_;
    auto door = Door::Open(std::move(options), &keeper_);
    ASSERT_TRUE(door.ok()) << door.status();
    door_ = *std::move(door);
  }

  absl::StatusOr<Line> Call() { return Dial(endpoint_, "", Soon()); }

  // A connection that has said nothing yet.
  OsHandle Connect() {
    OsHandle stream = NewUnixStream();
    EXPECT_EQ(ConnectUnix(stream, endpoint_), 0) << std::strerror(errno);
    return stream;
  }
  static void Say(const OsHandle& stream, const void* bytes, size_t size) {
    ASSERT_EQ(send(stream.get(), bytes, size, MSG_NOSIGNAL), static_cast<ssize_t>(size));
  }
  static bool Readable(const OsHandle& stream, int milliseconds = 20000) {
    pollfd waiting = {stream.get(), POLLIN, 0};
    return poll(&waiting, 1, milliseconds) == 1;
  }
  // The broker's greeting: a refusal, or why there is none.
  static absl::Status Answer(const OsHandle& stream) {
    ServerHelloBytes bytes{};
    size_t have = 0;
    while (have < bytes.size()) {
      if (!Readable(stream)) return absl::DeadlineExceededError("no answer");
      const ssize_t got = recv(stream.get(), bytes.data() + have, bytes.size() - have, 0);
      if (got <= 0) return absl::DataLossError("closed");
      have += static_cast<size_t>(got);
    }
    const auto hello = DecodeServerHello(bytes);
    return hello.ok() ? hello->refusal : hello.status();
  }

  const TemporaryDirectory directory_;
  const std::string endpoint_ = directory_ / "vramd.sock";
  RecordingKeeper keeper_;
  std::unique_ptr<Door> door_;
};

}  // namespace vramd

#endif  // VRAMD_TESTS_UNIT_DOOR_FIXTURE_LINUX_H_
