// The socket's file: its modes, its lock, and what lies there already.
#include "ipc/unix_listener_linux.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <fstream>

#include "tests/unit/descriptor_count_linux.h"
#include "tests/unit/door_fixture_linux.h"

namespace vramd {
namespace {

using testing::HasSubstr;

mode_t ModeOf(const std::string& path) {
  struct stat facts {};
  EXPECT_EQ(stat(path.c_str(), &facts), 0) << path;
  return facts.st_mode & 07777;
}

class UnixListenerTest : public testing::Test {
 protected:
  absl::StatusOr<UnixListener> Bind(const std::string& group = "") {
    return UnixListener::Bind(path_, group);
  }
  bool Answers() const { return ConnectUnix(NewUnixStream(), path_) == 0; }
  // A socket bound here by somebody who takes no lock. `backlog` < 0: does not listen.
  OsHandle Foreign(int type, int backlog) const {
    OsHandle socket(::socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const sockaddr_un address = UnixAddress(path_);
    EXPECT_EQ(bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    if (backlog >= 0) {
      EXPECT_EQ(listen(socket.get(), backlog), 0);
    }
    return socket;
  }

  const TemporaryDirectory temporary_;
  const std::string directory_ = temporary_ / "vramd";
  const std::string path_ = directory_ + "/vramd.sock";
};

TEST_F(UnixListenerTest, TheOwnerAloneReachesIt) {
  const mode_t before = umask(0);
  const auto listener = Bind();
  umask(before);
  ASSERT_TRUE(listener.ok()) << listener.status();
  EXPECT_EQ(ModeOf(directory_), 0700u);
  EXPECT_EQ(ModeOf(path_), 0600u);
  EXPECT_EQ(ModeOf(path_ + ".lock"), 0600u);
  EXPECT_TRUE(Answers());
}

TEST_F(UnixListenerTest, AGroupReachesItToo) {
  const std::string own_group = std::to_string(getegid());
  const auto listener = Bind(own_group);
  ASSERT_TRUE(listener.ok()) << listener.status();
  EXPECT_EQ(ModeOf(directory_), 0750u);
  EXPECT_EQ(ModeOf(path_), 0660u);
}

TEST_F(UnixListenerTest, ADirectoryThatWasThereKeepsItsGroup) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  ASSERT_EQ(mkdir(directory_.c_str(), 0755), 0);
  ASSERT_TRUE(Bind("65534").ok());
  struct stat facts {};
  ASSERT_EQ(stat(directory_.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_gid, getegid()) << "it may hold much else, as /tmp does";
}

TEST_F(UnixListenerTest, AnUnknownGroupIsRefusedAndLeavesNoSocket) {
  const auto refused = Bind("no-such-group-here");
  EXPECT_TRUE(absl::IsNotFound(refused.status())) << refused.status();
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(UnixListenerTest, ADirectoryThatOthersMayWriteToIsRefused) {
  std::filesystem::create_directory(directory_);
  for (const mode_t mode : {0770, 0707, 0777}) {
    ASSERT_EQ(chmod(directory_.c_str(), mode), 0);
    const auto refused = Bind();
    EXPECT_TRUE(absl::IsPermissionDenied(refused.status())) << refused.status();
    EXPECT_THAT(std::string(refused.status().message()), HasSubstr("chmod go-w"));
  }
  ASSERT_EQ(chmod(directory_.c_str(), 01777), 0);  // as /tmp: nobody can replace another's file
  EXPECT_TRUE(Bind().ok());
}

TEST_F(UnixListenerTest, AnotherUsersDirectoryIsRefused) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  std::filesystem::create_directory(directory_);
  ASSERT_EQ(chown(directory_.c_str(), 12345, static_cast<gid_t>(-1)), 0);
  const auto refused = Bind();
  EXPECT_TRUE(absl::IsPermissionDenied(refused.status()));
  EXPECT_THAT(std::string(refused.status().message()), HasSubstr("belongs to user 12345"));
}

TEST_F(UnixListenerTest, ALiveBrokerIsRefusedAndADeadOneReplaced) {
  auto first = Bind();
  ASSERT_TRUE(first.ok());
  EXPECT_TRUE(absl::IsAlreadyExists(Bind().status()));
  EXPECT_TRUE(Answers());
  first->Close();
  EXPECT_FALSE(std::filesystem::exists(path_));
  EXPECT_TRUE(Bind().ok());

  std::filesystem::create_directories(directory_);
  Foreign(SOCK_STREAM, -1).Reset();  // the file stays, as after a crash
  ASSERT_TRUE(std::filesystem::exists(path_));
  const auto next = Bind();
  EXPECT_TRUE(next.ok()) << next.status();
  EXPECT_TRUE(Answers());
}

TEST_F(UnixListenerTest, ALiveServerWithoutALockIsLeftAlone) {
  ASSERT_EQ(mkdir(directory_.c_str(), 0700), 0);
  const OsHandle foreign = Foreign(SOCK_STREAM, 8);
  EXPECT_TRUE(absl::IsAlreadyExists(Bind().status()));
  EXPECT_TRUE(Answers());
}

TEST_F(UnixListenerTest, ABusyServerIsNoDeadOne) {
  ASSERT_EQ(mkdir(directory_.c_str(), 0700), 0);
  const OsHandle foreign = Foreign(SOCK_STREAM, 0);
  const OsHandle waiting = NewUnixStream();
  ASSERT_EQ(ConnectUnix(waiting, path_), 0);  // now its queue is full
  EXPECT_TRUE(absl::IsAlreadyExists(Bind().status())) << Bind().status();
  EXPECT_TRUE(std::filesystem::exists(path_));
}

TEST_F(UnixListenerTest, AServerOfAnotherKindIsLeftAlone) {
  ASSERT_EQ(mkdir(directory_.c_str(), 0700), 0);
  const OsHandle foreign = Foreign(SOCK_DGRAM, -1);
  EXPECT_TRUE(absl::IsAlreadyExists(Bind().status()));
  EXPECT_TRUE(std::filesystem::exists(path_));
}

TEST_F(UnixListenerTest, WhatIsNoSocketIsLeftAlone) {
  ASSERT_EQ(mkdir(directory_.c_str(), 0700), 0);
  std::ofstream(path_) << "precious";
  EXPECT_THAT(std::string(Bind().status().message()), HasSubstr("is no socket"));
  EXPECT_EQ(std::filesystem::file_size(path_), 8u);
  std::filesystem::remove(path_);
  std::filesystem::create_symlink(temporary_ / "elsewhere", path_);
  EXPECT_TRUE(absl::IsAlreadyExists(Bind().status()));
  EXPECT_TRUE(std::filesystem::is_symlink(path_));
}

TEST_F(UnixListenerTest, NothingLeaks) {
  (void)Bind();
  const int before = CountDescriptors();
  for (int i = 0; i < 20; ++i) {
    const auto one = Bind();
    const auto refused = Bind();
  }
  EXPECT_EQ(CountDescriptors(), before);
}

}  // namespace
}  // namespace vramd
