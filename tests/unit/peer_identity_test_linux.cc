#include "ipc/peer_identity.h"

#include <gmock/gmock.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/descriptor_limit_linux.h"
#include "tests/unit/descriptor_count_linux.h"

namespace vramd {
namespace {

using testing::Contains;
using testing::HasSubstr;

std::string OwnName() { return getpwuid(geteuid())->pw_name; }

// Both ends of a connection that this process made with itself.
struct Pair {
  Pair() {
    int ends[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    one.Reset(ends[0]);
    two.Reset(ends[1]);
  }
  OsHandle one, two;
};

TEST(PeerIdentityTest, KnowsItself) {
  const Pair pair;
  const auto identity = IdentifyPeer(pair.one);
  ASSERT_TRUE(identity.ok()) << identity.status();
  EXPECT_EQ(identity->peer.user_id, OwnUserId());
  EXPECT_EQ(identity->peer.user_name, OwnName());
  EXPECT_THAT(identity->peer.group_ids, Contains(std::to_string(getegid())));
  EXPECT_EQ(identity->peer.process_id, static_cast<uint32_t>(getpid()));
  EXPECT_THAT(identity->peer.executable, HasSubstr("unit_ipc"));
  EXPECT_EQ(identity->peer.is_administrator, geteuid() == 0);
  EXPECT_TRUE(identity->process.valid());
}

// The peer of a socket that a child made is the child, though we hold the socket as well.
TEST(PeerIdentityTest, TheProcessBecomesReadyWhenItEnds) {
  int go[2];
  ASSERT_EQ(pipe(go), 0);
  int listener = socket(AF_UNIX, SOCK_STREAM, 0);
  // An address that the kernel chooses.
  const sockaddr address = {AF_UNIX, ""};
  ASSERT_EQ(bind(listener, &address, sizeof(sa_family_t)), 0);
  ASSERT_EQ(listen(listener, 1), 0);
  char name[128] = {};
  socklen_t size = sizeof(name);
  ASSERT_EQ(getsockname(listener, reinterpret_cast<sockaddr*>(name), &size), 0);
  const pid_t child = fork();
  if (child == 0) {
    const int stream = socket(AF_UNIX, SOCK_STREAM, 0);
    if (connect(stream, reinterpret_cast<const sockaddr*>(name), size) != 0) _exit(1);
    char byte;
    _exit(read(go[0], &byte, 1) == 1 ? 0 : 2);
  }
  const OsHandle stream(accept(listener, nullptr, nullptr));
  const auto identity = IdentifyPeer(stream);
  ASSERT_TRUE(identity.ok()) << identity.status();
  EXPECT_EQ(identity->peer.process_id, static_cast<uint32_t>(child));
  pollfd ended = {identity->process.get(), POLLIN, 0};
  EXPECT_EQ(poll(&ended, 1, 0), 0);
  ASSERT_EQ(write(go[1], "x", 1), 1);
  EXPECT_EQ(poll(&ended, 1, 20000), 1);
  int status = -1;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  // Gone and reaped: whoever bears the number now is not the one who connected.
  const auto late = IdentifyPeer(stream);
  if (late.ok()) {
    ended.fd = late->process.get();  // a newer kernel still holds the one who did
    EXPECT_EQ(poll(&ended, 1, 0), 1);
  } else {
    EXPECT_TRUE(absl::IsUnauthenticated(late.status())) << late.status();
  }
  for (const int one : {go[0], go[1], listener}) close(one);
}

TEST(PeerIdentityTest, AllGroupsAreSeen) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can join groups";
  std::vector<gid_t> before(static_cast<size_t>(getgroups(0, nullptr)));
  ASSERT_GE(getgroups(static_cast<int>(before.size()), before.data()), 0);
  std::vector<gid_t> many;
  for (gid_t group = 70000; group < 70700; ++group) many.push_back(group);
  ASSERT_EQ(setgroups(many.size(), many.data()), 0);
  const Pair pair;
  ASSERT_EQ(setgroups(before.size(), before.data()), 0);
  const auto identity = IdentifyPeer(pair.one);
  ASSERT_TRUE(identity.ok()) << identity.status();
  EXPECT_THAT(identity->peer.group_ids, Contains("70000"));
  EXPECT_THAT(identity->peer.group_ids, Contains("70699"));
}

TEST(PeerIdentityTest, WithoutDescriptorsNobodyGetsAWrongName) {
  const Pair pair;
  const int before = CountDescriptors();
  for (int room = 0; room < 4; ++room) {
    absl::StatusOr<PeerIdentity> identity;
    {
      const DescriptorLimit limit(DescriptorLimit::Next() + room);
      identity = IdentifyPeer(pair.one);
    }
    if (identity.ok()) {
      EXPECT_EQ(identity->peer.user_name, OwnName()) << room;
    } else {
      EXPECT_TRUE(absl::IsResourceExhausted(identity.status())) << identity.status();
    }
  }
  EXPECT_EQ(CountDescriptors(), before);
}

TEST(PeerIdentityTest, WhatIsNoConnectionHasNoPeer) {
  const OsHandle lonely(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_FALSE(IdentifyPeer(lonely).ok());
  EXPECT_FALSE(IdentifyPeer(OsHandle()).ok());
}

TEST(PeerIdentityTest, AccountsByNameAndById) {
  EXPECT_EQ(ResolveUser("root").value(), "0");
  EXPECT_EQ(ResolveUser("4711").value(), "4711");
  EXPECT_EQ(ResolveGroup("root").value(), "0");
  EXPECT_EQ(ResolveGroup("4711").value(), "4711");
  for (const char* nobody : {"no-such-user-here", "", "-1", "4294967296"}) {
    EXPECT_TRUE(absl::IsNotFound(ResolveUser(nobody).status())) << nobody;
    EXPECT_TRUE(absl::IsNotFound(ResolveGroup(nobody).status())) << nobody;
  }
}

TEST(PeerIdentityTest, WhichServersAreTrusted) {
  Peer server;
  server.user_id = OwnUserId();
  EXPECT_TRUE(CheckServerTrusted(server, "").ok());
  server.user_id = server.user_name = "54321";
  const absl::Status refused = CheckServerTrusted(server, "");
  EXPECT_TRUE(absl::IsPermissionDenied(refused));
  EXPECT_THAT(std::string(refused.message()), HasSubstr("54321"));
  EXPECT_TRUE(CheckServerTrusted(server, "54321").ok());
  EXPECT_TRUE(absl::IsPermissionDenied(CheckServerTrusted(server, "54322")));
  EXPECT_TRUE(absl::IsNotFound(CheckServerTrusted(server, "no-such-user-here")));
  server.is_administrator = true;
  EXPECT_TRUE(CheckServerTrusted(server, "").ok());
}

}  // namespace
}  // namespace vramd
