// Handles whose bookkeeping lies inside the shared memory: those of a driver that runs on the CPU.
// They stay with the user whom the broker runs as.
#include <gmock/gmock.h>

#include "tests/unit/stream_broker_fakes.h"

namespace vramd {
namespace {

using testing::AllOf;
using testing::HasSubstr;

MATCHER(IsRefusedWithTheRemedy, "") {
  return ExplainMatchResult(AllOf(HasSubstr("bob(1001)"), HasSubstr("opaque_fd"),
                                  HasSubstr("allocate host_section")),
                            std::string(arg.message()), result_listener) &&
         absl::IsPermissionDenied(arg);
}

TEST(PolicyHandoverTest, OnACpuAnOpaqueHandleIsTheBrokersUsersAlone) {
  constexpr uint32_t kCpu = 4, kDiscreteGpu = 2;
  Policy policy;
  policy.broker_user_id = "1000";
  const Peer alice = MakePeer("alice", "1000"), bob = MakePeer("bob", "1001");
  const auto refused = [&](const Peer& peer, const char* owner, uint32_t kind, HandleType type) {
    DeviceInfo device;
    device.device_type = kind;
    return absl::IsPermissionDenied(policy.CheckHandover(peer, owner, device, type));
  };
  for (const HandleType opaque : {HandleType::kOpaqueFd, HandleType::kNtNv, HandleType::kNtKhr}) {
    EXPECT_FALSE(refused(alice, "1000", kCpu, opaque));
    EXPECT_TRUE(refused(bob, "1000", kCpu, opaque)) << "another user opens it";
    EXPECT_TRUE(refused(bob, "1001", kCpu, opaque)) << "the broker's driver would trust bob";
    EXPECT_TRUE(refused(alice, "1001", kCpu, opaque));
    EXPECT_FALSE(refused(bob, "1000", kDiscreteGpu, opaque));
  }
  for (const HandleType plain : {HandleType::kHostSection, HandleType::kDmaBuf})
    EXPECT_FALSE(refused(bob, "1000", kCpu, plain));
}

class HandoverTest : public StreamBrokerTest {
 protected:
  void SetUp() override {
    device_->BecomeCpu(HandleType::kOpaqueFd);
    Start({}, AliceIsTheBrokersUser());
    streams_ = std::make_unique<StreamBroker>(broker_.get(), std::chrono::seconds(10));
  }
};

TEST_F(HandoverTest, AnotherUserCannotOpenSuchMemoryByName) {
  const auto grant = Allocate(kAlice);
  ASSERT_TRUE(grant.ok()) << grant.status();
  ASSERT_TRUE(broker_->Publish(kAlice, grant->lease, "shared/x").ok());
  EXPECT_TRUE(Open(kAlice2, "alice/shared/x").ok());
  EXPECT_THAT(Open(kBob, "alice/shared/x").status(), IsRefusedWithTheRemedy());
  EXPECT_EQ(UsedByLeases(kBob), 0u);
}

TEST_F(HandoverTest, AnotherUserCannotAllocateSuchMemory) {
  EXPECT_THAT(Allocate(kBob).status(), IsRefusedWithTheRemedy());
  EXPECT_EQ(UsedByLeases(kBob), 0u);
  EXPECT_EQ(device_->live(), 0);
}

TEST_F(HandoverTest, AnotherUserCannotJoinAStreamOfSuchMemoryNorMakeOne) {
  Produce(kAlice, SmallStream("shared/cam"));
  EXPECT_TRUE(OpenStream(kAlice2, "alice/shared/cam").ok());
  EXPECT_THAT(OpenStream(kBob, "alice/shared/cam").status(), IsRefusedWithTheRemedy());
  EXPECT_THAT(Create(kBob, SmallStream("own/cam")).status(), IsRefusedWithTheRemedy());
  EXPECT_EQ(UsedByAll(kBob), 0u);
}

TEST_F(HandoverTest, HostSectionsGoToEverybodyWhoMayOpenThem) {
  device_->BecomeCpu(HandleType::kHostSection);
  const auto grant = Allocate(kAlice);
  ASSERT_TRUE(grant.ok()) << grant.status();
  ASSERT_TRUE(broker_->Publish(kAlice, grant->lease, "shared/x").ok());
  EXPECT_TRUE(Open(kBob, "alice/shared/x").ok());
  EXPECT_TRUE(Allocate(kBob).ok());
}

TEST_F(HandoverTest, AStreamThatGoesOverToSuchMemoryLosesItsOtherUsers) {
  device_->BecomeCpu(HandleType::kHostSection);
  const auto created = Produce(kAlice, SmallStream("shared/cam"));
  const auto joined = OpenStream(kBob, "alice/shared/cam");
  ASSERT_TRUE(joined.ok()) << joined.status();
  const auto follower = Follow(kBob, joined->part);
  device_->BecomeCpu(HandleType::kOpaqueFd);
  ASSERT_TRUE(Resize(kAlice, created.part).ok());
  ASSERT_TRUE(follower->ended().has_value());
  EXPECT_THAT(*follower->ended(), IsRefusedWithTheRemedy());
  EXPECT_EQ(UsedByAll(kBob), 0u);
}

}  // namespace
}  // namespace vramd
