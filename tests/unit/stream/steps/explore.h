// Runs a scenario under every schedule within a bound. See schedule.h.
#ifndef VRAMD_TESTS_UNIT_STREAM_STEPS_EXPLORE_H_
#define VRAMD_TESTS_UNIT_STREAM_STEPS_EXPLORE_H_

#include <cstdint>
#include <functional>
#include <string>

#include "tests/unit/stream/steps/schedule.h"

namespace vramd::steps {

// Makes its objects, names them, adds its threads, runs them and checks what must hold. It must do
// the same each time: it may ask no clock and no dice.
using Scenario = std::function<void(Scheduler&)>;

struct Explored {
  uint64_t runs = 0;       // schedules
  uint64_t positions = 0;  // different ones, in which a hand-over was tried or ruled out
  uint64_t longest = 0;    // steps of a run
  std::string failure;     // empty: all runs held
  std::string schedule;    // of the failed run
  std::string hand_overs;  // the same, to be read
};

// Goes on until a run fails or there is no other schedule.
Explored Explore(int most_preemptions, const Scenario& scenario);
// Runs one schedule, which was another call's, and prints each step.
Explored RunAgain(const std::string& schedule, const Scenario& scenario);

// Explore(), as a test: a failure is the test's, told with the schedule. `least`: so many schedules
// there must be, or the scenario does not do what it should. With a schedule in the environment
// variable VRAMD_SCHEDULE it runs that one alone.
void ExpectHolds(int most_preemptions, uint64_t least, const Scenario& scenario);

}  // namespace vramd::steps

#endif  // VRAMD_TESTS_UNIT_STREAM_STEPS_EXPLORE_H_
