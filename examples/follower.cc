// Follows a stream, as fast as it can or slowly on purpose, and says how it fared; can write a
// contact sheet of what it saw.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <thread>

#include "common/command_line.h"
#include "common/gpu.h"
#include "common/or_exit.h"
#include "common/picture.h"
#include "vramd/stream.h"

namespace {

struct Options {
  std::string name = "demo/animation";
  bool every = false;
  uint32_t slow_ms = 0;
  std::string sheet;
  uint32_t columns = 4, rows = 3;
  uint32_t each = 15;  // frames from one picture on the sheet to the next
};

// Small copies of some frames, side by side: of each so many, the first that came.
class Sheet {
 public:
  Sheet(const Options& options, uint32_t width, uint32_t height)
      : options_(options),
        width_(width / kShrink),
        height_(height / kShrink),
        rgba_(size_t{4} * width_ * options.columns * height_ * options.rows),
        filled_(size_t{options.columns} * options.rows) {}

  void Add(uint64_t sequence, const uint8_t* pixels, uint32_t width) {
    const uint64_t place = (sequence - 1) / options_.each;
    if (place >= filled_.size() || filled_[place]) return;
    filled_[place] = true;
    const size_t left = place % options_.columns * width_, top = place / options_.columns * height_;
    for (size_t y = 0; y < height_; ++y)
      for (size_t x = 0; x < width_; ++x)
        std::memcpy(&rgba_[4 * ((top + y) * width_ * options_.columns + left + x)],
                    pixels + 4 * (y * kShrink * width + x * kShrink), 4);
  }

  void Write() const {
    example::WritePng(options_.sheet, width_ * options_.columns, height_ * options_.rows,
                      rgba_.data());
  }

 private:
  static constexpr uint32_t kShrink = 2;
  const Options& options_;
  const uint32_t width_, height_;
  std::vector<uint8_t> rgba_;
  std::vector<bool> filled_;
};

class Follower {
 public:
  Follower(vramd::Client& client, const Options& options)
      : options_(options),
        consumer_(example::OrExit(vramd::Consumer::Open(
            client, options.name,
            options.every ? vramd::ConsumerInfo::Fifo(4) : vramd::ConsumerInfo::Mailbox(2)))),
        image_(consumer_.recipe().image),
        gpu_(consumer_.recipe()),
        stream_(gpu_.Attach(consumer_)),
        pixels_(gpu_, VkDeviceSize{4} * image_.width * image_.height,
                VK_BUFFER_USAGE_TRANSFER_DST_BIT),
        sheet_(options, image_.width, image_.height) {
    std::printf("follower: ready\n");
    std::fflush(stdout);
  }

  void Run() {
    while (auto frame = consumer_.Next()) {
      Note(*frame);
      Read(*frame);
      if (!options_.sheet.empty()) sheet_.Add(frame->sequence(), pixels_.data(), image_.width);
      std::this_thread::sleep_for(std::chrono::milliseconds(options_.slow_ms));
    }
    if (!options_.sheet.empty()) sheet_.Write();
  }

  void Report() {
    const vramd_consumer_counters counters = consumer_.Counters();
    std::sort(latencies_.begin(), latencies_.end());
    const double median = latencies_.empty() ? 0 : latencies_[latencies_.size() / 2];
    const std::chrono::duration<double> took = last_ - first_;
    std::printf("follower: received=%llu dropped=%llu rate=%.1f latency_us=%.0f end: %s\n",
                static_cast<unsigned long long>(counters.received),
                static_cast<unsigned long long>(counters.dropped),
                latencies_.size() < 2 ? 0 : (latencies_.size() - 1) / took.count(), median,
                consumer_.End().message);
  }

 private:
  void Note(const vramd::Frame& frame) {
    last_ = std::chrono::steady_clock::now();
    if (latencies_.empty()) first_ = last_;
    const std::chrono::nanoseconds now = last_.time_since_epoch();
    latencies_.push_back(double(now.count() - frame.published_ns()) / 1000);
  }

  void Read(vramd::Frame& frame) {
    const vramd::VulkanStreamResource shared = example::OrExit(stream_.Resource(frame));
    const vramd::VulkanSync sync = example::OrExit(stream_.Sync(frame));
    gpu_.Submit(sync, [&](VkCommandBuffer commands) {
      shared.RecordAcquire(commands, gpu_.Barrier());
      example::RecordReadback(commands, shared.image(), image_.width, image_.height, pixels_);
      shared.RecordRelease(commands, gpu_.Barrier());
    });
    frame.ReleaseAfter(sync.signal_value);
    gpu_.Finish();
  }

  const Options& options_;
  vramd::Consumer consumer_;
  const vramd_image_info image_;
  example::Gpu gpu_;
  vramd::VulkanStream stream_;
  example::HostBuffer pixels_;
  Sheet sheet_;
  std::vector<double> latencies_;  // from publishing to taking, microseconds
  std::chrono::steady_clock::time_point first_, last_;
};

}  // namespace

int main(int argc, char** argv) {
  Options options;
  example::CommandLine line("Follows a stream and says how it fared");
  line.Text("--name", options.name, "of the stream");
  line.Flag("--every", options.every, "take every frame, not the newest");
  line.Number("--slow-ms", options.slow_ms, "do nothing for so long after each frame");
  line.Text("--sheet", options.sheet, "write a contact sheet to this PNG file");
  line.Parse(argc, argv);

  vramd::Client client = example::OrExit(vramd::Client::Connect());
  Follower follower(client, options);
  follower.Run();
  follower.Report();
}
