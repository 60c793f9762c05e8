// Finds the device that a person named: on the command line, in a file or in a request.
#ifndef VRAMD_DRIVER_SHIM_DEVICE_SELECTOR_H_
#define VRAMD_DRIVER_SHIM_DEVICE_SELECTOR_H_

#include <cstddef>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/recipe.h"

namespace vramd {

// The position in `devices` of the one that `selector` names. Tried in this order: device UUID
// (dashes may be left out), LUID, DeviceInfo::index, a part of the name; case is ignored.
// NOT_FOUND lists what there is. INVALID_ARGUMENT if it fits several devices, which also happens
// with a UUID: some software drivers give the same one to every device.
absl::StatusOr<size_t> SelectDevice(absl::string_view selector,
                                    const std::vector<const DeviceInfo*>& devices);

// "0: NVIDIA H100 (UUID ...); 1: llvmpipe (UUID ...)", or "none".
std::string ListDevices(const std::vector<const DeviceInfo*>& devices);

}  // namespace vramd

#endif  // VRAMD_DRIVER_SHIM_DEVICE_SELECTOR_H_
