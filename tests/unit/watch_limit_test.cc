// Which events a slow watcher loses, and that CURRENT is none of them.
#include "base/watch_limit.h"

#include <gtest/gtest.h>

#include <deque>
#include <string>

namespace vramd {
namespace {

// A queue that keeps the rule: b(eginning), C(URRENT), e(vent), O(VERFLOW).
class Queue {
 public:
  explicit Queue(size_t most) : limit_(most) {}

  void Begin() { limit_.Begin(); }
  Queue& Add(const std::string& events) {
    for (const char event : events) {
      const WatchLimit::Verdict verdict = limit_.Add(event == 'C', waiting_.size());
      if (verdict.drop) waiting_ = "O";
      if (verdict.current) waiting_ += 'C';
      waiting_ += event;
    }
    return *this;
  }
  // Takes so many from the front.
  Queue& Read(size_t count) {
    waiting_.erase(0, count);
    return *this;
  }
  const std::string& waiting() const { return waiting_; }

 private:
  WatchLimit limit_;
  std::string waiting_;
};

TEST(WatchLimit, TheBeginningComesWhole) {
  EXPECT_EQ(Queue(2).Add("bbbbbbC").waiting(), "bbbbbbC");
  EXPECT_EQ(Queue(2).Add("bbbbbbCee").waiting(), "bbbbbbCee");
}

TEST(WatchLimit, CurrentThatIsDroppedIsToldAgain) {
  EXPECT_EQ(Queue(2).Add("bbbCeee").waiting(), "OCe");
  EXPECT_EQ(Queue(2).Add("bbbC").Read(3).Add("eeeeee").waiting(), "OCe");
  EXPECT_EQ(Queue(2).Add("Ceee").waiting(), "OCe");
}

TEST(WatchLimit, AndAgainWhenThatOneIsDropped) {
  EXPECT_EQ(Queue(2).Add("Ceee").Add("eeee").waiting().substr(0, 2), "OC");
}

TEST(WatchLimit, CurrentThatWasReadIsNotToldAgain) {
  EXPECT_EQ(Queue(2).Add("bbbC").Read(4).Add("eeeeeee").waiting(), "Oe");
  EXPECT_EQ(Queue(1).Add("C").Read(1).Add("eee").Add("e").waiting(), "Oe");
}

TEST(WatchLimit, ANewBeginningHasItsOwn) {
  Queue queue(1);
  queue.Add("Ce").Begin();
  EXPECT_EQ(queue.Add("bbC").waiting(), "ObbC") << "the one of the old beginning is not told";
}

}  // namespace
}  // namespace vramd
