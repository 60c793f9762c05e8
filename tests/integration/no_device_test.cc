// A broker that is told to serve a device that the machine does not have.
#include <gmock/gmock.h>

#include <fstream>
#include <sstream>

#include "tests/support/broker_process.h"
#include "tests/support/endpoint.h"
#include "tests/support/or_exit.h"

namespace vramd {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr char kNoSuch[] = "no such card";

class NoDeviceTest : public testing::Test {
 protected:
  // vramd, which accepts connections when this returns, and may have ended since.
  ChildProcess Start() {
    ChildProcess vramd({.command = {VRAMD_BROKER_PROGRAM, "--endpoint", endpoint_, "--ready-fd",
                                    "1", "--log-file", files_.path() + "/log", "--device", kNoSuch},
                        .output_file = files_.path() + "/errors"});
    EXPECT_EQ(vramd.ReadLine(), "ready");
    return vramd;
  }

  std::string Errors() const {
    std::ostringstream text;
    text << std::ifstream(files_.path() + "/errors").rdbuf();
    return text.str();
  }

  TemporaryDirectory files_;
  const std::string endpoint_ = TestEndpoint(files_.path());
};

TEST_F(NoDeviceTest, TheBrokerEndsAndListsTheDevicesThatThereAre) {
  ChildProcess vramd = Start();
  EXPECT_EQ(vramd.Wait(), 1);
  EXPECT_THAT(Errors(), AllOf(HasSubstr("no device fits \"no such card\""),
                              HasSubstr("devices there are: 0: "), HasSubstr("(UUID "),
                              HasSubstr("--wait-for-device")));
}

// Whether the client comes before the broker knows that it has no device, or after.
TEST_F(NoDeviceTest, ItsClientsAreToldThatItIsUnavailable) {
  ChildProcess vramd = Start();
  ConnectInfo info;
  info.endpoint = endpoint_.c_str();
  info.timeout_ns = 20000000000;
  auto client = Client::Connect(info);
  vramd_result code = client.status().code();
  if (client.ok()) code = client->Allocate(AllocateInfo::Raw(4096)).status().code();
  EXPECT_EQ(code, VRAMD_UNAVAILABLE);
  EXPECT_EQ(vramd.Wait(), 1);
}

TEST_F(NoDeviceTest, OneThatWaitsForTheDeviceServesAndSaysWhatItLacks) {
  BrokerProcess broker({"--device", kNoSuch, "--wait-for-device"});
  Client client = broker.Connect();
  const auto refused = client.Allocate(AllocateInfo::Raw(4096));
  EXPECT_EQ(refused.status().code(), VRAMD_UNAVAILABLE);
  EXPECT_THAT(refused.status().message(),
              AllOf(HasSubstr("no device fits \"no such card\""), HasSubstr("keeps looking")));
  const DeviceInfo device = OrExit(client.Devices()).at(0);
  EXPECT_EQ(device.state, VRAMD_DEVICE_OPENING);
  EXPECT_THAT(device.state_reason, HasSubstr("no device fits"));
  broker.process().Terminate();
  EXPECT_EQ(broker.process().Wait(), 0) << "it was asked to stop";
}

}  // namespace
}  // namespace vramd
