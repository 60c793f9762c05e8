// Waits for all tiles of NAME/tiles, lays a picture with alpha over them, and publishes the result,
// a second shared image, as NAME/composite. It stays until NAME/captured says that somebody read
// it.
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
  std::string picture;
  std::chrono::seconds patience{60};
};

vramd::Lease OpenFinishedTiles(vramd::Client& client, const Options& options) {
  vramd::Lease tiles = example::OrExit(
      example::OpenWhenPublished(client, options.name + "/tiles", options.patience));
  const uint32_t count = tiles.recipe().image.array_layers;
  for (uint32_t i = 0; i < count; ++i)
    example::OrExit(example::OpenWhenPublished(client, options.name + "/tile-" + std::to_string(i),
                                               options.patience));
  return tiles;
}

vramd::Lease AllocateComposite(vramd::Client& client, const Options& options,
                               const example::Scene& scene) {
  vramd::AllocateInfo info = vramd::AllocateInfo::Image(example::kSceneFormat, scene.width,
                                                        scene.height(), example::kSceneUsage);
  info.device = options.device.empty() ? nullptr : options.device.c_str();
  info.label = "composite";
  return example::OrExit(client.Allocate(info));
}

void Compose(const vramd::Lease& tiles_lease, const vramd::Lease& composite_lease,
             const example::Scene& scene, const example::Picture& picture) {
  example::Gpu gpu(tiles_lease.recipe());
  const vramd::VulkanResource tiles = gpu.Import(tiles_lease);
  const vramd::VulkanResource composite = gpu.Import(composite_lease);
  vramd::VulkanBarrier fresh = gpu.Barrier();
  fresh.discard = true;

  example::Stopwatch stopwatch;
  example::Compose(
      gpu, scene, picture, tiles.image(), composite.image(),
      [&](VkCommandBuffer commands) {
        tiles.RecordAcquire(commands, gpu.Barrier());
        composite.RecordAcquire(commands, fresh);
      },
      [&](VkCommandBuffer commands) {
        tiles.RecordRelease(commands, gpu.Barrier());
        composite.RecordRelease(commands, gpu.Barrier());
      });
  std::printf("compositor: compose_ms=%.1f allocated_bytes=%llu on %s\n", stopwatch.Milliseconds(),
              static_cast<unsigned long long>(composite_lease.recipe().allocation_size),
              gpu.name().c_str());
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  example::CommandLine line("Lays a picture over tiles that other processes rendered");
  line.Text("--name", options.name, "application part of all names");
  line.Text("--device", options.device, "UUID, LUID, index or part of the name of a GPU");
  line.RequiredText("--picture", options.picture, "a PNG file, best with alpha");
  line.Parse(argc, argv);

  const example::Picture picture = example::ReadPng(options.picture);
  vramd::Client client = example::OrExit(vramd::Client::Connect());
  vramd::Watch watch = example::OrExit(client.WatchNames());
  const vramd::Lease tiles = OpenFinishedTiles(client, options);
  const vramd_image_info image = tiles.recipe().image;
  const example::Scene scene = {image.width, image.height, image.array_layers};
  vramd::Lease composite = AllocateComposite(client, options, scene);
  Compose(tiles, composite, scene, picture);

  const std::string name = example::OrExit(composite.Publish(options.name + "/composite"));
  example::OrExit(
      example::WaitUntilPublished(watch, example::Sibling(name, "captured"), options.patience));
}
