// vramctl record into a pipe, as a shell makes it, and what happens when nobody reads it.
#include <gmock/gmock.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>

#include "tests/integration/vramctl_stream_fixture.h"
#include "tests/support/or_exit.h"

namespace vramd {
namespace {

using ::testing::HasSubstr;

class RecordPipeTest : public VramctlStreamTest {
 protected:
  // In a shell, where `vramctl record` stands for the recording of this stream.
  ChildProcess StartShell(Painter& painter, const std::string& script) {
    const std::string record = "vramctl() { \"" VRAMD_VRAMCTL_PROGRAM "\" --endpoint \"" +
                               broker_.endpoint() + "\" \"$@\"; }; cd \"" + files_.path() + "\"; ";
    ChildProcess shell({.command = {"/bin/bash", "-c", record + script},
                        .environment = {},
                        .output_file = ErrorFile()});
    painter.AwaitConsumers(1);
    return shell;
  }
};

TEST_F(RecordPipeTest, FfmpegReadsIt) {
  if (std::system("ffmpeg -version >/dev/null 2>&1") != 0)
    GTEST_SKIP() << "ffmpeg is not installed";
  Painter painter(client_, SmallStream());
  ChildProcess shell = StartShell(
      painter,
      "vramctl record ctl/stream - --frames 6 | "
      "ffmpeg -nostdin -v error -i - -f rawvideo -pix_fmt yuv444p out.yuv; echo ${PIPESTATUS[@]}");
  for (int i = 0; i < 3; ++i) {
    painter.PublishAndAwait(kRed, kRed);
    painter.PublishAndAwait(kBlue, kBlue);
  }
  EXPECT_EQ(shell.ReadLine(std::chrono::seconds(60)), "0 0") << ReadFile("errors");
  const std::string video = ReadFile("out.yuv");
  constexpr size_t kPlane = size_t{kWidth} * kHeight;
  ASSERT_EQ(video.size(), 6 * 3 * kPlane) << ReadFile("errors");
  for (size_t frame = 0; frame < 6; ++frame)
    EXPECT_EQ(static_cast<uint8_t>(video[frame * 3 * kPlane]), frame % 2 == 0 ? 63 : 32) << frame;
  EXPECT_THAT(ReadFile("errors"), HasSubstr("6 frames recorded, 0 dropped"));
}

TEST_F(RecordPipeTest, AReaderThatLeavesEndsIt) {
  Painter painter(client_, SmallStream());
  ChildProcess shell =
      StartShell(painter,
                 "exec 3>&1; { vramctl record ctl/stream - --rate 60; echo $? >&3; } | "
                 "head -c 100 >/dev/null");
  // head leaves once it has read from the first of them.
  std::optional<std::string> code;
  for (int i = 0; i < 10'000 && !code; ++i) {
    painter.Publish(kRed, kRed);
    code = shell.ReadLine(std::chrono::milliseconds(1));
  }
  EXPECT_EQ(code, "1");
  EXPECT_THAT(ReadFile("errors"), HasSubstr("nobody reads - any more"));
}

// The writer waits for the pipe; neither the end of the recording nor a signal may wait for ever.
TEST_F(RecordPipeTest, APipeThatNobodyReadsIsGivenUpInTime) {
  Painter painter(client_, SmallStream());
  std::filesystem::path fifo = PathOf("fifo");
  ASSERT_EQ(std::system(("mkfifo '" + fifo.string() + "'").c_str()), 0);
  for (const bool interrupted : {false, true}) {
    std::vector<std::string> command = {"--timeout",   "500",    "record", "ctl/stream",
                                        fifo.string(), "--rate", "60"};
    if (!interrupted) command.insert(command.end(), {"--frames", "1"});
    ChildProcess record = StartFollower(painter, command);
    painter.Publish(kRed, kRed);
    painter.Publish(kRed, kRed);
    if (interrupted) {
      while (OrExit(ListStreamConsumers(client_, painter.producer().name())).at(0).received == 0)
        std::this_thread::yield();
      record.Terminate();
    }
    EXPECT_EQ(record.Wait(std::chrono::seconds(60)), 1);
    EXPECT_THAT(ReadFile("errors"), HasSubstr("does anybody read it?"));
    painter.AwaitConsumers(0);
  }
}

}  // namespace
}  // namespace vramd
