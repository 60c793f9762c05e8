// Peers that do not keep to the rules, on the live socket: before, in and after the greeting. The
// broker must neither crash nor stall nor keep a descriptor, and must say who it was and why.
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <random>
#include <regex>

#include "ipc/dial.h"
#include "ipc/grpc_transport.h"
#include "ipc/handshake.h"
#include "ipc/unix_socket_linux.h"
#include "tests/support/broker_process.h"
#include "tests/support/or_exit.h"
#include "vramd/v1/broker.grpc.pb.h"

namespace vramd {
namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;
using ::testing::HasSubstr;

// The first bytes of what some drivers share are their own notes on it, which they trust again when
// the memory is freed.
TEST(HostileMemoryTest, WhoOverwritesSharedMemoryDoesNoHarmToTheBroker) {
  BrokerProcess broker;
  Client client = broker.Connect();
  for (const auto& info : {AllocateInfo::Raw(1 << 20), AllocateInfo::Raw(4096)}) {
    auto lease = OrExit(client.Allocate(info));
    intptr_t given = -1;
    ASSERT_EQ(vramd_lease_get_handle(lease.get(), &given), VRAMD_OK) << vramd_last_error();
    const OsHandle handle(static_cast<int>(given));
    struct stat facts {};
    ASSERT_EQ(fstat(handle.get(), &facts), 0);
    if (facts.st_size == 0) GTEST_SKIP() << "this device's memory is not a file";
    const auto size = static_cast<size_t>(facts.st_size);
    void* const all = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, handle.get(), 0);
    ASSERT_NE(all, MAP_FAILED);
    std::memset(all, 0x5a, size);
    munmap(all, size);
  }
  // Both leases are gone, and the broker has freed the memory.
  EXPECT_TRUE(client.Ping().ok());
  EXPECT_EQ(OrExit(client.ServerInfo()).allocations, 0u);
}

class HostileTest : public ::testing::Test {
 protected:
  HostileTest() {
    EXPECT_TRUE(client_.Ping().ok());
    EXPECT_TRUE(client_.Allocate(AllocateInfo::Raw(4096)).ok());  // the device is open from here on
    handles_ = broker_.process().CountHandles();
  }

  // Everything is as before: the bystander is served, and no descriptor is left.
  void ExpectUnharmed() {
    EXPECT_TRUE(client_.Ping().ok());
    const auto deadline = steady_clock::now() + seconds(20);
    while (broker_.process().CountHandles() > handles_ && steady_clock::now() < deadline) {
    }
    EXPECT_LE(broker_.process().CountHandles(), handles_);
    EXPECT_EQ(OrExit(client_.ServerInfo()).sessions, 1u);
  }

  OsHandle Connect() {
    OsHandle stream(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(ConnectUnix(stream, broker_.endpoint()), 0);
    return stream;
  }

  static void Send(const OsHandle& stream, const std::string& bytes) {
    (void)send(stream.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }

  // What the broker answers until it closes the connection.
  static std::string ReadToEnd(const OsHandle& stream) {
    std::string answer;
    char buffer[1024];
    for (ssize_t got; (got = recv(stream.get(), buffer, sizeof(buffer), 0)) > 0;)
      answer.append(buffer, static_cast<size_t>(got));
    return answer;
  }

  size_t CountInLog(const std::string& pattern) const {
    const std::string log = broker_.Log();
    const std::regex expression(pattern);
    return static_cast<size_t>(std::distance(
        std::sregex_iterator(log.begin(), log.end(), expression), std::sregex_iterator()));
  }

  BrokerProcess broker_{{"--null-device"}};
  Client client_ = broker_.Connect();
  size_t handles_ = 0;
};

TEST_F(HostileTest, GarbageIsAnsweredWithWordsAndLoggedOnce) {
  std::mt19937 random(7);
  for (int i = 0; i < 100; ++i) {
    const OsHandle stream = Connect();
    std::string garbage(kClientHelloSize + random() % 4096, '\0');
    for (char& byte : garbage) byte = static_cast<char>(random());
    Send(stream, garbage);
    EXPECT_THAT(ReadToEnd(stream), HasSubstr("greeting"));
  }
  ExpectUnharmed();
  EXPECT_EQ(CountInLog("event=refused peer=\"[^\"]* pid [0-9]+"), 100u);
}

TEST_F(HostileTest, TruncatedGreetings) {
  const ClientHelloBytes hello = Encode(ClientHello{});
  for (size_t length = 0; length < hello.size(); ++length) {
    const OsHandle stream = Connect();
    Send(stream, std::string(hello.begin(), hello.begin() + static_cast<ptrdiff_t>(length)));
    shutdown(stream.get(), SHUT_WR);
    ReadToEnd(stream);
  }
  ExpectUnharmed();
}

TEST_F(HostileTest, SilentOnesDoNotKeepOthersOut) {
  std::vector<OsHandle> silent;
  for (int i = 0; i < 31; ++i) silent.push_back(Connect());
  EXPECT_TRUE(broker_.Connect().Ping().ok());
  for (const OsHandle& stream : silent)
    EXPECT_THAT(ReadToEnd(stream), HasSubstr("no whole greeting"));
  silent.clear();
  ExpectUnharmed();
}

TEST_F(HostileTest, AFloodOfConnectionsIsRefusedNotServed) {
  std::vector<OsHandle> flood;
  for (int i = 0; i < 400; ++i) flood.push_back(Connect());
  EXPECT_TRUE(client_.Ping().ok());  // a session that exists is not disturbed
  flood.clear();
  ExpectUnharmed();
  EXPECT_THAT(broker_.Log(), HasSubstr("greetings in progress"));
}

TEST_F(HostileTest, GarbageAfterTheGreeting) {
  for (int i = 0; i < 20; ++i) {
    auto line = Dial(broker_.endpoint(), "", Clock::now() + seconds(20));
    ASSERT_TRUE(line.ok()) << line.status();
    Send(line->stream, "this is no HTTP/2 connection preface, and never will be one\r\n\r\n");
    Send(line->stream, std::string(4096, 'x'));
  }
  ExpectUnharmed();
}

// The reply of a call that cannot be delivered gives back what it carried.
TEST_F(HostileTest, AClientWithoutItsLaneGetsNoLease) {
  auto line = Dial(broker_.endpoint(), "", Clock::now() + seconds(20));
  ASSERT_TRUE(line.ok()) << line.status();
  line->lane.reset();
  const StreamChannel channel = ChannelOnStream(std::move(line->stream), {});
  const auto stub = v1::Broker::NewStub(channel.channel);
  for (uint64_t i = 1; i <= 10; ++i) {
    grpc::ClientContext context;
    context.AddMetadata(kTokenMetadata, std::string(line->token.begin(), line->token.end()));
    v1::AllocateRequest request;
    v1::LeaseReply reply;
    request.set_request_id(i);
    request.mutable_resource()->mutable_raw()->set_size(4096);
    EXPECT_EQ(stub->Allocate(&context, request, &reply).error_code(), grpc::UNAVAILABLE);
  }
  EXPECT_EQ(OrExit(client_.ServerInfo()).allocations, 0u);
}

// A client that never takes its handles fills its own lane, and nobody else's.
TEST_F(HostileTest, AClientThatTakesNoHandles) {
  auto line = Dial(broker_.endpoint(), "", Clock::now() + seconds(20));
  ASSERT_TRUE(line.ok()) << line.status();
  const StreamChannel channel = ChannelOnStream(std::move(line->stream), {});
  const auto stub = v1::Broker::NewStub(channel.channel);
  grpc::Status status;
  for (uint64_t i = 1; i <= 4000 && status.ok(); ++i) {
    grpc::ClientContext context;
    context.AddMetadata(kTokenMetadata, std::string(line->token.begin(), line->token.end()));
    v1::AllocateRequest request;
    v1::LeaseReply reply;
    request.set_request_id(i);
    request.mutable_resource()->mutable_raw()->set_size(4096);
    status = stub->Allocate(&context, request, &reply);
  }
  EXPECT_EQ(status.error_code(), grpc::RESOURCE_EXHAUSTED);
  EXPECT_THAT(status.error_message(), HasSubstr("handles"));
  EXPECT_TRUE(client_.Allocate(AllocateInfo::Raw(4096)).ok());
}

}  // namespace
}  // namespace vramd
