// Where a recording's bytes go: a file, or what cannot be gone back in: a pipe, standard output.
#ifndef VRAMD_TOOLS_VRAMCTL_SINK_H_
#define VRAMD_TOOLS_VRAMCTL_SINK_H_

#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

#include "vramd/result.h"

namespace vramctl {

// "-", or the path of something that is there and is no regular file.
bool IsPipe(const std::string& path);

class Sink {
 public:
  // Opens nothing yet: a FIFO's opening waits for who reads it. "-" is standard output.
  explicit Sink(std::string path);
  // A file that was never finished is removed.
  ~Sink();
  Sink(const Sink&) = delete;

  bool is_pipe() const { return is_pipe_; }
  bool is_open() const { return file_ != nullptr; }

  // Waits while the pipe is full. UNAVAILABLE: nobody reads the pipe any more.
  vramd::Status Write(std::string_view bytes);
  // Writes over what a file begins with.
  vramd::Status WriteAtBegin(std::string_view bytes);
  // Everything has been written.
  vramd::Status Finish();

 private:
  vramd::Status Open();
  vramd::Status WriteError() const;

  const std::string path_;
  const bool is_pipe_;
  std::FILE* file_ = nullptr;
};

}  // namespace vramctl

#endif  // VRAMD_TOOLS_VRAMCTL_SINK_H_
