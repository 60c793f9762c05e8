// What the demo's programs draw: tiles of a fractal, and a picture laid over them. The programs
// that share memory and the one that does not (reference.cc) call the same functions.
#ifndef EXAMPLES_COMMON_SCENE_H_
#define EXAMPLES_COMMON_SCENE_H_

#include <map>
#include <memory>

#include "common/compute.h"
#include "common/gpu.h"
#include "common/picture.h"

namespace example {

// The tiles are horizontal bands from top to bottom, one array layer each.
struct Scene {
  uint32_t width = 1920;  // texels
  uint32_t rows = 270;    // of one tile, texels
  uint32_t tiles = 4;

  uint32_t height() const { return rows * tiles; }
};

constexpr VkFormat kSceneFormat = VK_FORMAT_R8G8B8A8_UNORM;
constexpr VkImageUsageFlags kSceneUsage =
    VK_IMAGE_USAGE_STORAGE_BIT | VK_IMAGE_USAGE_TRANSFER_SRC_BIT;

using Record = std::function<void(VkCommandBuffer)>;

// Renders one tile into its layer of `tiles`, on the GPU, and waits for it. `before` and `after`
// record the barriers: the images are in VK_IMAGE_LAYOUT_GENERAL in between.
void RenderTile(Gpu& gpu, const Scene& scene, uint32_t tile, VkImage tiles, const Record& before,
                const Record& after);

// Lays the picture over all tiles into `composite`, width x height() texels. Likewise.
void Compose(Gpu& gpu, const Scene& scene, const Picture& picture, VkImage tiles, VkImage composite,
             const Record& before, const Record& after);

// A part of a moving picture: the rows from `part` * scene.rows on. Remembers each image that it
// has drawn into: those of a stream come back.
class Animation {
 public:
  Animation(Gpu& gpu, const Scene& scene, uint32_t part) : gpu_(gpu), scene_(scene), part_(part) {}

  // These rows of frame `number` into `image`, which is in VK_IMAGE_LAYOUT_GENERAL.
  void Record(VkCommandBuffer commands, VkImage image, uint32_t number);

 private:
  struct Canvas;
  Gpu& gpu_;
  const Scene scene_;
  const uint32_t part_;
  std::map<VkImage, std::shared_ptr<Canvas>> canvases_;
};

}  // namespace example

#endif  // EXAMPLES_COMMON_SCENE_H_
