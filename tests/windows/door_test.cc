// The broker's pipe against clients and squatters: who may have the name, who gets in, what a
// silent client costs, and what is left when one ends.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <windows.h>

#include <map>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "base/section.h"
#include "base/wide_windows.h"
#include "ipc/dial.h"
#include "ipc/door.h"
#include "ipc/endpoint.h"
#include "ipc/peer_identity.h"
#include "ipc/pipe_io_windows.h"
#include "ipc/pipe_listener_windows.h"

namespace vramd {
namespace {

using ::testing::HasSubstr;

constexpr std::chrono::seconds kPatience(20);

std::string OwnPipe() {
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

TEST_F(DoorTest, WelcomesWithTokenAndIdentity) {
  Open();
  const auto line = Call();
  ASSERT_TRUE(line.ok()) << line.status();
  EXPECT_EQ(line->token, SecretToken{7});
  EXPECT_EQ(line->server.user_id, OwnUserId());
  ASSERT_TRUE(keeper_.Await([](Keeper& keeper) { return !keeper.streams_.empty(); }));
  MutexLock lock(keeper_.mutex_);
  const Peer& peer = keeper_.peers_.at(line->session);
  EXPECT_EQ(peer.user_id, OwnUserId());
  EXPECT_EQ(peer.process_id, GetCurrentProcessId());
  EXPECT_THAT(peer.executable, HasSubstr(".exe"));
}

TEST_F(DoorTest, NameThatAnotherServesIsLeftAlone) {
  Open();
  Keeper other;
  DoorOptions options;
  options.endpoint = pipe_;
  EXPECT_EQ(Door::Open(std::move(options), &other).status().code(),
            absl::StatusCode::kAlreadyExists);
}

TEST_F(DoorTest, SquatterBeforeTheBrokerIsNoticed) {
  const auto squatter = PipeListener::Open(pipe_, "");
  ASSERT_TRUE(squatter.ok()) << squatter.status();
  DoorOptions options;
  options.endpoint = pipe_;
  EXPECT_EQ(Door::Open(std::move(options), &keeper_).status().code(),
            absl::StatusCode::kAlreadyExists);
}

TEST_F(DoorTest, RefusalBeforeTheGreetingReachesTheClient) {
  keeper_.admit = absl::PermissionDeniedError("not today");
  Open();
  const auto line = Call();
  EXPECT_EQ(line.status().code(), absl::StatusCode::kPermissionDenied);
  EXPECT_THAT(std::string(line.status().message()), HasSubstr("not today"));
}

TEST_F(DoorTest, SilentClientIsRefusedAtItsDeadlineAndHoldsUpNobody) {
  Open(std::chrono::milliseconds(300));
  const OsHandle silent = OpenRaw(SECURITY_IDENTIFICATION);
  ASSERT_TRUE(silent.valid());
  EXPECT_TRUE(Call().ok());
  ASSERT_TRUE(keeper_.Await([](Keeper& keeper) { return !keeper.refused_.empty(); }));
  MutexLock lock(keeper_.mutex_);
  EXPECT_EQ(keeper_.refused_[0].code(), absl::StatusCode::kDeadlineExceeded);
}

TEST_F(DoorTest, GarbageIsRefused) {
  Open();
  const OsHandle raw = OpenRaw(SECURITY_IDENTIFICATION);
  const std::string garbage(32, 'x');
  ASSERT_TRUE(WriteWhole(raw, garbage.data(), garbage.size(), Clock::now() + kPatience).ok());
  ASSERT_TRUE(keeper_.Await([](Keeper& keeper) { return !keeper.refused_.empty(); }));
  MutexLock lock(keeper_.mutex_);
  EXPECT_EQ(keeper_.refused_[0].code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(DoorTest, AHundredClientsAtOnceGetIn) {
  Open();
  std::vector<absl::StatusOr<Line>> lines(100);
  std::vector<std::thread> threads;
  for (auto& line : lines) threads.emplace_back([this, &line] { line = Call(); });
  for (std::thread& thread : threads) thread.join();
  int refused_for_room = 0;
  for (const auto& line : lines) {
    refused_for_room += absl::IsResourceExhausted(line.status());
    EXPECT_TRUE(line.ok() || absl::IsResourceExhausted(line.status())) << line.status();
  }
  EXPECT_LT(refused_for_room, 100);
  EXPECT_TRUE(Call().ok());
}

TEST_F(DoorTest, HangUpAndDisconnectEndTheSession) {
  Open();
  auto first = Call();
  auto second = Call();
  ASSERT_TRUE(first.ok() && second.ok());
  ASSERT_TRUE(keeper_.Await([](Keeper& keeper) { return keeper.streams_.size() == 2; }));
  std::function<void()> hang_up;
  {
    MutexLock lock(keeper_.mutex_);
    hang_up = keeper_.hang_ups_.at(first->session);
  }
  hang_up();
  door_->Disconnect(second->session);
  ASSERT_TRUE(keeper_.Await([](Keeper& keeper) { return keeper.left_.size() == 2; }));
  char byte = 0;
  EXPECT_FALSE(ReadWhole(second->stream, &byte, 1, Clock::now() + kPatience).ok());
  door_.reset();
  hang_up();  // gRPC may say so after the door has gone
}

TEST_F(DoorTest, HandlesArriveWithNoMoreRightsThanSent) {
  Open();
  const auto line = Call();
  ASSERT_TRUE(line.ok()) << line.status();
  ASSERT_TRUE(keeper_.Await([](Keeper& keeper) { return !keeper.streams_.empty(); }));
  auto section = CreateSection(SectionAlignment(), "door-test");
  ASSERT_TRUE(section.ok());
  HANDLE narrow = nullptr;
  ASSERT_TRUE(DuplicateHandle(GetCurrentProcess(), section->get(), GetCurrentProcess(), &narrow,
                              SECTION_MAP_READ, FALSE, 0));
  const OsHandle read_only(narrow);
  std::shared_ptr<HandleSender> lane;
  {
    MutexLock lock(keeper_.mutex_);
    lane = keeper_.lanes_.at(line->session);
  }
  const auto number = lane->Send(RequestId{1}, read_only);
  ASSERT_TRUE(number.ok()) << number.status();
  const auto handle = line->lane->Redeem(*number, Clock::now() + kPatience);
  ASSERT_TRUE(handle.ok()) << handle.status();
  EXPECT_TRUE(MappedSection::Map(*handle, 1, SectionAccess::kReadOnly).ok());
  EXPECT_FALSE(MappedSection::Map(*handle, 1, SectionAccess::kReadWrite).ok());

  const auto lost = lane->Send(RequestId{2}, read_only);
  ASSERT_TRUE(lost.ok());
  lane->TakeBackRequest(RequestId{2});
  EXPECT_FALSE(line->lane->Redeem(*lost, Clock::now() + kPatience).ok());
}

TEST(EndpointTest, OnlyThisMachinesPipes) {
  EXPECT_TRUE(ServerEndpoint(R"(\\.\pipe\vramd-x)").ok());
  for (const char* bad :
       {R"(\\server\pipe\vramd)", R"(\\.\pipe\)", R"(\\.\pipe\a\b)", R"(C:\vramd)", "vramd"})
    EXPECT_EQ(ServerEndpoint(bad).status().code(), absl::StatusCode::kInvalidArgument) << bad;
  EXPECT_FALSE(ServerEndpoint(R"(\\.\pipe\)" + std::string(300, 'x')).ok());
}

TEST(PipeDescriptorTest, GroupsMayConnectAndNotServe) {
  EXPECT_EQ(PipeDescriptor("S-1-5-21-1", ""),
            "O:S-1-5-21-1D:P(A;;FA;;;S-1-5-21-1)(A;;FA;;;SY)(A;;FA;;;BA)");
  EXPECT_THAT(PipeDescriptor("S-1-5-21-1", "S-1-5-32-545"),
              HasSubstr("(A;;0x12018b;;;S-1-5-32-545)"));
}

}  // namespace
}  // namespace vramd
