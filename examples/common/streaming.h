// What the producers of the demo's streams have in common.
#ifndef EXAMPLES_COMMON_STREAMING_H_
#define EXAMPLES_COMMON_STREAMING_H_

#include <chrono>
#include <thread>

#include "common/gpu.h"
#include "common/waiting.h"
#include "vramd/stream.h"

namespace example {

// Until the stream has so many consumers. A producer need not know its consumers, and is not told
// of them by an event; this one looks, so that all of the demo's see the first frame.
inline void AwaitConsumers(const vramd::Producer& producer, size_t count,
                           std::chrono::seconds patience = std::chrono::seconds(60)) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (producer.Consumers().OrExit().size() < count) {
    if (std::chrono::steady_clock::now() > deadline)
      Die("nobody has come to follow " + producer.name());
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

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
