// Random kills over a running stream: of consumers, of the producer, of the broker, alone and
// together. What must hold: nobody hangs, no frame of wrong content is ever accepted, the counters
// of those that live add up, and no slot is lost.
//
//   stream_client_test --rounds=1000 --gtest_filter='StreamStress.*'
#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <random>
#include <thread>

#include "tests/integration/stream_fixture.h"
#include "tests/support/or_exit.h"
#include "vramd/stream.h"

namespace vramd {

int stress_rounds = 30;

namespace {

using std::chrono::steady_clock;

constexpr size_t kConsumers = 3;

class StreamStress : public StreamTest {
 protected:
  void StartAll() {
    consumers_.clear();
    // Three consumers need 14 at most. Whoever was just killed counts until the broker has heard of
    // it.
    producer_ = StartProducer({"images=24"});
    for (size_t i = 0; i < kConsumers; ++i) consumers_.push_back(StartOne());
  }

  std::unique_ptr<StreamProcess> StartOne() {
    return Pick(2) == 0 ? StartConsumer({"mode=fifo", "limit=4"}) : StartConsumer({"limit=3"});
  }

  int Pick(int choices) { return std::uniform_int_distribution<int>(0, choices - 1)(random_); }

  void KillConsumer() {
    const auto victim = static_cast<size_t>(Pick(kConsumers));
    consumers_[victim]->process().Kill();
    consumers_[victim] = StartOne();
    ++killed_consumers_;
  }

  // Its consumers are told, and say how they fared; then all begin anew.
  void KillProducer(bool broker_too) {
    if (broker_too) broker_.Kill();
    producer_->process().Kill();
    if (broker_too) broker_.Restart();
    ++killed_producers_;
    killed_brokers_ += broker_too ? 1 : 0;
    for (const auto& consumer : consumers_) Judge(consumer->Report(), VRAMD_END_PRODUCER_GONE);
    StartAll();
  }

  void KillBroker() {
    broker_.Restart();
    ++killed_brokers_;
  }

  void Judge(const ConsumerReport& report, uint64_t end) {
    EXPECT_EQ(report["end"], end);
    EXPECT_EQ(report["wrong"], 0u);
    EXPECT_EQ(report["failed"], 0u);
    EXPECT_NE(report["kept"], UINT64_MAX) << "the last frame has wrong content";
    received_ += report["received"];
    dropped_ += report["dropped"];
    if (report["received"] == 0) return;
    EXPECT_EQ(report["received"] + report["gaps"], report["last"] - report["first"] + 1);
    EXPECT_GE(report["dropped"], report["gaps"]) << "it missed frames and did not know";
  }

  // Whoever comes next must find the stream, which a new broker knows after a moment.
  void AwaitListed() {
    Client client = broker_.Connect();
    const auto deadline = steady_clock::now() + std::chrono::seconds(30);
    while (OrExit(ListStreams(client)).empty())
      ASSERT_LT(steady_clock::now(), deadline) << "the producer did not come back";
  }

  // A producer that has not moved to a new broker yet does so when it goes on.
  void AwaitSolitude() {
    const auto deadline = steady_clock::now() + std::chrono::seconds(30);
    do {
      const std::string answer = producer_->Ask("publish 1");
      ASSERT_EQ(answer.rfind("ok ", 0), 0u) << answer;
      ASSERT_LT(steady_clock::now(), deadline) << "a consumer that has left is not forgotten";
    } while (producer_->Ask("consumers") != "ok 0");
  }

  void Round() {
    producer_->Tell("publish 150 200");
    std::this_thread::sleep_for(std::chrono::microseconds(Pick(30000)));  // any moment
    const int what = Pick(40);
    if (what >= 30) return KillProducer(/*broker_too=*/what == 39);
    if (what >= 22) KillBroker();
    if (what < 22) KillConsumer();
    const std::string answer = producer_->Hear();
    EXPECT_EQ(answer.rfind("ok ", 0), 0u) << answer;
    AwaitListed();
  }

  std::mt19937 random_;
  std::unique_ptr<StreamProcess> producer_;
  std::vector<std::unique_ptr<StreamProcess>> consumers_;
  uint64_t received_ = 0, dropped_ = 0;
  int killed_consumers_ = 0, killed_producers_ = 0, killed_brokers_ = 0;
};

TEST_F(StreamStress, RandomKills) {
  const unsigned seed = std::random_device()();
  random_.seed(seed);
  SCOPED_TRACE("seed " + std::to_string(seed));
  const auto begin = steady_clock::now();
  StartAll();
  for (int round = 0; round < stress_rounds && !HasFailure(); ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    Round();
  }
  for (const auto& consumer : consumers_) {
    consumer->Tell("stop");
    Judge(consumer->Report(), VRAMD_END_LIVE);
  }
  consumers_.clear();
  AwaitSolitude();
  // Nobody is left: each of the 24 images can be had at once, but the one that is kept.
  EXPECT_EQ(producer_->Ask("slots"), "ok 23");
  EXPECT_EQ(producer_->Ask("end"), "ok ");
  const std::chrono::duration<double> took = steady_clock::now() - begin;
  std::printf("%d rounds in %.0f s: killed %d consumers, %d producers, %d brokers; ", stress_rounds,
              took.count(), killed_consumers_, killed_producers_, killed_brokers_);
  std::printf("%llu frames received, %llu dropped\n", static_cast<unsigned long long>(received_),
              static_cast<unsigned long long>(dropped_));
}

}  // namespace
}  // namespace vramd
