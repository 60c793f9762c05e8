// The system itself keeps everybody but the producer from writing the board.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "tests/unit/stream/stream_rig.h"

namespace vramd::stream {
namespace {

TEST(Board, NobodyElseCanWriteIt) {
  StreamRig rig(4);
  const OsHandle board = Must(DuplicateForReader(rig.board()));
  ASSERT_TRUE(CheckRefusesWriters(board).ok());
  EXPECT_FALSE(MappedSection::Map(board, BoardBytes(), SectionAccess::kReadWrite).ok());
  const std::string path = "/proc/self/fd/" + std::to_string(board.get());
  const OsHandle reopened(open(path.c_str(), O_RDWR | O_CLOEXEC));
  for (const int fd : {board.get(), reopened.get()}) {
    if (fd < 0) continue;  // refusing to reopen it would be fine, too
    EXPECT_EQ(mmap(nullptr, BoardBytes(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
    EXPECT_EQ(pwrite(fd, "x", 1, 0), -1);
    EXPECT_EQ(errno, EPERM);
    EXPECT_EQ(ftruncate(fd, 0), -1);
    EXPECT_EQ(ftruncate(fd, static_cast<off_t>(BoardBytes()) * 2), -1);
    EXPECT_EQ(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096), -1);
    EXPECT_EQ(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
  }
  const MappedSection view =
      Must(MappedSection::Map(board, BoardBytes(), SectionAccess::kReadOnly));
  EXPECT_EQ(mprotect(view.data(), view.size(), PROT_READ | PROT_WRITE), -1);
  EXPECT_EQ(errno, EACCES);
  Must(rig.Produce());  // the producer still can
  EXPECT_EQ(static_cast<const Board*>(view.data())->published.load(), 1u);
}

TEST(Board, AnUnsealedSectionIsNotFitForReaders) {
  const OsHandle section = Must(CreateOneWriterSection(BoardBytes(), "test"));
  EXPECT_TRUE(absl::IsFailedPrecondition(CheckRefusesWriters(section)));
  EXPECT_EQ(ftruncate(section.get(), 0), -1);
  EXPECT_TRUE(RefuseWriters(section).ok());
  EXPECT_TRUE(CheckRefusesWriters(section).ok());
}

TEST(Board, ALaneCannotBeResized) {
  const LaneParts lane = MakeLane();
  EXPECT_EQ(ftruncate(lane.section.get(), 0), -1);
  EXPECT_EQ(ftruncate(lane.section.get(), 1 << 20), -1);
}

}  // namespace
}  // namespace vramd::stream
