// The broker's pipe against clients and squatters: who may have the name, who gets in, what a
// silent client costs, and what is left when one ends.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <windows.h>

#include <thread>
#include <vector>

#include "base/section.h"
#include "ipc/endpoint.h"
#include "ipc/object_rights_windows.h"
#include "tests/support/handle_count_windows.h"
#include "tests/windows/door_fixture.h"

namespace vramd {
namespace {

using ::testing::HasSubstr;

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

// One user cannot fill the room for all; and when his time is up, there is room again.
TEST_F(DoorTest, SilentClientsUseUpTheirOwnRoom) {
  Open(std::chrono::seconds(2));
  std::vector<OsHandle> silent;
  for (size_t i = 0; i < DoorOptions().max_greetings_per_user; ++i) {
    while (silent.size() <= i) {
      OsHandle client = OpenRaw(SECURITY_IDENTIFICATION);
      if (client.valid())
        silent.push_back(std::move(client));
      else
        WaitNamedPipeW(ToWide(pipe_).c_str(), 20000);
    }
  }
  EXPECT_EQ(Call().status().code(), absl::StatusCode::kResourceExhausted);
  ASSERT_TRUE(
      keeper_.Await([&](Keeper& keeper) { return keeper.refused_.size() > silent.size(); }));
  EXPECT_TRUE(Call().ok());
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

class LaneTest : public DoorTest {
 protected:
  void SetUp() override {
    Open();
    line_ = Call();
    ASSERT_TRUE(line_.ok()) << line_.status();
    ASSERT_TRUE(keeper_.Await([](Keeper& keeper) { return !keeper.streams_.empty(); }));
    MutexLock lock(keeper_.mutex_);
    lane_ = keeper_.lanes_.at(line_->session);
  }
  absl::StatusOr<OsHandle> Pass(const OsHandle& handle) {
    const auto number = lane_->Send(RequestId{1}, handle);
    if (!number.ok()) return number.status();
    return line_->lane->Redeem(*number, Clock::now() + kPatience);
  }
  uint32_t RightsAfterPassing(HANDLE made) {
    const OsHandle handle(made);
    const auto passed = Pass(handle);
    EXPECT_TRUE(passed.ok()) << passed.status();
    return passed.ok() ? GrantedRights(*passed).value_or(0) : 0;
  }

  absl::StatusOr<Line> line_ = absl::UnknownError("not yet");
  std::shared_ptr<HandleSender> lane_;
};

TEST_F(LaneTest, HandlesArriveWithNoMoreRightsThanSent) {
  auto section = CreateSection(SectionAlignment(), "door-test");
  ASSERT_TRUE(section.ok());
  const auto read_only = DuplicateForReader(*section);
  ASSERT_TRUE(read_only.ok()) << read_only.status();
  const auto handle = Pass(*read_only);
  ASSERT_TRUE(handle.ok()) << handle.status();
  EXPECT_TRUE(MappedSection::Map(*handle, 1, SectionAccess::kReadOnly).ok());
  EXPECT_FALSE(MappedSection::Map(*handle, 1, SectionAccess::kReadWrite).ok());
}

// Whatever the broker itself may do with an object.
TEST_F(LaneTest, HandlesArriveWithTheRightsOfAnImporter) {
  EXPECT_EQ(RightsAfterPassing(CreateFileMappingW(INVALID_HANDLE_VALUE, nullptr, PAGE_READWRITE, 0,
                                                  4096, nullptr)),
            uint32_t{SECTION_MAP_READ | SECTION_MAP_WRITE | SECTION_QUERY});
  EXPECT_EQ(RightsAfterPassing(CreateEventW(nullptr, TRUE, FALSE, nullptr)),
            uint32_t{SYNCHRONIZE | EVENT_MODIFY_STATE});
  // Of a driver's own kinds nobody else knows what an import needs; here a semaphore is unknown.
  EXPECT_EQ(RightsAfterPassing(CreateSemaphoreW(nullptr, 0, 1, nullptr)),
            uint32_t{SEMAPHORE_ALL_ACCESS});
}

TEST_F(LaneTest, WhatOpensTheBrokerIsNeverLent) {
  HANDLE process = nullptr;
  ASSERT_TRUE(DuplicateHandle(GetCurrentProcess(), GetCurrentProcess(), GetCurrentProcess(),
                              &process, 0, FALSE, DUPLICATE_SAME_ACCESS));
  HANDLE token = nullptr;
  ASSERT_TRUE(OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token));
  HANDLE thread = nullptr;
  ASSERT_TRUE(DuplicateHandle(GetCurrentProcess(), GetCurrentThread(), GetCurrentProcess(), &thread,
                              0, FALSE, DUPLICATE_SAME_ACCESS));
  for (HANDLE raw : {process, token, thread}) {
    const OsHandle handle(raw);
    EXPECT_TRUE(absl::IsInternal(Pass(handle).status()));
  }
  EXPECT_TRUE(absl::IsInternal(Pass(line_->stream).status())) << "a pipe is a file";
}

TEST_F(LaneTest, WhatALaterStepLostIsClosedInTheClient) {
  const auto section = CreateSection(SectionAlignment(), "door-test");
  ASSERT_TRUE(section.ok());
  const auto lose = [&] {
    const auto lost = lane_->Send(RequestId{2}, *section);
    const auto lost_too = lane_->Send(RequestId{2}, *section);
    const auto alone = lane_->Send(RequestId{3}, *section);
    ASSERT_TRUE(lost.ok() && lost_too.ok() && alone.ok());
    lane_->TakeBackRequest(RequestId{2});
    lane_->TakeBack(RequestId{3}, *alone);
    for (const uint64_t number : {*lost, *lost_too, *alone})
      EXPECT_FALSE(line_->lane->Redeem(number, Clock::now() + kPatience).ok());
  };
  // A thread of the system's pool that starts or ends meanwhile has handles, too; but what one round
  // leaves behind, all do.
  bool clean = false;
  for (int i = 0; i < 5 && !clean; ++i) {
    const size_t before = CountOwnHandles();
    lose();
    clean = CountOwnHandles() == before;
  }
  EXPECT_TRUE(clean);
}

// A new event whose handle has this value, which is free. Values are used again at once.
OsHandle EventWithValue(uint64_t number) {
  std::vector<OsHandle> others;
  for (int i = 0; i < 10000; ++i) {
    OsHandle event(CreateEventW(nullptr, TRUE, FALSE, nullptr));
    if (reinterpret_cast<uintptr_t>(event.get()) == number) return event;
    others.push_back(std::move(event));
  }
  ADD_FAILURE() << "no event got the value " << number;
  return OsHandle();
}

bool IsOpen(const OsHandle& handle) {
  DWORD flags = 0;
  return GetHandleInformation(handle.get(), &flags);
}

TEST_F(LaneTest, WhatWasTakenBackIsNotClosedAgainWhenItsValueMeansSomethingElse) {
  const auto section = CreateSection(SectionAlignment(), "door-test");
  ASSERT_TRUE(section.ok());
  const RequestId request{2};
  for (const bool batch_first : {true, false}) {
    const auto number = lane_->Send(request, *section);
    ASSERT_TRUE(number.ok()) << number.status();
    if (batch_first) lane_->TakeBack(request, *number);
    if (!batch_first) lane_->TakeBackRequest(request);
    const OsHandle event = EventWithValue(*number);
    lane_->TakeBackRequest(request);
    lane_->TakeBack(request, *number);
    EXPECT_TRUE(IsOpen(event));
  }
}

TEST_F(LaneTest, WhatAReplyNamedIsTheClientsToClose) {
  const auto section = CreateSection(SectionAlignment(), "door-test");
  ASSERT_TRUE(section.ok());
  const auto redeemed = lane_->Send(RequestId{4}, *section);
  const auto left = lane_->Send(RequestId{4}, *section);
  const auto other = lane_->Send(RequestId{5}, *section);
  ASSERT_TRUE(redeemed.ok() && left.ok() && other.ok());
  line_->lane->Own(RequestId{4}, {*redeemed, *left});
  line_->lane->Own(RequestId{5}, {*other});
  const auto kept = line_->lane->Redeem(*redeemed, Clock::now() + kPatience);
  ASSERT_TRUE(kept.ok()) << kept.status();
  line_->lane->Abandon(RequestId{4});
  EXPECT_TRUE(IsOpen(*kept)) << "whoever redeemed it has it";
  EXPECT_EQ(EventWithValue(*left).valid(), true) << "closed, so its value is free";
  EXPECT_TRUE(line_->lane->Redeem(*other, Clock::now() + kPatience).ok()) << "another call's";
}

TEST(EndpointTest, OnlyThisMachinesPipes) {
  EXPECT_TRUE(ServerEndpoint(R"(\\.\pipe\vramd-x)").ok());
  for (const char* bad :
       {R"(\\server\pipe\vramd)", R"(\\.\pipe\)", R"(\\.\pipe\a\b)", R"(C:\vramd)", "vramd"})
    for (const absl::Status& status : {ServerEndpoint(bad).status(), ClientEndpoints(bad).status()})
      EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << bad;
  EXPECT_FALSE(ServerEndpoint(R"(\\.\pipe\)" + std::string(300, 'x')).ok());
}

}  // namespace
}  // namespace vramd
