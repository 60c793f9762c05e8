#include "tools/vramctl/recording.h"

#include <cctype>
#include <cstdio>
#include <fstream>

#include "tools/vramctl/png_file.h"
#include "tools/vramctl/text.h"

namespace vramctl {
namespace {

std::string SizeOf(uint32_t width, uint32_t height) {
  return std::to_string(width) + "x" + std::to_string(height);
}

class Y4mRecording final : public Recording {
 public:
  Y4mRecording(std::string path, std::optional<FrameRate> rate)
      : Recording(rate), path_(std::move(path)) {}

  // What was never finished is no use to anybody.
  ~Y4mRecording() override {
    if (!file_.is_open() || finished_) return;
    file_.close();
    std::remove(path_.c_str());
  }

  vramd::Status Add(const Picture& picture) override {
    if (frames() == 0) {
      width_ = picture.width;
      height_ = picture.height;
      header_ = Header();
      file_.open(path_, std::ios::binary | std::ios::trunc);
      file_ << header_;
    }
    if (picture.width != width_ || picture.height != height_)
      return {VRAMD_FAILED_PRECONDITION,
              "the stream changed from " + SizeOf(width_, height_) + " to " +
                  SizeOf(picture.width, picture.height) +
                  ", and a .y4m file has one size; record to PNG files instead"};
    const std::string frame = Y4mFrame(picture.rgba);
    file_.write(frame.data(), static_cast<std::streamsize>(frame.size()));
    if (!file_) return WriteError();
    Count(picture);
    return {};
  }

  vramd::Status Finish() override {
    if (!file_.is_open()) return {};
    if (Header() != header_) file_.seekp(0) << Header();
    file_.close();
    if (!file_) return WriteError();
    finished_ = true;
    return {};
  }

 private:
  // A rate that is not known yet is 1; of a single frame it stays so.
  std::string Header() const {
    return Y4mHeader(width_, height_, rate().value_or(FrameRate{1, 1}));
  }
  vramd::Status WriteError() const {
    return {VRAMD_INTERNAL, "cannot write " + path_ + ": is there room, and may you write there?"};
  }

  const std::string path_;
  std::string header_;  // as it stands in the file
  std::ofstream file_;
  uint32_t width_ = 0, height_ = 0;
  bool finished_ = false;
};

class PngRecording final : public Recording {
 public:
  PngRecording(std::string pattern, std::optional<FrameRate> rate)
      : Recording(rate), pattern_(std::move(pattern)) {}

  vramd::Status Add(const Picture& picture) override {
    vramd::Status written =
        WritePng(NumberedPath(pattern_, frames() + 1), picture.width, picture.height, picture.rgba);
    if (written.ok()) Count(picture);
    return written;
  }
  vramd::Status Finish() override { return {}; }

 private:
  const std::string pattern_;
};

// What stands at `at`, right after a percent sign, up to the conversion's letter.
struct Conversion {
  size_t length = 0;  // 0: it is none of ours
  size_t digits = 0;  // at least so many, with zeros before
};

Conversion ParseConversion(const std::string& pattern, size_t at) {
  const size_t letter = pattern.find('d', at);
  const std::string digits = pattern.substr(at, letter == std::string::npos ? 0 : letter - at);
  if (letter == std::string::npos || digits.size() > 3) return {};
  if (digits.empty()) return {1, 0};
  for (const char digit : digits)
    if (std::isdigit(static_cast<unsigned char>(digit)) == 0) return {};
  if (digits[0] != '0') return {};
  return {digits.size() + 1, std::stoul(digits)};
}

}  // namespace

std::string NumberedPath(const std::string& pattern, uint64_t number) {
  std::string path;
  int numbers = 0;
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != '%') {
      path += pattern[i];
    } else if (pattern.compare(i, 2, "%%") == 0) {
      path += pattern[i++];
    } else {
      const Conversion conversion = ParseConversion(pattern, i + 1);
      if (conversion.length == 0) return "";
      const std::string digits = std::to_string(number);
      if (digits.size() < conversion.digits) path.append(conversion.digits - digits.size(), '0');
      path += digits;
      i += conversion.length;
      ++numbers;
    }
  }
  return numbers == 1 ? path : "";
}

vramd::Result<std::unique_ptr<Recording>> Recording::Create(const std::string& path,
                                                            std::optional<FrameRate> rate) {
  std::unique_ptr<Recording> made;
  if (EndsWith(path, ".y4m")) made = std::make_unique<Y4mRecording>(path, rate);
  if (EndsWith(path, ".png") && !NumberedPath(path, 1).empty())
    made = std::make_unique<PngRecording>(path, rate);
  if (made == nullptr)
    return vramd::Status(
        VRAMD_INVALID_ARGUMENT,
        "cannot record to " + path + ": name a .y4m file, or PNG files as in frames-%05d.png");
  return made;
}

void Recording::Count(const Picture& picture) {
  if (frames_++ == 0) first_ns_ = picture.published_ns;
  last_ns_ = picture.published_ns;
}

std::optional<FrameRate> Recording::rate() const {
  if (given_rate_) return given_rate_;
  return frames_ < 2 ? std::nullopt : MeasureFrameRate(frames_ - 1, last_ns_ - first_ns_);
}

}  // namespace vramctl
