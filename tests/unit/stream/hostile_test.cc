// A peer that writes whatever it likes into every page that it can write.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "tests/unit/stream/stream_rig.h"

namespace vramd::stream {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Kind = Received::Kind;

constexpr LaneTerms kFifo4 = {LaneMode::kFifo, 4};
constexpr LaneTerms kMailbox2 = {LaneMode::kMailbox, 2};

// Random words at random places; every other one looks almost like a ticket.
class Vandal {
 public:
  Vandal(void* memory, size_t bytes)
      : words_(static_cast<Word64*>(memory)), count_(bytes / 8), thread_([this] { Run(); }) {}
  ~Vandal() {
    stop_ = true;
    thread_.join();
  }

 private:
  void Run() {
    for (uint64_t i = 0; !stop_; ++i) {
      const uint64_t dice = Scramble(i);
      const uint64_t ticket = MakeTicket(static_cast<uint32_t>(dice % 128), dice / 128 % 64);
      words_[(dice >> 32) % count_] = dice % 2 == 0 ? Scramble(dice) : ticket;
      words_[Scramble(dice) % count_] = dice % 3 == 0 ? ticket : dice;
    }
  }
  Word64* const words_;
  const size_t count_;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

TEST(Hostile, AConsumerHurtsItsOwnLaneOnly) {
  for (const LaneTerms& terms : {kFifo4, kMailbox2}) {
    StreamRig rig(12);
    auto victim = rig.AddConsumer(1, kFifo4, WhenFull::kWait);
    const LaneParts& lane = rig.AddLane(2, terms, WhenFull::kWait);
    Seen seen;
    std::thread honest([&] { seen = Consume(*victim, rig.images(), Patience::For(seconds(20))); });
    std::vector<BrokenLane> broken;
    {
      Vandal vandal(lane.lane(), sizeof(Lane));
      for (int i = 0; i < 3000 || broken.empty(); ++i) {
        // With its frames never given back in an orderly way, it is waited for until it is broken.
        const auto sequence = rig.Produce(Patience::For(milliseconds(100)));
        ASSERT_TRUE(sequence.ok() || absl::IsDeadlineExceeded(sequence.status()));
        for (BrokenLane& lost : rig.producer().TakeBrokenLanes()) broken.push_back(lost);
        ASSERT_LT(i, 100'000) << "the hostile lane was never noticed";
      }
    }
    rig.producer().End(EndReason::kFinished);
    honest.join();
    ASSERT_EQ(broken.size(), 1u);
    EXPECT_EQ(broken[0].consumer, ConsumerId{2});
    EXPECT_TRUE(absl::IsDataLoss(broken[0].why)) << broken[0].why;
    EXPECT_EQ(seen.wrong, "");
    EXPECT_EQ(seen.sequences.size(), rig.producer().published());
    EXPECT_EQ(rig.producer().Stats().size(), 1u);
  }
}

TEST(Hostile, AConsumerThatRingsForNothingIsDropped) {
  StreamRig rig(6);
  const LaneParts& lane = rig.AddLane(1, kFifo4, WhenFull::kWait);
  for (int i = 0; i < 4; ++i) Must(rig.Produce());
  std::atomic<bool> stop = false;
  std::thread ringer([&] {
    while (!stop) Ring({&lane.lane()->releases_bell, lane.releases.ring.get()});
  });
  const auto produced = rig.Produce(Patience::For(seconds(20)));
  stop = true;
  ringer.join();
  EXPECT_TRUE(produced.ok()) << produced.status();
  EXPECT_EQ(rig.producer().TakeBrokenLanes().size(), 1u);
}

TEST(Hostile, AProducerCannotUpsetItsConsumers) {
  for (const LaneTerms& terms : {kFifo4, kMailbox2}) {
    // A board that is writable here stands for a producer gone mad.
    const OsHandle section = Must(CreateSection(BoardBytes(), "test board"));
    const auto view = Must(MappedSection::Map(section, BoardBytes(), SectionAccess::kReadWrite));
    auto* board = static_cast<Board*>(view.data());
    for (int round = 0; round < 20; ++round) {
      BoardWriter(board).Begin();
      const LaneParts lane = MakeLane();
      auto consumer = Must(ConsumerCore::Create(
          Must(MappedSection::Map(section, BoardBytes(), SectionAccess::kReadOnly)),
          lane.ConsumerEnd(), terms));
      const Vandal board_vandal(board->slots, sizeof(board->slots));
      // All but the first line, which could end it at once.
      const Vandal lane_vandal(&lane.lane()->frames_bell,
                               sizeof(Lane) - offsetof(Lane, frames_bell));
      absl::Status status;
      while (status.ok()) {
        const auto next = consumer->Next(Patience::For(milliseconds(100)));
        status = next.status();
        if (!next.ok() || next->kind == Kind::kEnded) break;
        if (next->kind == Kind::kNewImage) consumer->AddGeneration(next->generation, 8);
        if (next->kind != Kind::kFrame) continue;
        EXPECT_LT(next->frame.facts.image, 8);
        consumer->ReadDetails(next->frame);
        status = consumer->Release(next->frame);
      }
      EXPECT_TRUE(status.ok() || absl::IsDataLoss(status)) << status;
    }
  }
}

TEST(Hostile, AProducerThatRingsForNothingIsFound) {
  StreamRig rig(6);
  auto consumer = rig.AddConsumer(1, kFifo4);
  const LaneParts other = MakeLane();
  auto victim = rig.Consumer(other, kFifo4);
  std::atomic<bool> stop = false;
  std::thread ringer([&] {
    while (!stop) Ring({&other.lane()->frames_bell, other.frames.ring.get()});
  });
  EXPECT_TRUE(absl::IsDataLoss(victim->Next(Patience::For(seconds(20))).status()));
  stop = true;
  ringer.join();
}

// A time of publishing that cannot be makes no latency, and no overflow.
TEST(Hostile, AFrameFromTheFutureIsNotMeasured) {
  const OsHandle section = Must(CreateSection(BoardBytes(), "test board"));
  const auto view = Must(MappedSection::Map(section, BoardBytes(), SectionAccess::kReadWrite));
  BoardWriter writer(static_cast<Board*>(view.data()));
  writer.Begin();
  const LaneParts lane = MakeLane();
  LaneSender sender(lane.lane(), kFifo4);
  sender.Open(1);
  auto consumer = Must(ConsumerCore::Create(
      Must(MappedSection::Map(section, BoardBytes(), SectionAccess::kReadOnly)), lane.ConsumerEnd(),
      kFifo4));
  consumer->AddGeneration(1, Images::kPerRing);
  uint32_t slot = 0;
  for (const int64_t published : {INT64_MAX, INT64_MIN, int64_t{-1}}) {
    FrameHeader header;
    header.facts.sequence = slot + 1;
    header.facts.generation = 1;
    header.facts.published_ns = published;
    writer.WriteFrame(slot, header.facts, header.details);
    sender.Offer(slot++);
    EXPECT_EQ(Must(consumer->TryNext()).kind, Kind::kFrame);
  }
  EXPECT_EQ(ReadCounts(*lane.lane()).taken, 3u);
  EXPECT_EQ(ReadCounts(*lane.lane()).measured, 0u);
}

// One bad word at a time, into a frame that is otherwise good.
TEST(Hostile, ABadHeaderIsNeverHandedOn) {
  struct Case {
    const char* field;
    size_t offset;
    uint64_t value;
    size_t bytes;
  };
  const Case cases[] = {
      {"sequence 0", offsetof(FrameFacts, sequence), 0, 8},
      {"the last sequence", offsetof(FrameFacts, sequence), UINT64_MAX, 8},
      {"generation 0", offsetof(FrameFacts, generation), 0, 4},
      {"image", offsetof(FrameFacts, image), Images::kPerRing, 2},
      {"flags", offsetof(FrameFacts, flags), 8, 2},
      {"damage count", offsetof(FrameFacts, damage_count), kMaxDamage + 1, 1},
      {"transform", offsetof(FrameFacts, transform), 3, 1},
      {"clock", offsetof(FrameFacts, capture_clock), 77, 1},
      {"range", offsetof(FrameFacts, video_full_range), 2, 1},
      {"duration", offsetof(FrameFacts, duration_ns), uint64_t{1} << 63, 8},
  };
  for (const Case& bad : cases) {
    const OsHandle section = Must(CreateSection(BoardBytes(), "test board"));
    const auto view = Must(MappedSection::Map(section, BoardBytes(), SectionAccess::kReadWrite));
    auto* board = static_cast<Board*>(view.data());
    BoardWriter writer(board);
    writer.Begin();
    FrameHeader header = PatternHeader(1);
    header.facts.sequence = 1;
    header.facts.generation = 1;
    std::memcpy(reinterpret_cast<char*>(&header.facts) + bad.offset, &bad.value, bad.bytes);
    // The writer copies as many rectangles as it is told, so a hostile count goes in afterwards.
    FrameFacts facts = header.facts;
    facts.damage_count = std::min<uint8_t>(facts.damage_count, kMaxDamage);
    writer.WriteFrame(0, facts, header.details);
    uint64_t last_word;
    std::memcpy(&last_word, reinterpret_cast<char*>(&header.facts) + 56, 8);
    board->slots[0].words[7] = last_word;
    const LaneParts lane = MakeLane();
    LaneSender sender(lane.lane(), kFifo4);
    sender.Open(1);
    sender.Offer(0);
    auto consumer = Must(ConsumerCore::Create(
        Must(MappedSection::Map(section, BoardBytes(), SectionAccess::kReadOnly)),
        lane.ConsumerEnd(), kFifo4));
    consumer->AddGeneration(1, Images::kPerRing);
    EXPECT_TRUE(absl::IsDataLoss(consumer->TryNext().status())) << bad.field;
    EXPECT_TRUE(absl::IsDataLoss(consumer->TryNext().status())) << "it stays so";
  }
}

}  // namespace
}  // namespace vramd::stream
