// Many threads at once. What they do is counted, not timed, so the tests are the same on any
// machine and mean most under the thread sanitizer.
#include <gmock/gmock.h>

#include <map>
#include <random>
#include <set>
#include <thread>

#include "absl/strings/str_cat.h"
#include "tests/unit/broker_fakes.h"

namespace vramd {
namespace {

constexpr int kThreads = 4;
constexpr int kRounds = 60;

void RunThreads(const std::function<void(int)>& body) {
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) threads.emplace_back(body, i);
  for (std::thread& thread : threads) thread.join();
}

// What a watcher must believe exists, if nothing was lost and nothing came twice.
std::set<std::string> Replay(const std::vector<BrokerEvent>& events) {
  std::set<std::string> names;
  for (const BrokerEvent& event : events) {
    if (event.kind == BrokerEvent::Kind::kPublished) {
      EXPECT_TRUE(names.insert(event.listing.name).second) << event.listing.name << " came twice";
    } else if (event.kind != BrokerEvent::Kind::kCurrent) {
      EXPECT_EQ(names.erase(event.listing.name), 1u) << event.listing.name << " was never told";
    }
  }
  return names;
}

class BrokerStressTest : public BrokerTest {
 protected:
  void PublishAndEnd(SessionId session, int thread, int round) {
    const std::string name = absl::StrCat("app/t", thread, "r", round);
    const auto grant = Allocate(session);
    ASSERT_TRUE(grant.ok()) << grant.status();
    ASSERT_TRUE(broker_->Publish(session, grant->lease, name).ok());
    if (round % 3 == 0) {
      ASSERT_TRUE(broker_->Withdraw(session, name).ok());
    }
    if (round % 3 != 2) {
      ASSERT_TRUE(broker_->Release(session, grant->lease).ok());
    }
  }
};

TEST_F(BrokerStressTest, WatchersThatComeAtAnyMomentMissNothing) {
  std::vector<std::unique_ptr<RecordingSink>> sinks;
  Mutex sinks_mutex;
  RunThreads([&](int thread) {
    const SessionId session{static_cast<uint64_t>(100 + thread)};
    ASSERT_TRUE(broker_->BeginSession(session, alice_).ok());
    for (int round = 0; round < kRounds; ++round) {
      if (round % 20 == 10) {
        auto sink = std::make_unique<RecordingSink>();
        ASSERT_TRUE(broker_->AddWatcher(session, "", sink.get()).ok());
        MutexLock lock(sinks_mutex);
        sinks.push_back(std::move(sink));
      }
      PublishAndEnd(session, thread, round);
    }
  });
  std::set<std::string> left;
  const auto listings = broker_->List(kAlice, "");
  for (const Listing& one : listings.value()) left.insert(one.name);
  EXPECT_EQ(left.size(), size_t{kThreads * kRounds / 3});
  for (const auto& sink : sinks) EXPECT_EQ(Replay(sink->events()), left);
  for (uint64_t thread = 0; thread < kThreads; ++thread)
    broker_->EndSession(SessionId{100 + thread});
  EXPECT_EQ(UsedByLeases(kAlice), 0u);
}

TEST_F(BrokerStressTest, OpensOfTheSameMemoryFromManySessionsPayOnce) {
  const auto made = Allocate(kAlice);
  ASSERT_TRUE(broker_->Publish(kAlice, made->lease, "shared/x").ok());
  for (uint64_t thread = 0; thread < kThreads; ++thread)
    ASSERT_TRUE(broker_->BeginSession(SessionId{100 + thread}, bob_).ok());
  std::atomic<int> leases = 0;
  RunThreads([&](int thread) {
    const SessionId session{static_cast<uint64_t>(100 + thread)};
    for (int round = 0; round < kRounds; ++round) {
      const auto opened = Open(session, "alice/shared/x");
      ASSERT_TRUE(opened.ok()) << opened.status();
      EXPECT_LE(Used(session, "user.bytes"), kPage);
      if (round + 1 == kRounds) {
        ++leases;
      } else {
        ASSERT_TRUE(broker_->Release(session, opened->lease).ok());
      }
    }
  });
  EXPECT_EQ(Used(kBob, "user.bytes"), kPage);
  EXPECT_EQ(Used(kBob, "user.allocations"), 1u);
  EXPECT_EQ(Used(kBob, "user.handles"), static_cast<uint64_t>(leases.load()));
  for (uint64_t thread = 0; thread < kThreads; ++thread)
    broker_->EndSession(SessionId{100 + thread});
  EXPECT_EQ(UsedByLeases(kBob), 0u);
}

TEST_F(BrokerStressTest, SessionsThatEndAmongTheirOwnCallsLeaveNothing) {
  RunThreads([&](int thread) {
    // Two threads share a session that both end and begin again.
    const SessionId session{static_cast<uint64_t>(100 + thread / 2)};
    std::minstd_rand random(static_cast<unsigned>(thread) + 1);
    for (int round = 0; round < 4 * kRounds; ++round) {
      switch (random() % 5) {
        case 0:
          broker_->EndSession(session);
          (void)broker_->BeginSession(session, alice_);
          break;
        case 1: {
          const auto grant = Allocate(session);
          if (grant.ok()) (void)Open(kAlice2, grant->allocation);
          break;
        }
        case 2: {
          const auto grant = Allocate(session);
          if (grant.ok()) (void)broker_->Publish(session, grant->lease, "app/x");
          break;
        }
        case 3:
          (void)Open(session, "app/x");
          break;
        default:
          (void)broker_->List(session, "");
          (void)broker_->Counts();
      }
    }
  });
  for (const uint64_t id : {100, 101, 2}) broker_->EndSession(SessionId{id});
  EXPECT_EQ(UsedByLeases(kAlice), 0u);
  ExpectNothingLeft();
}

}  // namespace
}  // namespace vramd
