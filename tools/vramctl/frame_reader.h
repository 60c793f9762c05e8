// A consumer of a stream that takes frames as pictures.
#ifndef VRAMD_TOOLS_VRAMCTL_FRAME_READER_H_
#define VRAMD_TOOLS_VRAMCTL_FRAME_READER_H_

#include <chrono>
#include <optional>
#include <string>

#include "tools/vramctl/image_reader.h"
#include "tools/vramctl/picture.h"
#include "vramd/stream.h"

namespace vramctl {

class FrameReader {
 public:
  // INVALID_ARGUMENT or FAILED_PRECONDITION when no pictures can be made of the stream's images.
  static vramd::Result<FrameReader> Open(vramd::Client& client, const std::string& name,
                                         const vramd_consumer_info& how,
                                         std::chrono::milliseconds patience);
  // As ImageReader::abandoned().
  bool abandoned() const { return reader_.abandoned(); }

  // DEADLINE_EXCEEDED: no frame came in time. END_OF_STREAM: the stream has ended. Both leave the
  // reader as it is; after any other error it is of no more use.
  vramd::Result<Picture> Next(std::chrono::nanoseconds timeout);

  std::string name() const { return consumer_.name(); }
  vramd::Recipe recipe() const { return consumer_.recipe(); }
  uint64_t dropped() const { return consumer_.Counters().dropped; }
  vramd_consumer_end End() const { return consumer_.End(); }

 private:
  FrameReader(vramd::Consumer consumer, ImageReader reader)
      : consumer_(std::move(consumer)), reader_(std::move(reader)) {}

  // Each needs the ones before it.
  vramd::Consumer consumer_;
  ImageReader reader_;
  std::optional<vramd::VulkanStream> stream_;
};

}  // namespace vramctl

#endif  // VRAMD_TOOLS_VRAMCTL_FRAME_READER_H_
