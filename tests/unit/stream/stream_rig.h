// A stream without a broker: board, lanes and images made by hand, and frames whose content can be
// checked against their header.
#ifndef VRAMD_TESTS_UNIT_STREAM_STREAM_RIG_H_
#define VRAMD_TESTS_UNIT_STREAM_STREAM_RIG_H_

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/section.h"
#include "base/stream/consumer_core.h"
#include "base/stream/producer_core.h"

namespace vramd::stream {

// The value, or the end of the test program: nothing sensible could follow.
template <typename T>
T Must(absl::StatusOr<T> result) {
  if (result.ok()) return *std::move(result);
  std::cerr << "fatal: " << result.status() << std::endl;
  std::abort();
}
inline void Must(const absl::Status& status) {
  if (status.ok()) return;
  std::cerr << "fatal: " << status << std::endl;
  std::abort();
}

inline uint64_t Scramble(uint64_t value) {  // SplitMix64's finaliser
  value += 0x9e3779b97f4a7c15;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
  value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
  return value ^ (value >> 31);
}

// The images of all rings. Plain memory on purpose: if the protocol let two sides meet in one
// image, the thread sanitizer would see it, and the pattern would be torn.
class Images {
 public:
  static constexpr uint32_t kWords = 64;
  static constexpr uint32_t kPerRing = 32;
  static constexpr uint32_t kRings = 128;  // then their memory is used again
  static constexpr uint64_t kBytes = uint64_t{kRings} * kPerRing * kWords * 8;

  explicit Images(const OsHandle& section)
      : memory_(Must(MappedSection::Map(section, kBytes, SectionAccess::kReadWrite))) {}

  void Paint(uint32_t generation, uint16_t image, uint64_t sequence) {
    uint64_t* words = At(generation, image);
    for (uint32_t i = 0; i < kWords; ++i) words[i] = Expected(generation, image, sequence, i);
  }
  bool Shows(const FrameFacts& facts) const {
    const uint64_t* words = At(facts.generation, facts.image);
    for (uint32_t i = 0; i < kWords; ++i)
      if (words[i] != Expected(facts.generation, facts.image, facts.sequence, i)) return false;
    return true;
  }

 private:
  static uint64_t Expected(uint32_t generation, uint16_t image, uint64_t sequence, uint32_t i) {
    return Scramble(sequence << 20 ^ uint64_t{generation} << 10 ^ uint64_t{image} << 6 ^ i);
  }
  uint64_t* At(uint32_t generation, uint16_t image) const {
    const size_t index = generation % kRings * kPerRing + image;
    return static_cast<uint64_t*>(memory_.data()) + index * kWords;
  }

  MappedSection memory_;
};

// A header with something in every field, all made from the sequence number.
inline FrameHeader PatternHeader(uint64_t sequence) {
  FrameHeader header;
  FrameFacts& facts = header.facts;
  facts.flags = static_cast<uint16_t>(sequence % 8);
  facts.timeline_value = sequence * 3;
  facts.presentation_ns = static_cast<int64_t>(Scramble(sequence));
  facts.capture_ns = static_cast<int64_t>(Scramble(sequence + 1));
  facts.duration_ns = static_cast<int64_t>(sequence % 1000);
  facts.presentation_clock = ClockDomain::kMonotonic;
  facts.capture_clock = ClockDomain::kRealtime;
  facts.damage_count = static_cast<uint8_t>(sequence % (kMaxDamage + 1));
  facts.transform = static_cast<uint8_t>(1 << sequence % 8);
  facts.colour_primaries = 9;
  facts.transfer_characteristics = 16;
  facts.matrix_coefficients = static_cast<uint8_t>(sequence);
  facts.video_full_range = sequence % 2;
  FrameDetails& details = header.details;
  const auto small = static_cast<uint32_t>(sequence % 4096);
  if (facts.flags & kHasCrop) details.crop = {-1, 2, small, small + 1};
  if (facts.flags & kHasHdr) {
    details.hdr = {{0.7f, 0.3f},
                   {0.2f, 0.8f},
                   {0.1f, 0.05f},
                   {0.31f, 0.33f},
                   1000.0f,
                   0.01f,
                   static_cast<float>(small),
                   400.0f};
    details.sdr_white_level = 203.0f;
  }
  if (facts.flags & kHasApplication)
    for (uint32_t i = 0; i < kApplicationBytes; ++i)
      details.application[i] = static_cast<uint8_t>(Scramble(sequence + i));
  for (uint32_t i = 0; i < facts.damage_count; ++i)
    details.damage[i] = {static_cast<int32_t>(i), -static_cast<int32_t>(small), small, i};
  return header;
}

// What is wrong with a frame; empty when it is all as its producer made it.
inline std::string Wrong(const Images& images, const ConsumerFrame& frame,
                         const FrameDetails& details) {
  FrameHeader expected = PatternHeader(frame.facts.sequence);
  expected.facts.sequence = frame.facts.sequence;
  expected.facts.generation = frame.facts.generation;
  expected.facts.image = frame.facts.image;
  expected.facts.published_ns = frame.facts.published_ns;
  const std::string which = "frame " + std::to_string(frame.facts.sequence) + ": ";
  if (std::memcmp(&expected.facts, &frame.facts, sizeof(FrameFacts)) != 0) return which + "facts";
  if (std::memcmp(&expected.details, &details, sizeof(FrameDetails)) != 0) return which + "details";
  return images.Shows(frame.facts) ? "" : which + "content";
}

// A lane with one mapping for both ends: the thread sanitizer knows memory by its address, so this
// is how it sees that the lane's atomics order what is in the images.
struct LaneParts {
  OsHandle section;
  std::shared_ptr<const MappedSection> memory;
  Doorbell frames;
  Doorbell releases;  // where Sleep() needs it

  Lane* lane() const { return static_cast<Lane*>(memory->data()); }
  ProducerLane ProducerEnd() const { return {memory, Copy(frames.ring), Copy(releases.listen)}; }
  ConsumerLane ConsumerEnd() const { return {memory, Copy(frames.listen), Copy(releases.ring)}; }

 private:
  static OsHandle Copy(const OsHandle& handle) {
    return handle.valid() ? Must(handle.Duplicate()) : OsHandle();
  }
};

inline LaneParts MakeLane() {
  OsHandle section = Must(CreateSection(LaneBytes(), "test lane"));
  auto memory = std::make_shared<const MappedSection>(
      Must(MappedSection::Map(section, LaneBytes(), SectionAccess::kReadWrite)));
  LaneParts lane;
  lane.section = std::move(section);
  lane.memory = std::move(memory);
  lane.frames = Must(CreateDoorbell());
  if (SleepNeedsDoorbells()) lane.releases = Must(CreateDoorbell());
  return lane;
}

// The producer's side of a stream with its first ring, and the handles that consumers need.
class StreamRig {
 public:
  explicit StreamRig(uint32_t images, const ProducerOptions& options = {})
      : board_(Must(CreateOneWriterSection(BoardBytes(), "test board"))),
        pixels_(Must(CreateSection(Images::kBytes, "test images"))),
        images_(pixels_),
        producer_(Must(ProducerCore::Create(board_, options))) {
    Must(producer_->NewGeneration(1, images, Patience::None()));
  }

  ProducerCore& producer() const { return *producer_; }
  const OsHandle& board() const { return board_; }
  const OsHandle& pixels() const { return pixels_; }
  Images& images() { return images_; }

  const LaneParts& AddLane(uint64_t id, const LaneTerms& terms,
                           WhenFull when_full = WhenFull::kDrop) {
    lanes_.push_back(MakeLane());
    Must(producer_->AddConsumer(ConsumerId{id}, terms, when_full, lanes_.back().ProducerEnd()));
    return lanes_.back();
  }

  std::unique_ptr<ConsumerCore> Consumer(const LaneParts& lane, const LaneTerms& terms) {
    auto consumer = Must(ConsumerCore::Create(
        Must(MappedSection::Map(board_, BoardBytes(), SectionAccess::kReadOnly)),
        lane.ConsumerEnd(), terms));
    consumer->AddGeneration(1, Images::kPerRing);
    return consumer;
  }
  std::unique_ptr<ConsumerCore> AddConsumer(uint64_t id, const LaneTerms& terms,
                                            WhenFull when_full = WhenFull::kDrop) {
    return Consumer(AddLane(id, terms, when_full), terms);
  }

  // Renders and publishes one frame. The status is Acquire()'s or Publish()'s.
  absl::StatusOr<uint64_t> Produce(const Patience& patience = Patience::None()) {
    const auto slot = producer_->Acquire(patience);
    if (!slot.ok()) return slot.status();
    const uint64_t sequence = producer_->published() + 1;
    images_.Paint(slot->generation, slot->image, sequence);
    return producer_->Publish(slot->slot, PatternHeader(sequence));
  }

 private:
  OsHandle board_, pixels_;
  Images images_;
  std::unique_ptr<ProducerCore> producer_;
  std::deque<LaneParts> lanes_;  // its elements stay where they are
};

// What a consumer saw from its first frame to the end.
struct Seen {
  std::vector<uint64_t> sequences;
  std::string wrong;  // the first thing
  EndReason reason = EndReason::kLive;
  absl::Status status;
};

// Takes every frame until the end, an error or the deadline; rings that it does not know are taken
// as they come.
inline Seen Consume(ConsumerCore& consumer, const Images& images, const Patience& patience) {
  Seen seen;
  while (true) {
    const auto next = consumer.Next(patience);
    seen.status = next.status();
    if (!next.ok()) return seen;
    if (next->kind == Received::Kind::kNewImage)
      consumer.AddGeneration(next->generation, Images::kPerRing);
    if (next->kind == Received::Kind::kNothing) return seen;
    if (next->kind == Received::Kind::kEnded) seen.reason = next->reason;
    if (next->kind == Received::Kind::kEnded) return seen;
    if (next->kind != Received::Kind::kFrame) continue;
    seen.sequences.push_back(next->frame.facts.sequence);
    const std::string wrong = Wrong(images, next->frame, consumer.ReadDetails(next->frame));
    if (seen.wrong.empty()) seen.wrong = wrong;
    Must(consumer.Release(next->frame));
  }
}

}  // namespace vramd::stream

#endif  // VRAMD_TESTS_UNIT_STREAM_STREAM_RIG_H_
