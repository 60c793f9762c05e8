// Whose call is it? Real connections, real gRPC, and clients that lie.
#include "daemon/front_door.h"

#include <gmock/gmock.h>

#include "absl/strings/match.h"
#include "tests/unit/broker_server_linux.h"
#include "tests/unit/log_file_linux.h"

namespace vramd {
namespace {

using testing::HasSubstr;

using Stub = v1::Broker::Stub;

class FrontDoorTest : public testing::Test {
 protected:
  // Waits until the broker has `count` sessions: an ended connection is noticed by and by.
  void AwaitSessions(uint64_t count) {
    const auto deadline = Clock::now() + std::chrono::seconds(20);
    while (server_.broker().Counts().sessions != count && Clock::now() < deadline)
      std::this_thread::yield();
    ASSERT_EQ(server_.broker().Counts().sessions, count);
  }

  // Likewise for memory, which is freed a little later.
  void AwaitNoMemory() {
    const auto deadline = Clock::now() + std::chrono::seconds(20);
    while (server_.device().live() != 0 && Clock::now() < deadline) std::this_thread::yield();
    EXPECT_EQ(server_.device().live(), 0);
  }

  static v1::AllocateRequest RawRequest(uint64_t request_id) {
    v1::AllocateRequest request;
    request.set_request_id(request_id);
    request.mutable_resource()->mutable_raw()->set_size(kPage);
    return request;
  }

  BrokerServer server_;
};

TEST_F(FrontDoorTest, TheConnectionsOwnTokenOpens) {
  RawClient client(server_.endpoint());
  EXPECT_TRUE(client.Ping().ok());
  v1::DescribeReply reply;
  ASSERT_TRUE(client.Call(&Stub::Describe, v1::DescribeRequest(), &reply).ok());
  EXPECT_EQ(reply.session_id(), client.session.value);
  EXPECT_EQ(reply.you().process_id(), static_cast<uint32_t>(getpid()));
  EXPECT_EQ(reply.sessions(), 1u);
}

TEST_F(FrontDoorTest, NoOtherTokenOpens) {
  RawClient client(server_.endpoint()), other(server_.endpoint());
  ASSERT_NE(client.token, other.token);
  std::string one_bit = client.token;
  one_bit[15] ^= 1;
  const std::vector<std::string> bad = {"",
                                        client.token.substr(0, 15),
                                        client.token + "x",
                                        std::string(16, '\0'),
                                        std::string(4000, 'x'),
                                        one_bit,
                                        other.token};
  for (const std::string& token : bad) {
    const grpc::Status status = client.Ping(token);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAUTHENTICATED) << status.error_message();
  }
  EXPECT_THAT(client.Ping(other.token).error_message(), HasSubstr("does not belong to this"));
  EXPECT_TRUE(client.Ping().ok()) << "a wrong try does not end the session";
  EXPECT_TRUE(other.Ping().ok());
}

TEST_F(FrontDoorTest, EveryCallAsksForTheToken) {
  RawClient client(server_.endpoint());
  const auto refused = [&](auto method, auto request, auto reply) {
    const auto context = RawClient::Context("0123456789abcdef");
    const grpc::Status status = (client.stub.get()->*method)(context.get(), request, &reply);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAUTHENTICATED)
        << request.GetTypeName() << ": " << status.error_message();
  };
  refused(&Stub::Ping, v1::PingRequest(), v1::PingReply());
  refused(&Stub::Describe, v1::DescribeRequest(), v1::DescribeReply());
  refused(&Stub::Allocate, RawRequest(1), v1::LeaseReply());
  refused(&Stub::Open, v1::OpenRequest(), v1::LeaseReply());
  refused(&Stub::Release, v1::ReleaseRequest(), v1::ReleaseReply());
  refused(&Stub::Publish, v1::PublishRequest(), v1::PublishReply());
  refused(&Stub::Withdraw, v1::WithdrawRequest(), v1::WithdrawReply());
  refused(&Stub::List, v1::ListRequest(), v1::ListReply());
  refused(&Stub::CheckShare, v1::CheckShareRequest(), v1::CheckShareReply());
  const auto context = RawClient::Context("0123456789abcdef");
  const auto watch = client.stub->Watch(context.get(), v1::WatchRequest());
  v1::WatchEvent event;
  EXPECT_FALSE(watch->Read(&event));
  EXPECT_EQ(watch->Finish().error_code(), grpc::StatusCode::UNAUTHENTICATED);
  // Whoever adds a call adds it here, too.
  EXPECT_EQ(v1::PingRequest::descriptor()->file()->FindServiceByName("Broker")->method_count(), 10);
  EXPECT_EQ(server_.device().live(), 0);
}

TEST_F(FrontDoorTest, AnEndedSessionsTokenOpensNothingThoughTheConnectionLasts) {
  RawClient client(server_.endpoint());
  ASSERT_TRUE(client.Ping().ok());
  server_.front_door().Left(client.session, "test");
  EXPECT_EQ(client.Ping().error_code(), grpc::StatusCode::UNAUTHENTICATED);
}

TEST_F(FrontDoorTest, ADisconnectedSessionIsGone) {
  RawClient client(server_.endpoint());
  v1::LeaseReply lease;
  ASSERT_TRUE(client.Call(&Stub::Allocate, RawRequest(1), &lease).ok());
  EXPECT_EQ(server_.device().live(), 1);
  server_.door().Disconnect(client.session);
  AwaitSessions(0);
  AwaitNoMemory();
  EXPECT_EQ(client.Ping().error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_TRUE(client.channel.broken());
  // Its token is worth nothing on the next connection, which may bear the same descriptor number.
  RawClient next(server_.endpoint());
  EXPECT_EQ(next.Ping(client.token).error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_TRUE(next.Ping().ok());
}

TEST_F(FrontDoorTest, ADriverThatFreesSlowlyHoldsUpNobody) {
  server_.device().HoldFrees();
  const auto begin = Clock::now();
  {
    RawClient client(server_.endpoint());
    v1::LeaseReply lease;
    ASSERT_TRUE(client.Call(&Stub::Allocate, RawRequest(1), &lease).ok());
  }
  AwaitSessions(0);
  EXPECT_EQ(server_.broker().Counts().allocations, 0u) << "it is gone for everybody";
  RawClient next(server_.endpoint());
  EXPECT_TRUE(next.Ping().ok());
  EXPECT_EQ(server_.device().live(), 1);
  EXPECT_LT(Clock::now() - begin, std::chrono::seconds(15));
  server_.device().LetGo();
  AwaitNoMemory();
}

TEST_F(FrontDoorTest, ManyConnectionsOneAfterTheOther) {
  for (int i = 0; i < 50; ++i) {
    RawClient client(server_.endpoint());
    ASSERT_TRUE(client.Ping().ok()) << i;
  }
  AwaitSessions(0);
}

TEST_F(FrontDoorTest, AnAllocationsHandleComesDownTheLane) {
  RawClient client(server_.endpoint());
  v1::LeaseReply lease;
  const grpc::Status status = client.Call(&Stub::Allocate, RawRequest(1), &lease);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(lease.handle().type(), v1::HANDLE_TYPE_HOST_SECTION);
  const auto handle =
      client.lane->Redeem(lease.handle().value(), Clock::now() + std::chrono::seconds(20));
  EXPECT_TRUE(handle.ok()) << handle.status();
  v1::ReleaseRequest by_request;
  v1::ReleaseReply reply;
  by_request.set_request_id(1);
  EXPECT_TRUE(client.Call(&Stub::Release, by_request, &reply).ok());
  EXPECT_EQ(server_.device().live(), 0);
}

TEST_F(FrontDoorTest, AHandleThatCannotBeDeliveredLeavesNoLease) {
  RawClient client(server_.endpoint());
  client.lane.reset();
  v1::LeaseReply lease;
  const grpc::Status status = client.Call(&Stub::Allocate, RawRequest(1), &lease);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE) << status.error_message();
  EXPECT_EQ(server_.device().live(), 0);
  EXPECT_EQ(server_.broker().Counts().allocations, 0u);
}

TEST_F(FrontDoorTest, BadRequestsAreNamed) {
  RawClient client(server_.endpoint());
  const auto words = [&](const v1::AllocateRequest& request) {
    v1::LeaseReply lease;
    const grpc::Status status = client.Call(&Stub::Allocate, request, &lease);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << status.error_message();
    return status.error_message();
  };
  EXPECT_THAT(words(v1::AllocateRequest()), HasSubstr("resource is empty"));
  v1::AllocateRequest request = RawRequest(1);
  request.set_intent(static_cast<v1::MemoryIntent>(77));
  EXPECT_THAT(words(request), HasSubstr("intent 77"));
  request = RawRequest(1);
  request.set_handle_type(static_cast<v1::HandleType>(78));
  EXPECT_THAT(words(request), HasSubstr("handle_type 78"));
  request = RawRequest(1);
  request.set_device(std::string(257, 'd'));
  EXPECT_THAT(words(request), HasSubstr("device has 257 bytes"));
  request = RawRequest(1);
  request.set_label(std::string(129, 'l'));
  EXPECT_THAT(words(request), HasSubstr("label has 129 bytes"));
  EXPECT_THAT(words(RawRequest(0)), HasSubstr("request_id 0"));
  request = RawRequest(1);
  request.set_label(std::string(100000, 'l'));
  v1::LeaseReply lease;
  EXPECT_EQ(client.Call(&Stub::Allocate, request, &lease).error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(server_.device().live(), 0);
}

class FrontDoorLogTest : protected LogFile, public FrontDoorTest {
 protected:
  FrontDoorLogTest() : LogFile(log::Level::kInfo) {}
};

TEST_F(FrontDoorLogTest, WrongTokensAreLoggedOnceForEachConnection) {
  {
    RawClient client(server_.endpoint()), other(server_.endpoint());
    for (int i = 0; i < 20; ++i) (void)client.Ping(other.token);
    (void)other.Ping(client.token);
  }
  AwaitSessions(0);
  EXPECT_EQ(LinesWith("event=wrong_token ").size(), 2u);
  EXPECT_THAT(LinesWith("event=wrong_tokens "), testing::ElementsAre(HasSubstr("count=20")));
}

class ManyNamesTest : public FrontDoorTest {
 protected:
  static constexpr uint32_t kLeases = 50, kNames = 64;

  ManyNamesTest() {
    for (uint32_t i = 0; i < kLeases; ++i) {
      const auto grant = server_.broker().Allocate(client_.session, RequestId{1 + i},
                                                   vramd::RawRequest(kPage), "", "");
      EXPECT_TRUE(grant.ok()) << grant.status();
      for (uint32_t n = 0; n < kNames; ++n) Publish(grant->lease, absl::StrCat("app/", i, "-", n));
    }
  }
  void Publish(LeaseId lease, const std::string& name) {
    EXPECT_TRUE(server_.broker().Publish(client_.session, lease, name).ok()) << name;
  }

  RawClient client_{server_.endpoint()};
  const std::unique_ptr<grpc::ClientContext> context_ = RawClient::Context(client_.token);
};

TEST_F(ManyNamesTest, AWatchBeginsWithEveryName) {
  const auto watch = client_.stub->Watch(context_.get(), v1::WatchRequest());
  v1::WatchEvent event;
  for (uint32_t i = 0; i < kLeases * kNames; ++i) {
    ASSERT_TRUE(watch->Read(&event));
    ASSERT_EQ(event.kind(), v1::WatchEvent::PUBLISHED) << i;
  }
  ASSERT_TRUE(watch->Read(&event));
  EXPECT_EQ(event.kind(), v1::WatchEvent::CURRENT);
}

// More names than the connection holds, so CURRENT still waits in the broker when what changes
// after it makes the queue overflow.
TEST_F(ManyNamesTest, AWatchThatOverflowsStillTellsThatItIsCurrent) {
  const auto watch = client_.stub->Watch(context_.get(), v1::WatchRequest());
  v1::WatchEvent event;
  ASSERT_TRUE(watch->Read(&event));
  const auto grant =
      server_.broker().Allocate(client_.session, RequestId{1000}, vramd::RawRequest(kPage), "", "");
  ASSERT_TRUE(grant.ok()) << grant.status();
  for (size_t i = 0; i < kLeases * kNames + kMaxQueuedEvents; ++i) {
    Publish(grant->lease, "app/x");
    ASSERT_TRUE(server_.broker().Withdraw(client_.session, "app/x").ok());
  }
  Publish(grant->lease, "app/last");
  int current = 0, overflow = 0;
  do {
    ASSERT_TRUE(watch->Read(&event));
    current += event.kind() == v1::WatchEvent::CURRENT ? 1 : 0;
    overflow += event.kind() == v1::WatchEvent::OVERFLOW ? 1 : 0;
  } while (!absl::EndsWith(event.published().name(), "app/last"));
  EXPECT_EQ(current, 1);
  EXPECT_GE(overflow, 1);
}

TEST_F(FrontDoorTest, AWatchEndsWithItsSession) {
  auto client = std::make_unique<RawClient>(server_.endpoint());
  const auto context = RawClient::Context(client->token);
  const auto watch = client->stub->Watch(context.get(), v1::WatchRequest());
  v1::WatchEvent event;
  ASSERT_TRUE(watch->Read(&event));
  EXPECT_EQ(event.kind(), v1::WatchEvent::CURRENT);
  server_.door().Disconnect(client->session);
  EXPECT_FALSE(watch->Read(&event));
  EXPECT_FALSE(watch->Finish().ok());
}

}  // namespace
}  // namespace vramd
