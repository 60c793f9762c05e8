// Streams as their users see them: real processes, the real broker, and signals that stop or kill
// any of them. Both sides of each conversation are in stream_roles.cc.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "tests/integration/stream_fixture.h"
#include "tests/support/or_exit.h"
#include "vramd/stream.h"

namespace vramd {

namespace {

uint32_t OldestInUse(vramd_stream* stream) {
  uint32_t oldest = 0;
  vramd_stream_get_generations(stream, nullptr, nullptr, &oldest);
  return oldest;
}

using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST_F(StreamTest, FifoSeesEveryFrame) {
  const auto producer = StartProducer({"waiting=1"});
  const auto consumer = StartConsumer({"mode=fifo", "limit=3", "when=wait"});
  AwaitConsumers(*producer, 1);
  EXPECT_EQ(producer->Ask("publish 2000"), "ok 2000");
  EXPECT_EQ(producer->Ask("end"), "ok ");
  const ConsumerReport report = consumer->Report();
  EXPECT_EQ(report["end"], uint64_t{VRAMD_END_FINISHED});
  EXPECT_EQ(report["received"], 2000u);
  EXPECT_EQ(report["dropped"], 0u);
  EXPECT_EQ(report["gaps"], 0u);
  EXPECT_EQ(report["wrong"], 0u);
  EXPECT_EQ(report["kept"], 2000u);
}

TEST_F(StreamTest, MailboxGetsTheNewestAndCountsTheRest) {
  const auto producer = StartProducer();
  const auto consumer = StartConsumer({"slow_us=3000"});
  AwaitConsumers(*producer, 1);
  EXPECT_EQ(producer->Ask("publish 2000 100"), "ok 2000");
  EXPECT_EQ(producer->Ask("end"), "ok ");
  const ConsumerReport report = consumer->Report();
  EXPECT_EQ(report["last"], 2000u);
  EXPECT_EQ(report["wrong"], 0u);
  EXPECT_GT(report["dropped"], 1000u);
  EXPECT_EQ(report["received"] + report["dropped"], 2000u);
  EXPECT_EQ(report["gaps"] + report["first"] - 1, report["dropped"]);
}

TEST_F(StreamTest, SlowFifoMissesFramesAndKnows) {
  const auto producer = StartProducer();
  const auto consumer = StartConsumer({"mode=fifo", "limit=2", "when=drop", "slow_us=3000"});
  AwaitConsumers(*producer, 1);
  EXPECT_EQ(producer->Ask("publish 1000 200"), "ok 1000");
  EXPECT_EQ(producer->Ask("end"), "ok ");
  const ConsumerReport report = consumer->Report();
  EXPECT_EQ(report["received"] + report["dropped"], 1000u);
  EXPECT_GT(report["dropped"], 100u);
  EXPECT_EQ(report["wrong"], 0u);
}

TEST_F(StreamTest, StoppedConsumerDelaysNobody) {
  const auto producer = StartProducer({"images=34", "waiting=1"});
  std::vector<std::unique_ptr<StreamProcess>> consumers;
  for (int i = 0; i < 7; ++i)
    consumers.push_back(StartConsumer({"mode=fifo", "limit=4", "when=wait"}));
  const auto stopped = StartConsumer({"mode=fifo", "limit=4", "when=drop"});
  AwaitConsumers(*producer, 8);
  stopped->process().Suspend();
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(producer->Ask("publish 1000 1000"), "ok 1000");
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  RecordProperty("seconds_for_1000_frames_at_1_ms", std::to_string(took.count()));
  EXPECT_EQ(producer->Ask("end"), "ok ");
  for (const auto& consumer : consumers) {
    const ConsumerReport report = consumer->Report();
    EXPECT_EQ(report["received"], 1000u);
    EXPECT_EQ(report["dropped"], 0u);
    EXPECT_EQ(report["wrong"], 0u);
  }
  stopped->process().Resume();
  const ConsumerReport report = stopped->Report();
  EXPECT_EQ(report["received"] + report["dropped"], 1000u);
  EXPECT_EQ(report["wrong"], 0u);
}

TEST_F(StreamTest, KilledConsumerGivesItsSlotsBack) {
  const auto producer = StartProducer({"images=4", "waiting=1"});
  const auto victim = StartConsumer({"mode=fifo", "limit=2", "when=wait"});
  AwaitConsumers(*producer, 1);
  victim->process().Suspend();
  // It takes two frames at most; the third has to wait for it, until it is killed.
  producer->Tell("publish 100");
  victim->process().Kill();
  EXPECT_EQ(producer->Hear(), "ok 100");
  AwaitConsumers(*producer, 0);
  const auto heir = StartConsumer({"mode=fifo", "limit=2", "when=wait"});
  AwaitConsumers(*producer, 1);
  EXPECT_EQ(producer->Ask("publish 100"), "ok 200");
  EXPECT_EQ(producer->Ask("end"), "ok ");
  const ConsumerReport report = heir->Report();
  EXPECT_EQ(report["first"], 100u) << "the frame that was kept";
  EXPECT_EQ(report["received"], 101u);
  EXPECT_EQ(report["wrong"], 0u);
}

TEST_F(StreamTest, KilledProducerEndsTheStreamAndLeavesItsLastFrame) {
  const auto producer = StartProducer({"waiting=1"});
  const auto consumer = StartConsumer({"mode=fifo", "limit=4", "when=wait"});
  AwaitConsumers(*producer, 1);
  EXPECT_EQ(producer->Ask("publish 50 1000"), "ok 50");
  producer->process().Kill();
  const ConsumerReport report = consumer->Report();
  EXPECT_EQ(report["end"], uint64_t{VRAMD_END_PRODUCER_GONE});
  EXPECT_EQ(report["received"], 50u) << "what was published before the end comes before the end";
  EXPECT_EQ(report["last"], 50u);
  EXPECT_EQ(report["kept"], 50u);
  EXPECT_EQ(report["wrong"], 0u);
  Client client = broker_.Connect();
  EXPECT_EQ(Consumer::Open(client, "stream/test").status().code(), VRAMD_NOT_FOUND);
}

TEST_F(StreamTest, FramesGoOnWithoutABroker) {
  const auto producer = StartProducer({"waiting=1"});
  const auto consumer = StartConsumer({"mode=fifo", "limit=4", "when=wait"});
  AwaitConsumers(*producer, 1);
  EXPECT_EQ(producer->Ask("publish 100"), "ok 100");
  broker_.Kill();
  EXPECT_EQ(producer->Ask("publish 1000"), "ok 1100");
  EXPECT_THAT(producer->Ask("resize 8192 8"), HasSubstr("UNAVAILABLE"));
  EXPECT_EQ(producer->Ask("publish 100"), "ok 1200");
  EXPECT_EQ(producer->Ask("end"), "ok ");
  const ConsumerReport report = consumer->Report();
  EXPECT_EQ(report["end"], uint64_t{VRAMD_END_FINISHED});
  EXPECT_EQ(report["received"], 1200u);
  EXPECT_EQ(report["gaps"], 0u);
  EXPECT_EQ(report["wrong"], 0u);
}

TEST_F(StreamTest, NewBrokerIsToldAndNoFrameIsLost) {
  const auto producer = StartProducer({"waiting=1"});
  const auto consumer = StartConsumer({"mode=fifo", "limit=3", "when=wait"});
  AwaitConsumers(*producer, 1);
  producer->Tell("publish 3000 1000");
  broker_.Restart();
  EXPECT_EQ(producer->Hear(), "ok 3000");
  // On a busy machine a broker takes longer to start than those frames.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  std::string session;
  while ((session = producer->Ask("session")) != "ok 2 1" &&
         std::chrono::steady_clock::now() < deadline) {
  }
  EXPECT_EQ(session, "ok 2 1");
  // Whoever comes now finds it.
  const auto late = StartConsumer({"mode=fifo", "limit=2", "when=wait"});
  AwaitConsumers(*producer, 2);
  EXPECT_EQ(producer->Ask("publish 100 500"), "ok 3100");
  EXPECT_EQ(producer->Ask("end"), "ok ");
  const ConsumerReport report = consumer->Report();
  EXPECT_EQ(report["end"], uint64_t{VRAMD_END_FINISHED});
  EXPECT_EQ(report["sessions"], 2u);
  EXPECT_EQ(report["received"], 3100u);
  EXPECT_EQ(report["gaps"], 0u);
  EXPECT_EQ(report["dropped"], 0u);
  EXPECT_EQ(report["wrong"], 0u);
  EXPECT_EQ(late->Report()["last"], 3100u);
}

TEST_F(StreamTest, ResizedUnderLoadNothingIsMixed) {
  const auto producer = StartProducer({"images=12", "waiting=1"});
  const auto every = StartConsumer({"mode=fifo", "limit=4", "when=wait"});
  const auto newest = StartConsumer({"limit=3"});
  AwaitConsumers(*producer, 2);
  EXPECT_EQ(producer->Ask("resizes 1000 5"), "ok 5000");
  EXPECT_EQ(producer->Ask("end"), "ok ");
  const ConsumerReport all = every->Report();
  EXPECT_EQ(all["received"], 5000u);
  EXPECT_EQ(all["gaps"], 0u);
  EXPECT_EQ(all["wrong"], 0u);
  EXPECT_EQ(all["generations"], 1000u);
  const ConsumerReport some = newest->Report();
  EXPECT_EQ(some["end"], uint64_t{VRAMD_END_FINISHED});
  EXPECT_EQ(some["last"], 5000u);
  EXPECT_EQ(some["wrong"], 0u);
  EXPECT_EQ(some["received"] + some["dropped"], 5000u);
}

// Even when newer rings are done with before it: or a consumer would wait for images that the
// broker has let go of.
TEST_F(StreamTest, ARingStaysAsLongAsAFrameOfIt) {
  Client giver = broker_.Connect(), taker = broker_.Connect();
  Producer producer = OrExit(Producer::Create(giver, BufferStream(4096)));
  Consumer consumer = OrExit(Consumer::Open(taker, producer.name(), ConsumerInfo::Fifo(2)));
  ASSERT_TRUE(producer.AwaitConsumers(1, std::chrono::seconds(30)).ok());
  for (uint64_t size = 2; size <= 5; ++size) {
    EXPECT_TRUE(producer.Resize(BufferStream(4096 * size)).ok());
    OrExit(producer.Publish(OrExit(producer.Acquire())));
  }
  // It can have two frames: of the second and of the third ring. The fourth is done with.
  EXPECT_TRUE(producer.Publish(OrExit(producer.Acquire())));
  EXPECT_EQ(OldestInUse(producer.stream()), 2u);
  for (uint32_t generation = 2; generation <= 3; ++generation)
    EXPECT_EQ(OrExit(consumer.Next()).generation(), generation);
  EXPECT_TRUE(producer.Acquire());
  EXPECT_EQ(OldestInUse(producer.stream()), 5u);
}

TEST_F(StreamTest, AResizeThatCannotSucceedMakesNoRing) {
  Client client = broker_.Connect();
  Producer producer = OrExit(Producer::Create(client, BufferStream(4096)));
  Consumer consumer = OrExit(Consumer::Open(client, producer.name(), ConsumerInfo::Fifo(4)));
  ASSERT_TRUE(producer.AwaitConsumers(1, std::chrono::seconds(30)).ok());
  StreamInfo too_few = BufferStream(8192), too_many = too_few;
  too_few.image_count = 5;    // the consumer may have 4, one is rendered and one kept
  too_many.image_count = 64;  // the ring that there is takes 6 of 64 slots
  for (int i = 0; i < 40; ++i) {
    EXPECT_EQ(producer.Resize(too_few).code(), VRAMD_RESOURCE_EXHAUSTED);
    EXPECT_EQ(producer.Resize(too_many, std::chrono::nanoseconds(0)).code(),
              VRAMD_DEADLINE_EXCEEDED);
  }
  const Status resized = producer.Resize(BufferStream(8192));
  ASSERT_TRUE(resized.ok()) << resized.ToString();
  OrExit(producer.Publish(OrExit(producer.Acquire())));
  EXPECT_EQ(OrExit(consumer.Next()).generation(), 2u) << "the broker was asked once";
}

TEST_F(StreamTest, BrokerHasNothingToDoWithFrames) {
  const auto producer = StartProducer({"waiting=1"});
  const auto consumer = StartConsumer({"mode=fifo", "limit=4", "when=wait"});
  AwaitConsumers(*producer, 1);
  EXPECT_EQ(producer->Ask("publish 100"), "ok 100");
  const auto before = broker_.process().CpuTime();
  EXPECT_EQ(producer->Ask("publish 100000"), "ok 100100");
  const auto used = broker_.process().CpuTime() - before;
  RecordProperty("broker_ns_per_frame", std::to_string(used.count() / 100000));
  // Whatever it does now and then for itself is nothing over so many frames. To be woken for a
  // frame would cost more than that.
  EXPECT_LT(used.count() / 100000, 1000) << "ns of the broker's processor time per frame";
  EXPECT_EQ(producer->Ask("end"), "ok ");
  EXPECT_EQ(consumer->Report()["received"], 100100u);
}

TEST_F(StreamTest, WaitingNeedsTheProducersConsent) {
  const auto producer = StartProducer();
  Client client = broker_.Connect();
  const auto refused =
      Consumer::Open(client, "stream/test", ConsumerInfo::Fifo(2, VRAMD_WHEN_FULL_WAIT));
  EXPECT_EQ(refused.status().code(), VRAMD_FAILED_PRECONDITION) << refused.status().ToString();
}

TEST_F(StreamTest, AWatchTellsOfStreams) {
  Client client = broker_.Connect();
  Watch watch = OrExit(client.WatchNames());
  const auto next = [&] { return OrExit(watch.Next(std::chrono::seconds(30))); };
  EXPECT_EQ(next().kind, VRAMD_EVENT_CURRENT);
  auto producer = OrExit(Producer::Create(client, BufferStream(4096)));
  const Event started = next();
  EXPECT_EQ(started.kind, VRAMD_EVENT_STREAM_STARTED);
  EXPECT_EQ(started.name, producer.name());
  EXPECT_TRUE(Consumer::Open(client, started.name)) << "it is there when it is told";
  EXPECT_TRUE(producer.End().ok());
  const Event ended = next();
  EXPECT_EQ(ended.kind, VRAMD_EVENT_STREAM_ENDED);
  EXPECT_EQ(ended.name, producer.name());
}

TEST_F(StreamTest, WaitingForConsumersEnds) {
  Client client = broker_.Connect();
  auto producer = OrExit(Producer::Create(client, BufferStream(4096)));
  EXPECT_TRUE(producer.AwaitConsumers(0).ok());
  const Status late = producer.AwaitConsumers(2, std::chrono::milliseconds(1));
  EXPECT_EQ(late.code(), VRAMD_DEADLINE_EXCEEDED);
  EXPECT_THAT(late.message(), HasSubstr("0 of 2 consumers"));

  auto waiting = std::async(std::launch::async, [&] { return producer.AwaitConsumers(1); });
  auto consumer = OrExit(Consumer::Open(client, producer.name()));
  EXPECT_TRUE(waiting.get().ok());
  waiting = std::async(std::launch::async, [&] { return producer.AwaitConsumers(2); });
  producer.Cancel();
  EXPECT_EQ(waiting.get().code(), VRAMD_CANCELLED);
  waiting = std::async(std::launch::async, [&] { return producer.AwaitConsumers(2); });
  EXPECT_TRUE(producer.End(VRAMD_END_FINISHED).ok());
  EXPECT_EQ(waiting.get().code(), VRAMD_FAILED_PRECONDITION);
}

TEST_F(StreamTest, ListingTellsOfProducerAndConsumers) {
  const auto producer = StartProducer();
  const auto consumer = StartConsumer();
  AwaitConsumers(*producer, 1);
  EXPECT_EQ(producer->Ask("publish 10"), "ok 10");
  Client client = broker_.Connect();
  const auto streams = OrExit(ListStreams(client));
  ASSERT_EQ(streams.size(), 1u);
  EXPECT_EQ("ready " + std::string(streams[0].name), producer->greeting());
  EXPECT_EQ(streams[0].process_id, producer->process().id());
  EXPECT_EQ(streams[0].published, 10u);
  EXPECT_EQ(streams[0].image_count, 8u);
  EXPECT_EQ(streams[0].consumer_count, 1u);
  const auto consumers = OrExit(ListStreamConsumers(client, streams[0].name));
  ASSERT_EQ(consumers.size(), 1u);
  EXPECT_EQ(consumers[0].process_id, consumer->process().id());
  EXPECT_EQ(consumers[0].mode, VRAMD_STREAM_MAILBOX);
}

}  // namespace
}  // namespace vramd

int main(int argc, char** argv) {
  const std::string role = argc > 1 ? argv[1] : "";
  if (role == "--role=producer") return vramd::PlayProducer(vramd::ParseRoleOptions(argc, argv));
  if (role == "--role=consumer") return vramd::PlayConsumer(vramd::ParseRoleOptions(argc, argv));
  testing::InitGoogleTest(&argc, argv);
  for (int i = 1; i < argc; ++i) {
    const std::string option = argv[i];
    if (option.rfind("--rounds=", 0) == 0) vramd::stress_rounds = std::stoi(option.substr(9));
    if (option.rfind("--viewers-seconds=", 0) == 0)
      vramd::viewers_seconds = std::stoi(option.substr(18));
  }
  return RUN_ALL_TESTS();
}
