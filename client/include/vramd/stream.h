// stream.h: moving pictures in C++17 or newer: one producer, many consumers.
//
//   auto producer = vramd::Producer::Create(client, info);
//   while (auto slot = producer->Acquire()) {              // a VkImage of it: see vulkan.h
//     ...                                                  // render
//     producer->Publish(*std::move(slot), frame_info);
//   }
//
//   auto consumer = vramd::Consumer::Open(client, "my-app/preview");
//   auto frame = consumer->Next();
//   for (; frame; frame = consumer->Next()) use(*frame);   // released at the end of its life
//   if (!frame.is_end()) report(frame.status());           // else the stream has ended
//
// Everything here is inline over the C interface in vramd_stream.h, which has the full contract of
// each call. All classes are move-only. A slot that is not published is given back by its
// destructor, a frame is released by its. Slots and frames must not outlive their Producer or
// Consumer, nor those their Client. Results that wait take a timeout; kForever has no end.
#ifndef VRAMD_STREAM_H_
#define VRAMD_STREAM_H_

#include <array>
#include <chrono>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "vramd/client.h"
#include "vramd/vramd_stream.h"

namespace vramd {
inline namespace v0 {

struct FrameInfo : vramd_frame_info {
  FrameInfo() : vramd_frame_info(VRAMD_FRAME_INFO_INIT) {}

  // At most VRAMD_APPLICATION_BYTES of `size` are taken; nobody else looks at them.
  void SetApplication(const void* data, size_t size) {
    std::memcpy(application, data, size < sizeof(application) ? size : sizeof(application));
    flags |= VRAMD_FRAME_HAS_APPLICATION;
  }
  void SetCrop(const vramd_rectangle& part) {
    crop = part;
    flags |= VRAMD_FRAME_HAS_CROP;
  }
  // `white` is the luminance of SDR's reference white, cd/m2; 0: unknown.
  void SetHdr(const vramd_hdr_metadata& metadata, float white = 0) {
    hdr = metadata;
    sdr_white_level = white;
    flags |= VRAMD_FRAME_HAS_HDR;
  }
  // False, and then everything may have changed, when there are too many.
  bool AddDamage(const vramd_rectangle& part) {
    if (damage_count >= VRAMD_MAX_DAMAGE) {
      damage_count = 0;
      return false;
    }
    damage[damage_count++] = part;
    return true;
  }
};

struct StreamInfo : vramd_stream_info {
  StreamInfo() : vramd_stream_info(VRAMD_STREAM_INFO_INIT) {}

  vramd_buffer_info buffer = VRAMD_BUFFER_INFO_INIT;
  vramd_image_info image = VRAMD_IMAGE_INFO_INIT;

  // Points into this object, so it must not live longer.
  vramd_stream_info Linked() const {
    vramd_stream_info linked = *this;
    linked.buffer = &buffer;
    linked.image = &image;
    return linked;
  }

  // As AllocateInfo::Image(). `name` must live until the stream is created.
  static StreamInfo Image(const char* name, uint32_t format, uint32_t width, uint32_t height,
                          uint32_t usage) {
    StreamInfo info;
    info.name = name;
    info.image.format = format;
    info.image.width = width;
    info.image.height = height;
    info.image.usage = usage;
    return info;
  }
};

struct ConsumerInfo : vramd_consumer_info {
  ConsumerInfo() : vramd_consumer_info(VRAMD_CONSUMER_INFO_INIT) {}

  // The newest frame each time. `limit` is 1 more than the frames to be held at once.
  static ConsumerInfo Mailbox(uint32_t limit = 2) {
    ConsumerInfo info;
    info.limit = limit;
    return info;
  }
  // Every frame, as long as no more than `limit` are waiting or held.
  static ConsumerInfo Fifo(uint32_t limit, vramd_when_full when_full = VRAMD_WHEN_FULL_DROP) {
    ConsumerInfo info;
    info.mode = VRAMD_STREAM_FIFO;
    info.limit = limit;
    info.when_full = when_full;
    return info;
  }
};

// What the images of the newest generation are.
inline Recipe RecipeOf(vramd_stream* stream) {
  Recipe recipe;
  uint32_t generation = 0;
  vramd_stream_get_generations(stream, &generation, nullptr, nullptr);
  recipe.Lend([&](vramd_recipe* fill) {
    return vramd_stream_get_image(stream, generation, 0, fill, nullptr);
  });
  return recipe;
}
// Of the generation that a slot or a frame is in, which may be an older one.
template <typename Use>
Recipe RecipeOf(vramd_stream* stream, const Use& use) {
  Recipe recipe;
  recipe.Lend([&](vramd_recipe* fill) {
    return vramd_stream_get_image(stream, use.generation(), use.image_index(), fill, nullptr);
  });
  return recipe;
}

// An image to render into, until it is published.
class Slot {
 public:
  Slot(Slot&& other) noexcept
      : producer_(std::exchange(other.producer_, nullptr)), slot_(other.slot_) {}
  Slot& operator=(Slot&& other) noexcept {
    if (this != &other) {
      Abandon();
      producer_ = std::exchange(other.producer_, nullptr);
      slot_ = other.slot_;
    }
    return *this;
  }
  ~Slot() { Abandon(); }

  uint32_t generation() const { return slot_.generation; }
  uint32_t image_index() const { return slot_.image; }
  const vramd_slot& get() const { return slot_; }

  // Gives it back unused.
  void Abandon() {
    if (producer_ != nullptr) vramd_producer_abandon(std::exchange(producer_, nullptr), &slot_);
  }

 private:
  friend class Producer;
  // The rest is not cleared: a kilobyte of waits.
  Slot() {
    slot_.struct_type = VRAMD_STRUCTURE_TYPE_SLOT;
    slot_.struct_size = sizeof(slot_);
    slot_.next = nullptr;
  }

  vramd_producer* producer_ = nullptr;
  vramd_slot slot_;
};

class Producer {
 public:
  static Result<Producer> Create(Client& client, const StreamInfo& info) {
    const vramd_stream_info linked = info.Linked();
    vramd_producer* producer = nullptr;
    const vramd_result result = vramd_producer_create(client.get(), &linked, &producer);
    if (result != VRAMD_OK) return Status::Last(result);
    return Producer(producer);
  }

  std::string name() const { return vramd_producer_get_name(get()); }
  bool uses_timeline() const { return vramd_stream_uses_timeline(stream()); }
  vramd_stream* stream() const { return vramd_producer_get_stream(get()); }
  Recipe recipe() const { return RecipeOf(stream()); }

  Result<Slot> Acquire(std::chrono::nanoseconds timeout = kForever) {
    Slot slot;
    const vramd_result result = vramd_producer_acquire(get(), TimeoutNs(timeout), &slot.slot_);
    if (result != VRAMD_OK) return Status::Last(result);
    slot.producer_ = get();
    return slot;
  }

  // Returns the frame's number. The slot is gone afterwards, whether it could be published or not.
  Result<uint64_t> Publish(Slot slot, const vramd_frame_info& info = FrameInfo()) {
    uint64_t sequence = 0;
    const vramd_result result = vramd_producer_publish(get(), &slot.slot_, &info, &sequence);
    if (result != VRAMD_OK) return Status::Last(result);
    slot.producer_ = nullptr;
    return sequence;
  }

  Status Resize(const StreamInfo& info, std::chrono::nanoseconds timeout = kForever) {
    const vramd_stream_info linked = info.Linked();
    return Status::Last(vramd_producer_resize(get(), &linked, TimeoutNs(timeout)));
  }
  Status End(vramd_end_reason reason = VRAMD_END_FINISHED) {
    return Status::Last(vramd_producer_end(get(), reason));
  }
  // Until the stream has at least so many consumers.
  Status AwaitConsumers(uint32_t count, std::chrono::nanoseconds timeout = kForever) {
    return Status::Last(vramd_producer_await_consumers(get(), count, TimeoutNs(timeout)));
  }
  // The Acquire() or AwaitConsumers() that waits now, or the next one, returns VRAMD_CANCELLED.
  void Cancel() { vramd_producer_cancel(get()); }

  vramd_producer_stats Stats() const {
    vramd_producer_stats stats = VRAMD_PRODUCER_STATS_INIT;
    vramd_producer_get_stats(get(), &stats);
    return stats;
  }
  Result<std::vector<vramd_consumer_stats>> Consumers() const {
    return Enumerate<vramd_consumer_stats>(
        VRAMD_CONSUMER_STATS_INIT, [this](uint32_t* count, vramd_consumer_stats* out) {
          return vramd_producer_enumerate_consumers(get(), count, out);
        });
  }

  vramd_producer* get() const { return producer_.get(); }

 private:
  explicit Producer(vramd_producer* producer) : producer_(producer) {}
  struct Destroy {
    void operator()(vramd_producer* producer) const { vramd_producer_destroy(producer); }
  };
  std::unique_ptr<vramd_producer, Destroy> producer_;
};

// A frame that the consumer holds.
class Frame {
 public:
  Frame(Frame&& other) noexcept
      : consumer_(std::exchange(other.consumer_, nullptr)),
        frame_(other.frame_),
        release_value_(other.release_value_) {}
  Frame& operator=(Frame&& other) noexcept {
    if (this != &other) {
      Release();
      consumer_ = std::exchange(other.consumer_, nullptr);
      frame_ = other.frame_;
      release_value_ = other.release_value_;
    }
    return *this;
  }
  ~Frame() { Release(); }

  uint64_t sequence() const { return frame_.sequence; }
  uint32_t generation() const { return frame_.generation; }
  uint32_t image_index() const { return frame_.image; }
  int64_t published_ns() const { return frame_.published_ns; }
  int64_t presentation_ns() const { return frame_.presentation_ns; }
  const vramd_frame& get() const { return frame_; }

  // The whole header. Only while the frame is held.
  FrameInfo info() const {
    FrameInfo info;
    if (consumer_ != nullptr) vramd_consumer_get_frame_info(consumer_, &frame_, &info);
    return info;
  }

  // With timelines: released now or later, it is free only when this consumer's semaphore has the
  // value.
  void ReleaseAfter(uint64_t timeline_value) { release_value_ = timeline_value; }
  void Release() {
    if (consumer_ != nullptr)
      vramd_consumer_release(std::exchange(consumer_, nullptr), &frame_, release_value_);
  }

 private:
  friend class Consumer;
  Frame() = default;

  vramd_consumer* consumer_ = nullptr;
  vramd_frame frame_ = VRAMD_FRAME_INIT;
  uint64_t release_value_ = 0;
};

class Consumer {
 public:
  static Result<Consumer> Open(Client& client, const std::string& name,
                               const vramd_consumer_info& info = ConsumerInfo()) {
    vramd_consumer_info named = info;
    named.name = name.c_str();
    vramd_consumer* consumer = nullptr;
    const vramd_result result = vramd_consumer_open(client.get(), &named, &consumer);
    if (result != VRAMD_OK) return Status::Last(result);
    return Consumer(consumer);
  }

  std::string name() const { return vramd_consumer_get_name(get()); }
  bool uses_timeline() const { return vramd_stream_uses_timeline(stream()); }
  vramd_stream* stream() const { return vramd_consumer_get_stream(get()); }
  Recipe recipe() const { return RecipeOf(stream()); }
  // Differs from recipe() when the producer has resized since.
  Recipe recipe(const Frame& frame) const { return RecipeOf(stream(), frame); }

  // is_end() when the stream has ended: End() says why.
  Result<Frame> Next(std::chrono::nanoseconds timeout = kForever) {
    Frame frame;
    const vramd_result result = vramd_consumer_next(get(), TimeoutNs(timeout), &frame.frame_);
    if (result != VRAMD_OK) return Status::Last(result);
    frame.consumer_ = get();
    return frame;
  }

  // After the end.
  Result<Frame> LastFrame() {
    Frame frame;
    const vramd_result result = vramd_consumer_last_frame(get(), &frame.frame_);
    if (result != VRAMD_OK) return Status::Last(result);
    frame.consumer_ = get();
    return frame;
  }

  // For event loops: see vramd_consumer_arm().
  Result<bool> Arm() {
    bool armed = false;
    const vramd_result result = vramd_consumer_arm(get(), &armed);
    if (result != VRAMD_OK) return Status::Last(result);
    return armed;
  }
  intptr_t poll_handle() const { return vramd_consumer_get_poll_handle(get()); }

  void Cancel() { vramd_consumer_cancel(get()); }

  vramd_consumer_end End() const {
    vramd_consumer_end end = VRAMD_CONSUMER_END_INIT;
    vramd_consumer_get_end(get(), &end);
    return end;
  }
  vramd_consumer_counters Counters() const {
    vramd_consumer_counters counters = VRAMD_CONSUMER_COUNTERS_INIT;
    vramd_consumer_get_counters(get(), &counters);
    return counters;
  }

  vramd_consumer* get() const { return consumer_.get(); }

 private:
  explicit Consumer(vramd_consumer* consumer) : consumer_(consumer) {}
  struct Destroy {
    void operator()(vramd_consumer* consumer) const { vramd_consumer_destroy(consumer); }
  };
  std::unique_ptr<vramd_consumer, Destroy> consumer_;
};

struct StreamListing : vramd_stream_listing {
  StreamListing() : vramd_stream_listing(VRAMD_STREAM_LISTING_INIT) {}

  Recipe recipe;
};

// Streams that this session may open, by the beginning of their whole name.
inline Result<std::vector<StreamListing>> ListStreams(Client& client,
                                                      const std::string& prefix = "") {
  return EnumerateWithRecipes<StreamListing, vramd_stream_listing>(
      VRAMD_STREAM_LISTING_INIT, [&](uint32_t* count, vramd_stream_listing* out) {
        return vramd_list_streams(client.get(), prefix.c_str(), count, out);
      });
}

// The consumers of the stream with that whole name.
inline Result<std::vector<vramd_consumer_stats>> ListStreamConsumers(Client& client,
                                                                     const std::string& name) {
  return Enumerate<vramd_consumer_stats>(
      VRAMD_CONSUMER_STATS_INIT, [&](uint32_t* count, vramd_consumer_stats* out) {
        return vramd_list_stream_consumers(client.get(), name.c_str(), count, out);
      });
}

}  // namespace v0
}  // namespace vramd

#endif  // VRAMD_STREAM_H_
