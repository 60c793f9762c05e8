// Descriptors of this process, for tests that look for leaks.
#ifndef VRAMD_TESTS_UNIT_DESCRIPTOR_COUNT_LINUX_H_
#define VRAMD_TESTS_UNIT_DESCRIPTOR_COUNT_LINUX_H_

#include <filesystem>
#include <iterator>

namespace vramd {

inline int CountDescriptors() {
  const auto entries = std::filesystem::directory_iterator("/proc/self/fd");
  return static_cast<int>(std::distance(begin(entries), end(entries)));
}

}  // namespace vramd

#endif  // VRAMD_TESTS_UNIT_DESCRIPTOR_COUNT_LINUX_H_
