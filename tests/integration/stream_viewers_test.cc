// Ten viewers of a stream with the defaults, who come and go while it runs.
//
// The ring grows and shrinks with them. One viewer must see every frame, and the producer waits for
// it; one has stopped for good, with all that it may hold; the others join, watch a while and
// leave, properly or by dying. In ctest this takes a few seconds; --viewers-seconds=60 makes it a
// minute.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <random>

#include "tests/integration/stream_fixture.h"
#include "tests/support/or_exit.h"
#include "vramd/stream.h"

namespace vramd {

int viewers_seconds = 4;

namespace {

using std::chrono::steady_clock;

constexpr size_t kComingAndGoing = 8;

class StreamViewers : public StreamTest {
 protected:
  int Pick(int choices) { return std::uniform_int_distribution<int>(0, choices - 1)(random_); }

  void Replace(std::unique_ptr<StreamProcess>& viewer) {
    if (Pick(4) == 0) {
      viewer->process().Kill();
    } else {
      viewer->Tell("stop");
      Judge(viewer->Report(), VRAMD_END_LIVE);
    }
    viewer = StartConsumer();
    ++joined_;
  }

  void Judge(const ConsumerReport& report, uint64_t end) {
    EXPECT_EQ(report["end"], end);
    EXPECT_EQ(report["wrong"], 0u);
    EXPECT_EQ(report["failed"], 0u);
    received_ += report["received"];
  }

  uint32_t CountImages() {
    Client client = broker_.Connect();
    const auto streams = OrExit(ListStreams(client));
    return streams.empty() ? 0 : streams[0].image_count;
  }

  // The images of those who are gone are given back, after a while, as long as frames are made.
  void AwaitImages(StreamProcess& producer, uint32_t most) {
    const auto deadline = steady_clock::now() + std::chrono::seconds(40);
    uint32_t images = 0;
    do {
      EXPECT_EQ(producer.Ask("publish 10 1000").substr(0, 3), "ok ");
      images = CountImages();
    } while (images > most && steady_clock::now() < deadline);
    EXPECT_LE(images, most);
  }

  std::mt19937 random_{std::random_device()()};
  int joined_ = 0;
  uint64_t received_ = 0;
};

TEST_F(StreamViewers, TenComeAndGoAndNobodyIsHeldUp) {
  const auto producer = StartProducer({"images=0", "waiting=1"});
  EXPECT_EQ(CountImages(), 3u);
  const auto every = StartConsumer({"mode=fifo", "limit=4", "when=wait"});
  const auto stuck = StartConsumer();
  AwaitConsumers(*producer, 2);
  EXPECT_EQ(producer->Ask("publish 1"), "ok 1");
  stuck->process().Suspend();
  std::vector<std::unique_ptr<StreamProcess>> viewers;
  for (size_t i = 0; i < kComingAndGoing; ++i) viewers.push_back(StartConsumer());
  EXPECT_GE(CountImages(), 4u + 1 + kComingAndGoing + 2);
  const auto end = steady_clock::now() + std::chrono::seconds(viewers_seconds);
  while (steady_clock::now() < end && !HasFailure()) {
    producer->Tell("publish 200 500");
    for (int i = Pick(3); i >= 0; --i) Replace(viewers[static_cast<size_t>(Pick(kComingAndGoing))]);
    EXPECT_EQ(producer->Hear().substr(0, 3), "ok ");
  }
  for (const auto& viewer : viewers) {
    viewer->Tell("stop");
    Judge(viewer->Report(), VRAMD_END_LIVE);
  }
  viewers.clear();
  AwaitImages(*producer, 7);  // four and one may be held
  const std::string published = producer->Ask("publish 1");
  EXPECT_EQ(producer->Ask("end"), "ok ");
  const ConsumerReport all = every->Report();
  Judge(all, VRAMD_END_FINISHED);
  EXPECT_EQ("ok " + std::to_string(all["received"]), published) << "every frame from the first";
  EXPECT_EQ(all["gaps"] + all["dropped"], 0u);
  stuck->process().Resume();
  const ConsumerReport late = stuck->Report();
  Judge(late, VRAMD_END_FINISHED);
  std::printf("%d viewers joined in %d s; %s frames, %llu received\n", joined_, viewers_seconds,
              published.substr(3).c_str(), static_cast<unsigned long long>(received_));
}

}  // namespace
}  // namespace vramd
