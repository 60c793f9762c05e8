// Picture files, by libpng.
#ifndef VRAMD_TOOLS_VRAMCTL_PNG_FILE_H_
#define VRAMD_TOOLS_VRAMCTL_PNG_FILE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "vramd/result.h"

namespace vramctl {

enum class PngEffort {
  kSmall,  // libpng's default
  kFast,   // about a third of the time, for files that are larger
};

// The bytes of a PNG file. `rgba` is width * height * 4 bytes, top row first. Thread-safe.
vramd::Result<std::string> EncodePng(uint32_t width, uint32_t height,
                                     const std::vector<uint8_t>& rgba, PngEffort effort);

// The same as a file. One that could not be written whole is not left behind.
vramd::Status WritePng(const std::string& path, uint32_t width, uint32_t height,
                       const std::vector<uint8_t>& rgba);

}  // namespace vramctl

#endif  // VRAMD_TOOLS_VRAMCTL_PNG_FILE_H_
