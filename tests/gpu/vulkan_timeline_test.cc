// Timeline semaphores of the real driver: made, exported, signalled from the host.
#include "tests/gpu/gpu_fixture.h"

namespace vramd {
namespace {

class TimelineTest : public GpuTest {
 protected:
  // The devices that can, or a skip with the reasons why none can.
  void SetUp() override {
    GpuTest::SetUp();
    std::string reasons;
    for (const auto& device : devices_) {
      if (device->info().timelines.can_export) able_.push_back(device);
      reasons += device->info().name + ": " + device->info().timelines.reason + "; ";
    }
    if (able_.empty() && !IsSkipped()) GTEST_SKIP() << reasons;
  }
  std::vector<std::shared_ptr<Device>> able_;
};

using NoTimelineTest = GpuTest;

TEST_F(NoTimelineTest, ADeviceThatCannotSaysWhy) {
  for (const auto& device : devices_) {
    if (device->info().timelines.can_export) continue;
    EXPECT_FALSE(device->info().timelines.reason.empty());
    const absl::Status status = device->CreateTimeline().status();
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_NE(status.message().find(device->info().timelines.reason), std::string::npos) << status;
  }
}

TEST_F(TimelineTest, CountsUpAndCanBeExportedManyTimes) {
  for (const auto& device : able_) {
    auto timeline = device->CreateTimeline();
    ASSERT_TRUE(timeline.ok()) << timeline.status();
    EXPECT_EQ((*timeline)->Value().value_or(99), 0u);
    EXPECT_TRUE((*timeline)->Signal(7).ok());
    EXPECT_EQ((*timeline)->Value().value_or(0), 7u);
    for (int i = 0; i < 100; ++i) {
      const auto handle = (*timeline)->Export();
      ASSERT_TRUE(handle.ok() && handle->valid()) << handle.status();
    }
  }
}

TEST_F(TimelineTest, ReleasingWaitersGoesFarBeyondAFrameAndMayBeRepeated) {
  for (const auto& device : able_) {
    auto timeline = device->CreateTimeline();
    ASSERT_TRUE(timeline.ok()) << timeline.status();
    ASSERT_TRUE((*timeline)->Signal(1000).ok());
    ASSERT_TRUE(ReleaseWaiters(**timeline).ok());
    const uint64_t released = (*timeline)->Value().value_or(0);
    EXPECT_GT(released, uint64_t{1} << 29);
    EXPECT_TRUE(ReleaseWaiters(**timeline).ok());
    EXPECT_GT((*timeline)->Value().value_or(0), released);
  }
}

}  // namespace
}  // namespace vramd
