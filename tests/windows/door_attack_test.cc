// Attacks on the pipe: who may open it by its access list, servers that take the broker's name, and
// peers that are not who their process number says.
//
// Under Wine all processes are of one user who is an administrator, so that what others may do is
// read from the access lists.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <windows.h>

#include <thread>

#include "ipc/handshake.h"
#include "ipc/peer_checks_windows.h"
#include "ipc/token_windows.h"
#include "tests/windows/access_list.h"
#include "tests/windows/door_fixture.h"

namespace vramd {
namespace {

using ::testing::HasSubstr;

constexpr char kOwner[] = "S-1-5-21-1";
constexpr char kGroup[] = "S-1-5-32-545";
constexpr char kStranger[] = "S-1-5-21-9";
constexpr char kEveryone[] = "S-1-1-0";
constexpr char kAuthenticated[] = "S-1-5-11";
constexpr char kNetwork[] = "S-1-5-2";
constexpr char kAnonymous[] = "S-1-5-7";
constexpr char kSystem[] = "S-1-5-18";
constexpr char kAdministrators[] = "S-1-5-32-544";

TEST(PipeDescriptorTest, GroupsMayConnectAndNotServe) {
  EXPECT_EQ(PipeDescriptor("S-1-5-21-1", ""),
            "O:S-1-5-21-1D:P(A;;FA;;;S-1-5-21-1)(A;;FA;;;SY)(A;;FA;;;BA)");
  EXPECT_THAT(PipeDescriptor("S-1-5-21-1", "S-1-5-32-545"),
              HasSubstr("(A;;0x12018b;;;S-1-5-32-545)"));
}

TEST(PipeDescriptorTest, StrangersAndTheNetworkMayNothing) {
  for (const char* group : {"", kGroup}) {
    const AccessList list(PipeDescriptor(kOwner, group));
    ASSERT_TRUE(list.present());
    EXPECT_EQ(list.AllowedTo({kStranger, kEveryone, kAuthenticated, kNetwork, kAnonymous}), 0u);
    for (const char* full : {kOwner, kSystem, kAdministrators})
      EXPECT_EQ(list.AllowedTo({full}), DWORD{FILE_ALL_ACCESS}) << full;
  }
}

TEST(PipeDescriptorTest, AGroupMayConnectAndNeitherServeNorChangeTheList) {
  const AccessList list(PipeDescriptor(kOwner, kGroup));
  const ACCESS_MASK allowed = list.AllowedTo({kStranger, kEveryone, kGroup});
  EXPECT_EQ(allowed & (FILE_READ_DATA | FILE_WRITE_DATA), DWORD{FILE_READ_DATA | FILE_WRITE_DATA});
  EXPECT_EQ(allowed & (FILE_CREATE_PIPE_INSTANCE | WRITE_DAC | WRITE_OWNER | DELETE), 0u);
}

// Every instance, also those that are made later.
TEST(PipeListenerTest, EveryInstanceCarriesTheList) {
  auto listener = PipeListener::Open(OwnPipe(), kGroup);
  ASSERT_TRUE(listener.ok()) << listener.status();
  for (int i = 0; i < 2; ++i) {
    const auto pipe = listener->Next();
    ASSERT_TRUE(pipe.ok()) << pipe.status();
    const AccessList list(pipe->get());
    ASSERT_TRUE(list.present());
    EXPECT_EQ(list.AllowedTo({OwnUserId()}), DWORD{FILE_ALL_ACCESS});
    EXPECT_EQ(list.AllowedTo({kGroup}), 0x12018bu);
    EXPECT_EQ(list.AllowedTo({kEveryone, kAuthenticated, kNetwork, kAnonymous}), 0u);
  }
}

// ---- Servers that are not the broker ----------------------------------------------------------

OsHandle Squat(const std::string& name, const std::string& sddl, DWORD flags = 0) {
  SECURITY_ATTRIBUTES attributes = {sizeof(attributes), nullptr, FALSE};
  if (!ConvertStringSecurityDescriptorToSecurityDescriptorW(
          ToWide(sddl).c_str(), SDDL_REVISION_1, &attributes.lpSecurityDescriptor, nullptr))
    return OsHandle();
  const HANDLE pipe =
      CreateNamedPipeW(ToWide(name).c_str(), PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED | flags,
                       PIPE_TYPE_BYTE, PIPE_UNLIMITED_INSTANCES, 4096, 4096, 0, &attributes);
  LocalFree(attributes.lpSecurityDescriptor);
  return OsHandle(pipe == INVALID_HANDLE_VALUE ? nullptr : pipe);
}

// Open to all the world, so that the broker's own instances could be made beside it.
TEST_F(DoorTest, AnyoneWithTheNameKeepsTheBrokerFromStarting) {
  OsHandle squatter = Squat(pipe_, "D:(A;;FA;;;WD)");
  ASSERT_TRUE(squatter.valid());
  DoorOptions options;
  options.endpoint = pipe_;
  const auto refused = Door::Open(std::move(options), &keeper_);
  EXPECT_TRUE(absl::IsAlreadyExists(refused.status()));
  EXPECT_THAT(std::string(refused.status().message()), HasSubstr(pipe_));
  squatter.Reset();
  Open();
  EXPECT_TRUE(Call().ok());
}

// The system lets nobody set an owner that he is not, but for who may restore backups.
TEST_F(DoorTest, AClientTellsAPipeOfAnotherOwner) {
  const OsHandle squatter = Squat(pipe_, absl::StrCat("O:", kStranger, "D:(A;;FA;;;WD)"));
  if (!squatter.valid()) GTEST_SKIP() << "this user can give no pipe to another";
  const auto line = Call();
  ASSERT_TRUE(absl::IsPermissionDenied(line.status())) << line.status();
  EXPECT_THAT(std::string(line.status().message()), HasSubstr("somebody took the broker's name"));
}

TEST(TrustTest, ABrokerIsTheUsersOwnOrTheSystemsOrNamed) {
  Peer server;
  server.user_id = kStranger;
  EXPECT_TRUE(absl::IsPermissionDenied(CheckServerTrusted(server, "")));
  EXPECT_TRUE(absl::IsPermissionDenied(CheckServerTrusted(server, kOwner)));
  EXPECT_TRUE(CheckServerTrusted(server, kStranger).ok());
  server.is_administrator = true;
  EXPECT_TRUE(CheckServerTrusted(server, "").ok());
  server = Peer();
  server.user_id = OwnUserId();
  EXPECT_TRUE(CheckServerTrusted(server, "").ok());
}

// A pipe whose two ends the test holds; the client's was opened as Dial() does it.
class PairTest : public testing::Test {
 protected:
  void SetUp() override {
    auto listener = PipeListener::Open(name_, "");
    ASSERT_TRUE(listener.ok()) << listener.status();
    server_ = *listener->Next();
    ASSERT_TRUE(accept_.StartConnect(server_).ok());
    client_ = std::thread([this] { line_ = Dial(name_, "", Clock::now() + kPatience); });
    ASSERT_EQ(WaitForSingleObject(accept_.event(), 20000), WAIT_OBJECT_0);
    ASSERT_TRUE(accept_.Finish().ok());
    // Before something is read, the system knows no client to impersonate.
    ClientHelloBytes greeting{};
    ASSERT_TRUE(
        ReadWhole(server_, greeting.data(), greeting.size(), Clock::now() + kPatience).ok());
  }
  void TearDown() override {
    server_.Reset();  // which ends Dial()
    if (client_.joinable()) client_.join();
  }

  const std::string name_ = OwnPipe();
  OsHandle server_;
  PipeOperation accept_;
  absl::StatusOr<Line> line_ = absl::UnknownError("not yet");
  std::thread client_;
};

TEST_F(PairTest, AServerMayLearnWhoTheClientIsAndNotActAsIt) {
  ASSERT_TRUE(ImpersonateNamedPipeClient(server_.get()));
  HANDLE raw = nullptr;
  const bool opened = OpenThreadToken(GetCurrentThread(), TOKEN_QUERY, TRUE, &raw) != FALSE;
  ASSERT_TRUE(RevertToSelf());
  ASSERT_TRUE(opened);
  const OsHandle token(raw);
  EXPECT_EQ(TokenUser(token).value_or(""), OwnUserId());
  SECURITY_IMPERSONATION_LEVEL level{};
  DWORD size = 0;
  ASSERT_TRUE(
      GetTokenInformation(token.get(), TokenImpersonationLevel, &level, sizeof(level), &size));
  if (level > SecurityIdentification) GTEST_SKIP() << "this system does not heed SECURITY_SQOS";
  EXPECT_EQ(level, SecurityIdentification);
}

TEST_F(PairTest, APeerOfAnotherUserThanThePipesIsRefused) {
  Peer peer;
  peer.user_id = OwnUserId();
  EXPECT_TRUE(CheckImpersonation(server_, peer).ok());
  peer.user_id = kStranger;
  EXPECT_TRUE(absl::IsUnauthenticated(CheckImpersonation(server_, peer)));
  HANDLE own = nullptr;
  EXPECT_FALSE(OpenThreadToken(GetCurrentThread(), TOKEN_QUERY, TRUE, &own))
      << "the thread acts as the client";
}

// ---- Process numbers that are used again -------------------------------------------------------

TEST(PeerCheckTest, AProcessThatCameLaterIsNotTheOneThatConnected) {
  const OsHandle self(OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, FALSE, GetCurrentProcessId()));
  ASSERT_TRUE(self.valid());
  EXPECT_TRUE(CheckStartedBefore(self, SystemTicks()).ok());
  constexpr uint64_t kDay = uint64_t{24} * 3600 * 10'000'000;
  EXPECT_TRUE(absl::IsUnauthenticated(CheckStartedBefore(self, SystemTicks() - kDay)));
}

TEST(PeerCheckTest, ADeadClientHasClosedItsEnd) {
  const std::string name = OwnPipe();
  auto listener = PipeListener::Open(name, "");
  ASSERT_TRUE(listener.ok()) << listener.status();
  const OsHandle server = *listener->Next();
  PipeOperation accept;
  ASSERT_TRUE(accept.StartConnect(server).ok());
  OsHandle client(
      CreateFileW(ToWide(name).c_str(), GENERIC_READ, 0, nullptr, OPEN_EXISTING, 0, nullptr));
  ASSERT_EQ(WaitForSingleObject(accept.event(), 20000), WAIT_OBJECT_0);
  ASSERT_TRUE(accept.Finish().ok());
  EXPECT_TRUE(CheckStillConnected(server).ok());
  client.Reset();
  EXPECT_TRUE(absl::IsUnauthenticated(CheckStillConnected(server)));
}

}  // namespace
}  // namespace vramd
