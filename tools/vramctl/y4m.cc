#include "tools/vramctl/y4m.h"

#include <charconv>
#include <cmath>
#include <cstdio>

namespace vramctl {
namespace {

constexpr uint32_t kMost = 1'000'000'000;

// The whole of `text` as a number from 1 to kMost.
std::optional<uint32_t> ParseCount(const std::string& text) {
  uint32_t value = 0;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value);
  if (parsed.ec != std::errc() || parsed.ptr != end || value == 0 || value > kMost)
    return std::nullopt;
  return value;
}

// To a thousandth; whole numbers stay whole.
std::optional<FrameRate> FromDouble(double rate) {
  const double thousandths = std::round(rate * 1000);
  if (!(thousandths >= 1) || thousandths > kMost) return std::nullopt;
  const auto rounded = static_cast<uint32_t>(thousandths);
  if (rounded % 1000 == 0) return FrameRate{rounded / 1000, 1};
  return FrameRate{rounded, 1000};
}

uint8_t Round(double value) { return static_cast<uint8_t>(std::lround(value)); }

}  // namespace

std::optional<FrameRate> ParseFrameRate(const std::string& text) {
  const size_t slash = text.find('/');
  if (slash != std::string::npos) {
    const auto numerator = ParseCount(text.substr(0, slash));
    const auto denominator = ParseCount(text.substr(slash + 1));
    if (!numerator || !denominator) return std::nullopt;
    return FrameRate{*numerator, *denominator};
  }
  double rate = 0;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, rate, std::chars_format::fixed);
  if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return FromDouble(rate);
}

std::optional<FrameRate> MeasureFrameRate(uint64_t frames, int64_t nanoseconds) {
  if (frames == 0 || nanoseconds <= 0) return std::nullopt;
  return FromDouble(1e9 * static_cast<double>(frames) / static_cast<double>(nanoseconds));
}

std::string Y4mHeader(uint32_t width, uint32_t height, const FrameRate& rate) {
  char text[160];
  std::snprintf(text, sizeof(text),
                "YUV4MPEG2 W%u H%u F%010u:%010u Ip A1:1 C444 XCOLORRANGE=LIMITED\n", width, height,
                rate.numerator, rate.denominator);
  return text;
}

std::array<uint8_t, 3> ToBt709(uint8_t red, uint8_t green, uint8_t blue) {
  constexpr double kRed = 0.2126, kBlue = 0.0722;  // green's share is the rest
  const double luma = kRed * red + (1 - kRed - kBlue) * green + kBlue * blue;
  const double cb = (blue - luma) / (2 * (1 - kBlue));
  const double cr = (red - luma) / (2 * (1 - kRed));
  return {Round(16 + luma * 219 / 255), Round(128 + cb * 224 / 255), Round(128 + cr * 224 / 255)};
}

std::string Y4mFrame(const std::vector<uint8_t>& rgba) {
  const std::string head = "FRAME\n";
  const size_t pixels = rgba.size() / 4;
  std::string frame(head.size() + 3 * pixels, '\0');
  frame.replace(0, head.size(), head);
  auto* const luma = reinterpret_cast<uint8_t*>(frame.data() + head.size());
  for (size_t i = 0; i < pixels; ++i) {
    const auto [y, cb, cr] = ToBt709(rgba[4 * i], rgba[4 * i + 1], rgba[4 * i + 2]);
    luma[i] = y;
    luma[pixels + i] = cb;
    luma[2 * pixels + i] = cr;
  }
  return frame;
}

}  // namespace vramctl
