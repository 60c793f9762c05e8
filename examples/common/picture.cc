// libpng's simplified interface turns grey, palette and 16-bit files into RGBA by itself.
#include "common/picture.h"

#include <png.h>

#include "common/gpu.h"

namespace example {

Picture ReadPng(const std::string& path) {
  constexpr size_t kMostTexels = size_t{1}
                                 << 25;  // 128 MiB, the least that a storage buffer may be
  png_image image = {};
  image.version = PNG_IMAGE_VERSION;
  if (png_image_begin_read_from_file(&image, path.c_str()) == 0)
    Die("cannot read " + path + ": " + image.message);
  image.format = PNG_FORMAT_RGBA;
  Picture picture;
  picture.width = image.width;
  picture.height = image.height;
  if (size_t{image.width} * image.height > kMostTexels) {
    png_image_free(&image);
    Die(path + " has more than 32 million texels; scale it down");
  }
  picture.rgba.resize(PNG_IMAGE_SIZE(image));
  if (png_image_finish_read(&image, nullptr, picture.rgba.data(), 0, nullptr) == 0)
    Die("cannot read " + path + ": " + image.message);
  return picture;
}

void WritePng(const std::string& path, uint32_t width, uint32_t height, const uint8_t* rgba) {
  png_image image = {};
  image.version = PNG_IMAGE_VERSION;
  image.width = width;
  image.height = height;
  image.format = PNG_FORMAT_RGBA;
  if (png_image_write_to_file(&image, path.c_str(), 0, rgba, 0, nullptr) == 0)
    Die("cannot write " + path + ": " + image.message);
}

}  // namespace example
