// The real daemon as a child of a test, on an endpoint of its own.
#ifndef VRAMD_TESTS_SUPPORT_BROKER_PROCESS_H_
#define VRAMD_TESTS_SUPPORT_BROKER_PROCESS_H_

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/child_process.h"
#include "vramd/client.h"

namespace vramd {

class BrokerProcess {
 public:
  // Starts vramd with these flags and waits until it accepts connections. Ends the test program if
  // it does not.
  explicit BrokerProcess(std::vector<std::string> flags = {},
                         std::map<std::string, std::string> environment = {});
  ~BrokerProcess();

  const std::string& endpoint() const { return endpoint_; }
  const std::string& directory() const { return directory_.path(); }
  ChildProcess& process() { return *process_; }

  // Kills it and starts another on the same endpoint.
  void Restart();
  void Kill();

  // Everything that it has logged so far.
  std::string Log() const;

  // A client of this broker, in the calling process. Ends the test program if it is refused.
  Client Connect(std::chrono::nanoseconds timeout = std::chrono::minutes(1)) const;

 private:
  void Start();

  TemporaryDirectory directory_;
  std::string endpoint_;
  std::string log_file_;
  std::vector<std::string> flags_;
  std::map<std::string, std::string> environment_;
  std::unique_ptr<ChildProcess> process_;
};

}  // namespace vramd

#endif  // VRAMD_TESTS_SUPPORT_BROKER_PROCESS_H_
