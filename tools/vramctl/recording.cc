#include "tools/vramctl/recording.h"

#include <cctype>
#include <utility>
#include <vector>

#include "tools/vramctl/png_file.h"
#include "tools/vramctl/sink.h"
#include "tools/vramctl/text.h"

namespace vramctl {
namespace {

std::string SizeOf(uint32_t width, uint32_t height) {
  return std::to_string(width) + "x" + std::to_string(height);
}

// What both kinds of Y4M have in common: one size.
class Y4mRecording : public Recording {
 public:
  Y4mRecording(const std::string& path, std::optional<FrameRate> rate)
      : Recording(rate), sink_(path) {}

  vramd::Result<std::string> Encode(const Picture& picture) const override {
    return Y4mFrame(picture.rgba);
  }

  vramd::Status Write(const Picture& picture, const std::string& encoded) override {
    if (frames() == 0) {
      width_ = picture.width;
      height_ = picture.height;
    }
    if (picture.width != width_ || picture.height != height_)
      return {VRAMD_FAILED_PRECONDITION,
              "the stream changed from " + SizeOf(width_, height_) + " to " +
                  SizeOf(picture.width, picture.height) +
                  ", and a .y4m file has one size; record to PNG files instead"};
    vramd::Status written = WriteFrame(picture, encoded);
    if (written.ok()) Count(picture);
    return written;
  }

 protected:
  virtual vramd::Status WriteFrame(const Picture& picture, const std::string& encoded) = 0;
  std::string HeaderWith(const FrameRate& rate) const { return Y4mHeader(width_, height_, rate); }

  Sink sink_;

 private:
  uint32_t width_ = 0, height_ = 0;
};

// Its header is written again at the end, with the rate as it was.
class Y4mFile final : public Y4mRecording {
 public:
  using Y4mRecording::Y4mRecording;

  vramd::Status Finish() override {
    if (!sink_.is_open()) return {};
    if (Header() != header_) {
      vramd::Status written = sink_.WriteAtBegin(Header());
      if (!written.ok()) return written;
    }
    return sink_.Finish();
  }

 private:
  vramd::Status WriteFrame(const Picture&, const std::string& encoded) override {
    if (!sink_.is_open()) {
      header_ = Header();
      vramd::Status written = sink_.Write(header_);
      if (!written.ok()) return written;
    }
    return sink_.Write(encoded);
  }
  // A rate that is not known yet is 1; of a single frame it stays so.
  std::string Header() const { return HeaderWith(rate().value_or(FrameRate{1, 1})); }

  std::string header_;  // as it stands in the file
};

// Its header goes first and stays: the rate is the one that was given, or that of the first frames,
// which are held back until there are enough.
class Y4mPipe final : public Y4mRecording {
 public:
  Y4mPipe(const std::string& path, std::optional<FrameRate> rate)
      : Y4mRecording(path, rate), given_(rate) {}

  vramd::Status Finish() override {
    vramd::Status written = LetGo();
    return written.ok() ? sink_.Finish() : written;
  }

 private:
  static constexpr size_t kEnough = 5;

  vramd::Status WriteFrame(const Picture& picture, const std::string& encoded) override {
    if (begun_) return sink_.Write(encoded);
    held_.push_back(encoded);
    times_.push_back(picture.published_ns);
    if (!given_ && picture.duration_ns > 0) given_ = MeasureFrameRate(1, picture.duration_ns);
    return given_ || held_.size() == kEnough ? LetGo() : vramd::Status();
  }

  // The header and the frames that waited for it.
  vramd::Status LetGo() {
    if (held_.empty()) return {};
    begun_ = true;
    vramd::Status written =
        sink_.Write(HeaderWith(given_.value_or(GuessFrameRate(times_).value_or(FrameRate{1, 1}))));
    for (const std::string& frame : std::exchange(held_, {}))
      if (written.ok()) written = sink_.Write(frame);
    return written;
  }

  std::optional<FrameRate> given_;
  std::vector<std::string> held_;
  std::vector<int64_t> times_;
  bool begun_ = false;
};

class PngRecording final : public Recording {
 public:
  PngRecording(std::string pattern, std::optional<FrameRate> rate)
      : Recording(rate), pattern_(std::move(pattern)) {}

  vramd::Result<std::string> Encode(const Picture& picture) const override {
    return EncodePng(picture.width, picture.height, picture.rgba, PngEffort::kFast);
  }
  vramd::Status Write(const Picture& picture, const std::string& encoded) override {
    Sink file(NumberedPath(pattern_, frames() + 1));
    vramd::Status written = file.Write(encoded);
    if (written.ok()) written = file.Finish();
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
  if (IsPipe(path))
    made = std::make_unique<Y4mPipe>(path, rate);
  else if (EndsWith(path, ".y4m"))
    made = std::make_unique<Y4mFile>(path, rate);
  else if (EndsWith(path, ".png") && !NumberedPath(path, 1).empty())
    made = std::make_unique<PngRecording>(path, rate);
  if (made == nullptr)
    return vramd::Status(VRAMD_INVALID_ARGUMENT,
                         "cannot record to " + path +
                             ": name a .y4m file, PNG files as in frames-%05d.png, a FIFO, or - "
                             "for standard output");
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
