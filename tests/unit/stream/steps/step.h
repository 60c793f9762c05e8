// What the stand-ins for atomics, mutexes and sleeping tell the scheduler. See schedule.h.
#ifndef VRAMD_TESTS_UNIT_STREAM_STEPS_STEP_H_
#define VRAMD_TESTS_UNIT_STREAM_STEPS_STEP_H_

namespace vramd::steps {

enum class Access { kRead, kWrite };

// Returns when it is this thread's turn to use `word`. `busy`, if given, is what it waits for: the
// thread has no turn while it is true. Does nothing in a thread that is not the scheduler's.
void Step(const void* word, Access access, const bool* busy = nullptr);
// Like a write, but no other thread may come before it. For what only makes others ready.
void Note(const void* word);
// The word of the latest Step() outside the scheduler's threads: a way to learn where an object
// that is hidden in another has its memory.
const void* LatestWord();

}  // namespace vramd::steps

#endif  // VRAMD_TESTS_UNIT_STREAM_STEPS_STEP_H_
