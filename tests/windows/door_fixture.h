// A door on a pipe of its own, its keeper, and raw clients.
#ifndef VRAMD_TESTS_WINDOWS_DOOR_FIXTURE_H_
#define VRAMD_TESTS_WINDOWS_DOOR_FIXTURE_H_

#include <gtest/gtest.h>
#include <windows.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "base/wide_windows.h"
#include "ipc/dial.h"
#include "ipc/door.h"
#include "ipc/peer_identity.h"
#include "ipc/pipe_io_windows.h"
#include "ipc/pipe_listener_windows.h"

namespace vramd {

inline constexpr std::chrono::seconds kPatience(20);

inline std::string OwnPipe() {
  static int count = 0;
  return R"(\\.\pipe\vramd-door-test-)" + std::to_string(GetCurrentProcessId()) + "-" +
         std::to_string(++count);
}

// Keeps what it is given; each step can be waited for.
class Keeper : public DoorKeeper {
 public:
  absl::Status Admit(const Peer&) override { return admit; }
  absl::StatusOr<SecretToken> Enter(SessionId session, const Peer& peer,
                                    std::shared_ptr<HandleSender> lane) override {
    MutexLock lock(mutex_);
    peers_[session] = peer;
    lanes_[session] = std::move(lane);
    return SecretToken{7};
  }
  void Serve(SessionId session, OsHandle stream, std::function<void()> hung_up) override {
    MutexLock lock(mutex_);
    streams_[session] = std::move(stream);
    hang_ups_[session] = std::move(hung_up);
    changed_.NotifyAll();
  }
  void Left(SessionId session, absl::string_view why) override {
    MutexLock lock(mutex_);
    left_[session] = std::string(why);
    streams_.erase(session);
    changed_.NotifyAll();
  }
  void Refused(const Peer&, const absl::Status& why) override {
    MutexLock lock(mutex_);
    refused_.push_back(why);
    changed_.NotifyAll();
  }

  template <typename Predicate>
  bool Await(Predicate predicate) {
    const auto deadline = Clock::now() + kPatience;
    MutexLock lock(mutex_);
    while (!predicate(*this))
      if (!changed_.WaitUntil(mutex_, deadline)) return predicate(*this);
    return true;
  }

  absl::Status admit;
  Mutex mutex_;
  Condition changed_;
  std::map<SessionId, Peer> peers_;
  std::map<SessionId, std::shared_ptr<HandleSender>> lanes_;
  std::map<SessionId, OsHandle> streams_;
  std::map<SessionId, std::function<void()>> hang_ups_;
  std::map<SessionId, std::string> left_;
  std::vector<absl::Status> refused_;
};

class DoorTest : public testing::Test {
 protected:
  void Open(std::chrono::milliseconds greeting_timeout = std::chrono::seconds(10)) {
    DoorOptions options;
    options.endpoint = pipe_;
    options.greeting_timeout = greeting_timeout;
    auto door = Door::Open(std::move(options), &keeper_);
    ASSERT_TRUE(door.ok()) << door.status();
    door_ = *std::move(door);
  }
  absl::StatusOr<Line> Call() const { return Dial(pipe_, "", Clock::now() + kPatience); }
  OsHandle OpenRaw(DWORD quality) const {
    const HANDLE raw =
        CreateFileW(ToWide(pipe_).c_str(), GENERIC_READ | FILE_WRITE_DATA, 0, nullptr,
                    OPEN_EXISTING, FILE_FLAG_OVERLAPPED | SECURITY_SQOS_PRESENT | quality, nullptr);
    return OsHandle(raw == INVALID_HANDLE_VALUE ? nullptr : raw);
  }

  const std::string pipe_ = OwnPipe();
  Keeper keeper_;
  std::unique_ptr<Door> door_;
};

}  // namespace vramd

#endif  // VRAMD_TESTS_WINDOWS_DOOR_FIXTURE_H_
