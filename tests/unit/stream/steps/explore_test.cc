// What the scheduler must find, or the tests that use it would show nothing.
#include "tests/unit/stream/steps/explore.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <utility>

#include "base/atomic.h"
#include "base/mutex.h"
#include "base/stream/wait.h"

namespace vramd::steps {
namespace {

using testing::ElementsAre;
using testing::Pair;

// Adds one in two steps, so that of two threads one can undo what the other did.
void LoseAnUpdate(Scheduler& scheduler) {
  Atomic<uint32_t> count{0};
  scheduler.Name("count", &count, sizeof(count));
  for (const char* const name : {"one", "other"})
    scheduler.AddThread(name, [&] { count = count + 1; });
  scheduler.Run();
  scheduler.Check(count == 2, "an update was lost");
}

TEST(Explore, FindsALostUpdate) {
  EXPECT_EQ(Explore(1, LoseAnUpdate).failure, "an update was lost");
}

TEST(Explore, DoesNotPreemptMoreOftenThanItMay) {
  const Explored explored = Explore(0, LoseAnUpdate);
  EXPECT_EQ(explored.failure, "");
  EXPECT_EQ(explored.runs, 2u);
}

TEST(Explore, AFailureComesAgainWithItsSchedule) {
  const Explored first = Explore(1, LoseAnUpdate);
  const Explored again = RunAgain(first.schedule, LoseAnUpdate);
  EXPECT_EQ(again.failure, first.failure);
  EXPECT_EQ(again.schedule, first.schedule);
}

TEST(Explore, ReachesEveryOutcomeAndNoOther) {
  std::set<std::pair<uint32_t, uint32_t>> outcomes;
  const Explored explored = Explore(4, [&](Scheduler& scheduler) {
    Atomic<uint32_t> mine{0}, yours{0};
    std::pair<uint32_t, uint32_t> seen;
    scheduler.Name("mine", &mine, sizeof(mine));
    scheduler.Name("yours", &yours, sizeof(yours));
    scheduler.AddThread("I", [&] {
      mine = 1;
      seen.first = yours;
    });
    scheduler.AddThread("you", [&] {
      yours = 1;
      seen.second = mine;
    });
    scheduler.Run();
    outcomes.insert(seen);
  });
  EXPECT_EQ(explored.failure, "");
  EXPECT_THAT(outcomes, ElementsAre(Pair(0, 1), Pair(1, 0), Pair(1, 1)));
}

TEST(Explore, FindsMutexesThatAreTakenInTwoOrders) {
  const Explored explored = Explore(1, [](Scheduler& scheduler) {
    Mutex first, second;
    const auto take = [](Mutex& a, Mutex& b) {
      MutexLock lock_a(a);
      MutexLock lock_b(b);
    };
    scheduler.Name("first", &first, sizeof(first));
    scheduler.Name("second", &second, sizeof(second));
    scheduler.AddThread("one", [&] { take(first, second); });
    scheduler.AddThread("other", [&] { take(second, first); });
    scheduler.Run();
  });
  EXPECT_EQ(explored.failure, "nobody can go on");
}

// `look`: whether the waiter looks for the news once more after arming, as it must.
Scenario SleepUntilTold(bool look) {
  return [look](Scheduler& scheduler) {
    stream::BellWord word{0};
    Atomic<uint32_t> news{0};
    const stream::Bell bell{&word};
    scheduler.Name("word", &word, sizeof(word));
    scheduler.Name("news", &news, sizeof(news));
    scheduler.AddThread("waiter", [&] {
      while (news == 0) {
        stream::Arm(bell, stream::kSleeping);
        if (!look || news == 0) (void)stream::Sleep({&bell, 1}, stream::Deadline::max());
      }
    });
    scheduler.AddThread("teller", [&] {
      news = 1;
      stream::Ring(bell);
    });
    scheduler.Run();
  };
}

TEST(Explore, FindsALostWakeUp) {
  EXPECT_EQ(Explore(1, SleepUntilTold(false)).failure, "nobody can go on");
  ExpectHolds(4, 10, SleepUntilTold(true));
}

TEST(Explore, NoticesAScenarioThatIsAnotherOneEachTime) {
  int round = 0;
  const Explored explored = Explore(1, [&](Scheduler& scheduler) {
    Atomic<uint32_t> word{0};
    scheduler.Name("word", &word, sizeof(word));
    ++round;
    for (const char* const name : {"one", "other"})
      scheduler.AddThread(name, [&] {
        if (round % 2 == 0) word.load();
        word = 1;
        word = 2;
      });
    scheduler.Run();
  });
  EXPECT_EQ(explored.failure, "the scenario is another one each time");
}

}  // namespace
}  // namespace vramd::steps
