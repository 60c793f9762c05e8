#include "base/stream/board.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "base/section.h"

namespace vramd::stream {
namespace {

constexpr size_t kWord = sizeof(uint64_t);

// Word by word and atomic, because a hostile producer may write while a consumer reads, and that
// must be no undefined behaviour. The ticket orders all words; release and acquire are for a
// consumer that has been removed: if it reads a word of a later frame, it also sees that it is out.
void StoreWords(Word64* to, const void* from, size_t bytes) {
  for (size_t i = 0; i < bytes / kWord; ++i) {
    uint64_t word;
    std::memcpy(&word, static_cast<const char*>(from) + i * kWord, kWord);
    to[i].store(word, std::memory_order_release);
  }
}

void LoadWords(void* to, const Word64* from, size_t bytes) {
  for (size_t i = 0; i < bytes / kWord; ++i) {
    const uint64_t word = from[i].load(std::memory_order_acquire);
    std::memcpy(static_cast<char*>(to) + i * kWord, &word, kWord);
  }
}

// The parts of FrameDetails, by what says that they are there.
struct Part {
  size_t offset, bytes;
};
constexpr Part kCropPart = {offsetof(FrameDetails, crop), sizeof(Rectangle)};
constexpr Part kHdrPart = {offsetof(FrameDetails, hdr), sizeof(HdrMetadata)};
constexpr Part kApplicationPart = {offsetof(FrameDetails, application), kApplicationBytes};
constexpr Part kWhitePart = {offsetof(FrameDetails, sdr_white_level), kWord};

template <typename Visit>
void ForEachPart(const FrameFacts& facts, Visit visit) {
  if (facts.flags & kHasCrop) visit(kCropPart);
  if (facts.flags & kHasHdr) visit(kHdrPart);
  if (facts.flags & kHasHdr) visit(kWhitePart);
  if (facts.flags & kHasApplication) visit(kApplicationPart);
  if (facts.damage_count > 0)
    visit(Part{offsetof(FrameDetails, damage),
               std::min<size_t>(facts.damage_count, kMaxDamage) * sizeof(Rectangle)});
}

size_t DetailWord(const Part& part) { return (sizeof(FrameFacts) + part.offset) / kWord; }

bool Known(ClockDomain domain) {
  return domain <= ClockDomain::kRealtime || domain == ClockDomain::kUnknown;
}

uint64_t RoundUp(uint64_t bytes) {
  const uint64_t unit = SectionAlignment();
  return (bytes + unit - 1) / unit * unit;
}

absl::Status Unsound(absl::string_view field, uint64_t value, absl::string_view rule) {
  return absl::InvalidArgumentError(
      absl::StrCat("a frame header's ", field, " is ", value, ", but must be ", rule));
}

}  // namespace

uint64_t BoardBytes() { return RoundUp(sizeof(Board)); }
uint64_t LaneBytes() { return RoundUp(sizeof(Lane)); }

absl::Status CheckFacts(const FrameFacts& facts) {
  if (facts.damage_count > kMaxDamage)
    return Unsound("damage count", facts.damage_count, absl::StrCat("at most ", kMaxDamage));
  if ((facts.flags & ~kKnownFrameFlags) != 0)
    return Unsound("flags", facts.flags, "made of known bits");
  if (facts.transform == 0 || (facts.transform & (facts.transform - 1)) != 0)
    return Unsound("transform", facts.transform, "one bit of VkSurfaceTransformFlagBitsKHR");
  if (!Known(facts.presentation_clock) || !Known(facts.capture_clock))
    return absl::InvalidArgumentError("a frame header's clock domain is unknown");
  if (facts.video_full_range > 1)
    return Unsound("full-range flag", facts.video_full_range, "0 or 1");
  if (facts.duration_ns < 0)
    return absl::InvalidArgumentError("a frame header's duration is negative");
  return absl::OkStatus();
}

// ---- The writer -------------------------------------------------------------------------------

void BoardWriter::Begin(uint64_t stream) {
  // Relaxed: handing the section on orders them.
  board_->layout_version.store(kLayoutVersion, std::memory_order_relaxed);
  board_->slot_capacity.store(kSlotCapacity, std::memory_order_relaxed);
  board_->record_bytes.store(sizeof(SlotRecord), std::memory_order_relaxed);
  board_->stream.store(stream, std::memory_order_relaxed);
  board_->magic.store(kBoardMagic, std::memory_order_relaxed);
}

void BoardWriter::SetBase(uint64_t frames) {
  // Release: whoever sees a frame, which is stored later, sees its base.
  board_->base.store(frames, std::memory_order_release);
}

void BoardWriter::WriteFrame(uint32_t slot, const FrameFacts& facts, const FrameDetails& details) {
  Word64* words = board_->slots[slot].words;
  StoreWords(words, &facts, sizeof(FrameFacts));
  const char* bytes = reinterpret_cast<const char*>(&details);
  ForEachPart(facts, [&](const Part& part) {
    StoreWords(words + DetailWord(part), bytes + part.offset, part.bytes);
  });
}

void BoardWriter::SetPublished(uint64_t sequence) {
  // Release: pairs with published(); a reader that counts drops at the end sees the true end.
  board_->published.store(sequence, std::memory_order_release);
}

void BoardWriter::SetLastFrame(std::optional<uint32_t> slot) {
  // Release: the frame's header is written before. The stamp has no use here.
  board_->last_frame.store(slot ? MakeTicket(1, *slot) : 0, std::memory_order_release);
}

void BoardWriter::SetEnd(EndReason reason) {
  // Release: all frames that were published before. The caller rings.
  board_->end_reason.store(static_cast<uint64_t>(reason), std::memory_order_release);
}

// ---- The reader -------------------------------------------------------------------------------

absl::Status BoardReader::Check() const {
  if (board_->magic.load(std::memory_order_relaxed) != kBoardMagic)
    return absl::FailedPreconditionError("this memory is no stream's board: wrong magic number");
  const uint32_t version = board_->layout_version.load(std::memory_order_relaxed);
  if (version != kLayoutVersion)
    return absl::FailedPreconditionError(absl::StrCat("the producer's stream layout is version ",
                                                      version, ", ours is ", kLayoutVersion,
                                                      ": use the same vramd on both sides"));
  if (board_->slot_capacity.load(std::memory_order_relaxed) != kSlotCapacity ||
      board_->record_bytes.load(std::memory_order_relaxed) != sizeof(SlotRecord))
    return absl::FailedPreconditionError("the board's dimensions do not fit its layout version");
  return absl::OkStatus();
}

void BoardReader::ExpectDetails(uint32_t slot) const {
#if defined(__GNUC__)
  const auto* const record = reinterpret_cast<const char*>(&board_->slots[slot]);
  for (size_t at = kLine; at < sizeof(SlotRecord); at += kLine) __builtin_prefetch(record + at);
#else
  (void)slot;
#endif
}

absl::Status BoardReader::ReadFacts(uint32_t slot, FrameFacts& facts) const {
  LoadWords(&facts, board_->slots[slot].words, sizeof(facts));
  if (const absl::Status sound = CheckFacts(facts); !sound.ok())
    return absl::DataLossError(sound.message());
  return absl::OkStatus();
}

FrameDetails BoardReader::ReadDetails(uint32_t slot, const FrameFacts& facts) const {
  FrameDetails details;
  const Word64* words = board_->slots[slot].words;
  ForEachPart(facts, [&](const Part& part) {
    LoadWords(reinterpret_cast<char*>(&details) + part.offset, words + DetailWord(part),
              part.bytes);
  });
  std::memset(details.reserved, 0, sizeof(details.reserved));
  return details;
}

EndReason BoardReader::end_reason() const {
  // Acquire: whoever sees the end sees every frame.
  const uint64_t reason = board_->end_reason.load(std::memory_order_acquire);
  if (reason == static_cast<uint64_t>(EndReason::kLive)) return EndReason::kLive;
  if (reason == static_cast<uint64_t>(EndReason::kFinished)) return EndReason::kFinished;
  if (reason == static_cast<uint64_t>(EndReason::kMoved)) return EndReason::kMoved;
  return EndReason::kFailed;
}

std::optional<uint32_t> BoardReader::last_frame() const {
  const uint64_t ticket = board_->last_frame.load(std::memory_order_acquire);
  if (ticket == 0 || !TicketSound(ticket)) return std::nullopt;
  return TicketSlot(ticket);
}

}  // namespace vramd::stream
