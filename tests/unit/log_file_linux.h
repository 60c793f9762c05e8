// The log in a file, for a fixture to inherit before anything that logs: the log must not be set up
// anew while others write to it.
#ifndef VRAMD_TESTS_UNIT_LOG_FILE_LINUX_H_
#define VRAMD_TESTS_UNIT_LOG_FILE_LINUX_H_

#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "base/log.h"
#include "gtest/gtest.h"
#include "tests/unit/temporary_directory_linux.h"

namespace vramd {

class LogFile {
 public:
  explicit LogFile(log::Level least) { EXPECT_TRUE(log::Configure(least, path_).ok()); }
  ~LogFile() { EXPECT_TRUE(log::Configure(log::Level::kInfo).ok()); }

  // Lines so far that have `part`.
  std::vector<std::string> LinesWith(absl::string_view part) const {
    std::vector<std::string> lines;
    std::ifstream file(path_);
    for (std::string line; std::getline(file, line);)
      if (absl::StrContains(line, part)) lines.push_back(line);
    return lines;
  }

 private:
  const TemporaryDirectory directory_;
  const std::string path_ = directory_ / "log";
};

}  // namespace vramd

#endif  // VRAMD_TESTS_UNIT_LOG_FILE_LINUX_H_
