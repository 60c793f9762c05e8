// What becomes of a stream when its broker restarts, and somebody dies or sleeps meanwhile.
#include <gtest/gtest.h>

#include <chrono>

#include "tests/integration/stream_fixture.h"
#include "tests/support/or_exit.h"
#include "vramd/stream.h"

namespace vramd {
namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;

class StreamRestart : public StreamTest {
 protected:
  // Until a producer has its stream with the broker that runs now.
  void AwaitListed(Client client) {
    const auto deadline = steady_clock::now() + seconds(30);
    while (OrExit(ListStreams(client)).empty())
      ASSERT_LT(steady_clock::now(), deadline) << "the producer did not come back";
  }
};

TEST_F(StreamRestart, AProducerThatDiedMeanwhileIsMissed) {
  const auto producer = StartProducer({"waiting=1"});
  const auto consumer = StartConsumer({"mode=fifo", "limit=4", "when=wait"});
  AwaitConsumers(*producer, 1);
  EXPECT_EQ(producer->Ask("publish 100"), "ok 100");
  broker_.Kill();
  producer->process().Kill();
  broker_.Restart();
  const auto restarted = steady_clock::now();
  const ConsumerReport report = consumer->Report();
  EXPECT_LT(steady_clock::now() - restarted, seconds(15));
  EXPECT_EQ(report["end"], uint64_t{VRAMD_END_PRODUCER_GONE});
  EXPECT_EQ(report["received"], 100u);
  EXPECT_EQ(report["kept"], 100u);
  EXPECT_EQ(report["wrong"], 0u);
}

TEST_F(StreamRestart, AnotherStreamOfTheNameIsFollowed) {
  const auto dead = StartProducer({"waiting=1"});
  const auto consumer = StartConsumer({"mode=fifo", "limit=4", "when=wait"});
  AwaitConsumers(*dead, 1);
  EXPECT_EQ(dead->Ask("publish 100"), "ok 100");
  broker_.Kill();
  dead->process().Kill();
  broker_.Restart();
  const auto heir = StartProducer({"waiting=1", "first=101"});
  AwaitConsumers(*heir, 1);
  EXPECT_EQ(heir->Ask("publish 100"), "ok 200");
  EXPECT_EQ(heir->Ask("end"), "ok ");
  const ConsumerReport report = consumer->Report();
  EXPECT_EQ(report["end"], uint64_t{VRAMD_END_FINISHED});
  EXPECT_EQ(report["received"], 200u);
  EXPECT_EQ(report["gaps"], 0u);
  EXPECT_EQ(report["wrong"], 0u);
}

TEST_F(StreamRestart, WhoComesBackLateCountsWhatItMissed) {
  const auto producer = StartProducer();
  const auto consumer = StartConsumer({"mode=fifo", "limit=4"});
  AwaitConsumers(*producer, 1);
  consumer->process().Suspend();
  broker_.Restart();
  // Longer than the producer waits for its consumers.
  EXPECT_EQ(producer->Ask("publish 300 10000"), "ok 300");
  EXPECT_EQ(producer->Ask("session"), "ok 2 1");
  consumer->process().Resume();
  AwaitConsumers(*producer, 1);
  EXPECT_EQ(producer->Ask("publish 100 100"), "ok 400");
  EXPECT_EQ(producer->Ask("end"), "ok ");
  const ConsumerReport report = consumer->Report();
  EXPECT_EQ(report["end"], uint64_t{VRAMD_END_FINISHED});
  EXPECT_EQ(report["sessions"], 2u);
  EXPECT_EQ(report["first"], 1u);
  EXPECT_GT(report["dropped"], 200u);
  EXPECT_EQ(report["received"] + report["dropped"], 400u);
  EXPECT_EQ(report["wrong"], 0u);
}

TEST_F(StreamRestart, WhoIsNotLetBackInIsTold) {
  const auto producer = StartProducer({"limit=1"});
  const auto consumer = StartConsumer({"mode=fifo", "limit=2"});
  AwaitConsumers(*producer, 1);
  EXPECT_EQ(producer->Ask("publish 2"), "ok 2");
  consumer->process().Suspend();
  broker_.Restart();
  AwaitListed(broker_.Connect());
  const auto usurper = StartConsumer({"mode=fifo", "limit=2"});  // the only place is taken
  consumer->process().Resume();
  EXPECT_EQ(producer->Ask("publish 100 100"), "ok 102");
  const ConsumerReport report = consumer->Report();
  EXPECT_EQ(report["end"], uint64_t{VRAMD_END_REMOVED});
  EXPECT_EQ(report["wrong"], 0u);
  EXPECT_EQ(producer->Ask("end"), "ok ");
  EXPECT_EQ(usurper->Report()["end"], uint64_t{VRAMD_END_FINISHED});
}

TEST_F(StreamRestart, TwoBrokersGoBeforeAConsumerLooks) {
  const auto producer = StartProducer({"images=14", "waiting=1"});
  const auto consumer = StartConsumer({"mode=fifo", "limit=4", "when=wait", "slow_us=200"});
  AwaitConsumers(*producer, 1);
  for (uint64_t round = 1; round <= 4; ++round) {
    producer->Tell("publish 200 100");
    broker_.Restart();
    EXPECT_EQ(producer->Hear(), "ok " + std::to_string(200 * round));
  }
  AwaitListed(broker_.Connect());
  AwaitConsumers(*producer, 1);
  EXPECT_EQ(producer->Ask("publish 100"), "ok 900");
  EXPECT_EQ(producer->Ask("end"), "ok ");
  const ConsumerReport report = consumer->Report();
  EXPECT_EQ(report["end"], uint64_t{VRAMD_END_FINISHED});
  EXPECT_EQ(report["received"], 900u);
  EXPECT_EQ(report["dropped"], 0u);
  EXPECT_EQ(report["wrong"], 0u);
}

// Whenever that is: before, while, or after the stream is made anew.
TEST_F(StreamRestart, AStreamThatEndsMeanwhileLeavesItsNameFree) {
  Client client = broker_.Connect();
  StreamInfo info = BufferStream(4096);
  info.image_count = 40;
  for (int round = 0; round < 20; ++round) {
    {
      Producer producer = OrExit(Producer::Create(client, info));
      broker_.Restart();
      const auto until = steady_clock::now() + std::chrono::microseconds(1500 * round);
      while (steady_clock::now() < until && producer.Stats().session == 1) continue;
    }
    const auto again = Producer::Create(client, info);
    EXPECT_TRUE(again) << "round " << round << ": " << again.status().ToString();
  }
}

}  // namespace
}  // namespace vramd
