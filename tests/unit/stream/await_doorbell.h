// Waits as an event loop does. One source per system.
#ifndef VRAMD_TESTS_UNIT_STREAM_AWAIT_DOORBELL_H_
#define VRAMD_TESTS_UNIT_STREAM_AWAIT_DOORBELL_H_

#include <chrono>

#include "base/os_handle.h"

namespace vramd::stream {

// Until a doorbell's listening end is ready; false if it is not within `timeout`.
bool AwaitDoorbell(NativeHandle listen, std::chrono::milliseconds timeout);

}  // namespace vramd::stream

#endif  // VRAMD_TESTS_UNIT_STREAM_AWAIT_DOORBELL_H_
