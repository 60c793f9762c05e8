// Files that frames are recorded into: one .y4m, or a PNG file for each frame.
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
  // `path` ends in .y4m, or in .png with one %d or %0Nd before, for the frame's number from 1.
  // INVALID_ARGUMENT for any other. `rate` nullopt: to be measured.
  static vramd::Result<std::unique_ptr<Recording>> Create(const std::string& path,
                                                          std::optional<FrameRate> rate);
  virtual ~Recording() = default;

  // FAILED_PRECONDITION: the frame does not fit the ones before it.
  virtual vramd::Status Add(const Picture& picture) = 0;
  // No more will be added. Without this the last frames may be missing.
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
