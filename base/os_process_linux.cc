#include <unistd.h>

#include "base/os_process.h"

namespace vramd {

uint32_t OwnProcessId() { return static_cast<uint32_t>(getpid()); }

}  // namespace vramd
