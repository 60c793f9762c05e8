// Recording into a FIFO, which cannot be gone back in and belongs to whoever made it.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "base/os_handle.h"
#include "tests/support/or_exit.h"
#include "tools/vramctl/recording.h"
#include "tools/vramctl/stop.h"

namespace vramctl {
namespace {

using ::testing::HasSubstr;

class PipeRecordingTest : public testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::remove(path_);
    ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
    reader_ = vramd::OsHandle(open(path_.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    ASSERT_TRUE(reader_.valid());
  }
  void TearDown() override { std::filesystem::remove(path_); }

  static Picture Frame(int64_t milliseconds, int64_t duration_ns = 0) {
    Picture picture{2, 1, std::vector<uint8_t>(8, 128), 1, milliseconds * 1'000'000, duration_ns};
    return picture;
  }
  static vramd::Status Add(Recording& recording, const Picture& picture) {
    return recording.Write(picture, *recording.Encode(picture));
  }
  std::string Read() {
    std::string text(4096, '\0');
    const ssize_t got = read(reader_.get(), text.data(), text.size());
    text.resize(got > 0 ? static_cast<size_t>(got) : 0);
    return text;
  }

  const std::string path_ = testing::TempDir() + "vramctl_pipe_" + std::to_string(getpid());
  const std::string frame_ = Y4mFrame(Frame(0).rgba);
  vramd::OsHandle reader_;
};

TEST_F(PipeRecordingTest, TheFirstFramesTellTheRate) {
  const auto recording = OrExit(Recording::Create(path_, std::nullopt));
  for (const int64_t time : {0, 19, 41, 60}) ASSERT_TRUE(Add(*recording, Frame(time)).ok());
  EXPECT_EQ(Read(), "");
  ASSERT_TRUE(Add(*recording, Frame(81)).ok());
  const std::string begin = Y4mHeader(2, 1, {50, 1});
  EXPECT_EQ(Read(), begin + frame_ + frame_ + frame_ + frame_ + frame_);
  ASSERT_TRUE(Add(*recording, Frame(200)).ok());
  EXPECT_EQ(Read(), frame_);
  EXPECT_TRUE(recording->Finish().ok());
  EXPECT_EQ(recording->frames(), 6U);
}

TEST_F(PipeRecordingTest, ARateThatIsKnownWaitsForNoFrame) {
  const auto given = OrExit(Recording::Create(path_, FrameRate{24, 1}));
  ASSERT_TRUE(Add(*given, Frame(0)).ok());
  EXPECT_EQ(Read(), Y4mHeader(2, 1, {24, 1}) + frame_);
  const auto of_the_frame = OrExit(Recording::Create(path_, std::nullopt));
  ASSERT_TRUE(Add(*of_the_frame, Frame(0, 40'000'000)).ok());
  EXPECT_EQ(Read(), Y4mHeader(2, 1, {25, 1}) + frame_);
}

TEST_F(PipeRecordingTest, FewFramesAreWrittenAtTheEnd) {
  const auto recording = OrExit(Recording::Create(path_, std::nullopt));
  ASSERT_TRUE(Add(*recording, Frame(0)).ok());
  ASSERT_TRUE(Add(*recording, Frame(40)).ok());
  ASSERT_TRUE(recording->Finish().ok());
  EXPECT_EQ(Read(), Y4mHeader(2, 1, {25, 1}) + frame_ + frame_);
}

TEST_F(PipeRecordingTest, AReaderThatLeavesIsToldOfAndTheFifoStays) {
  StopOnSignals();  // SIGPIPE would end this program
  {
    const auto recording = OrExit(Recording::Create(path_, FrameRate{60, 1}));
    ASSERT_TRUE(Add(*recording, Frame(0)).ok());
    reader_.Reset();
    const vramd::Status status = Add(*recording, Frame(1));
    EXPECT_EQ(status.code(), VRAMD_UNAVAILABLE);
    EXPECT_THAT(status.message(), HasSubstr("nobody reads " + path_));
    EXPECT_EQ(recording->frames(), 1U);
  }
  EXPECT_TRUE(std::filesystem::exists(path_));
}

}  // namespace
}  // namespace vramctl
