// A stream of which the scheduler knows all words, and what its threads do.
#ifndef VRAMD_TESTS_UNIT_STREAM_STEPS_STEPS_RIG_H_
#define VRAMD_TESTS_UNIT_STREAM_STEPS_STEPS_RIG_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "tests/unit/stream/steps/explore.h"
#include "tests/unit/stream/stream_rig.h"

#if !defined(VRAMD_TESTS_UNIT_STREAM_STEPS_BASE_ATOMIC_H_) || \
    !defined(VRAMD_TESTS_UNIT_STREAM_STEPS_BASE_MUTEX_H_)
#error "the stand-ins of this folder must come before base/atomic.h and base/mutex.h"
#endif

namespace vramd::stream {

using steps::Scheduler;

inline Patience Forever() { return {Deadline::max()}; }

// One frame on its way from one thread of a consumer to another.
class FrameBox {
 public:
  void Put(const ConsumerFrame& frame) {
    steps::Step(this, steps::Access::kWrite, &full_);
    frame_ = frame;
    full_ = true;
    empty_ = false;
  }
  ConsumerFrame Take() {
    steps::Step(this, steps::Access::kWrite, &empty_);
    empty_ = true;
    full_ = false;
    return frame_;
  }

 private:
  bool full_ = false, empty_ = true;
  ConsumerFrame frame_;
};

// What one thread waits for until another has come so far.
class Gate {
 public:
  void Wait() { steps::Step(this, steps::Access::kWrite, &shut_); }
  void Open() {
    steps::Step(this, steps::Access::kWrite);
    shut_ = false;
  }

 private:
  bool shut_ = true;
};

class StepsRig {
 public:
  StepsRig(Scheduler& scheduler, uint32_t images, const ProducerOptions& options = {})
      : StepsRig(scheduler, ImageRing::Fixed(1, images), options) {}
  StepsRig(Scheduler& scheduler, const ImageRing& ring, const ProducerOptions& options = {})
      : scheduler_(scheduler),
        ring_(ring),
        board_(Must(CreateOneWriterSection(BoardBytes(), "test board"))),
        producer_(Must(ProducerCore::Create(board_, options))) {
    Must(producer_->NewGeneration(ring, Patience::None()));
    scheduler_.Name("producer", producer_.get(), sizeof(ProducerCore));
    scheduler_.Name("content", content_.data(), sizeof(content_));
    producer_->ContinueAfter(0);
    NameBoard(offsetof(Board, base));
  }

  ProducerCore& producer() const { return *producer_; }

  std::unique_ptr<ConsumerCore> Consumer(const LaneParts& lane, const LaneTerms& terms) {
    auto consumer = Must(ConsumerCore::Create(
        Must(MappedSection::Map(board_, BoardBytes(), SectionAccess::kReadOnly)),
        lane.ConsumerEnd(), terms));
    consumer->AddGeneration(ring_);
    scheduler_.Name("consumer", consumer.get(), sizeof(ConsumerCore));
    scheduler_.Name("lane", lane.lane(), sizeof(Lane));
    consumer->board().stream();
    NameBoard(offsetof(Board, stream));
    return consumer;
  }
  std::unique_ptr<ConsumerCore> AddConsumer(const LaneTerms& terms,
                                            WhenFull when_full = WhenFull::kDrop) {
    const LaneParts lane = MakeLane();
    Must(producer_->AddConsumer(ConsumerId{1}, terms, when_full, lane.ProducerEnd()));
    return Consumer(lane, terms);
  }

  void Check(bool holds, const std::string& what) { scheduler_.Check(holds, what); }

  // Writes a frame into an acquired slot, in two steps, and publishes it.
  uint64_t Fill(uint32_t slot) {
    Check(content_[slot] != kFreed, absl::StrCat("slot ", slot, " is rendered into, but freed"));
    content_[slot] = 0;
    content_[slot] = producer().published() + 1;
    const auto sequence = producer().Publish(slot, {});
    Check(sequence.ok(), absl::StrCat("Publish: ", sequence.status().message()));
    return sequence.value_or(0);
  }
  void Produce(int frames) {
    for (int i = 0; i < frames; ++i) {
      const auto slot = producer().Acquire(Forever());
      Check(slot.ok(), absl::StrCat("Acquire: ", slot.status().message()));
      if (!slot.ok()) return;
      Fill(slot->slot);
    }
  }

  // What the broker does with an image that nobody has any more.
  void Free(uint32_t slot) { content_[slot] = kFreed; }

  // A frame that is held is whole and stays what it is.
  void Look(const ConsumerFrame& frame) {
    for (int i = 0; i < 2; ++i) {
      const uint64_t seen = content_[frame.slot];
      Check(seen == frame.facts.sequence, absl::StrCat("frame ", frame.facts.sequence, " in slot ",
                                                       frame.slot, " shows content of ", seen));
    }
  }

  // Takes and releases every frame until the end.
  void Consume(ConsumerCore& consumer) {
    uint64_t last = 0;
    for (;;) {
      const auto next = consumer.Next(Forever());
      Check(next.ok(), absl::StrCat("Next: ", next.status().message()));
      if (!next.ok()) return;
      if (next->kind == Received::Kind::kEnded) {
        Check(next->reason == EndReason::kFinished, "the consumer was removed");
        return;
      }
      Check(next->frame.facts.sequence > last, "a frame came late or twice");
      last = next->frame.facts.sequence;
      Look(next->frame);
      Check(consumer.Release(next->frame).ok(), "a frame could not be released");
    }
  }

  // After the end, when all frames have been taken.
  void CheckCounts(const ConsumerCore& consumer) {
    const ConsumerCounters counters = consumer.counters();
    const uint64_t published = producer().published();
    Check(counters.received + counters.dropped == published,
          absl::StrCat(counters.received, " received and ", counters.dropped, " dropped of ",
                       published));
    CheckHonest();
  }
  void CheckHonest() {
    for (const BrokenLane& lane : producer().TakeBrokenLanes())
      Check(false, absl::StrCat("an honest consumer was removed: ", lane.why.message()));
  }

 private:
  static constexpr uint64_t kFreed = ~uint64_t{0};

  // The word of the board at `offset` was the latest one used. Both ends map the board for
  // themselves, so its words have two addresses, and are given one name.
  void NameBoard(size_t offset) {
    const char* const board = static_cast<const char*>(steps::LatestWord()) - offset;
    scheduler_.Name("board", board, offsetof(Board, slots));
    scheduler_.Name("slots", board + offsetof(Board, slots), sizeof(Board::slots),
                    Scheduler::Words::kData);
  }

  Scheduler& scheduler_;
  const ImageRing ring_;  // as it was at first
  const OsHandle board_;
  const std::unique_ptr<ProducerCore> producer_;
  std::array<Word64, kSlotCapacity> content_;  // the number of the frame in the slot
};

}  // namespace vramd::stream

#endif  // VRAMD_TESTS_UNIT_STREAM_STEPS_STEPS_RIG_H_
