#include "tests/bench/stream/stream_parts.h"

#include <poll.h>

#include <cstdlib>
#include <iostream>
#include <optional>
#include <utility>

namespace vramd::bench {
namespace {

using std::chrono::nanoseconds;
using std::chrono::seconds;
using namespace stream;

template <typename T>
T Must(absl::StatusOr<T> result) {
  if (result.ok()) return *std::move(result);
  std::cerr << "stream_bench: " << result.status() << std::endl;
  std::abort();
}
void Must(const absl::Status& status) {
  if (status.ok()) return;
  std::cerr << "stream_bench: " << status << std::endl;
  std::abort();
}

// Far away, and computed once: the clock must not be read on the path that is measured more often
// than a user would.
Patience LongPatience(WaitBy wait) {
  static const Deadline far = std::chrono::steady_clock::now() + std::chrono::hours(24);
  return {far, wait == WaitBy::kSpin ? nanoseconds(std::chrono::hours(24)) : nanoseconds(0)};
}

Received AwaitByDoorbell(ConsumerCore& consumer) {
  for (;;) {
    Received next = Must(consumer.TryNext());
    if (next.kind != Received::Kind::kNothing) return next;
    if (!Must(consumer.ArmDoorbell())) continue;
    pollfd readable = {consumer.doorbell(), POLLIN, 0};
    poll(&readable, 1, -1);
  }
}

// Keeps the compiler from leaving out what was read.
volatile uint64_t sink;

}  // namespace

BenchStream::BenchStream(int consumers, const LaneTerms& terms)
    : board_(Must(CreateOneWriterSection(BoardBytes(), "bench board"))),
      producer_(Must(ProducerCore::Create(board_, {}))) {
  const uint32_t images = static_cast<uint32_t>(consumers) * terms.limit + 2;
  Must(producer_->NewGeneration(1, images, Patience::None()));
  for (int i = 0; i < consumers; ++i) {
    const OsHandle section = Must(CreateSection(LaneBytes(), "bench lane"));
    auto memory = std::make_shared<const MappedSection>(
        Must(MappedSection::Map(section, LaneBytes(), SectionAccess::kReadWrite)));
    Doorbell doorbell = Must(CreateDoorbell());
    Must(producer_->AddConsumer(ConsumerId{static_cast<uint64_t>(i) + 1}, terms, WhenFull::kWait,
                                {memory, std::move(doorbell.ring), OsHandle()}));
    consumers_.push_back(Must(ConsumerCore::Create(
        Must(MappedSection::Map(board_, BoardBytes(), SectionAccess::kReadOnly)),
        {memory, std::move(doorbell.listen), OsHandle()}, terms)));
    consumers_.back()->AddGeneration(1, images);
  }
}

FrameHeader BenchHeader(Header header) {
  FrameHeader full;
  full.facts.presentation_clock = ClockDomain::kMonotonic;
  if (header == Header::kFacts) return full;
  full.facts.flags = kHasCrop | kHasHdr | kHasApplication;
  full.facts.damage_count = kMaxDamage;
  full.details.crop = {0, 0, 3840, 2160};
  for (Rectangle& rectangle : full.details.damage) rectangle = {8, 8, 64, 64};
  return full;
}

ConsumerFrame TakeFrame(ConsumerCore& consumer, WaitBy wait) {
  const Received next = wait == WaitBy::kDoorbell ? AwaitByDoorbell(consumer)
                                                  : Must(consumer.Next(LongPatience(wait)));
  if (next.kind != Received::Kind::kFrame) std::abort();
  const FrameDetails details = consumer.ReadDetails(next.frame);
  sink = details.damage[kMaxDamage - 1].width + details.application[0];
  return next.frame;
}

void ReleaseFrame(ConsumerCore& consumer, const ConsumerFrame& frame) {
  Must(consumer.Release(frame));
}

void PublishFrame(ProducerCore& producer, const FrameHeader& header, WaitBy wait) {
  const AcquiredSlot slot = Must(producer.Acquire(LongPatience(wait)));
  Must(producer.Publish(slot.slot, header).status());
}

const char* Name(WaitBy wait) {
  if (wait == WaitBy::kFutex) return "futex";
  return wait == WaitBy::kDoorbell ? "pollable fd" : "spin";
}

// ---- The contender ----------------------------------------------------------------------------

namespace {

class StreamContender : public Contender {
 public:
  StreamContender(WaitBy wait, Header header)
      : wait_(wait), kind_(header), header_(BenchHeader(header)) {}

  std::string name() const override {
    return std::string("vramd stream, ") + Name(wait_) +
           (kind_ == Header::kFull ? ", full header" : ", hot line only");
  }
  void StartPing() override { Acquire(there_.producer()); }
  void StartPong() override { Acquire(back_.producer()); }
  // The answer first: giving back, and having a slot to render the next frame into, is no part of
  // handing over. Each side does that while the other has the word.
  void Ping() override {
    Publish(there_.producer());
    GiveBack(back_.consumer(0));
    Acquire(there_.producer());
    held_ = TakeFrame(back_.consumer(0), wait_);
  }
  void Pong() override {
    held_ = TakeFrame(there_.consumer(0), wait_);
    Publish(back_.producer());
    GiveBack(there_.consumer(0));
    Acquire(back_.producer());
  }

 private:
  void Acquire(ProducerCore& producer) { slot_ = Must(producer.Acquire(LongPatience(wait_))).slot; }
  void Publish(ProducerCore& producer) { Must(producer.Publish(slot_, header_).status()); }
  void GiveBack(ConsumerCore& consumer) {
    if (held_) ReleaseFrame(consumer, *held_);
    held_.reset();
  }

  const WaitBy wait_;
  const Header kind_;
  const FrameHeader header_;
  uint32_t slot_ = 0;
  std::optional<ConsumerFrame> held_;
  BenchStream there_{1, {LaneMode::kFifo, 4}};
  BenchStream back_{1, {LaneMode::kFifo, 4}};
};

}  // namespace

std::unique_ptr<Contender> MakeStream(WaitBy wait, Header header) {
  return std::make_unique<StreamContender>(wait, header);
}

}  // namespace vramd::bench
