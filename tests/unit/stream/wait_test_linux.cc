// Bells: nobody is woken in vain, nobody sleeps through news, a doorbell never blocks its ringer.
#include "base/stream/wait.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <thread>

#include "tests/unit/stream/stream_rig.h"

namespace vramd::stream {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Deadline In(std::chrono::nanoseconds time) { return std::chrono::steady_clock::now() + time; }

bool Readable(const OsHandle& handle) {
  pollfd readable = {handle.get(), POLLIN, 0};
  return poll(&readable, 1, 0) == 1;
}

TEST(Bell, SleepEndsAtTheDeadline) {
  BellWord words[2] = {kSleeping, kSleeping};
  const Bell bells[2] = {{&words[0]}, {&words[1]}};
  for (size_t count : {1, 2}) {
    const Deadline deadline = In(milliseconds(20));
    ASSERT_TRUE(Sleep({bells, count}, deadline).ok());
    EXPECT_GE(std::chrono::steady_clock::now(), deadline);
  }
}

TEST(Bell, ADisarmedBellDoesNotLetItsWaiterSleep) {
  BellWord words[2] = {kSleeping, kNobody};
  const Bell bells[2] = {{&words[0]}, {&words[1]}};
  const Deadline deadline = In(seconds(60));
  ASSERT_TRUE(Sleep({bells, 2}, deadline).ok());
  ASSERT_TRUE(Sleep({bells + 1, 1}, deadline).ok());
  EXPECT_LT(std::chrono::steady_clock::now(), deadline);
}

// Two threads answer each other. One lost wake-up, and a sleep would last until the deadline.
TEST(Bell, NoWakeUpIsLost) {
  struct Side {
    BellWord word{0};
    std::atomic<uint64_t> news{0};
  };
  Side sides[2];
  constexpr uint64_t kRounds = 50'000;
  const Deadline deadline = In(seconds(60));
  const auto wait = [&](Side& side, uint64_t round) {
    const Bell bell = {&side.word};
    while (side.news.load() < round) {
      Arm(bell, kSleeping);
      if (side.news.load() < round) Must(Sleep({&bell, 1}, deadline));
      Disarm(bell);
    }
  };
  std::thread other([&] {
    for (uint64_t round = 1; round <= kRounds; ++round) {
      wait(sides[1], round);
      sides[0].news.store(round);
      Ring({&sides[0].word});
    }
  });
  for (uint64_t round = 1; round <= kRounds; ++round) {
    sides[1].news.store(round);
    Ring({&sides[1].word});
    wait(sides[0], round);
  }
  other.join();
  EXPECT_LT(std::chrono::steady_clock::now(), deadline);
}

TEST(Bell, ADoorbellRingsOnlyForWhoPolls) {
  const Doorbell doorbell = Must(CreateDoorbell());
  BellWord word = kNobody;
  const Bell bell = {&word, doorbell.ring.get()};
  Ring(bell);
  EXPECT_FALSE(Readable(doorbell.listen));
  Arm(bell, kSleeping);
  Ring(bell);
  EXPECT_FALSE(Readable(doorbell.listen));
  Arm(bell, kPolling);
  Ring(bell);
  EXPECT_TRUE(Readable(doorbell.listen));
  EXPECT_EQ(word.load(), kNobody);
  SilenceDoorbell(doorbell.listen.get());
  EXPECT_FALSE(Readable(doorbell.listen));
}

// The listener does its worst: blocking mode, a full pipe, a closed end. Ringing still returns.
TEST(Bell, AListenerCannotBlockOrKillItsRinger) {
  Doorbell doorbell = Must(CreateDoorbell());
  const OsHandle hostile = Must(OpenRinger(doorbell.listen));
  std::array<char, 4096> junk{};
  while (write(hostile.get(), junk.data(), junk.size()) > 0) continue;
  ASSERT_EQ(fcntl(doorbell.listen.get(), F_SETFL, 0), 0);
  ASSERT_EQ(fcntl(hostile.get(), F_SETFL, 0), 0);
  BellWord word = kPolling;
  Ring({&word, doorbell.ring.get()});
  EXPECT_TRUE(Readable(doorbell.listen));
  doorbell.listen.Reset();
  word = kPolling;
  Ring({&word, doorbell.ring.get()});
  EXPECT_EQ(word.load(), kNobody);
}

}  // namespace
}  // namespace vramd::stream
