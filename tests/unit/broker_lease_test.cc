// Sessions, leases and what they pay for.
#include <gmock/gmock.h>

#include <thread>

#include "tests/unit/broker_fakes.h"

namespace vramd {
namespace {

using testing::HasSubstr;

TEST_F(BrokerTest, AllocateGivesAHandleToTheMemoryItPaysFor) {
  const auto grant = Allocate(kAlice, 3 * kPage);
  ASSERT_TRUE(grant.ok()) << grant.status();
  EXPECT_TRUE(grant->handle.valid());
  EXPECT_EQ(grant->recipe.allocation_size, 3 * kPage);
  EXPECT_EQ(Used(kAlice, "session.bytes"), 3 * kPage);
  EXPECT_EQ(Used(kAlice, "session.allocations"), 1u);
  EXPECT_EQ(Used(kAlice, "session.handles"), 1u);
  EXPECT_EQ(Used(kAlice, "user.bytes"), 3 * kPage);
  EXPECT_EQ(broker_->Counts().bytes, 3 * kPage);

  ASSERT_TRUE(broker_->Release(kAlice, grant->lease).ok());
  EXPECT_EQ(UsedByLeases(kAlice), 0u);
  EXPECT_EQ(device_->live(), 0);
}

TEST_F(BrokerTest, ALeaseIsReleasedOnceAndByItsOwnSession) {
  const auto grant = Allocate(kAlice);
  ASSERT_TRUE(grant.ok());
  EXPECT_TRUE(absl::IsNotFound(broker_->Release(kAlice2, grant->lease)));
  EXPECT_TRUE(broker_->Release(kAlice, grant->lease).ok());
  EXPECT_TRUE(absl::IsNotFound(broker_->Release(kAlice, grant->lease)));
}

TEST_F(BrokerTest, TheAllocationOutlivesItsMakerWhileAnotherSessionHasALease) {
  const auto made = Allocate(kAlice);
  ASSERT_TRUE(made.ok());
  const auto opened = Open(kAlice2, made->allocation);
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_NE(opened->lease, made->lease);
  broker_->EndSession(kAlice);
  EXPECT_EQ(device_->live(), 1);
  EXPECT_TRUE(Open(kAlice2, made->allocation).ok());
  broker_->EndSession(kAlice2);
  EXPECT_EQ(device_->live(), 0);
}

TEST_F(BrokerTest, AUserPaysOncePerAllocationForBytes) {
  const auto made = Allocate(kAlice, kPage);
  ASSERT_TRUE(made.ok());
  const auto again = Open(kAlice, made->allocation);
  const auto elsewhere = Open(kAlice2, made->allocation);
  ASSERT_TRUE(again.ok() && elsewhere.ok());
  EXPECT_EQ(Used(kAlice, "user.bytes"), kPage);
  EXPECT_EQ(Used(kAlice, "user.allocations"), 1u);
  EXPECT_EQ(Used(kAlice, "user.handles"), 3u);
  EXPECT_EQ(Used(kAlice, "session.bytes"), 2 * kPage);
  EXPECT_EQ(Used(kAlice2, "session.bytes"), kPage);

  // The first lease goes; the others still pay.
  ASSERT_TRUE(broker_->Release(kAlice, made->lease).ok());
  EXPECT_EQ(Used(kAlice, "user.bytes"), kPage);
  ASSERT_TRUE(broker_->Release(kAlice, again->lease).ok());
  ASSERT_TRUE(broker_->Release(kAlice2, elsewhere->lease).ok());
  EXPECT_EQ(UsedByLeases(kAlice), 0u);
  EXPECT_EQ(UsedByLeases(kAlice2), 0u);
}

TEST_F(BrokerTest, AUserThatOpensAnothersMemoryPaysToo) {
  const auto made = Allocate(kAlice, kPage);
  ASSERT_TRUE(broker_->Publish(kAlice, made->lease, "shared/a").ok());
  const auto opened = Open(kBob, "alice/shared/a");
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_EQ(Used(kBob, "user.bytes"), kPage);
  EXPECT_EQ(Used(kBob, "session.allocations"), 0u);  // he made none
  broker_->EndSession(kAlice);
  EXPECT_EQ(Used(kBob, "user.bytes"), kPage);
}

TEST_F(BrokerTest, SessionQuotasRefuseByName) {
  BrokerLimits limits;
  limits.session = {.bytes = 4 * kPage, .allocations = 3, .handles = 4};
  Start(limits, EveryoneMayConnect());
  ASSERT_TRUE(Allocate(kAlice, 3 * kPage).ok());
  const auto too_large = Allocate(kAlice, 2 * kPage);
  EXPECT_TRUE(absl::IsResourceExhausted(too_large.status()));
  EXPECT_THAT(std::string(too_large.status().message()),
              HasSubstr("session.bytes is " + std::to_string(4 * kPage)));

  const auto last = Allocate(kAlice, kPage);
  ASSERT_TRUE(last.ok());
  ASSERT_TRUE(broker_->Release(kAlice, last->lease).ok());
  EXPECT_TRUE(Allocate(kAlice, kPage).ok()) << "what was released can be used again";
  EXPECT_EQ(Used(kAlice, "session.bytes"), 4 * kPage) << "a refused call pays nothing";
}

TEST_F(BrokerTest, UserQuotasHoldAcrossSessions) {
  BrokerLimits limits;
  limits.user = {.bytes = 3 * kPage, .allocations = 8, .handles = 8, .sessions = 2};
  Start(limits, EveryoneMayConnect());
  ASSERT_TRUE(Allocate(kAlice, 2 * kPage).ok());
  const auto refused = Allocate(kAlice2, 2 * kPage);
  EXPECT_THAT(std::string(refused.status().message()), HasSubstr("user.bytes"));
  EXPECT_TRUE(Allocate(kBob, 2 * kPage).ok()) << "another user has a quota of his own";
  const absl::Status third = broker_->BeginSession(SessionId{9}, alice_);
  EXPECT_THAT(std::string(third.message()), HasSubstr("user.sessions"));
  broker_->EndSession(kAlice2);
  EXPECT_TRUE(broker_->BeginSession(SessionId{9}, alice_).ok());
  broker_->EndSession(SessionId{9});
}

TEST_F(BrokerTest, HandleAndAllocationQuotasRefuse) {
  BrokerLimits limits;
  limits.session = {.bytes = 64 * kPage, .allocations = 2, .handles = 3};
  Start(limits, EveryoneMayConnect());
  const auto one = Allocate(kAlice);
  ASSERT_TRUE(one.ok() && Allocate(kAlice).ok());
  EXPECT_THAT(std::string(Allocate(kAlice).status().message()), HasSubstr("session.allocations"));
  ASSERT_TRUE(Open(kAlice, one->allocation).ok());
  EXPECT_THAT(std::string(Open(kAlice, one->allocation).status().message()),
              HasSubstr("session.handles"));
}

TEST_F(BrokerTest, TheBrokerHasALimitOfSessions) {
  BrokerLimits limits;
  limits.sessions = 3;
  Start(limits, EveryoneMayConnect());
  const absl::Status refused = broker_->BeginSession(SessionId{4}, MakePeer("carol", "1002"));
  EXPECT_TRUE(absl::IsResourceExhausted(refused));
  EXPECT_THAT(std::string(refused.message()), HasSubstr("broker.sessions is 3"));
}

TEST_F(BrokerTest, AnEndedSessionIsUnauthenticated) {
  broker_->EndSession(kAlice);
  broker_->EndSession(kAlice);  // idempotent
  EXPECT_TRUE(absl::IsUnauthenticated(Allocate(kAlice).status()));
  EXPECT_TRUE(absl::IsUnauthenticated(Open(kAlice, AllocationId{1}).status()));
  EXPECT_TRUE(absl::IsUnauthenticated(broker_->Release(kAlice, LeaseId{1})));
  EXPECT_TRUE(broker_->QuotasOf(kAlice).empty());
}

TEST_F(BrokerTest, RequestZeroAndTheSameRequestTwiceAreRefusedAndPayNothing) {
  const AllocationRequest what = RawRequest(kPage);
  EXPECT_TRUE(
      absl::IsInvalidArgument(broker_->Allocate(kAlice, RequestId{0}, what, "", "").status()));
  ASSERT_TRUE(broker_->Allocate(kAlice, RequestId{7}, what, "", "").ok());
  EXPECT_TRUE(
      absl::IsInvalidArgument(broker_->Allocate(kAlice, RequestId{7}, what, "", "").status()));
  EXPECT_EQ(Used(kAlice, "user.bytes"), kPage);
  EXPECT_EQ(device_->live(), 1);
  // Numbers are unique within one session only.
  EXPECT_TRUE(broker_->Allocate(kAlice2, RequestId{7}, what, "", "").ok());
}

TEST_F(BrokerTest, ReleaseByRequest) {
  ASSERT_TRUE(broker_->Allocate(kAlice, RequestId{5}, RawRequest(kPage), "", "").ok());
  EXPECT_TRUE(broker_->ReleaseByRequest(kAlice, RequestId{6}).ok()) << "it never made a lease";
  EXPECT_TRUE(broker_->ReleaseByRequest(kAlice2, RequestId{5}).ok());
  EXPECT_EQ(device_->live(), 1) << "another session's number is not this one's";
  EXPECT_TRUE(broker_->ReleaseByRequest(kAlice, RequestId{5}).ok());
  EXPECT_EQ(device_->live(), 0);
  EXPECT_TRUE(broker_->ReleaseByRequest(kAlice, RequestId{5}).ok());
  // A released number may be used again.
  EXPECT_TRUE(broker_->Allocate(kAlice, RequestId{5}, RawRequest(kPage), "", "").ok());
}

TEST_F(BrokerTest, AFailedAllocationGivesBackItsCharges) {
  device_->FailAllocate(absl::ResourceExhaustedError("the GPU is full"));
  EXPECT_EQ(Allocate(kAlice).status().message(), "the GPU is full");
  EXPECT_EQ(UsedByLeases(kAlice), 0u);
}

TEST_F(BrokerTest, AFailedExportGivesBackTheMemoryAndItsCharges) {
  device_->FailExport(absl::ResourceExhaustedError("no descriptor left"));
  EXPECT_TRUE(absl::IsResourceExhausted(Allocate(kAlice).status()));
  EXPECT_EQ(UsedByLeases(kAlice), 0u);
  EXPECT_EQ(device_->live(), 0);

  device_->FailExport(absl::OkStatus());
  const auto made = Allocate(kAlice);
  device_->FailExport(absl::ResourceExhaustedError("no descriptor left"));
  const uint64_t before = UsedByLeases(kAlice);
  EXPECT_FALSE(Open(kAlice, made->allocation).ok());
  EXPECT_EQ(UsedByLeases(kAlice), before);
}

TEST_F(BrokerTest, TheChargeFollowsWhatTheDriverTook) {
  device_->PromiseSize(1);
  ASSERT_TRUE(Allocate(kAlice, 2 * kPage).ok());
  EXPECT_EQ(Used(kAlice, "session.bytes"), 2 * kPage);
  EXPECT_EQ(Used(kAlice, "user.bytes"), 2 * kPage);
  device_->PromiseSize(64 * kPage);
  ASSERT_TRUE(Allocate(kAlice, kPage).ok());
  EXPECT_EQ(Used(kAlice, "user.bytes"), 3 * kPage);
}

TEST_F(BrokerTest, AnAllocationLargerThanPromisedAndThanTheQuotaIsGivenBack) {
  BrokerLimits limits;
  limits.session.bytes = kPage;
  Start(limits, EveryoneMayConnect());
  device_->PromiseSize(1);
  EXPECT_TRUE(absl::IsResourceExhausted(Allocate(kAlice, 2 * kPage).status()));
  EXPECT_EQ(UsedByLeases(kAlice), 0u);
  EXPECT_EQ(device_->live(), 0);
}

TEST_F(BrokerTest, ASessionThatEndsWhileTheDriverAllocatesLeavesNothing) {
  device_->Close();
  absl::Status answer;
  std::thread caller([&] { answer = Allocate(kAlice, kPage).status(); });
  device_->AwaitWaiting(1);
  broker_->EndSession(kAlice);
  device_->Open();
  caller.join();
  EXPECT_TRUE(absl::IsUnauthenticated(answer)) << answer;
  EXPECT_EQ(device_->live(), 0);
  EXPECT_EQ(UsedByLeases(kAlice2), 0u);
}

TEST_F(BrokerTest, AUserCannotShakeOffWhatIsStillBeingAllocated) {
  broker_->EndSession(kAlice2);
  device_->Close();
  std::thread caller([&] { (void)Allocate(kAlice, 5 * kPage); });
  device_->AwaitWaiting(1);
  broker_->EndSession(kAlice);  // her last session
  const SessionId next{9};
  ASSERT_TRUE(broker_->BeginSession(next, alice_).ok());
  EXPECT_EQ(Used(next, "user.bytes"), 5 * kPage);
  device_->Open();
  caller.join();
  EXPECT_EQ(Used(next, "user.bytes"), 0u);
  broker_->EndSession(next);
}

TEST_F(BrokerTest, TwoSessionsThatOpenTheSameMemoryAtOncePayOnce) {
  const auto made = Allocate(kAlice, kPage);
  ASSERT_TRUE(broker_->Publish(kAlice, made->lease, "shared/x").ok());
  const SessionId second{9};
  ASSERT_TRUE(broker_->BeginSession(second, bob_).ok());
  device_->Close();
  absl::StatusOr<Grant> one, two;
  std::thread first_caller([&] { one = Open(kBob, "alice/shared/x"); });
  std::thread second_caller([&] { two = Open(second, "alice/shared/x"); });
  device_->AwaitWaiting(2);
  EXPECT_EQ(Used(kBob, "user.bytes"), kPage);
  device_->Open();
  first_caller.join();
  second_caller.join();
  ASSERT_TRUE(one.ok() && two.ok());
  ASSERT_TRUE(broker_->Release(kBob, one->lease).ok());
  EXPECT_EQ(Used(kBob, "user.bytes"), kPage);
  ASSERT_TRUE(Open(kBob, "alice/shared/x").ok());
  EXPECT_EQ(Used(kBob, "user.bytes"), kPage);
  broker_->EndSession(second);
  broker_->EndSession(kBob);
  ASSERT_TRUE(broker_->BeginSession(kBob, bob_).ok());
  EXPECT_EQ(UsedByLeases(kBob), 0u);
}

TEST_F(BrokerTest, ALostDeviceIsToldOnceAndRefusedFromThenOn) {
  RecordingSink sink;
  const auto watcher = broker_->AddWatcher(kBob, "", &sink);
  device_->FailAllocate(absl::UnavailableError("VK_ERROR_DEVICE_LOST"));
  EXPECT_TRUE(absl::IsUnavailable(Allocate(kAlice).status()));
  EXPECT_TRUE(absl::IsUnavailable(Allocate(kAlice).status()));
  device_->FailAllocate(absl::OkStatus());
  EXPECT_TRUE(absl::IsUnavailable(Allocate(kAlice2).status())) << "lost for good";
  EXPECT_EQ(sink.words(), (std::vector<std::string>{"CURRENT", "DEVICE_LOST"}));
  EXPECT_EQ(sink.events().back().device, device_->info().identity);
  EXPECT_EQ(UsedByLeases(kAlice), 0u);
  broker_->RemoveWatcher(*watcher);
}

TEST_F(BrokerTest, WhatTheDeviceCannotDoIsSaidBeforeAnythingIsPaid) {
  AllocationRequest what = RawRequest(kPage);
  what.handle_type = HandleType::kOpaqueFd;
  const auto refused = broker_->Allocate(kAlice, NextRequest(), what, "", "");
  EXPECT_TRUE(absl::IsFailedPrecondition(refused.status()));
  EXPECT_TRUE(absl::IsNotFound(
      broker_->Allocate(kAlice, NextRequest(), RawRequest(kPage), "no such gpu", "").status()));
  EXPECT_TRUE(absl::IsInvalidArgument(
      broker_->Allocate(kAlice, NextRequest(), RawRequest(kPage), "", std::string(129, 'x'))
          .status()));
  EXPECT_EQ(UsedByLeases(kAlice), 0u);
}

TEST(BrokerClockTest, TheWaitForADeviceEndsByTheBrokersClock) {
  // The clock stands long past, so its deadline has passed whatever the real time is.
  std::atomic<bool> stop = false;
  Mutex mutex;
  Condition changed;
  DeviceHub hub([&]() -> absl::StatusOr<std::vector<std::shared_ptr<Device>>> {
    MutexLock lock(mutex);
    while (!stop) changed.Wait(mutex);
    return std::vector<std::shared_ptr<Device>>{MakeNullDevice()};
  });
  Environment environment;
  environment.now = [] { return Clock::time_point{}; };
  Policy policy;
  policy.may_connect = {{Subject::Kind::kEveryone, ""}};
  Broker broker(&hub, {}, policy, environment);
  ASSERT_TRUE(broker.BeginSession(SessionId{1}, MakePeer("alice", "1000")).ok());
  const auto grant = broker.Allocate(SessionId{1}, RequestId{1}, RawRequest(kPage), "", "");
  EXPECT_TRUE(absl::IsDeadlineExceeded(grant.status())) << grant.status();
  MutexLock lock(mutex);
  stop = true;
  changed.NotifyAll();
}

}  // namespace
}  // namespace vramd
