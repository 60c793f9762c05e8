#include "tools/vramctl/frame_reader.h"

namespace vramctl {

vramd::Result<FrameReader> FrameReader::Open(vramd::Client& client, const std::string& name,
                                             const vramd_consumer_info& how,
                                             std::chrono::milliseconds patience) {
  auto consumer = vramd::Consumer::Open(client, name, how);
  if (!consumer.ok()) return consumer.status();
  const vramd::Recipe recipe = consumer->recipe();
  vramd::Status readable = CheckReadable(consumer->name(), recipe);
  if (!readable.ok()) return readable;
  auto reader = ImageReader::Create(recipe, patience);
  if (!reader.ok()) return reader.status();
  FrameReader made(*std::move(consumer), *std::move(reader));
  auto stream = vramd::VulkanStream::Create(made.reader_.importer(), made.consumer_);
  if (!stream.ok()) return stream.status();
  made.stream_.emplace(*std::move(stream));
  return made;
}

vramd::Result<Picture> FrameReader::Next(std::chrono::nanoseconds timeout) {
  auto frame = consumer_.Next(timeout);
  if (!frame.ok()) return frame.status();
  const vramd::Recipe recipe = consumer_.recipe(*frame);
  vramd::Status readable = CheckReadable(name(), recipe);  // it may have changed in mid-stream
  if (!readable.ok()) return readable;
  const auto resource = stream_->Resource(*frame);
  if (!resource.ok()) return resource.status();
  const auto sync = stream_->Sync(*frame);
  if (!sync.ok()) return sync.status();
  auto rgba = reader_.Read(*resource, recipe, *sync);
  if (!rgba.ok()) return rgba.status();
  frame->ReleaseAfter(sync->signal_value);
  return Picture{recipe.image.width, recipe.image.height,   *std::move(rgba),
                 frame->sequence(),  frame->published_ns(), frame->info().duration_ns};
}

}  // namespace vramctl
