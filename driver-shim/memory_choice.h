// Which memory type serves an intent best. A pure function, so that tables of many cards test it.
#ifndef VRAMD_DRIVER_SHIM_MEMORY_CHOICE_H_
#define VRAMD_DRIVER_SHIM_MEMORY_CHOICE_H_

#include <vulkan/vulkan_core.h>

#include <cstdint>

#include "absl/status/statusor.h"
#include "base/recipe.h"

namespace vramd {

// The index of the best memory type among `allowed_bits`; of equals, the first.
//   device-local  DEVICE_LOCAL and not HOST_VISIBLE if possible. Falls back to what is allowed: a
//                 host section on a discrete card can only be in the host's memory.
//   upload        HOST_VISIBLE and HOST_COHERENT, if possible neither HOST_CACHED nor DEVICE_LOCAL
//   readback      HOST_VISIBLE, if possible HOST_CACHED, then HOST_COHERENT
// FAILED_PRECONDITION where no allowed type has what the intent needs.
absl::StatusOr<uint32_t> ChooseMemoryType(const VkPhysicalDeviceMemoryProperties& memory,
                                          uint32_t allowed_bits, MemoryIntent intent);

}  // namespace vramd

#endif  // VRAMD_DRIVER_SHIM_MEMORY_CHOICE_H_
