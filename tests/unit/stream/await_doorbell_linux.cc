#include <poll.h>

#include "tests/unit/stream/await_doorbell.h"

namespace vramd::stream {

bool AwaitDoorbell(NativeHandle listen, std::chrono::milliseconds timeout) {
  pollfd readable = {listen, POLLIN, 0};
  return poll(&readable, 1, static_cast<int>(timeout.count())) == 1;
}

}  // namespace vramd::stream
