#include "tools/vramctl/png_file.h"

#include <png.h>

#include <cstdio>

namespace vramctl {

vramd::Status WritePng(const std::string& path, uint32_t width, uint32_t height,
                       const std::vector<uint8_t>& rgba) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = width;
  image.height = height;
  image.format = PNG_FORMAT_RGBA;
  if (png_image_write_to_file(&image, path.c_str(), /*convert_to_8_bit=*/0, rgba.data(),
                              /*row_stride=*/0, /*colormap=*/nullptr) != 0)
    return {};
  std::remove(path.c_str());
  return {VRAMD_INTERNAL, "cannot write " + path + ": " + image.message};
}

}  // namespace vramctl
