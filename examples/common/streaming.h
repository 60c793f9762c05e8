// What the producers of the demo's streams have in common.
#ifndef EXAMPLES_COMMON_STREAMING_H_
#define EXAMPLES_COMMON_STREAMING_H_

#include "common/gpu.h"
#include "common/waiting.h"
#include "vramd/stream.h"

namespace example {

// What an application says of frames in sRGB.
inline vramd::FrameInfo SrgbFrame(const vramd::VulkanSync& sync) {
  vramd::FrameInfo info;
  info.timeline_value = sync.signal_value;
  info.colour_primaries = 1;           // ITU-T H.273: BT.709
  info.transfer_characteristics = 13;  // sRGB
  info.matrix_coefficients = 0;        // RGB
  return info;
}

}  // namespace example

#endif  // EXAMPLES_COMMON_STREAMING_H_
