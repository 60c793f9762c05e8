// What ends a wait before its time: Ctrl-C and SIGTERM.
#ifndef VRAMD_TOOLS_VRAMCTL_STOP_H_
#define VRAMD_TOOLS_VRAMCTL_STOP_H_

#include <chrono>

namespace vramctl {

// A signal cannot end a wait for a frame or for the GPU, so such a wait is cut into pieces, with a
// look at Stopped() between them.
inline constexpr std::chrono::milliseconds kPiece(100);

// From now on the first signal makes Stopped() true, so that the program can finish what it writes.
// A second one ends the program at once, whatever it waits for: a driver, or a pipe that nobody
// reads. A write into a pipe whose reader has left fails and does not end the program.
void StopOnSignals();
bool Stopped();

// Ends the program without destroying anything: for when the GPU may still use what is there, so
// that a driver would be right to crash or to wait for ever.
[[noreturn]] void Leave(int exit_code);

}  // namespace vramctl

#endif  // VRAMD_TOOLS_VRAMCTL_STOP_H_
