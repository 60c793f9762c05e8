// From a GPU's pixels to the 8-bit RGBA of a picture file.
//
//   8-bit RGBA and BGRA   as they are, whether UNORM or SRGB: channels are put in order, no more
//   R16G16B16A16_SFLOAT   taken as linear light: clamped to 0..1, colour encoded as sRGB, alpha not
//   R32_SFLOAT            taken as a measure (depth, a mask), unencoded: 0..1 is black to white
//
// What is below 0 or not a number becomes 0, what is above 1 becomes 1.
#ifndef VRAMD_TOOLS_VRAMCTL_PIXELS_H_
#define VRAMD_TOOLS_VRAMCTL_PIXELS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "vramd/result.h"

namespace vramctl {

// Bytes of one texel of `format` (a VkFormat), or 0 if it cannot be converted.
size_t BytesPerTexel(uint32_t format);

// `texels` texels of `format`, tightly packed, to 4 bytes each. INVALID_ARGUMENT if the format
// cannot be converted, with those that can.
vramd::Result<std::vector<uint8_t>> ToRgba8(uint32_t format, const void* pixels, size_t texels);

// IEEE 754 binary16, exactly: subnormals, infinities and NaN too.
float HalfToFloat(uint16_t half);

// The sRGB transfer function, for 0..1.
float EncodeSrgb(float linear);

}  // namespace vramctl

#endif  // VRAMD_TOOLS_VRAMCTL_PIXELS_H_
