// A Device that only has facts, for tests of those who choose between devices.
#ifndef VRAMD_TESTS_UNIT_DRIVER_SHIM_FAKES_H_
#define VRAMD_TESTS_UNIT_DRIVER_SHIM_FAKES_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "driver-shim/device.h"

namespace vramd {

class FakeDevice final : public Device {
 public:
  explicit FakeDevice(DeviceInfo info) : info_(std::move(info)) {}
  const DeviceInfo& info() const override { return info_; }
  std::vector<HeapBudget> Budget() const override { return {{1000, 10}}; }
  absl::StatusOr<uint64_t> SizeOf(const AllocationRequest&) const override {
    return absl::UnimplementedError("FakeDevice has facts only");
  }
  absl::StatusOr<std::unique_ptr<DeviceMemory>> Allocate(const AllocationRequest&) override {
    return absl::UnimplementedError("FakeDevice has facts only");
  }
  absl::StatusOr<std::unique_ptr<DeviceTimeline>> CreateTimeline() override {
    return absl::UnimplementedError("FakeDevice has facts only");
  }

 private:
  DeviceInfo info_;
};

inline DeviceInfo FakeInfo(uint32_t index, std::string name, uint8_t uuid_byte) {
  DeviceInfo info;
  info.index = index;
  info.name = std::move(name);
  info.identity.device_uuid.fill(uuid_byte);
  return info;
}

}  // namespace vramd

#endif  // VRAMD_TESTS_UNIT_DRIVER_SHIM_FAKES_H_
