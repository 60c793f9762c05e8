// Drives both ends of a stream over memory that the fuzzer writes.
//
// Input: byte 0 picks the end (bit 0) and the mode (bit 1). Then come steps of 4 bytes, operation,
// two of place, one of value:
//   0, 1  one turn of the end under test: a frame is taken and given back, or published
//   2     a ticket that may well be right: stamp and slot from the value's neighbourhood
//   3     a byte anywhere in what the peer can write
//   4     a whole word of it: all ones, zero, or the value eight times
// Whatever comes out must be within bounds; a lane that is not attacked must work on.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <memory>
#include <utility>

#include "base/section.h"
#include "base/stream/consumer_core.h"
#include "base/stream/producer_core.h"

namespace vramd::stream {
namespace {

constexpr uint32_t kImages = 8;
constexpr LaneTerms kHonestTerms = {LaneMode::kFifo, 2};

void Check(bool good, const char* what) {
  if (good) return;
  std::cerr << "broken promise: " << what << std::endl;
  std::abort();
}
template <typename T>
T Must(absl::StatusOr<T> result) {
  Check(result.ok(), "set-up");
  return *std::move(result);
}

std::shared_ptr<const MappedSection> NewLane() {
  return std::make_shared<const MappedSection>(Must(MappedSection::Map(
      Must(CreateSection(LaneBytes(), "fuzz lane")), LaneBytes(), SectionAccess::kReadWrite)));
}

struct Step {
  uint8_t operation, place_low, place_high, value;
  size_t place() const { return size_t{place_low} | size_t{place_high} << 8; }
};

// Memory that the fuzzer may write.
struct Prey {
  void* data;
  size_t bytes;

  Word64& word(size_t place) const { return static_cast<Word64*>(data)[place % (bytes / 8)]; }
  void Write(const Step& step) const {
    if (step.operation == 2)
      word(step.place()) = MakeTicket(step.value >> 4, step.value & 15);
    else if (step.operation == 3)
      word(step.place() / 8) = word(step.place() / 8) ^ uint64_t { step.value }
                                                            << step.place() % 8 * 8;
    else
      word(step.place()) = step.value * uint64_t{0x0101010101010101};
  }
};

// ---- A consumer, whose producer is the fuzzer -------------------------------------------------

class ConsumerUnderTest {
 public:
  explicit ConsumerUnderTest(LaneMode mode)
      : board_section_(Must(CreateSection(BoardBytes(), "fuzz board"))),
        board_(Must(MappedSection::Map(board_section_, BoardBytes(), SectionAccess::kReadWrite))),
        lane_(NewLane()),
        sender_(static_cast<Lane*>(lane_->data()), {mode, 4}) {
    writer().Begin();
    sender_.Open(1);
    consumer_ = Must(ConsumerCore::Create(
        Must(MappedSection::Map(board_section_, BoardBytes(), SectionAccess::kReadOnly)),
        {lane_, OsHandle(), OsHandle()}, {mode, 4}));
    consumer_->AddGeneration(1, kImages);
  }

  void Do(const Step& step) {
    if (step.operation == 0) return Take();
    if (step.operation == 1) return Send(step);
    const bool board = step.place_high & 0x80;
    const Prey prey =
        board ? Prey{board_.data(), sizeof(Board)} : Prey{lane_->data(), sizeof(Lane)};
    prey.Write(step);
  }

 private:
  BoardWriter writer() { return BoardWriter(static_cast<Board*>(board_.data())); }

  // A good frame now and then leads the fuzzer past the first checks.
  void Send(const Step& step) {
    FrameHeader header;
    header.facts.sequence = ++sequence_;
    header.facts.generation = 1;
    header.facts.image = step.value % kImages;
    header.facts.flags = step.value % 8;
    header.facts.published_ns = static_cast<int64_t>(step.value * uint64_t{0x0101010101010101});
    header.facts.damage_count = step.value % (kMaxDamage + 1);
    writer().WriteFrame(step.place_low % kSlotCapacity, header.facts, header.details);
    sender_.Collect();
    sender_.Offer(step.place_low % kSlotCapacity);
  }

  void Take() {
    const auto next = consumer_->TryNext();
    if (!next.ok()) return;
    if (next->kind != Received::Kind::kFrame) return;
    Check(consumer_->counters().received == ++taken_, "it counts for itself");
    Check(next->frame.slot < kSlotCapacity, "the slot exists");
    Check(next->frame.facts.image < kImages, "the image exists");
    Check(next->frame.facts.damage_count <= kMaxDamage, "the rectangles exist");
    Check(next->frame.facts.sequence > newest_, "frames come in order");
    newest_ = next->frame.facts.sequence;
    const FrameDetails details = consumer_->ReadDetails(next->frame);
    for (const uint8_t byte : details.reserved) Check(byte == 0, "reserved bytes are zero");
    Check(consumer_->Release(next->frame).ok(), "what is held can be released");
    Check(absl::IsInvalidArgument(consumer_->Release(next->frame)), "once");
    Check(consumer_->held() <= 4, "no more is held than allowed");
  }

  OsHandle board_section_;
  MappedSection board_;
  std::shared_ptr<const MappedSection> lane_;
  LaneSender sender_;
  std::unique_ptr<ConsumerCore> consumer_;
  uint64_t sequence_ = 0, newest_ = 0, taken_ = 0;
};

// ---- A producer, one of whose two consumers is the fuzzer -------------------------------------

class ProducerUnderTest {
 public:
  explicit ProducerUnderTest(LaneMode mode) : lane_(NewLane()) {
    const OsHandle board = Must(CreateOneWriterSection(BoardBytes(), "fuzz board"));
    producer_ = Must(ProducerCore::Create(board, {}));
    Check(producer_->NewGeneration(1, kImages, Patience::None()).ok(), "set-up");
    const auto honest_lane = NewLane();
    Check(producer_
              ->AddConsumer(ConsumerId{1}, kHonestTerms, WhenFull::kWait,
                            {honest_lane, OsHandle(), OsHandle()})
              .ok(),
          "set-up");
    Check(producer_
              ->AddConsumer(ConsumerId{2}, {mode, 4}, WhenFull::kDrop,
                            {lane_, OsHandle(), OsHandle()})
              .ok(),
          "set-up");
    honest_ = Must(ConsumerCore::Create(
        Must(MappedSection::Map(board, BoardBytes(), SectionAccess::kReadOnly)),
        {honest_lane, OsHandle(), OsHandle()}, kHonestTerms));
    honest_->AddGeneration(1, kImages);
  }

  void Do(const Step& step) {
    if (step.operation > 1) return Prey{lane_->data(), sizeof(Lane)}.Write(step);
    const auto slot = producer_->Acquire(Patience::None());
    Check(slot.ok(), "an attacked lane takes no more than its limit");
    Check(slot->slot < kSlotCapacity && slot->image < kImages, "the slot exists");
    Check(producer_->Publish(slot->slot, {}).ok(), "publishing goes on");
    const auto next = honest_->TryNext();
    Check(next.ok() && next->kind == Received::Kind::kFrame, "the other consumer gets its frame");
    Check(next->frame.facts.sequence == ++sequence_, "every frame");
    Check(honest_->Release(next->frame).ok(), "and gives it back");
    for (const LaneStats& stats : producer_->Stats())
      Check(stats.dropped <= sequence_, "it counts for itself");
    ReadCounts(*static_cast<const Lane*>(lane_->data()));  // as the broker does
    for (const BrokenLane& lane : producer_->TakeBrokenLanes())
      Check(lane.consumer == ConsumerId{2}, "only the attacked lane breaks");
  }

 private:
  std::shared_ptr<const MappedSection> lane_;
  std::unique_ptr<ProducerCore> producer_;
  std::unique_ptr<ConsumerCore> honest_;
  uint64_t sequence_ = 0;
};

template <typename End>
void RunSteps(End end, const uint8_t* data, size_t size) {
  for (; size >= sizeof(Step); data += sizeof(Step), size -= sizeof(Step)) {
    Step step;
    std::memcpy(&step, data, sizeof(step));
    step.operation %= 5;
    end.Do(step);
  }
}

}  // namespace
}  // namespace vramd::stream

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace vramd::stream;
  if (size == 0) return 0;
  const LaneMode mode = data[0] & 2 ? LaneMode::kMailbox : LaneMode::kFifo;
  if (data[0] & 1)
    RunSteps(ProducerUnderTest(mode), data + 1, size - 1);
  else
    RunSteps(ConsumerUnderTest(mode), data + 1, size - 1);
  return 0;
}
