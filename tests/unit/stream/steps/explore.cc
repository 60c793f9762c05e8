#include "tests/unit/stream/steps/explore.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <sstream>
#include <vector>

namespace vramd::steps {
namespace {

// A point of the run that is under way, and what has been tried there.
struct Choice {
  Point point;
  size_t chosen = 0;
  int preemptions = 0;  // before this point
};

bool Preempts(const Point& point, size_t next) { return !point.free && next != point.running; }

size_t FirstOf(const Point& point) {
  if (!point.free) return point.running;
  size_t thread = 0;
  while ((point.ready >> thread & 1) == 0) ++thread;
  return thread;
}

// Depth first: each run repeats the choices of the one before up to the last that can be another.
class Search {
 public:
  Search(int most_preemptions, const Scenario& scenario)
      : most_preemptions_(most_preemptions), scenario_(scenario) {}

  Explored Go() {
    while (!Pass()) {
    }
    explored_.positions = visited_.size();
    return explored_;
  }

 private:
  // False when a word turned out to be contested that was taken for private.
  bool Pass() {
    known_ = usages_;
    path_.clear();
    visited_.clear();
    explored_ = {};
    do {
      RunOnce();
      if (!explored_.failure.empty()) return true;
      if (Learn()) return false;
    } while (Advance());
    return true;
  }

  void RunOnce() {
    depth_ = 0;
    preemptions_ = 0;
    branching_ = true;
    scheduler_.Begin([this](const Point& point) { return ChooseAt(point); }, &known_, false);
    scenario_(scheduler_);
    ++explored_.runs;
    explored_.longest = std::max(explored_.longest, scheduler_.steps());
    if (depth_ < path_.size()) scheduler_.Check(false, "the scenario is another one each time");
    explored_.failure = scheduler_.failure();
    explored_.schedule = scheduler_.Schedule();
    explored_.hand_overs = scheduler_.Describe();
  }

  size_t ChooseAt(const Point& point) {
    // Without a choice there is nothing to come back to.
    if ((point.ready & (point.ready - 1)) == 0) return FirstOf(point);
    if (depth_ < path_.size()) return Repeat(point);
    branching_ = branching_ && !SeenBefore(point);
    if (!branching_) return FirstOf(point);
    path_.push_back({point, FirstOf(point), preemptions_});
    return Repeat(point);
  }

  size_t Repeat(const Point& point) {
    const Choice& choice = path_[depth_++];
    if (choice.point.position != point.position || choice.point.ready != point.ready)
      scheduler_.Check(false, "the scenario is another one each time");
    if (Preempts(point, choice.chosen)) ++preemptions_;
    return choice.chosen;
  }

  bool SeenBefore(const Point& point) {
    const uint64_t key = point.position ^ (uint64_t{point.running} << 1 | (point.free ? 1 : 0));
    const auto [place, fresh] = visited_.try_emplace(key, preemptions_);
    if (fresh) return false;
    if (place->second <= preemptions_) return true;
    place->second = preemptions_;
    return false;
  }

  bool Learn() {
    bool learnt = false;
    for (const auto& [name, usage] : scheduler_.usages()) {
      Usage& all = usages_[name];
      all.users |= usage.users;
      all.written |= usage.written;
      learnt = learnt || (all.Contested() && !known_[name].Contested());
    }
    return learnt;
  }

  bool Advance() {
    for (; !path_.empty(); path_.pop_back())
      if (TryAnother(path_.back())) return true;
    return false;
  }

  // The first choice comes first, then the others in order.
  bool TryAnother(Choice& choice) const {
    const size_t first = FirstOf(choice.point);
    for (size_t next = choice.chosen == first ? 0 : choice.chosen + 1; next < kMostThreads;
         ++next) {
      if (next == first || (choice.point.ready >> next & 1) == 0) continue;
      if (Preempts(choice.point, next) && choice.preemptions >= most_preemptions_) return false;
      choice.chosen = next;
      return true;
    }
    return false;
  }

  const int most_preemptions_;
  const Scenario& scenario_;
  Scheduler scheduler_;
  Explored explored_;

  Usages known_, usages_;
  std::vector<Choice> path_;
  std::unordered_map<uint64_t, int> visited_;  // with the fewest preemptions so far
  // Of the run:
  size_t depth_ = 0;
  int preemptions_ = 0;
  bool branching_ = true;
};

}  // namespace

Explored Explore(int most_preemptions, const Scenario& scenario) {
  return Search(most_preemptions, scenario).Go();
}

// "step:thread step:thread ...", as Scheduler::Schedule() writes it.
Explored RunAgain(const std::string& schedule, const Scenario& scenario) {
  std::unordered_map<uint64_t, size_t> hand_overs;
  std::istringstream text(schedule);
  uint64_t step = 0;
  size_t thread = 0;
  for (char colon; text >> step >> colon >> thread;) hand_overs[step] = thread;
  const auto choose = [&](const Point& point) {
    const auto found = hand_overs.find(point.step);
    const size_t next = found == hand_overs.end() ? FirstOf(point) : found->second;
    return (point.ready >> next & 1) != 0 ? next : FirstOf(point);
  };
  Scheduler scheduler;
  scheduler.Begin(choose, nullptr, true);
  scenario(scheduler);
  return {.runs = 1,
          .longest = scheduler.steps(),
          .failure = scheduler.failure(),
          .schedule = scheduler.Schedule(),
          .hand_overs = scheduler.Describe()};
}

void ExpectHolds(int most_preemptions, uint64_t least, const Scenario& scenario) {
  const char* const again = std::getenv("VRAMD_SCHEDULE");
  const Explored explored =
      again != nullptr ? RunAgain(again, scenario) : Explore(most_preemptions, scenario);
  EXPECT_EQ(explored.failure, "") << "in schedule" << explored.hand_overs
                                  << "\nrun it alone, with each step printed: VRAMD_SCHEDULE='"
                                  << explored.schedule << "'";
  if (explored.failure.empty() && again == nullptr) {
    EXPECT_GE(explored.runs, least) << "the scenario has fewer schedules than it should";
  }
  testing::Test::RecordProperty("schedules", std::to_string(explored.runs));
  std::cout << explored.runs << " schedules, " << explored.positions << " positions, at most "
            << explored.longest << " steps" << std::endl;
}

}  // namespace vramd::steps
