#include "tools/vramctl/sink.h"

#include <cerrno>
#include <filesystem>
#include <system_error>
#ifdef _WIN32
#include <fcntl.h>
#include <io.h>
#endif

namespace vramctl {
namespace {

// Text mode would write a line's end as two bytes.
std::FILE* OpenStandardOutput() {
#ifdef _WIN32
  (void)_setmode(_fileno(stdout), _O_BINARY);
#endif
  return stdout;
}

// What Windows says of a pipe that is closed at its other end.
bool IsClosedPipe(int error) {
#ifdef _WIN32
  return error == EPIPE || error == EINVAL;
#else
  return error == EPIPE;
#endif
}

}  // namespace

bool IsPipe(const std::string& path) {
  std::error_code error;
  const auto type = std::filesystem::status(path, error).type();
  return path == "-" || (std::filesystem::exists(std::filesystem::file_status(type)) &&
                         type != std::filesystem::file_type::regular &&
                         type != std::filesystem::file_type::directory);
}

Sink::Sink(std::string path) : path_(std::move(path)), is_pipe_(IsPipe(path_)) {}

Sink::~Sink() {
  if (file_ == nullptr || file_ == stdout) return;
  std::fclose(file_);
  if (!is_pipe_) std::remove(path_.c_str());
}

vramd::Status Sink::Open() {
  file_ = path_ == "-" ? OpenStandardOutput() : std::fopen(path_.c_str(), "wb");
  if (file_ == nullptr) return WriteError();
  // A frame is larger than any buffer, and a pipe's reader waits for all of it.
  (void)std::setvbuf(file_, nullptr, _IONBF, 0);
  return {};
}

vramd::Status Sink::WriteError() const {
  if (is_pipe_ && IsClosedPipe(errno))
    return {VRAMD_UNAVAILABLE, "nobody reads " + path_ + " any more: its reader has closed it"};
  return {VRAMD_INTERNAL, "cannot write " + path_ + ": " + std::generic_category().message(errno)};
}

vramd::Status Sink::Write(std::string_view bytes) {
  if (file_ == nullptr) {
    vramd::Status opened = Open();
    if (!opened.ok()) return opened;
  }
  if (std::fwrite(bytes.data(), 1, bytes.size(), file_) != bytes.size()) return WriteError();
  return {};
}

vramd::Status Sink::WriteAtBegin(std::string_view bytes) {
  if (std::fseek(file_, 0, SEEK_SET) != 0) return WriteError();
  return Write(bytes);
}

vramd::Status Sink::Finish() {
  std::FILE* const file = std::exchange(file_, nullptr);
  if (file == nullptr) return {};
  const bool written = file == stdout ? std::fflush(file) == 0 : std::fclose(file) == 0;
  return written ? vramd::Status() : WriteError();
}

}  // namespace vramctl
