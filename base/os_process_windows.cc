#include <windows.h>

#include "base/os_process.h"

namespace vramd {

uint32_t OwnProcessId() { return GetCurrentProcessId(); }

}  // namespace vramd
