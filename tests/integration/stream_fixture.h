// A broker, a producer process and consumer processes, as the stream tests start them.
#ifndef VRAMD_TESTS_INTEGRATION_STREAM_FIXTURE_H_
#define VRAMD_TESTS_INTEGRATION_STREAM_FIXTURE_H_

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "tests/integration/stream_roles.h"
#include "tests/support/broker_process.h"
#include "tests/support/child_process.h"
#include "vramd/stream.h"

namespace vramd {

class StreamProcess {
 public:
  StreamProcess(const BrokerProcess& broker, const std::string& role,
                const std::vector<std::string>& options)
      : process_(Options(broker, role, options)),
        greeting_(process_.ReadLine(std::chrono::seconds(60)).value_or("(it ended)")) {}

  // "ready NAME" of a producer, "open" of a consumer.
  const std::string& greeting() const { return greeting_; }
  ChildProcess& process() { return process_; }

  void Tell(const std::string& line) { process_.WriteLine(line); }
  std::string Hear() {
    return process_.ReadLine(std::chrono::seconds(150)).value_or("(nothing: it ended or hangs)");
  }
  std::string Ask(const std::string& line) {
    Tell(line);
    return Hear();
  }
  // Of a consumer: what it says at its end.
  ConsumerReport Report() {
    const std::string line = Hear();
    EXPECT_EQ(line.rfind("done ", 0), 0u) << line;
    SCOPED_TRACE(line);
    return ConsumerReport::Parse(line);
  }

 private:
  static ChildProcess::Options Options(const BrokerProcess& broker, const std::string& role,
                                       const std::vector<std::string>& options) {
    ChildProcess::Options child{.command = {OwnProgram(), "--role=" + role},
                                .environment = {{"VRAMD_ENDPOINT", broker.endpoint()}}};
    child.command.insert(child.command.end(), options.begin(), options.end());
    return child;
  }

  ChildProcess process_;
  std::string greeting_;
};

// A stream of buffers whose producer is the test itself.
inline StreamInfo BufferStream(uint64_t bytes) {
  StreamInfo info;
  info.name = "stream/test";
  info.kind = VRAMD_RESOURCE_BUFFER;
  info.buffer.size = bytes;
  info.buffer.usage = 3;  // transfer source and destination
  info.handle_type = VRAMD_HANDLE_HOST_SECTION;
  info.image_count = 6;
  return info;
}

class StreamTest : public testing::Test {
 protected:
  std::unique_ptr<StreamProcess> StartProducer(std::vector<std::string> options = {}) {
    options.push_back("name=stream/test");
    auto producer = std::make_unique<StreamProcess>(broker_, "producer", options);
    EXPECT_EQ(producer->greeting().rfind("ready ", 0), 0u) << producer->greeting();
    return producer;
  }
  std::unique_ptr<StreamProcess> StartConsumer(std::vector<std::string> options = {}) {
    options.push_back("name=stream/test");
    auto consumer = std::make_unique<StreamProcess>(broker_, "consumer", options);
    EXPECT_EQ(consumer->greeting(), "open");
    return consumer;
  }
  // Until the producer knows of so many.
  static void AwaitConsumers(StreamProcess& producer, int count) {
    const std::string wanted = "ok " + std::to_string(count);
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    std::string answer;
    do {
      answer = producer.Ask("consumers");
    } while (answer != wanted && std::chrono::steady_clock::now() < deadline);
    EXPECT_EQ(answer, wanted);
  }

  BrokerProcess broker_;
};

// How often the stress test kills somebody: --rounds=N.
extern int stress_rounds;
// How long the viewers' test lets them come and go: --viewers-seconds=N.
extern int viewers_seconds;

}  // namespace vramd

#endif  // VRAMD_TESTS_INTEGRATION_STREAM_FIXTURE_H_
