// Renders a moving picture into a stream, as fast as it is told to and no consumer hinders it, and
// says how its consumers fared.
#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <map>
#include <thread>

#include "common/scene.h"
#include "vramd/stream.h"

namespace {

struct Options {
  std::string name = "demo/animation";
  std::string device;
  uint32_t frames = 180;
  uint32_t rate = 60;  // frames in a second
  uint32_t width = 640;
  uint32_t height = 360;
  uint32_t wait_for = 0;  // consumers
};

vramd::Producer Create(vramd::Client& client, const Options& options) {
  vramd::StreamInfo info =
      vramd::StreamInfo::Image(options.name.c_str(), example::kSceneFormat, options.width,
                               options.height, example::kSceneUsage);
  info.device = options.device.empty() ? nullptr : options.device.c_str();
  info.image_count = 10;
  info.label = "a moving picture";
  return vramd::Producer::Create(client, info).OrExit();
}

void RenderFrame(example::Gpu& gpu, vramd::Producer& producer, vramd::VulkanStream& stream,
                 example::Animation& animation, uint32_t number) {
  vramd::Slot slot = producer.Acquire().OrExit();
  const vramd::VulkanStreamResource shared = stream.Resource(slot).OrExit();
  const vramd::VulkanSync sync = stream.Sync(slot).OrExit();
  vramd::VulkanBarrier fresh = gpu.Barrier();
  fresh.discard = true;
  gpu.Submit(sync, [&](VkCommandBuffer commands) {
    shared.RecordAcquire(commands, fresh);
    animation.Record(commands, shared.image(), number);
    shared.RecordRelease(commands, gpu.Barrier());
  });
  vramd::FrameInfo info;
  info.timeline_value = sync.signal_value;
  info.colour_primaries = 1;           // ITU-T H.273: BT.709
  info.transfer_characteristics = 13;  // sRGB
  info.matrix_coefficients = 0;        // RGB
  producer.Publish(std::move(slot), info).OrExit();
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Renders a moving picture into a stream");
  app.add_option("--name", options.name, "application/label of the stream")->capture_default_str();
  app.add_option("--device", options.device, "UUID, LUID, index or part of the name of a GPU");
  app.add_option("--frames", options.frames, "how many")->capture_default_str();
  app.add_option("--rate", options.rate, "frames in a second")->capture_default_str();
  app.add_option("--width", options.width, "texels")->capture_default_str();
  app.add_option("--height", options.height, "texels")->capture_default_str();
  app.add_option("--wait-for", options.wait_for, "begin when so many lines came on standard input");
  CLI11_PARSE(app, argc, argv);

  vramd::Client client = vramd::Client::Connect().OrExit();
  vramd::Producer producer = Create(client, options);
  example::Gpu gpu(producer.recipe());
  vramd::VulkanStream stream = gpu.Attach(producer);
  example::Animation animation(gpu, options.width, options.height);
  std::printf("animation: streaming %s on %s\n", producer.name().c_str(), gpu.name().c_str());
  std::fflush(stdout);
  for (uint32_t lines = 0; lines < options.wait_for;) {
    const int c = std::getchar();
    if (c == EOF) break;
    if (c == '\n') ++lines;
  }

  const auto begin = std::chrono::steady_clock::now();
  for (uint32_t i = 0; i < options.frames; ++i) {
    std::this_thread::sleep_until(begin +
                                  i * std::chrono::nanoseconds(1'000'000'000) / options.rate);
    RenderFrame(gpu, producer, stream, animation, i);
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  const vramd::Status ended = producer.End();
  gpu.Finish();
  std::printf("animation: published=%u rate=%.1f\n", options.frames, options.frames / took.count());
  return ended.ok() ? 0 : 1;
}
