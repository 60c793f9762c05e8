// The shaders and their parameters.
#include "common/scene.h"

#include <cstring>

#include "animate.comp.h"
#include "compose.comp.h"
#include "render.comp.h"

namespace example {

void RenderTile(Gpu& gpu, const Scene& scene, uint32_t tile, VkImage tiles, const Record& before,
                const Record& after) {
  struct {  // as in render.comp
    uint32_t width, height, first_row, rows;
  } const push = {scene.width, scene.height(), tile * scene.rows, scene.rows};
  const ImageView layer(gpu, tiles, VK_IMAGE_VIEW_TYPE_2D, tile, 1);
  const ComputePass pass(gpu, render_comp, sizeof(render_comp), {{layer.get()}}, sizeof(push));
  gpu.Run([&](VkCommandBuffer commands) {
    before(commands);
    pass.Record(commands, &push, scene.width, scene.rows);
    after(commands);
  });
}

void Compose(Gpu& gpu, const Scene& scene, const Picture& picture, VkImage tiles, VkImage composite,
             const Record& before, const Record& after) {
  struct {  // as in compose.comp
    uint32_t width, height, picture_width, picture_height, rows_per_tile;
  } const push = {scene.width, scene.height(), picture.width, picture.height, scene.rows};
  const HostBuffer texels(gpu, picture.rgba.size(), VK_BUFFER_USAGE_STORAGE_BUFFER_BIT);
  std::memcpy(texels.data(), picture.rgba.data(), picture.rgba.size());
  const ImageView from(gpu, tiles, VK_IMAGE_VIEW_TYPE_2D_ARRAY, 0, scene.tiles);
  const ImageView into(gpu, composite, VK_IMAGE_VIEW_TYPE_2D, 0, 1);
  const ComputePass pass(gpu, compose_comp, sizeof(compose_comp),
                         {{from.get()}, {VK_NULL_HANDLE, texels.buffer()}, {into.get()}},
                         sizeof(push));
  gpu.Run([&](VkCommandBuffer commands) {
    before(commands);
    pass.Record(commands, &push, scene.width, scene.height());
    after(commands);
  });
}

struct Animation::Canvas {
  struct Push {  // as in animate.comp
    uint32_t width, height, first_row, rows, number;
  };
  Canvas(Gpu& gpu, VkImage image)
      : view(gpu, image, VK_IMAGE_VIEW_TYPE_2D, 0, 1),
        pass(gpu, animate_comp, sizeof(animate_comp), {{view.get()}}, sizeof(Push)) {}

  ImageView view;
  ComputePass pass;
};

void Animation::Record(VkCommandBuffer commands, VkImage image, uint32_t number) {
  std::shared_ptr<Canvas>& canvas = canvases_[image];
  if (canvas == nullptr) canvas = std::make_shared<Canvas>(gpu_, image);
  const Canvas::Push push = {scene_.width, scene_.height(), part_ * scene_.rows, scene_.rows,
                             number};
  canvas->pass.Record(commands, &push, scene_.width, scene_.rows);
}

}  // namespace example
