#include "tools/vramctl/png_file.h"

#include <png.h>

#include "tools/vramctl/sink.h"

namespace vramctl {

vramd::Result<std::string> EncodePng(uint32_t width, uint32_t height,
                                     const std::vector<uint8_t>& rgba, PngEffort effort) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = width;
  image.height = height;
  image.format = PNG_FORMAT_RGBA;
  if (effort == PngEffort::kFast) image.flags = PNG_IMAGE_FLAG_FAST;
  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(image);
  std::string file(size, '\0');
  if (png_image_write_to_memory(&image, file.data(), &size, /*convert_to_8_bit=*/0, rgba.data(),
                                /*row_stride=*/0, /*colormap=*/nullptr) == 0)
    return vramd::Status(VRAMD_INTERNAL, std::string("cannot make a PNG: ") + image.message);
  file.resize(size);
  return file;
}

vramd::Status WritePng(const std::string& path, uint32_t width, uint32_t height,
                       const std::vector<uint8_t>& rgba) {
  const auto encoded = EncodePng(width, height, rgba, PngEffort::kSmall);
  if (!encoded.ok()) return encoded.status();
  Sink file(path);
  vramd::Status status = file.Write(*encoded);
  return status.ok() ? file.Finish() : status;
}

}  // namespace vramctl
