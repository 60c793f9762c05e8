// Has the Vulkan validation layer watch other processes, and keeps what it says.
#ifndef VRAMD_TESTS_INTEGRATION_VALIDATION_LOG_H_
#define VRAMD_TESTS_INTEGRATION_VALIDATION_LOG_H_

#include <map>
#include <string>

#include "tests/support/child_process.h"

namespace vramd {

class ValidationLog {
 public:
  // Variables for one process; `who` names it in Complaints() and is used once.
  std::map<std::string, std::string> Environment(const std::string& who) const;

  // Errors and warnings of all processes that have ended. Empty if there was none.
  std::string Complaints() const;

 private:
  TemporaryDirectory directory_;
};

}  // namespace vramd

#endif  // VRAMD_TESTS_INTEGRATION_VALIDATION_LOG_H_
