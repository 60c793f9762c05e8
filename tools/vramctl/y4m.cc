#include "tools/vramctl/y4m.h"

#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <string_view>

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

std::optional<FrameRate> GuessFrameRate(const std::vector<int64_t>& published_ns) {
  if (published_ns.size() < 2) return std::nullopt;
  const auto measured =
      MeasureFrameRate(published_ns.size() - 1, published_ns.back() - published_ns.front());
  if (!measured) return std::nullopt;
  const auto distance = [&](uint32_t rate) { return std::abs(rate / measured->value() - 1); };
  uint32_t nearest = 1;
  for (const uint32_t usual :
       {10, 12, 15, 20, 24, 25, 30, 48, 50, 60, 72, 75, 90, 100, 120, 144, 240})
    if (distance(usual) < distance(nearest)) nearest = usual;
  return distance(nearest) < 0.1 ? FrameRate{nearest, 1} : measured;
}

std::string Y4mHeader(uint32_t width, uint32_t height, const FrameRate& rate) {
  char text[160];
  std::snprintf(text, sizeof(text),
                "YUV4MPEG2 W%u H%u F%010u:%010u Ip A1:1 C444 XCOLORRANGE=LIMITED\n", width, height,
                rate.numerator, rate.denominator);
  return text;
}

namespace {

constexpr float kRed = 0.2126F, kBlue = 0.0722F, kGreen = 1 - kRed - kBlue;
constexpr float kLuma = 219.0F / 255, kChroma = 224.0F / 255;

struct Row {
  float red, green, blue, offset;

  // Positive, so that cutting off rounds.
  uint8_t Of(float r, float g, float b) const {
    return static_cast<uint8_t>(
        static_cast<int32_t>(red * r + green * g + blue * b + (offset + 0.5F)));
  }
};

constexpr Row kY = {kLuma * kRed, kLuma* kGreen, kLuma* kBlue, 16};
constexpr Row kCb = {-kChroma * kRed / (2 * (1 - kBlue)), -kChroma* kGreen / (2 * (1 - kBlue)),
                     kChroma / 2, 128};
constexpr Row kCr = {kChroma / 2, -kChroma* kGreen / (2 * (1 - kRed)),
                     -kChroma* kBlue / (2 * (1 - kRed)), 128};

// The pixels are read as words and the planes lie apart, so a compiler can do several at a time.
void Convert(const uint8_t* __restrict rgba, size_t pixels, uint8_t* __restrict luma,
             uint8_t* __restrict cb, uint8_t* __restrict cr) {
  for (size_t i = 0; i < pixels; ++i) {
    uint32_t pixel = 0;
    std::memcpy(&pixel, rgba + 4 * i, sizeof(pixel));
    const auto red = static_cast<float>(static_cast<int32_t>(pixel & 0xff));
    const auto green = static_cast<float>(static_cast<int32_t>(pixel >> 8 & 0xff));
    const auto blue = static_cast<float>(static_cast<int32_t>(pixel >> 16 & 0xff));
    luma[i] = kY.Of(red, green, blue);
    cb[i] = kCb.Of(red, green, blue);
    cr[i] = kCr.Of(red, green, blue);
  }
}

}  // namespace

std::array<uint8_t, 3> ToBt709(uint8_t red, uint8_t green, uint8_t blue) {
  return {kY.Of(red, green, blue), kCb.Of(red, green, blue), kCr.Of(red, green, blue)};
}

std::string Y4mFrame(const std::vector<uint8_t>& rgba) {
  constexpr std::string_view kHead = "FRAME\n";
  const size_t pixels = rgba.size() / 4;
  std::string frame(kHead.size() + 3 * pixels, '\0');
  frame.replace(0, kHead.size(), kHead);
  auto* const luma = reinterpret_cast<uint8_t*>(frame.data() + kHead.size());
  Convert(rgba.data(), pixels, luma, luma + pixels, luma + 2 * pixels);
  return frame;
}

}  // namespace vramctl
