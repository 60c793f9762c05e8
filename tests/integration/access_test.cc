// Who gets in, and whom a client lets itself be served by. Other users are made with setpriv(1),
// which needs root: without it those tests are skipped and say so.
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "ipc/dial.h"
#include "ipc/grpc_transport.h"
#include "tests/integration/scripted_process.h"
#include "tests/support/broker_process.h"
#include "tests/support/or_exit.h"
#include "vramd/v1/broker.grpc.pb.h"

namespace vramd {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr char kStranger[] = "12345";  // a uid that no account has

std::vector<std::string> AsStranger() {
  return {"setpriv", "--reuid", kStranger, "--regid", kStranger, "--clear-groups"};
}

// A broker whose socket everyone can reach, so that the door itself has to decide.
class AccessTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "needs root, to run processes as another user";
  }

  std::unique_ptr<BrokerProcess> StartBroker(const std::string& policy) {
    std::ofstream(config_.path() + "/vramd.toml") << policy;
    auto broker = std::make_unique<BrokerProcess>(
        std::vector<std::string>{"--config", config_.path() + "/vramd.toml"});
    chmod(broker->directory().c_str(), 0711);
    chmod(broker->endpoint().c_str(), 0666);
    return broker;
  }

  void Rewrite(const std::string& policy) {
    std::ofstream(config_.path() + "/vramd.toml") << policy;
  }

  TemporaryDirectory config_;
};

TEST_F(AccessTest, StrangerIsRefusedWithWords) {
  auto broker = StartBroker("");
  ScriptedProcess stranger(broker->endpoint(), AsStranger());
  const std::string answer = stranger.Do("connect");
  EXPECT_THAT(answer, StartsWith("error PERMISSION_DENIED"));
  EXPECT_THAT(answer, HasSubstr("policy.connect"));
  EXPECT_THAT(broker->Log(), HasSubstr("event=refused"));
  EXPECT_THAT(broker->Log(), HasSubstr("12345(12345) pid"));
}

TEST_F(AccessTest, PolicyLetsInButNamesStayTheirOwners) {
  auto broker = StartBroker("[policy]\nconnect = [\"12345\"]\n");
  Client owner = broker->Connect();
  auto lease = OrExit(owner.Allocate(AllocateInfo::Raw(4096)));
  const std::string name = OrExit(lease.Publish("access/secret"));
  ScriptedProcess stranger(broker->endpoint(), AsStranger());
  ASSERT_THAT(stranger.Do("connect"), StartsWith("ok"));
  EXPECT_THAT(stranger.Do("open " + name), StartsWith("error PERMISSION_DENIED"));
  EXPECT_THAT(stranger.Do("open-id " + std::to_string(lease.allocation_id())),
              StartsWith("error NOT_FOUND"));
  ASSERT_THAT(stranger.Do("allocate 4096"), StartsWith("ok 1"));
  EXPECT_THAT(stranger.Do("publish 1 " + name), StartsWith("error PERMISSION_DENIED"));
  EXPECT_THAT(stranger.Do("publish 1 mine/own"), StartsWith("ok 12345/mine/own"));
}

TEST_F(AccessTest, RuleOpensANameAndReloadTakesItBack) {
  const std::string connect = "[policy]\nconnect = [\"12345\"]\n";
  auto broker = StartBroker(connect + "[[policy.open]]\nwho = \"12345\"\nnames = \"*/access/*\"\n");
  Client owner = broker->Connect();
  auto lease = OrExit(owner.Allocate(AllocateInfo::Raw(4096)));
  const std::string name = OrExit(lease.Publish("access/shown"));
  ScriptedProcess stranger(broker->endpoint(), AsStranger());
  ASSERT_THAT(stranger.Do("connect"), StartsWith("ok"));
  EXPECT_THAT(stranger.Do("open " + name), StartsWith("ok"));
  Rewrite(connect);
  broker->process().Hangup();
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (broker->Log().find("event=reloaded") == std::string::npos &&
         std::chrono::steady_clock::now() < deadline) {
  }
  EXPECT_THAT(stranger.Do("open " + name), StartsWith("error PERMISSION_DENIED"));
}

TEST_F(AccessTest, OpaqueMemoryOfACpuStaysWithTheBrokersUser) {
  auto broker = StartBroker(
      "[policy]\nconnect = [\"12345\"]\n"
      "[[policy.open]]\nwho = \"12345\"\nnames = \"*/access/*\"\n");
  Client owner = broker->Connect();
  AllocateInfo info = AllocateInfo::Raw(4096);
  auto section = OrExit(owner.Allocate(info));  // waits for the device to be open
  const auto devices = OrExit(owner.Devices());
  if (devices.front().device_type != 4)  // VK_PHYSICAL_DEVICE_TYPE_CPU
    GTEST_SKIP() << devices.front().name << " does not run on the CPU";
  EXPECT_EQ(section.recipe().handle_type, VRAMD_HANDLE_HOST_SECTION);
  const std::string shared = OrExit(section.Publish("access/section"));
  info.handle_type = VRAMD_HANDLE_OPAQUE_FD;
  auto opaque = OrExit(owner.Allocate(info));
  const std::string kept = OrExit(opaque.Publish("access/opaque"));
  ScriptedProcess stranger(broker->endpoint(), AsStranger());
  ASSERT_THAT(stranger.Do("connect"), StartsWith("ok"));
  EXPECT_THAT(stranger.Do("open " + shared), StartsWith("ok"));
  const std::string refused = stranger.Do("open " + kept);
  EXPECT_THAT(refused, StartsWith("error PERMISSION_DENIED"));
  EXPECT_THAT(refused, HasSubstr("allocate host_section"));
  EXPECT_THAT(stranger.Do("allocate 4096"), StartsWith("ok")) << "a section by default";
}

TEST_F(AccessTest, ReloadEndsTheSessionsOfThoseWhoMayConnectNoMore) {
  auto broker = StartBroker("[policy]\nconnect = [\"12345\"]\n");
  Client owner = broker->Connect();
  ScriptedProcess stranger(broker->endpoint(), AsStranger());
  ASSERT_THAT(stranger.Do("connect"), StartsWith("ok"));
  ASSERT_THAT(stranger.Do("allocate 4096"), StartsWith("ok 1"));
  ASSERT_EQ(OrExit(owner.ServerInfo()).sessions, 2U);
  Rewrite("[policy]\nconnect = []\n");
  broker->process().Hangup();
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (OrExit(owner.ServerInfo()).sessions != 1 && std::chrono::steady_clock::now() < deadline) {
  }
  EXPECT_EQ(OrExit(owner.ServerInfo()).sessions, 1U);
  EXPECT_EQ(OrExit(owner.ServerInfo()).allocations, 0U);
  EXPECT_THAT(broker->Log(), HasSubstr("event=session_unwanted"));
  EXPECT_THAT(stranger.Do("allocate 4096"), StartsWith("error PERMISSION_DENIED"));
}

TEST_F(AccessTest, ClientRefusesAnotherUsersBroker) {
  TemporaryDirectory directory;
  ASSERT_EQ(chown(directory.path().c_str(), 12345, 12345), 0);
  std::vector<std::string> command = AsStranger();
  const std::string endpoint = directory.path() + "/vramd.sock";
  for (const char* word : {VRAMD_BROKER_PROGRAM, "--null-device", "--ready-fd", "1", "--endpoint"})
    command.emplace_back(word);
  command.push_back(endpoint);
  ChildProcess broker({.command = command, .output_file = config_.path() + "/log"});
  ASSERT_EQ(broker.ReadLine(), "ready");
  ConnectInfo info;
  info.endpoint = endpoint.c_str();
  const auto refused = Client::Connect(info);
  EXPECT_EQ(refused.status().code(), VRAMD_PERMISSION_DENIED);
  EXPECT_THAT(refused.status().message(), HasSubstr("12345"));
  info.trusted_user = kStranger;
  EXPECT_TRUE(Client::Connect(info).ok());
}

// ---- Tokens. Spoken in raw gRPC, since the client library never sends a wrong one.

grpc::Status PingWith(const StreamChannel& channel, const std::string& token) {
  const auto stub = v1::Broker::NewStub(channel.channel);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
  if (!token.empty()) context.AddMetadata(kTokenMetadata, token);
  v1::PingReply reply;
  return stub->Ping(&context, v1::PingRequest(), &reply);
}

std::string TokenOf(const Line& line) { return {line.token.begin(), line.token.end()}; }

TEST(Token, MustBelongToTheConnection) {
  BrokerProcess broker({"--null-device"});
  const auto deadline = Clock::now() + std::chrono::seconds(20);
  auto mine = Dial(broker.endpoint(), "", deadline);
  auto other = Dial(broker.endpoint(), "", deadline);
  ASSERT_TRUE(mine.ok() && other.ok());
  const StreamChannel channel = ChannelOnStream(std::move(mine->stream), {});
  EXPECT_TRUE(PingWith(channel, TokenOf(*mine)).ok());
  for (const std::string& wrong :
       {std::string(), std::string("short"), std::string(16, '\0'), TokenOf(*other)}) {
    const grpc::Status status = PingWith(channel, wrong);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAUTHENTICATED) << status.error_message();
  }
  EXPECT_TRUE(PingWith(channel, TokenOf(*mine)).ok());
}

// ---- The endpoint

TEST(Endpoint, LiveBrokerIsNeverReplacedADeadOneIs) {
  BrokerProcess broker({"--null-device"});
  ChildProcess second(
      {.command = {VRAMD_BROKER_PROGRAM, "--null-device", "--endpoint", broker.endpoint()},
       .output_file = broker.directory() + "/second"});
  EXPECT_EQ(second.Wait(), 1);
  std::ifstream words(broker.directory() + "/second");
  EXPECT_THAT(std::string(std::istreambuf_iterator<char>(words), {}), HasSubstr("serves"));
  EXPECT_TRUE(broker.Connect().Ping().ok());
  broker.Restart();  // SIGKILL leaves the socket file behind
  EXPECT_TRUE(broker.Connect().Ping().ok());
}

TEST(Endpoint, IsForItsOwnerAlone) {
  BrokerProcess broker({"--null-device"});
  struct stat facts {};
  ASSERT_EQ(stat(broker.endpoint().c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0600u);
}

}  // namespace
}  // namespace vramd
