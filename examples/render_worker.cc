// Renders tile i of n of one shared image. The worker of tile 0 allocates the image, the others
// wait for its name; each then owns one array layer, so all render at the same time.
//
//   NAME/tiles    the image                       published by the worker of tile 0
//   NAME/tile-i   the same image, when tile i is there    published by each worker
#include <cstdio>

#include "common/command_line.h"
#include "common/or_exit.h"
#include "common/scene.h"
#include "common/stopwatch.h"
#include "common/waiting.h"

namespace {

struct Options {
  std::string name = "demo";
  std::string device;
  uint32_t tile = 0;
  uint32_t tiles = 4;
  uint32_t width = 1920;
  uint32_t height = 1080;
  std::chrono::seconds patience{60};
};

vramd::Lease AllocateTiles(vramd::Client& client, const Options& options) {
  vramd::AllocateInfo info = vramd::AllocateInfo::Image(
      example::kSceneFormat, options.width, options.height / options.tiles, example::kSceneUsage);
  info.image.array_layers = options.tiles;
  info.device = options.device.empty() ? nullptr : options.device.c_str();
  info.label = "tiles of a picture";
  vramd::Lease lease = example::OrExit(client.Allocate(info));
  example::OrExit(lease.Publish(options.name + "/tiles"));
  std::printf("tiles: allocated_bytes=%llu\n",
              static_cast<unsigned long long>(lease.recipe().allocation_size));
  return lease;
}

void Render(const vramd::Lease& lease, uint32_t tile) {
  example::Stopwatch stopwatch;
  const vramd::Recipe recipe = lease.recipe();
  example::Gpu gpu(recipe);
  const vramd::VulkanResource tiles = gpu.Import(lease);
  const double opening = stopwatch.Milliseconds();

  vramd::VulkanBarrier ours = gpu.Barrier();
  ours.first_layer = tile;
  ours.layer_count = 1;
  vramd::VulkanBarrier fresh = ours;
  fresh.discard = true;
  const example::Scene scene = {recipe.image.width, recipe.image.height, recipe.image.array_layers};
  example::RenderTile(
      gpu, scene, tile, tiles.image(),
      [&](VkCommandBuffer commands) { tiles.RecordAcquire(commands, fresh); },
      [&](VkCommandBuffer commands) { tiles.RecordRelease(commands, ours); });
  std::printf("tile %u: open_ms=%.1f render_ms=%.1f on %s\n", tile, opening,
              stopwatch.Milliseconds(), gpu.name().c_str());
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  example::CommandLine line(
      "Renders one tile of a picture into an image that several processes share");
  line.Text("--name", options.name, "application part of all names");
  line.Text("--device", options.device, "UUID, LUID, index or part of the name of a GPU");
  line.Number("--tile", options.tile, "which tile to render, from 0");
  line.Number("--tiles", options.tiles, "how many there are", {1, 64});
  line.Number("--width", options.width, "texels");
  line.Number("--height", options.height, "texels, a multiple of --tiles");
  line.Parse(argc, argv);
  if (options.tile >= options.tiles) example::Die("--tile must be less than --tiles");
  if (options.height % options.tiles != 0) example::Die("--height must be a multiple of --tiles");

  vramd::Client client = example::OrExit(vramd::Client::Connect());
  vramd::Watch watch = example::OrExit(client.WatchNames());
  vramd::Lease lease = options.tile == 0 ? AllocateTiles(client, options)
                                         : example::OrExit(example::OpenWhenPublished(
                                               client, options.name + "/tiles", options.patience));
  Render(lease, options.tile);

  // Our lease keeps the image alive until the compositor has one of its own.
  const std::string done =
      example::OrExit(lease.Publish(options.name + "/tile-" + std::to_string(options.tile)));
  example::OrExit(
      example::WaitUntilPublished(watch, example::Sibling(done, "composite"), options.patience));
}
