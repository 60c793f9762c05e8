// What frames are recorded into: one .y4m file or a pipe of the same bytes, or a PNG file for each
// frame.
#ifndef VRAMD_TOOLS_VRAMCTL_RECORDING_H_
#define VRAMD_TOOLS_VRAMCTL_RECORDING_H_

#include <memory>
#include <optional>
#include <string>

#include "tools/vramctl/picture.h"
#include "tools/vramctl/y4m.h"
#include "vramd/result.h"

namespace vramctl {

class Recording {
 public:
  // `path` ends in .y4m, or in .png with one %d or %0Nd before, for the frame's number from 1. "-"
  // and a path of something that is no regular file (a FIFO) take what a .y4m file has.
  // INVALID_ARGUMENT for any other. `rate` nullopt: to be measured.
  static vramd::Result<std::unique_ptr<Recording>> Create(const std::string& path,
                                                          std::optional<FrameRate> rate);
  virtual ~Recording() = default;

  // The bytes of one frame. Thread-safe.
  virtual vramd::Result<std::string> Encode(const Picture& picture) const = 0;
  // One frame after the other, each as Encode() made it. FAILED_PRECONDITION: the frame does not
  // fit the ones before it. UNAVAILABLE: nobody reads the pipe any more.
  virtual vramd::Status Write(const Picture& picture, const std::string& encoded) = 0;
  // No more will be written. Without this the last frames may be missing.
  virtual vramd::Status Finish() = 0;

  uint64_t frames() const { return frames_; }
  // What was given, or else has been measured so far; nullopt with less than two frames.
  std::optional<FrameRate> rate() const;

 protected:
  explicit Recording(std::optional<FrameRate> rate) : given_rate_(rate) {}
  void Count(const Picture& picture);

 private:
  const std::optional<FrameRate> given_rate_;
  uint64_t frames_ = 0;
  int64_t first_ns_ = 0, last_ns_ = 0;
};

// "a%03d.png", 7 -> "a007.png"; "%%" is one percent sign. Empty if there is not exactly one number
// to fill in.
std::string NumberedPath(const std::string& pattern, uint64_t number);

}  // namespace vramctl

#endif  // VRAMD_TOOLS_VRAMCTL_RECORDING_H_
