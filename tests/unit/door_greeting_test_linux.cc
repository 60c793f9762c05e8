// Who gets in, and what the others are told.
#include <gmock/gmock.h>

#include "base/section.h"
#include "tests/unit/descriptor_count_linux.h"
#include "tests/unit/door_fixture_linux.h"

namespace vramd {
namespace {

using testing::HasSubstr;

TEST_F(DoorTest, AWelcomeBringsSessionTokenAndLane) {
  Open();
  const auto line = Call();
  ASSERT_TRUE(line.ok()) << line.status();
  EXPECT_EQ(line->token[0], static_cast<uint8_t>(line->session.value));
  EXPECT_EQ(line->token[15], 0x77);
  EXPECT_EQ(line->server.process_id, static_cast<uint32_t>(getpid()));
  EXPECT_EQ(keeper_.peer(line->session).process_id, static_cast<uint32_t>(getpid()));
  EXPECT_EQ(keeper_.peer(line->session).user_id, std::to_string(geteuid()));

  const auto memory = CreateSection(4096, "door-test");
  const auto number = keeper_.lane(line->session)->Send(RequestId{1}, *memory);
  ASSERT_TRUE(number.ok()) << number.status();
  EXPECT_TRUE(line->lane->Redeem(*number, Soon()).ok());
}

TEST_F(DoorTest, EachConnectionHasItsOwnSession) {
  Open();
  const auto one = Call(), two = Call();
  ASSERT_TRUE(one.ok() && two.ok());
  EXPECT_NE(one->session, two->session);
  EXPECT_EQ(keeper_.residents(), 2u);
}

TEST_F(DoorTest, WhoIsNotAdmittedIsToldBeforeHeSaysAnything) {
  Open();
  keeper_.AnswerAdmit(absl::PermissionDeniedError("you may not use this broker"));
  const OsHandle silent = Connect();
  EXPECT_EQ(Answer(silent), absl::PermissionDeniedError("you may not use this broker"));
  EXPECT_EQ(Call().status(), absl::PermissionDeniedError("you may not use this broker"));
  EXPECT_EQ(keeper_.AwaitRefused(2).code(), absl::StatusCode::kPermissionDenied);
}

TEST_F(DoorTest, ARefusedSessionIsToldWhy) {
  Open();
  keeper_.AnswerEnter(absl::ResourceExhaustedError("too many sessions"));
  EXPECT_EQ(Call().status(), absl::ResourceExhaustedError("too many sessions"));
  keeper_.AnswerEnter(absl::OkStatus());
  EXPECT_TRUE(Call().ok());
}

TEST_F(DoorTest, AGreetingMayComeByteByByte) {
  Open();
  const OsHandle stream = Connect();
  const ClientHelloBytes hello = Encode(ClientHello{});
  for (const uint8_t byte : hello) Say(stream, &byte, 1);
  EXPECT_TRUE(Answer(stream).ok());
}

TEST_F(DoorTest, StrangersAndOtherVersionsAreTurnedAway) {
  Open();
  const OsHandle stranger = Connect();
  Say(stranger, "GET / HTTP/1.1\r\nHost: localhost\r\n", kClientHelloSize);
  EXPECT_THAT(std::string(Answer(stranger).message()), HasSubstr("not vramd's"));

  const OsHandle newer = Connect();
  const ClientHelloBytes hello = Encode(ClientHello{.major = 2});
  Say(newer, hello.data(), hello.size());
  EXPECT_EQ(Answer(newer).code(), absl::StatusCode::kFailedPrecondition);
  char byte;
  EXPECT_LE(recv(newer.get(), &byte, 1, 0), 0) << "the connection is closed";
  EXPECT_EQ(keeper_.residents(), 0u);
}

TEST_F(DoorTest, ATruncatedGreetingIsNoSession) {
  Open();
  const ClientHelloBytes hello = Encode(ClientHello{});
  OsHandle stream = Connect();
  Say(stream, hello.data(), hello.size() - 1);
  stream.Reset();
  EXPECT_THAT(std::string(keeper_.AwaitRefused().message()), HasSubstr("after 31 bytes"));
}

TEST_F(DoorTest, ASilentGreetingExpires) {
  Open({.greeting_timeout = std::chrono::milliseconds(30)});
  const OsHandle silent = Connect();
  const OsHandle slow = Connect();
  Say(slow, "vram", 4);
  EXPECT_EQ(Answer(silent).code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_THAT(std::string(Answer(slow).message()), HasSubstr("4 of 32 bytes came"));
  EXPECT_TRUE(Call().ok()) << "others are served meanwhile and after";
}

TEST_F(DoorTest, AFloodOfGreetingsIsRefusedAndTheRestGoesOn) {
  Open({.greeting_timeout = std::chrono::seconds(60), .max_greetings = 5});
  std::vector<OsHandle> silent;
  for (int i = 0; i < 5; ++i) silent.push_back(Connect());
  const OsHandle refused = Connect();
  EXPECT_EQ(Answer(refused).code(), absl::StatusCode::kResourceExhausted);
  const ClientHelloBytes hello = Encode(ClientHello{});
  Say(silent[0], hello.data(), hello.size());
  EXPECT_TRUE(Answer(silent[0]).ok());
  EXPECT_TRUE(Call().ok()) << "its place is free again";
}

TEST_F(DoorTest, OneUserCannotTakeAllThePlaces) {
  Open({.greeting_timeout = std::chrono::seconds(60), .max_greetings_per_user = 2});
  const OsHandle one = Connect(), two = Connect(), three = Connect();
  const absl::Status refused = Answer(three);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("this user has 2 greetings"));
}

TEST_F(DoorTest, DescriptorsInAGreetingAreNotTaken) {
  Open();
  const auto memory = CreateSection(4096, "door-test");
  const int before = CountDescriptors();
  {
    const OsHandle stream = Connect();
    ClientHelloBytes hello = Encode(ClientHello{});
    iovec data = {hello.data(), hello.size()};
    alignas(cmsghdr) char control[CMSG_SPACE(2 * sizeof(int))] = {};
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof(control);
    cmsghdr* part = CMSG_FIRSTHDR(&message);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(2 * sizeof(int));
    const int two[2] = {memory->get(), memory->get()};
    std::memcpy(CMSG_DATA(part), two, sizeof(two));
    ASSERT_EQ(sendmsg(stream.get(), &message, 0), static_cast<ssize_t>(hello.size()));
    EXPECT_TRUE(Answer(stream).ok());
  }
  keeper_.AwaitResidents(0);
  door_.reset();
  // The door's own four went with it: socket, lock, epoll, wake-up and spare.
  EXPECT_EQ(CountDescriptors(), before - 5);
}

TEST_F(DoorTest, AThousandConnectionsLeaveNothing) {
  const int at_start = CountDescriptors();
  Open();
  const int with_door = CountDescriptors();
  for (int i = 0; i < 1000; ++i) {
    if (i % 3 == 0) {
      ASSERT_TRUE(Call().ok());
    } else {
      const OsHandle stream = Connect();
      if (i % 3 == 1) Say(stream, "garbage that is no greeting at all", 33);
    }
  }
  EXPECT_FALSE(keeper_.AwaitRefused(666).ok());
  keeper_.AwaitResidents(0);
  // A last call: the door has closed all that came before it.
  ASSERT_TRUE(Call().ok());
  keeper_.AwaitResidents(0);
  door_.reset();
  EXPECT_EQ(CountDescriptors(), at_start);
  EXPECT_GT(with_door, at_start);
}

TEST_F(DoorTest, ABrokerThatDoesNotAnswerIsGivenUpInTime) {
  const OsHandle listener = NewUnixStream();
  const sockaddr_un address = UnixAddress(endpoint_);
  ASSERT_EQ(bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  EXPECT_TRUE(absl::IsUnavailable(Call().status())) << "bound, but nobody listens";
  ASSERT_EQ(listen(listener.get(), 0), 0);
  const auto brief = Clock::now() + std::chrono::milliseconds(20);
  EXPECT_TRUE(absl::IsDeadlineExceeded(Dial(endpoint_, "", brief).status()));
  // That one still waits to be accepted, so there is no room for another.
  const auto next = Clock::now() + std::chrono::milliseconds(20);
  EXPECT_TRUE(absl::IsDeadlineExceeded(Dial(endpoint_, "", next).status()));
  EXPECT_TRUE(absl::IsUnavailable(Dial(directory_ / "nobody", "", Soon()).status()));
}

}  // namespace
}  // namespace vramd
