// GStreamer's shmsink and shmsrc, one process each: a frame that is pushed is copied into shared
// memory, and the other process gets it as it lies there.
#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>
#include <gst/gst.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstring>
#include <string>

#include "tests/bench/stream/copy_cost.h"

namespace vramd::bench {
namespace {

constexpr unsigned kMostSeconds = 30;  // then it does not work

int64_t NowNs() {
  return std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Written by the receiver, one frame at a time.
struct Shared {
  std::atomic<uint32_t> received{0};
  std::array<int64_t, 1024> latency_ns{};
};

GstElement* Launch(const std::string& description) {
  GError* error = nullptr;
  GstElement* pipeline = gst_parse_launch(description.c_str(), &error);
  if (error != nullptr || pipeline == nullptr) return nullptr;
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  return pipeline;
}

[[noreturn]] void Receive(const std::string& socket, uint32_t frames, Shared& shared) {
  gst_init(nullptr, nullptr);
  GstElement* pipeline =
      Launch("shmsrc socket-path=" + socket +
             " ! appsink name=out sync=false enable-last-sample=false max-buffers=2");
  if (pipeline == nullptr) _exit(1);
  GstElement* out = gst_bin_get_by_name(GST_BIN(pipeline), "out");
  for (uint32_t i = 0; i < frames; ++i) {
    GstSample* sample = gst_app_sink_pull_sample(GST_APP_SINK(out));
    if (sample == nullptr) _exit(1);
    GstMapInfo map;
    gst_buffer_map(gst_sample_get_buffer(sample), &map, GST_MAP_READ);
    int64_t pushed = 0;
    std::memcpy(&pushed, map.data, sizeof(pushed));
    shared.latency_ns[i] = NowNs() - pushed;
    gst_buffer_unmap(gst_sample_get_buffer(sample), &map);
    gst_sample_unref(sample);
    shared.received.store(i + 1, std::memory_order_release);
  }
  _exit(0);
}

bool Send(const std::string& socket, size_t bytes, uint32_t frames, pid_t receiver,
          const Shared& shared) {
  gst_init(nullptr, nullptr);
  GstElement* pipeline = Launch(
      "appsrc name=in ! shmsink sync=false enable-last-sample=false "
      "wait-for-connection=true socket-path=" +
      socket + " shm-size=" + std::to_string(4 * bytes));
  if (pipeline == nullptr) return false;
  GstElement* in = gst_bin_get_by_name(GST_BIN(pipeline), "in");
  GstBuffer* frame = gst_buffer_new_allocate(nullptr, bytes, nullptr);
  gst_buffer_memset(frame, 0, 1, bytes);
  bool good = true;
  for (uint32_t i = 0; i < frames && good; ++i) {
    const int64_t now = NowNs();
    gst_buffer_fill(frame, 0, &now, sizeof(now));
    good = gst_app_src_push_buffer(GST_APP_SRC(in), gst_buffer_ref(frame)) == GST_FLOW_OK;
    // One at a time; the frame is written again only when nobody reads it.
    while (good && (shared.received.load(std::memory_order_acquire) <= i ||
                    GST_MINI_OBJECT_REFCOUNT_VALUE(frame) != 1))
      good = waitpid(receiver, nullptr, WNOHANG) == 0 || i + 1 == frames;
  }
  gst_element_set_state(pipeline, GST_STATE_NULL);
  return good;
}

}  // namespace

std::optional<CopyCost> MeasureGstreamer(size_t bytes, uint32_t frames) {
  void* memory =
      mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return std::nullopt;
  auto* shared = new (memory) Shared;
  frames = std::min<uint32_t>(frames, shared->latency_ns.size());
  const std::string socket = "/tmp/vramd-bench-gst-" + std::to_string(getpid());
  // GStreamer has threads: the sender is a process of its own, too.
  const pid_t sender = fork();
  if (sender == 0) {
    const pid_t receiver_pid = fork();
    if (receiver_pid == 0) {
      alarm(kMostSeconds);
      while (access(socket.c_str(), F_OK) != 0) usleep(1000);
      Receive(socket, frames, *shared);
    }
    alarm(kMostSeconds);
    _exit(Send(socket, bytes, frames, receiver_pid, *shared) ? 0 : 1);
  }
  int status = 1;
  waitpid(sender, &status, 0);
  std::optional<CopyCost> cost;
  if (status == 0) {
    auto* const begin = shared->latency_ns.data();
    std::sort(begin, begin + frames);
    cost = CopyCost{static_cast<double>(begin[frames / 2]) / 1000,
                    static_cast<double>(begin[frames - 1 - frames / 100]) / 1000};
  }
  munmap(memory, sizeof(Shared));
  return cost;
}

}  // namespace vramd::bench
