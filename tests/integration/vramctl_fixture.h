// vramctl as a child process, and a broker for it to look at.
#ifndef VRAMD_TESTS_INTEGRATION_VRAMCTL_FIXTURE_H_
#define VRAMD_TESTS_INTEGRATION_VRAMCTL_FIXTURE_H_

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/broker_process.h"
#include "tests/support/child_process.h"
#include "tests/support/endpoint.h"

namespace vramd {

struct Output {
  int exit_code = -1;
  std::string text;
  std::string errors;

  nlohmann::json Json() const {
    return nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  }
};

class VramctlTest : public testing::Test {
 protected:
  // `endpoint` empty: the broker's.
  Output Run(std::vector<std::string> arguments, std::string endpoint = "") {
    ChildProcess child = Start(std::move(arguments), std::move(endpoint));
    Output output;
    while (const auto line = child.ReadLine(std::chrono::seconds(60))) output.text += *line + "\n";
    output.exit_code = child.Wait().value_or(-1);
    std::ostringstream errors;
    errors << std::ifstream(ErrorFile()).rdbuf();
    output.errors = errors.str();
    return output;
  }

  // `errors`: the file that standard error goes to.
  ChildProcess Start(std::vector<std::string> arguments, std::string endpoint = "",
                     const std::string& errors = "errors") {
    std::filesystem::remove(PathOf(errors));
    std::vector<std::string> command = {VRAMD_VRAMCTL_PROGRAM, "--endpoint",
                                        endpoint.empty() ? broker_.endpoint() : endpoint};
    command.insert(command.end(), arguments.begin(), arguments.end());
    return ChildProcess({.command = command, .output_file = PathOf(errors)});
  }

  std::string ErrorFile() const { return files_.path() + "/errors"; }
  // As valid as the broker's, but nobody listens there.
  std::string NobodysEndpoint() const { return TestEndpoint(files_.path()); }
  std::string PathOf(const std::string& name) const { return files_.path() + "/" + name; }

  TemporaryDirectory files_;
  BrokerProcess broker_;
  Client client_ = broker_.Connect();
};

// The verdicts of the doctor's findings about `subject`.
inline std::vector<std::string> Verdicts(const Output& output, const std::string& subject) {
  std::vector<std::string> verdicts;
  const nlohmann::json report = output.Json();
  for (const nlohmann::json& finding : report["findings"])
    if (finding["subject"] == subject) verdicts.push_back(finding["verdict"]);
  return verdicts;
}

}  // namespace vramd

#endif  // VRAMD_TESTS_INTEGRATION_VRAMCTL_FIXTURE_H_
