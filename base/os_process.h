// This process, as the operating system numbers it.
#ifndef VRAMD_BASE_OS_PROCESS_H_
#define VRAMD_BASE_OS_PROCESS_H_

#include <cstdint>

namespace vramd {

uint32_t OwnProcessId();

}  // namespace vramd

#endif  // VRAMD_BASE_OS_PROCESS_H_
