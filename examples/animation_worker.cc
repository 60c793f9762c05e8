// Renders part i of n of a moving picture, rows of each frame, into a stream NAME/part-i. It runs
// ahead of who puts the parts together until that has two frames, then waits for it: so the parts
// stay together, although no process knows of the others.
#include <cstdio>

#include "common/command_line.h"
#include "common/or_exit.h"
#include "common/scene.h"
#include "common/streaming.h"

namespace {

struct Options {
  std::string name = "demo";
  std::string device;
  uint32_t part = 0;
  uint32_t parts = 2;
  uint32_t frames = 180;
  uint32_t width = 640;
  uint32_t height = 360;
};

vramd::Producer Create(vramd::Client& client, const Options& options) {
  const std::string name = options.name + "/part-" + std::to_string(options.part);
  vramd::StreamInfo info =
      vramd::StreamInfo::Image(name.c_str(), example::kSceneFormat, options.width,
                               options.height / options.parts, example::kSceneUsage);
  info.device = options.device.empty() ? nullptr : options.device.c_str();
  info.allow_waiting = true;
  info.label = "part of a moving picture";
  return example::OrExit(vramd::Producer::Create(client, info));
}

void RenderFrame(example::Gpu& gpu, vramd::Producer& producer, vramd::VulkanStream& stream,
                 example::Animation& animation, uint32_t number) {
  vramd::Slot slot = example::OrExit(producer.Acquire());
  const vramd::VulkanStreamResource shared = example::OrExit(stream.Resource(slot));
  const vramd::VulkanSync sync = example::OrExit(stream.Sync(slot));
  vramd::VulkanBarrier fresh = gpu.Barrier();
  fresh.discard = true;
  gpu.Submit(sync, [&](VkCommandBuffer commands) {
    shared.RecordAcquire(commands, fresh);
    animation.Record(commands, shared.image(), number);
    shared.RecordRelease(commands, gpu.Barrier());
  });
  example::OrExit(producer.Publish(std::move(slot), example::SrgbFrame(sync)));
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  example::CommandLine line("Renders a part of a moving picture into a stream");
  line.Text("--name", options.name, "application part of the name");
  line.Text("--device", options.device, "UUID, LUID, index or part of the name of a GPU");
  line.Number("--part", options.part, "which part, from 0");
  line.Number("--parts", options.parts, "how many there are", {1, 16});
  line.Number("--frames", options.frames, "how many");
  line.Number("--width", options.width, "of the picture, texels");
  line.Number("--height", options.height, "of the picture, texels, a multiple of --parts");
  line.Parse(argc, argv);
  if (options.part >= options.parts) example::Die("--part must be less than --parts");
  if (options.height % options.parts != 0) example::Die("--height must be a multiple of --parts");

  vramd::Client client = example::OrExit(vramd::Client::Connect());
  vramd::Producer producer = Create(client, options);
  example::Gpu gpu(producer.recipe());
  vramd::VulkanStream stream = gpu.Attach(producer);
  const example::Scene scene = {options.width, options.height / options.parts, options.parts};
  example::Animation animation(gpu, scene, options.part);
  std::printf("part %u: streaming %s on %s\n", options.part, producer.name().c_str(),
              gpu.name().c_str());
  std::fflush(stdout);
  example::Check(producer.AwaitConsumers(1, std::chrono::seconds(60)));
  for (uint32_t i = 0; i < options.frames; ++i) RenderFrame(gpu, producer, stream, animation, i);
  const vramd::Status ended = producer.End();
  gpu.Finish();
  return ended.ok() ? 0 : 1;
}
