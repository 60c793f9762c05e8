// PNG files, as 8-bit RGBA whatever they hold.
#ifndef EXAMPLES_COMMON_PICTURE_H_
#define EXAMPLES_COMMON_PICTURE_H_

#include <cstdint>
#include <string>
#include <vector>

namespace example {

struct Picture {
  uint32_t width = 0;
  uint32_t height = 0;
  std::vector<uint8_t> rgba;  // rows from top to bottom, alpha not premultiplied
};

Picture ReadPng(const std::string& path);
void WritePng(const std::string& path, uint32_t width, uint32_t height, const uint8_t* rgba);

}  // namespace example

#endif  // EXAMPLES_COMMON_PICTURE_H_
