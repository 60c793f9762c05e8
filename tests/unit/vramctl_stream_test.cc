// vramctl's arithmetic of streams.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <limits>

#include "tools/vramctl/stream_look.h"
#include "tools/vramctl/text.h"
#include "tools/vramctl/top_view.h"

namespace vramctl {
namespace {

// ---- Between two looks

vramd_consumer_stats Consumer(uint64_t id, uint64_t received, uint64_t dropped, uint64_t measured,
                              uint64_t total_ns) {
  vramd_consumer_stats stats{};
  stats.mode = VRAMD_STREAM_MAILBOX;
  stats.consumer_id = id;
  stats.received = received;
  stats.dropped = dropped;
  stats.measured = measured;
  stats.latency_total_ns = total_ns;
  return stats;
}

StreamLook Look(int milliseconds, uint64_t published, std::vector<vramd_consumer_stats> consumers,
                uint32_t process = 1) {
  SeenStream seen{};
  std::strncpy(seen.stream.name, "ann/app/x", sizeof(seen.stream.name) - 1);
  seen.stream.process_id = process;
  seen.stream.published = published;
  seen.consumers = std::move(consumers);
  StreamLook look;
  look.when = std::chrono::steady_clock::time_point(std::chrono::milliseconds(milliseconds));
  look.streams.push_back(std::move(seen));
  return look;
}

TEST(Compare, MakesRatesOfTotals) {
  const auto paces = Compare(Look(1000, 100, {Consumer(7, 10, 90, 10, 50'000)}),
                             Look(1500, 130, {Consumer(7, 15, 115, 15, 80'000)}));
  ASSERT_EQ(paces.size(), 1U);
  EXPECT_EQ(paces[0].published_rate, 60);
  ASSERT_EQ(paces[0].consumers.size(), 1U);
  EXPECT_EQ(paces[0].consumers[0].received_rate, 10);
  EXPECT_EQ(paces[0].consumers[0].dropped, 25U);
  EXPECT_EQ(paces[0].consumers[0].latency_us, 6);
}

TEST(Compare, OfWhatIsNewNothingIsKnown) {
  const auto paces =
      Compare(Look(0, 100, {Consumer(7, 1, 1, 1, 1)}), Look(500, 130, {Consumer(8, 9, 9, 9, 9)}));
  EXPECT_FALSE(paces[0].consumers[0].received_rate.has_value());
  EXPECT_FALSE(paces[0].consumers[0].dropped.has_value());
  EXPECT_FALSE(paces[0].consumers[0].latency_us.has_value());
  const auto another = Compare(Look(0, 100, {}), Look(500, 130, {}, /*process=*/2));
  EXPECT_FALSE(another[0].published_rate.has_value());
}

// A consumer can write what it likes.
TEST(Compare, NumbersThatCannotBeAreLeftOut) {
  constexpr uint64_t kMost = std::numeric_limits<uint64_t>::max();
  const auto paces = Compare(Look(0, kMost, {Consumer(7, kMost, kMost, kMost, 5)}),
                             Look(500, 0, {Consumer(7, 0, 0, 0, 6)}));
  EXPECT_FALSE(paces[0].published_rate.has_value());
  EXPECT_FALSE(paces[0].consumers[0].received_rate.has_value());
  EXPECT_FALSE(paces[0].consumers[0].dropped.has_value());
  EXPECT_FALSE(paces[0].consumers[0].latency_us.has_value());
  EXPECT_EQ(TopTable(paces),
            "NAME       PROCESS  MODE      RATE  FRAMES  DROPS  ALL DROPS  LATENCY\n"
            "ann/app/x  1        producer  -     0\n"
            "           0        mailbox   -     0       -      0          -\n");
}

TEST(Text, ProcessesHaveTheirProgramsName) {
  EXPECT_EQ(FormatProcess(7, "/usr/bin/camera"), "7 camera");
  EXPECT_EQ(FormatProcess(7, "C:\\tools\\camera.exe"), "7 camera.exe");
  EXPECT_EQ(FormatProcess(7, ""), "7");
}

TEST(Text, ClippingKeepsCharactersWhole) {
  EXPECT_EQ(Clip("abc", 2), "ab");
  EXPECT_EQ(Clip("a\u00e9b", 2), "a\u00e9");
  EXPECT_EQ(Clip("abc", 0), "");
  EXPECT_EQ(Clip("abc", 9), "abc");
}

}  // namespace
}  // namespace vramctl
