#include "tools/vramctl/pixels.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "tools/vramctl/text.h"
#include "vulkan/vulkan_core.h"

namespace vramctl {
namespace {

// So many texels, from `in` to four bytes each at `out`.
using Convert = void (*)(const uint8_t* in, size_t texels, uint8_t* out);

template <typename T>
T Load(const uint8_t* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof(value));
  return value;
}

// NaN fails the comparison and becomes 0.
uint8_t ToByte(float value) {
  if (!(value > 0)) return 0;
  return static_cast<uint8_t>(std::lround(std::fmin(value, 1.0F) * 255));
}

void FromRgba8(const uint8_t* in, size_t texels, uint8_t* out) { std::copy_n(in, texels * 4, out); }

void FromBgra8(const uint8_t* __restrict in, size_t texels, uint8_t* __restrict out) {
  for (size_t i = 0; i < texels; ++i) {
    const auto texel = Load<uint32_t>(in + 4 * i);
    const uint32_t swapped = (texel & 0xff00ff00) | (texel >> 16 & 0xff) | (texel & 0xff) << 16;
    std::memcpy(out + 4 * i, &swapped, sizeof(swapped));
  }
}

// What each of the 65536 halves becomes: a power a channel would take longer than all else.
using HalfTable = std::vector<uint8_t>;

HalfTable MakeHalfTable(float (*encode)(float)) {
  HalfTable table(size_t{1} << 16);
  for (uint32_t bits = 0; bits < table.size(); ++bits) {
    const float value = HalfToFloat(static_cast<uint16_t>(bits));
    table[bits] = value > 0 ? ToByte(encode(std::fmin(value, 1.0F))) : 0;
  }
  return table;
}

void FromRgba16f(const uint8_t* in, size_t texels, uint8_t* out) {
  static const HalfTable colour = MakeHalfTable(EncodeSrgb);
  static const HalfTable alpha = MakeHalfTable([](float value) { return value; });
  for (size_t i = 0; i < texels; ++i, in += 8, out += 4) {
    for (int channel = 0; channel < 3; ++channel)
      out[channel] = colour[Load<uint16_t>(in + 2 * channel)];
    out[3] = alpha[Load<uint16_t>(in + 6)];
  }
}

void FromR32f(const uint8_t* in, size_t texels, uint8_t* out) {
  for (size_t i = 0; i < texels; ++i, in += 4, out += 4) {
    out[0] = out[1] = out[2] = ToByte(Load<float>(in));
    out[3] = 255;
  }
}

struct Format {
  size_t bytes = 0;
  Convert convert = nullptr;
};

Format FindFormat(uint32_t format) {
  switch (format) {
    case VK_FORMAT_R8G8B8A8_UNORM:
    case VK_FORMAT_R8G8B8A8_SRGB:
      return {4, &FromRgba8};
    case VK_FORMAT_B8G8R8A8_UNORM:
    case VK_FORMAT_B8G8R8A8_SRGB:
      return {4, &FromBgra8};
    case VK_FORMAT_R16G16B16A16_SFLOAT:
      return {8, &FromRgba16f};
    case VK_FORMAT_R32_SFLOAT:
      return {4, &FromR32f};
    default:
      return {};
  }
}

}  // namespace

size_t BytesPerTexel(uint32_t format) { return FindFormat(format).bytes; }

vramd::Result<std::vector<uint8_t>> ToRgba8(uint32_t format, const void* pixels, size_t texels) {
  const Format found = FindFormat(format);
  if (found.convert == nullptr)
    return vramd::Status(VRAMD_INVALID_ARGUMENT,
                         "cannot make a picture of " + FormatImageFormat(format) +
                             "; these work: R8G8B8A8 and B8G8R8A8 as UNORM or SRGB, "
                             "R16G16B16A16_SFLOAT, R32_SFLOAT");
  std::vector<uint8_t> rgba(texels * 4);
  found.convert(static_cast<const uint8_t*>(pixels), texels, rgba.data());
  return rgba;
}

float HalfToFloat(uint16_t half) {
  const int exponent = (half >> 10) & 0x1f;
  const int fraction = half & 0x3ff;
  float magnitude = 0;
  if (exponent == 0x1f) {
    magnitude = fraction == 0 ? std::numeric_limits<float>::infinity()
                              : std::numeric_limits<float>::quiet_NaN();
  } else if (exponent == 0) {
    magnitude = std::ldexp(static_cast<float>(fraction), -24);
  } else {
    magnitude = std::ldexp(static_cast<float>(fraction + 0x400), exponent - 25);
  }
  return std::copysign(magnitude, (half & 0x8000) != 0 ? -1.0F : 1.0F);
}

float EncodeSrgb(float linear) {
  return linear <= 0.0031308F ? linear * 12.92F : 1.055F * std::pow(linear, 1 / 2.4F) - 0.055F;
}

}  // namespace vramctl
