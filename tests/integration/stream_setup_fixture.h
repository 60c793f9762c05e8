// A broker, and two parties in the test's own process that use streams over raw gRPC.
#ifndef VRAMD_TESTS_INTEGRATION_STREAM_SETUP_FIXTURE_H_
#define VRAMD_TESTS_INTEGRATION_STREAM_SETUP_FIXTURE_H_

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "tests/integration/stream_party.h"
#include "tests/support/broker_process.h"

namespace vramd {

class StreamSetupTest : public testing::Test {
 protected:
  // Another process that makes a part and keeps it until it is killed; its part.
  uint64_t StartVictim(const std::string& role, const std::string& name) {
    victim_.emplace(ChildProcess::Options{
        .command = {OwnProgram(), "--role=" + role, broker_.endpoint(), name}});
    const auto line = victim_->ReadLine();
    EXPECT_TRUE(line.has_value()) << "the " << role << " did not get its part";
    return line ? std::stoull(*line) : 0;
  }

  BrokerProcess broker_{{"--null-device"}};
  StreamParty alice_{broker_.endpoint()}, bob_{broker_.endpoint()};
  std::optional<ChildProcess> victim_;
};

}  // namespace vramd

#endif  // VRAMD_TESTS_INTEGRATION_STREAM_SETUP_FIXTURE_H_
