// The test's side of scripted_client.cc.
#ifndef VRAMD_TESTS_INTEGRATION_SCRIPTED_PROCESS_H_
#define VRAMD_TESTS_INTEGRATION_SCRIPTED_PROCESS_H_

#include <string>
#include <vector>

#include "tests/support/child_process.h"

namespace vramd {

class ScriptedProcess {
 public:
  // `wrapper` is put before the command: to run it as another user, say.
  explicit ScriptedProcess(const std::string& endpoint, std::vector<std::string> wrapper = {})
      : process_(Options(endpoint, std::move(wrapper))) {}

  std::string Do(const std::string& command) {
    if (!process_.WriteLine(command)) return "error the client is gone";
    return process_.ReadLine().value_or("error no answer");
  }
  ChildProcess& process() { return process_; }

 private:
  static ChildProcess::Options Options(const std::string& endpoint,
                                       std::vector<std::string> command) {
    command.push_back(VRAMD_SCRIPTED_CLIENT);
    return {.command = std::move(command), .environment = {{"VRAMD_ENDPOINT", endpoint}}};
  }
  ChildProcess process_;
};

}  // namespace vramd

#endif  // VRAMD_TESTS_INTEGRATION_SCRIPTED_PROCESS_H_
