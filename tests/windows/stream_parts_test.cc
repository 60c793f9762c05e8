// What streams need of Windows: a board that its readers cannot write, and doorbells.
#include <gtest/gtest.h>
#include <windows.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "base/section.h"
#include "base/stream/wait.h"

namespace vramd::stream {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Deadline In(std::chrono::nanoseconds time) { return std::chrono::steady_clock::now() + time; }

bool IsSignalled(const OsHandle& event) {
  return WaitForSingleObject(event.get(), 0) == WAIT_OBJECT_0;
}

bool CanDuplicateWith(const OsHandle& handle, DWORD rights) {
  HANDLE copy = nullptr;
  const bool can = DuplicateHandle(GetCurrentProcess(), handle.get(), GetCurrentProcess(), &copy,
                                   rights, FALSE, 0) != FALSE;
  OsHandle(copy).Reset();
  return can;
}

TEST(OneWriterSection, AReaderStaysAReader) {
  const uint64_t size = SectionAlignment();
  const auto section = CreateOneWriterSection(size, "test");
  ASSERT_TRUE(section.ok()) << section.status();
  const auto writable = MappedSection::Map(*section, size, SectionAccess::kReadWrite);
  ASSERT_TRUE(writable.ok()) << writable.status();
  const auto reader = DuplicateForReader(*section);
  ASSERT_TRUE(reader.ok()) << reader.status();

  EXPECT_FALSE(MappedSection::Map(*reader, size, SectionAccess::kReadWrite).ok());
  EXPECT_FALSE(CanDuplicateWith(*reader, SECTION_MAP_READ | SECTION_MAP_WRITE));
  const auto view = MappedSection::Map(*reader, size, SectionAccess::kReadOnly);
  ASSERT_TRUE(view.ok()) << view.status();
  static_cast<char*>(writable->data())[7] = 42;
  EXPECT_EQ(static_cast<const char*>(view->data())[7], 42);
}

class DoorbellTest : public testing::Test {
 protected:
  void SetUp() override {
    auto doorbell = CreateDoorbell();
    ASSERT_TRUE(doorbell.ok()) << doorbell.status();
    doorbell_ = *std::move(doorbell);
  }
  Bell Listener() { return {&word_, doorbell_.listen.get()}; }
  Bell Ringer() { return {&word_, doorbell_.ring.get()}; }

  Doorbell doorbell_;
  BellWord word_{kNobody};
};

TEST_F(DoorbellTest, RingsOnlyForWhoIsArmedAndUntilSilenced) {
  Ring(Ringer());
  EXPECT_FALSE(IsSignalled(doorbell_.listen));
  Arm(Listener(), kPolling);
  Ring(Ringer());
  EXPECT_EQ(word_.load(), kNobody);
  EXPECT_TRUE(IsSignalled(doorbell_.listen));
  EXPECT_TRUE(IsSignalled(doorbell_.listen)) << "looking does not take it back";
  SilenceDoorbell(doorbell_.listen.get());
  EXPECT_FALSE(IsSignalled(doorbell_.listen));
}

TEST_F(DoorbellTest, TheRingingEndCannotWait) {
  Arm(Listener(), kPolling);
  Ring(Ringer());
  EXPECT_EQ(WaitForSingleObject(doorbell_.ring.get(), 0), WAIT_FAILED);
}

TEST_F(DoorbellTest, SleepEndsAtTheDeadlineAndAtOnceIfDisarmed) {
  const Bell bell = Listener();
  Arm(bell, kSleeping);
  const Deadline deadline = In(milliseconds(20));
  EXPECT_TRUE(Sleep({&bell, 1}, deadline).ok());
  EXPECT_GE(std::chrono::steady_clock::now(), deadline);
  Disarm(bell);
  EXPECT_TRUE(Sleep({&bell, 1}, In(seconds(60))).ok());
  EXPECT_TRUE(absl::IsInternal(Sleep({}, deadline)));
}

// Two threads answer each other. One lost wake-up, and a sleep would last until the deadline.
TEST(Doorbells, NoWakeUpIsLost) {
  struct Side {
    Doorbell doorbell = *CreateDoorbell();
    BellWord word{kNobody};
    std::atomic<int> news{0};
  };
  Side sides[2];
  constexpr int kRounds = 2'000;
  const Deadline deadline = In(seconds(100));
  const auto wait = [&](Side& side, int round) {
    const Bell bell = {&side.word, side.doorbell.listen.get()};
    while (side.news.load() < round && std::chrono::steady_clock::now() < deadline) {
      Arm(bell, kSleeping);
      if (side.news.load() < round) {
        EXPECT_TRUE(Sleep({&bell, 1}, deadline).ok());
      }
      Disarm(bell);
    }
  };
  const auto tell = [](Side& side, int round) {
    side.news.store(round);
    Ring({&side.word, side.doorbell.ring.get()});
  };
  std::thread other([&] {
    for (int round = 1; round <= kRounds; ++round) {
      wait(sides[1], round);
      tell(sides[0], round);
    }
  });
  for (int round = 1; round <= kRounds; ++round) {
    tell(sides[1], round);
    wait(sides[0], round);
  }
  other.join();
  EXPECT_LT(std::chrono::steady_clock::now(), deadline);
}

}  // namespace
}  // namespace vramd::stream
