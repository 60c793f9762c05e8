// Random kills over a running stream: of consumers, of the producer, of the broker, alone and
// together. What must hold: nobody hangs, no frame of wrong content is ever accepted, the counters
// of those that live add up, and at the end no slot is lost.
//
//   stream_client_test --rounds=1000 --gtest_filter='StreamStress.*'
#include <gtest/gtest.h>

#include <cstdlib>
#include <random>

#include "tests/integration/stream_fixture.h"

namespace vramd {

int stress_rounds = 25;

namespace {

constexpr int kConsumers = 3;

class StreamStress : public StreamTest {
 protected:
  void StartAll() {
    producer_ = StartProducer({"images=14"});
    for (int i = 0; i < kConsumers; ++i) consumers_.push_back(StartOne());
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

  void Judge(const ConsumerReport& report) {
    EXPECT_EQ(report["wrong"], 0u);
    EXPECT_EQ(report["failed"], 0u);
    EXPECT_NE(report["kept"], UINT64_MAX) << "the last frame has wrong content";
    received_ += report["received"];
    if (report["received"] == 0) return;
    EXPECT_EQ(report["received"] + report["gaps"], report["last"] - report["first"] + 1);
    EXPECT_GE(report["dropped"] + 1, report["gaps"] / report["sessions"]);
    if (report["sessions"] == 1) EXPECT_GE(report["dropped"], report["gaps"]);
  }

  // Its consumers are told, and say how they fared; then all begin anew.
  void KillProducer(bool broker_too) {
    producer_->process().Kill();
    if (broker_too) broker_.Kill();
    if (broker_too) broker_.Restart();
    ++killed_producers_;
    for (const auto& consumer : consumers_) Judge(consumer->Report());
    consumers_.clear();
    StartAll();
  }

  void KillBroker() {
    broker_.Kill();
    ++killed_brokers_;
    broker_.Restart();
  }

  void Round() {
    producer_->Tell("publish 150 200");
    const int what = Pick(10);
    if (what < 6) KillConsumer();
    if (what >= 6 && what < 8) KillBroker();
    if (what >= 8) return KillProducer(/*broker_too=*/what == 9);
    const std::string answer = producer_->Hear();
    EXPECT_EQ(answer.rfind("ok ", 0), 0u) << answer;
  }

  std::mt19937 random_{std::random_device()()};
  std::unique_ptr<StreamProcess> producer_;
  std::vector<std::unique_ptr<StreamProcess>> consumers_;
  uint64_t received_ = 0;
  int killed_consumers_ = 0, killed_producers_ = 0, killed_brokers_ = 0;
};

TEST_F(StreamStress, RandomKills) {
  const unsigned seed = std::random_device()();
  random_.seed(seed);
  SCOPED_TRACE("seed " + std::to_string(seed));
  StartAll();
  for (int round = 0; round < stress_rounds && !HasFailure(); ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    Round();
  }
  // Everybody leaves; then the ring has all its images again, or this would not end.
  for (const auto& consumer : consumers_) {
    consumer->Tell("stop");
    Judge(consumer->Report());
  }
  consumers_.clear();
  AwaitConsumers(*producer_, 0);
  const std::string answer = producer_->Ask("publish 500");
  EXPECT_EQ(answer.rfind("ok ", 0), 0u) << answer;
  EXPECT_EQ(producer_->Ask("end"), "ok ");
  std::printf("%d rounds: killed %d consumers, %d producers, %d brokers; %llu frames received\n",
              stress_rounds, killed_consumers_, killed_producers_, killed_brokers_,
              static_cast<unsigned long long>(received_));
}

}  // namespace
}  // namespace vramd
