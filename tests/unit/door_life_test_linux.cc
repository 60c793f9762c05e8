// How sessions end, and how the door itself lives and ends.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/wait.h>

#include <ctime>
#include <thread>

#include "tests/support/descriptor_limit_linux.h"
#include "tests/unit/door_fixture_linux.h"

namespace vramd {
namespace {

using testing::HasSubstr;

// Processor time of this process, in milliseconds.
int64_t CpuMilliseconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

TEST_F(DoorTest, TheClientThatClosesHasLeft) {
  Open();
  auto line = Call();
  ASSERT_TRUE(line.ok());
  line->stream.Reset();
  EXPECT_EQ(keeper_.AwaitLeft(line->session), "the connection was closed");
  EXPECT_TRUE(absl::IsUnavailable(line->lane->Redeem(1, Soon()).status()));
}

TEST_F(DoorTest, TheServersSideThatHangsUpEndsTheSessionToo) {
  Open();
  const auto line = Call();
  ASSERT_TRUE(line.ok());
  keeper_.HangUp(line->session);
  EXPECT_EQ(keeper_.AwaitLeft(line->session), "the connection was closed");
  EXPECT_TRUE(Readable(line->stream));
}

TEST_F(DoorTest, DisconnectEndsOneSessionAndOnlyOnce) {
  Open();
  const auto line = Call();
  const auto other = Call();
  ASSERT_TRUE(line.ok() && other.ok());
  door_->Disconnect(line->session);
  door_->Disconnect(line->session);
  door_->Disconnect(SessionId{999});
  EXPECT_EQ(keeper_.AwaitLeft(line->session), "the broker closed it");
  char byte;
  ASSERT_TRUE(Readable(line->stream));
  EXPECT_EQ(recv(line->stream.get(), &byte, 1, 0), 0);
  EXPECT_EQ(keeper_.residents(), 1u);
}

TEST_F(DoorTest, TheDoorThatEndsClosesAll) {
  Open();
  const auto line = Call();
  const OsHandle greeting = Connect();
  ASSERT_TRUE(line.ok());
  door_.reset();
  EXPECT_EQ(keeper_.AwaitLeft(line->session), "the broker stops");
  char byte;
  ASSERT_TRUE(Readable(greeting));
  EXPECT_LE(recv(greeting.get(), &byte, 1, 0), 0);
  EXPECT_FALSE(std::filesystem::exists(endpoint_));
  EXPECT_TRUE(absl::IsUnavailable(Call().status()));
}

// A process that connects and greets when it is told to. It is made before the door and uses system
// calls only, as a child of a process with threads must.
class ClientProcess {
 public:
  // With `heir`, it leaves the open connection to a child of its own when it ends.
  ClientProcess(const std::string& endpoint, bool heir) {
    EXPECT_EQ(pipe2(orders_, O_CLOEXEC), 0);
    EXPECT_EQ(pipe2(life_, O_CLOEXEC), 0);
    const sockaddr_un address = UnixAddress(endpoint);
    const ClientHelloBytes hello = Encode(ClientHello{});
    child_ = fork();
    if (child_ != 0) return;
    char byte;
    const int stream = socket(AF_UNIX, SOCK_STREAM, 0);
    close(orders_[1]);
    close(life_[1]);
    if (read(orders_[0], &byte, 1) != 1) _exit(1);
    if (connect(stream, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0)
      _exit(2);
    if (send(stream, hello.data(), hello.size(), MSG_NOSIGNAL) < 0) _exit(3);
    if (recv(stream, &byte, 1, 0) != 1) _exit(4);
    if (heir && fork() == 0) {
      // Until the test closes its end.
      if (read(life_[0], &byte, 1) == 0) _exit(0);
      _exit(5);
    }
    if (read(orders_[0], &byte, 1) != 1) _exit(6);
    _exit(0);
  }
  ~ClientProcess() {
    close(orders_[0]);
    close(orders_[1]);
    close(life_[0]);
    close(life_[1]);
    int status = -1;
    EXPECT_EQ(waitpid(child_, &status, 0), child_);
    EXPECT_EQ(status, 0);
  }
  // The first order connects, the second ends it.
  void Order() { ASSERT_EQ(write(orders_[1], "x", 1), 1); }
  pid_t id() const { return child_; }

 private:
  int orders_[2];
  int life_[2];
  pid_t child_ = -1;
};

TEST_F(DoorTest, AProcessThatEndsHasLeft) {
  ClientProcess client(endpoint_, /*heir=*/false);
  Open();
  client.Order();
  keeper_.AwaitResidents(1);
  EXPECT_EQ(keeper_.peer(SessionId{1}).process_id, static_cast<uint32_t>(client.id()));
  client.Order();
  keeper_.AwaitLeft(SessionId{1});
}

TEST_F(DoorTest, AProcessThatEndsHasLeftThoughItsChildKeepsTheConnection) {
  ClientProcess client(endpoint_, /*heir=*/true);
  Open();
  client.Order();
  keeper_.AwaitResidents(1);
  client.Order();
  EXPECT_EQ(keeper_.AwaitLeft(SessionId{1}), "the process ended");
}

// ---- Listening

TEST_F(DoorTest, StopListeningKeepsWhatIsThere) {
  Open();
  auto line = Call();
  ASSERT_TRUE(line.ok());
  door_->StopListening();
  // The socket goes on the door's thread.
  while (std::filesystem::exists(endpoint_)) std::this_thread::yield();
  EXPECT_TRUE(absl::IsUnavailable(Call().status()));
  EXPECT_EQ(keeper_.residents(), 1u);
  line->stream.Reset();
  keeper_.AwaitLeft(line->session);
}

TEST_F(DoorTest, ASecondDoorIsRefusedAndTheFirstLives) {
  Open();
  RecordingKeeper other;
  const auto second = Door::Open({.endpoint = endpoint_}, &other);
  EXPECT_TRUE(absl::IsAlreadyExists(second.status())) << second.status();
  EXPECT_TRUE(Call().ok());
}

// A listening socket as a service manager passes it; the manager keeps a copy.
OsHandle ManagersSocket(const std::string& endpoint) {
  OsHandle socket = NewUnixStream();
  const sockaddr_un address = UnixAddress(endpoint);
  EXPECT_EQ(bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  EXPECT_EQ(listen(socket.get(), 8), 0);
  return socket;
}

TEST_F(DoorTest, AnInheritedSocketIsServedAndLeftBehind) {
  const OsHandle managers = ManagersSocket(endpoint_);
  DoorOptions options;
  options.inherited = *managers.Duplicate();
  Open(std::move(options));
  EXPECT_EQ(door_->endpoint(), endpoint_);
  EXPECT_TRUE(Call().ok());
  door_.reset();
  EXPECT_TRUE(std::filesystem::exists(endpoint_));
}

TEST_F(DoorTest, AnInheritedSocketIsLetGoOfWhenListeningStops) {
  const OsHandle managers = ManagersSocket(endpoint_);
  DoorOptions options;
  options.inherited = *managers.Duplicate();
  Open(std::move(options));
  const auto line = Call();
  ASSERT_TRUE(line.ok());
  door_->StopListening();
  door_->Disconnect(line->session);
  keeper_.AwaitLeft(line->session);  // so the stop was handled, too
  const OsHandle next = Connect();   // waits for the manager's next broker
  const int64_t before = CpuMilliseconds();
  EXPECT_FALSE(Readable(next, 300));
  EXPECT_LT(CpuMilliseconds() - before, 150) << "the door spins";
}

TEST_F(DoorTest, AnInheritedDescriptorThatCannotServeIsRefused) {
  const auto open_with = [&](OsHandle inherited) {
    DoorOptions options;
    options.inherited = std::move(inherited);
    return Door::Open(std::move(options), &keeper_).status();
  };
  EXPECT_TRUE(absl::IsInvalidArgument(open_with(NewUnixStream()))) << "it does not listen";
  EXPECT_TRUE(
      absl::IsInvalidArgument(open_with(OsHandle(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)))));
  EXPECT_FALSE(open_with(OsHandle(open("/dev/null", O_RDONLY | O_CLOEXEC))).ok());
}

// ---- Out of descriptors

// UBSan's check of vtables looks at memory through a pipe, and reports an error if it gets none.
#ifdef __SANITIZE_ADDRESS__
#define VRAMD_SKIP_IF_CHECKS_NEED_DESCRIPTORS() \
  GTEST_SKIP() << "the sanitizer itself needs descriptors"
#else
#define VRAMD_SKIP_IF_CHECKS_NEED_DESCRIPTORS() static_cast<void>(0)
#endif

TEST_F(DoorTest, WithoutDescriptorsAClientIsToldSo) {
  VRAMD_SKIP_IF_CHECKS_NEED_DESCRIPTORS();
  Open();
  std::vector<OsHandle> clients;
  for (int i = 0; i < 3; ++i) clients.push_back(NewUnixStream());
  {
    const DescriptorLimit limit(DescriptorLimit::Next());
    for (const OsHandle& client : clients) {
      ASSERT_EQ(ConnectUnix(client, endpoint_), 0);
      const absl::Status answer = Answer(client);
      EXPECT_EQ(answer.code(), absl::StatusCode::kResourceExhausted) << answer;
    }
  }
  EXPECT_TRUE(Call().ok());
}

TEST_F(DoorTest, WithOneDescriptorTooFewTheWordsAreTheSame) {
  VRAMD_SKIP_IF_CHECKS_NEED_DESCRIPTORS();
  Open();
  std::vector<OsHandle> clients;
  for (int i = 0; i < 2; ++i) clients.push_back(NewUnixStream());
  // Enough to accept, not enough to hold the process.
  const DescriptorLimit limit(DescriptorLimit::Next() + 1);
  ASSERT_EQ(ConnectUnix(clients[0], endpoint_), 0);
  const absl::Status answer = Answer(clients[0]);
  EXPECT_EQ(answer.code(), absl::StatusCode::kResourceExhausted) << answer;
}

TEST_F(DoorTest, WithoutAnyDescriptorTheDoorWaitsAndDoesNotSpin) {
  VRAMD_SKIP_IF_CHECKS_NEED_DESCRIPTORS();
  Open();
  const auto line = Call();
  const OsHandle client = NewUnixStream();
  {
    const DescriptorLimit limit(1);  // the spare's place is above it, too
    ASSERT_EQ(ConnectUnix(client, endpoint_), 0);
    const int64_t before = CpuMilliseconds();
    EXPECT_FALSE(Readable(client, 300));
    EXPECT_LT(CpuMilliseconds() - before, 150) << "the door spins";
    door_->Disconnect(line->session);
    keeper_.AwaitLeft(line->session);  // and it still does its other work
  }
  const ClientHelloBytes hello = Encode(ClientHello{});
  Say(client, hello.data(), hello.size());
  EXPECT_TRUE(Answer(client).ok()) << "it was only kept waiting";
}

}  // namespace
}  // namespace vramd
