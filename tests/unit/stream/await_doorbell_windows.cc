#include <windows.h>

#include "tests/unit/stream/await_doorbell.h"

namespace vramd::stream {

bool AwaitDoorbell(NativeHandle listen, std::chrono::milliseconds timeout) {
  return WaitForSingleObject(listen, static_cast<DWORD>(timeout.count())) == WAIT_OBJECT_0;
}

}  // namespace vramd::stream
