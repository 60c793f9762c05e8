// Sleeping, as the scheduler sees it. It is the futex of wait_linux.cc: whoever finds a word no
// longer armed does not go to sleep, and whoever sleeps is woken by WakeWaiter() and nothing else,
// so a wake-up that the protocol loses is a thread that never runs again. Deadlines do not pass.
#include <algorithm>
#include <vector>

#include "base/stream/wait.h"
#include "tests/unit/stream/steps/step.h"

namespace vramd::stream {
namespace {

struct Sleeper {
  absl::Span<const Bell> bells;
  bool asleep = true;
};

// One thread runs at a time, so this needs no lock.
std::vector<Sleeper*>& Sleepers() {
  static std::vector<Sleeper*> sleepers;
  return sleepers;
}

// Removes the sleeper also when its thread is given up, which is by an exception.
class InBed {
 public:
  explicit InBed(Sleeper* sleeper) : sleeper_(sleeper) { Sleepers().push_back(sleeper); }
  ~InBed() { std::erase(Sleepers(), sleeper_); }

 private:
  Sleeper* const sleeper_;
};

bool Refers(const Sleeper& sleeper, const BellWord* word) {
  return std::any_of(sleeper.bells.begin(), sleeper.bells.end(),
                     [word](const Bell& bell) { return bell.word == word; });
}

}  // namespace

absl::Status Sleep(absl::Span<const Bell> bells, Deadline) {
  // The kernel compares all words and puts the thread to sleep at one moment, so this is one step.
  steps::Step(bells[0].word, steps::Access::kWrite);
  for (const Bell& bell : bells) steps::Note(bell.word);
  for (const Bell& bell : bells)
    if (bell.word->Peek() != kSleeping) return absl::OkStatus();
  Sleeper sleeper{bells};
  const InBed in_bed(&sleeper);
  steps::Step(bells[0].word, steps::Access::kWrite, &sleeper.asleep);
  for (const Bell& bell : bells) steps::Note(bell.word);
  return absl::OkStatus();
}

void WakeWaiter(const Bell& bell, uint32_t) {
  steps::Step(bell.word, steps::Access::kWrite);
  for (Sleeper* sleeper : Sleepers())
    if (Refers(*sleeper, bell.word)) sleeper->asleep = false;
}

bool SleepNeedsDoorbells() { return false; }
absl::StatusOr<Doorbell> CreateDoorbell() { return Doorbell(); }
absl::StatusOr<OsHandle> OpenRinger(const OsHandle&) { return OsHandle(); }
void SilenceDoorbell(NativeHandle) {}

}  // namespace vramd::stream
