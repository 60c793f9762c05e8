// YUV4MPEG2 (.y4m), the simplest file of moving pictures that players and encoders read.
//
// 8 bits in 4:4:4, so no pixel's colour is mixed with its neighbour's and any size will do. Values
// are converted by the matrix of ITU-R BT.709 to its limited range: Y' in 16 to 235, Cb and Cr in
// 16 to 240. What they encode stays as it was: sRGB's transfer function if the frames have that,
// which the format has no word for. Alpha is left out.
#ifndef VRAMD_TOOLS_VRAMCTL_Y4M_H_
#define VRAMD_TOOLS_VRAMCTL_Y4M_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace vramctl {

// Frames in a second.
struct FrameRate {
  uint32_t numerator = 0;
  uint32_t denominator = 1;

  double value() const { return static_cast<double>(numerator) / denominator; }
};

// "60", "30000/1001" or "29.97"; nullopt for what is none, or not above 0.
std::optional<FrameRate> ParseFrameRate(const std::string& text);

// `frames` after the first, within `nanoseconds`; to a thousandth. nullopt if it cannot be told.
std::optional<FrameRate> MeasureFrameRate(uint64_t frames, int64_t nanoseconds);

// Of a stream that has only begun: the rate that its first frames are nearest to, of those that
// cameras, films and displays have, if the nearest is near. What they were published at, in order.
// nullopt with less than two frames.
std::optional<FrameRate> GuessFrameRate(const std::vector<int64_t>& published_ns);

// As long for every rate, so that it can be written over when the rate is known.
std::string Y4mHeader(uint32_t width, uint32_t height, const FrameRate& rate);

// Y', Cb and Cr of one pixel.
std::array<uint8_t, 3> ToBt709(uint8_t red, uint8_t green, uint8_t blue);

// One frame with its own header: all Y', then all Cb, then all Cr.
std::string Y4mFrame(const std::vector<uint8_t>& rgba);

}  // namespace vramctl

#endif  // VRAMD_TOOLS_VRAMCTL_Y4M_H_
