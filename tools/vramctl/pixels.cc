#include "tools/vramctl/pixels.h"

#include <cmath>
#include <cstring>
#include <limits>

#include "tools/vramctl/text.h"
#include "vulkan/vulkan_core.h"

namespace vramctl {
namespace {

// One texel, from `in` to the four bytes at `out`.
using Convert = void (*)(const uint8_t* in, uint8_t* out);

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

void FromRgba8(const uint8_t* in, uint8_t* out) { std::memcpy(out, in, 4); }

void FromBgra8(const uint8_t* in, uint8_t* out) {
  out[0] = in[2];
  out[1] = in[1];
  out[2] = in[0];
  out[3] = in[3];
}

void FromRgba16f(const uint8_t* in, uint8_t* out) {
  for (int i = 0; i < 3; ++i) {
    const float linear = HalfToFloat(Load<uint16_t>(in + 2 * i));
    out[i] = linear > 0 ? ToByte(EncodeSrgb(std::fmin(linear, 1.0F))) : 0;
  }
  out[3] = ToByte(HalfToFloat(Load<uint16_t>(in + 6)));
}

void FromR32f(const uint8_t* in, uint8_t* out) {
  out[0] = out[1] = out[2] = ToByte(Load<float>(in));
  out[3] = 255;
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
  const auto* in = static_cast<const uint8_t*>(pixels);
  std::vector<uint8_t> rgba(texels * 4);
  for (size_t i = 0; i < texels; ++i) found.convert(in + i * found.bytes, rgba.data() + i * 4);
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
