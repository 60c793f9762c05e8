// A Device without a GPU: sections only. For unit tests, fuzzers and the daemon's --null-device.
#ifndef VRAMD_DRIVER_SHIM_NULL_DEVICE_H_
#define VRAMD_DRIVER_SHIM_NULL_DEVICE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "driver-shim/device.h"

namespace vramd {

struct NullDeviceOptions {
  uint32_t index = 0;
  std::string name = "null device";
  uint64_t heap_size = uint64_t{1} << 30;  // bytes; more than that is RESOURCE_EXHAUSTED
};

std::shared_ptr<Device> MakeNullDevice(const NullDeviceOptions& options = {});

}  // namespace vramd

#endif  // VRAMD_DRIVER_SHIM_NULL_DEVICE_H_
