// One frame as 8-bit RGBA in the CPU's memory.
#ifndef VRAMD_TOOLS_VRAMCTL_PICTURE_H_
#define VRAMD_TOOLS_VRAMCTL_PICTURE_H_

#include <cstdint>
#include <vector>

namespace vramctl {

struct Picture {
  uint32_t width = 0;
  uint32_t height = 0;
  std::vector<uint8_t> rgba;  // width * height * 4, top row first
  // Of a frame:
  uint64_t sequence = 0;
  int64_t published_ns = 0;  // monotonic clock
  int64_t duration_ns = 0;   // 0: unknown
};

}  // namespace vramctl

#endif  // VRAMD_TOOLS_VRAMCTL_PICTURE_H_
