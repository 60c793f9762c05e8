#include "tests/support/broker_process.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "tests/support/endpoint.h"
#include "tests/support/or_exit.h"

namespace vramd {

BrokerProcess::BrokerProcess(std::vector<std::string> flags,
                             std::map<std::string, std::string> environment)
    : endpoint_(TestEndpoint(directory_.path())),
      log_file_(directory_.path() + "/log"),
      flags_(std::move(flags)),
      environment_(std::move(environment)) {
  Start();
}

BrokerProcess::~BrokerProcess() {
  if (process_ == nullptr) return;
  process_->Terminate();
  process_->Wait(std::chrono::seconds(20));
}

void BrokerProcess::Start() {
  std::vector<std::string> command = {VRAMD_BROKER_PROGRAM,
                                      "--endpoint",
                                      endpoint_,
                                      "--ready-fd",
                                      "1",
                                      "--log-level",
                                      "debug",
                                      "--log-file",
                                      log_file_,
                                      "--drain-timeout",
                                      "500"};
  command.insert(command.end(), flags_.begin(), flags_.end());
  process_ = std::make_unique<ChildProcess>(
      ChildProcess::Options{.command = command, .environment = environment_});
  if (process_->ReadLine() == "ready") return;
  std::fprintf(stderr, "the broker did not start; its log:\n%s\n", Log().c_str());
  std::abort();
}

void BrokerProcess::Kill() {
  process_->Kill();
  process_->Wait();
}

void BrokerProcess::Restart() {
  Kill();
  Start();
}

std::string BrokerProcess::Log() const {
  std::ostringstream text;
  text << std::ifstream(log_file_).rdbuf();
  return text.str();
}

Client BrokerProcess::Connect(std::chrono::nanoseconds timeout) const {
  ConnectInfo info;
  info.endpoint = endpoint_.c_str();
  info.timeout_ns = TimeoutNs(timeout);
  return OrExit(Client::Connect(info));
}

}  // namespace vramd
