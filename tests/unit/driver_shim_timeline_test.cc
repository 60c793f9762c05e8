// How far waiters are released.
#include <gtest/gtest.h>

#include "driver-shim/device.h"
#include "driver-shim/null_device.h"

namespace vramd {
namespace {

class CountingTimeline final : public DeviceTimeline {
 public:
  CountingTimeline(uint64_t value, uint64_t max_difference)
      : value_(value), max_difference_(max_difference) {}
  absl::StatusOr<OsHandle> Export() override { return absl::UnimplementedError("it only counts"); }
  absl::StatusOr<uint64_t> Value() override { return value_; }
  absl::Status Signal(uint64_t value) override {
    EXPECT_GT(value, value_);
    EXPECT_LE(value - value_, max_difference_);
    value_ = value;
    return absl::OkStatus();
  }
  uint64_t max_difference() const override { return max_difference_; }

 private:
  uint64_t value_;
  const uint64_t max_difference_;
};

TEST(ReleaseWaiters, GoesHalfOfWhatTheDeviceAllows) {
  CountingTimeline small(5, (uint64_t{1} << 31) - 1);
  EXPECT_TRUE(ReleaseWaiters(small).ok());
  EXPECT_EQ(*small.Value(), 5 + (uint64_t{1} << 30) - 1);
  CountingTimeline large(5, ~uint64_t{0});
  EXPECT_TRUE(ReleaseWaiters(large).ok());
  EXPECT_EQ(*large.Value(), 5 + (~uint64_t{0} >> 1));
}

TEST(ReleaseWaiters, StopsAtTheLastValue) {
  CountingTimeline late(~uint64_t{0} - 3, ~uint64_t{0});
  EXPECT_TRUE(ReleaseWaiters(late).ok());
  EXPECT_EQ(*late.Value(), ~uint64_t{0});
  EXPECT_TRUE(ReleaseWaiters(late).ok()) << "nobody waits for more than that";
}

TEST(NullDevice, HasNoTimelinesAndSaysWhy) {
  const auto device = MakeNullDevice();
  EXPECT_FALSE(device->info().timelines.can_export);
  EXPECT_FALSE(device->info().timelines.reason.empty());
  EXPECT_EQ(device->CreateTimeline().status().code(), absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace vramd
