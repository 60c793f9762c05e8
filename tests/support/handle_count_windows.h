// How many handles a process has open.
#ifndef VRAMD_TESTS_SUPPORT_HANDLE_COUNT_WINDOWS_H_
#define VRAMD_TESTS_SUPPORT_HANDLE_COUNT_WINDOWS_H_

#include <cstddef>
#include <cstdint>

namespace vramd {

// As the system's own list of all handles says, since GetProcessHandleCount() says 0 under Wine,
// with which no test could fail. 0 if there is no such process; ends the program if there is no
// list. Thread-safe.
size_t CountOpenHandles(uint32_t process_id);
size_t CountOwnHandles();

}  // namespace vramd

#endif  // VRAMD_TESTS_SUPPORT_HANDLE_COUNT_WINDOWS_H_
