// A directory of a test's own, that goes with it.
#ifndef VRAMD_TESTS_UNIT_TEMPORARY_DIRECTORY_LINUX_H_
#define VRAMD_TESTS_UNIT_TEMPORARY_DIRECTORY_LINUX_H_

#include <stdlib.h>

#include <filesystem>
#include <string>

namespace vramd {

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string name = "/tmp/vramd-unit-XXXXXX";
    path_ = mkdtemp(name.data());
  }
  ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
  std::string operator/(const char* name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace vramd

#endif  // VRAMD_TESTS_UNIT_TEMPORARY_DIRECTORY_LINUX_H_
