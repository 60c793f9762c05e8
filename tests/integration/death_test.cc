// Processes that die: clients in any state, and the broker itself.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "base/os_handle.h"
#include "tests/integration/scripted_process.h"
#include "tests/support/broker_process.h"
#include "tests/support/or_exit.h"

namespace vramd {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr milliseconds kPatience(20000);
// How long a dead client's leases may outlive it; it takes some milliseconds.
constexpr milliseconds kForgotten(500);

// The next event of a kind; others are passed over.
Event Await(Watch& watch, vramd_event_kind kind) {
  for (;;) {
    auto event = watch.Next(kPatience);
    if (!event) {
      ADD_FAILURE() << "no event " << kind << ": " << event.status().ToString();
      return Event();
    }
    if (event->kind == kind) return *event;
  }
}

class DeathTest : public ::testing::Test {
 protected:
  BrokerProcess broker_;
  Client client_ = broker_.Connect();
};

TEST_F(DeathTest, WatchTellsWhatExistsThenWhatChanges) {
  auto first = OrExit(client_.Allocate(AllocateInfo::Raw(4096)));
  const std::string name = OrExit(first.Publish("watch/first"));
  Watch watch = OrExit(client_.WatchNames());
  EXPECT_EQ(OrExit(watch.Next(kPatience)).name, name);
  EXPECT_EQ(OrExit(watch.Next(kPatience)).kind, VRAMD_EVENT_CURRENT);
  EXPECT_TRUE(client_.Withdraw("watch/first").ok());
  EXPECT_EQ(OrExit(watch.Next(kPatience)).kind, VRAMD_EVENT_WITHDRAWN);
  EXPECT_EQ(watch.Next(milliseconds(0)).status().code(), VRAMD_DEADLINE_EXCEEDED);
}

TEST_F(DeathTest, KilledClientLeavesNothing) {
  ScriptedProcess victim(broker_.endpoint());
  ScriptedProcess bystander(broker_.endpoint());
  victim.Do("connect");
  bystander.Do("connect");
  ASSERT_THAT(bystander.Do("allocate 65536"), StartsWith("ok"));
  ASSERT_THAT(victim.Do("allocate 1048576"), StartsWith("ok"));
  ASSERT_THAT(victim.Do("publish 1 death/victim"), StartsWith("ok"));
  Watch watch = OrExit(client_.WatchNames());
  Await(watch, VRAMD_EVENT_CURRENT);

  const auto killed = steady_clock::now();
  victim.process().Kill();
  EXPECT_THAT(Await(watch, VRAMD_EVENT_RELEASED).name, HasSubstr("death/victim"));
  const auto took = std::chrono::duration_cast<milliseconds>(steady_clock::now() - killed);
  RecordProperty("released_after_ms", static_cast<int>(took.count()));
  EXPECT_LT(took, kForgotten);
  EXPECT_EQ(OrExit(client_.ServerInfo()).allocations, 1u);
  EXPECT_THAT(bystander.Do("release 1"), StartsWith("ok"));
}

TEST_F(DeathTest, KilledInTheMiddleOfAnything) {
  Watch watch = OrExit(client_.WatchNames());
  for (int round = 0; round < 20; ++round) {
    ScriptedProcess victim(broker_.endpoint());
    ASSERT_THAT(victim.Do("connect"), StartsWith("ok"));
    ASSERT_THAT(victim.Do("churn"), StartsWith("ok"));
    // Some rounds into its work: a different moment each time, without a clock.
    for (int i = 0; i <= round; ++i) Await(watch, VRAMD_EVENT_PUBLISHED);
    victim.process().Kill();
    victim.process().Wait();
  }
  const auto deadline = steady_clock::now() + kPatience;
  while (OrExit(client_.ServerInfo()).sessions > 1 && steady_clock::now() < deadline) {
  }
  EXPECT_EQ(OrExit(client_.ServerInfo()).sessions, 1u);
  EXPECT_EQ(OrExit(client_.ServerInfo()).allocations, 0u);
  EXPECT_TRUE(OrExit(client_.List()).empty());
}

TEST_F(DeathTest, BrokerKilledClientsReconnect) {
  auto lease = OrExit(client_.Allocate(AllocateInfo::Raw(4096)));
  Watch watch = OrExit(client_.WatchNames());
  Await(watch, VRAMD_EVENT_CURRENT);
  broker_.Kill();
  Await(watch, VRAMD_EVENT_DISCONNECTED);
  EXPECT_FALSE(lease.valid());
  const Status gone = client_.Ping();
  EXPECT_EQ(gone.code(), VRAMD_UNAVAILABLE) << gone.ToString();
  intptr_t handle = -1;  // the memory is still there for an import
  EXPECT_EQ(vramd_lease_get_handle(lease.get(), &handle), VRAMD_OK);
  OsHandle((NativeHandle)handle).Reset();
  broker_.Restart();
  Await(watch, VRAMD_EVENT_RECONNECTED);
  EXPECT_TRUE(client_.Ping().ok());
  EXPECT_FALSE(lease.valid());
  EXPECT_EQ(lease.Publish("death/late").status().code(), VRAMD_UNAVAILABLE);
  auto fresh = OrExit(client_.Allocate(AllocateInfo::Raw(4096)));
  OrExit(fresh.Publish("death/fresh"));
  EXPECT_THAT(Await(watch, VRAMD_EVENT_PUBLISHED).name, HasSubstr("death/fresh"));
}

TEST_F(DeathTest, TerminationDrainsAndTellsWatchers) {
  Watch watch = OrExit(client_.WatchNames());
  Await(watch, VRAMD_EVENT_CURRENT);
  broker_.process().Terminate();
  EXPECT_THAT(Await(watch, VRAMD_EVENT_GOING_AWAY).reason, HasSubstr("stop"));
  EXPECT_EQ(broker_.process().Wait(kPatience), 0);
  EXPECT_THAT(broker_.Log(), HasSubstr("event=stopped"));
}

// With a watch running and with none; under load this once crashed in one of three.
TEST(Termination, StopsCleanlyEveryTime) {
  for (int round = 0; round < 12; ++round) {
    BrokerProcess broker({"--null-device", "--drain-timeout", "50"});
    Client client = broker.Connect();
    std::optional<Watch> watch;
    if (round % 2 == 0) watch.emplace(OrExit(client.WatchNames()));
    broker.process().Terminate();
    ASSERT_EQ(broker.process().Wait(kPatience), 0) << broker.Log();
  }
}

}  // namespace
}  // namespace vramd
