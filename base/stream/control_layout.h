// The control memory of a stream: every byte that its parties share, and who writes it.
//
// A stream has one board and, per consumer, one lane. The board is written by the producer alone;
// the system itself keeps consumers from writing it. A lane is written by its consumer and by the
// producer; no other consumer ever sees it. So a consumer can harm nobody's lane but its own.
//
// The rules of the layout:
// - Integers are fixed-width and little-endian, floats are IEEE 754; there are no pointers.
// - A change of any offset, size or meaning is a new kLayoutVersion. Reserved bytes are zero.
// - No queue position crosses the memory: each side counts for itself, and an entry carries the
//   stamp of its own position. So there is no index that a peer could set out of bounds.
// - Whatever is read from a peer is copied once, and the copy is checked before it is used.
//
// Words: a slot is one of the board's kSlotCapacity places. The producer binds it to one image of
// one generation of the ring; when that generation has drained, the slot is free for another.
#ifndef VRAMD_BASE_STREAM_CONTROL_LAYOUT_H_
#define VRAMD_BASE_STREAM_CONTROL_LAYOUT_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "base/atomic.h"

namespace vramd::stream {

inline constexpr uint32_t kBoardMagic = 0x42535256;  // "VRSB"
inline constexpr uint32_t kLayoutVersion = 2;
inline constexpr uint32_t kSlotCapacity = 64;
inline constexpr uint32_t kMaxDamage = 16;
inline constexpr uint32_t kApplicationBytes = 64;
inline constexpr size_t kLine = 64;  // bytes of a cache line

using Word32 = Atomic<uint32_t>;
using Word64 = Atomic<uint64_t>;
static_assert(Word32::is_always_lock_free && sizeof(Word32) == 4);
static_assert(Word64::is_always_lock_free && sizeof(Word64) == 8);
static_assert(std::endian::native == std::endian::little);

// ---- One frame -------------------------------------------------------------------------------

// Numbers 0 to 3 are those of VkTimeDomainKHR.
enum class ClockDomain : uint8_t {
  kDevice = 0,
  kMonotonic = 1,     // CLOCK_MONOTONIC
  kMonotonicRaw = 2,  // CLOCK_MONOTONIC_RAW
  kPerformanceCounter = 3,
  kRealtime = 4,  // CLOCK_REALTIME, UTC since 1970
  kUnknown = 255,
};

// What of FrameDetails holds something. The damage needs no flag: it has a count.
enum FrameFlags : uint16_t { kHasCrop = 1, kHasHdr = 2, kHasApplication = 4 };
inline constexpr uint16_t kKnownFrameFlags = kHasCrop | kHasHdr | kHasApplication;

// The hot line: all that a consumer needs of most frames, in one cache line.
struct FrameFacts {
  uint64_t sequence = 0;    // 1, 2, 3... over the stream's life; a gap is a drop
  uint32_t generation = 0;  // of the ring, told by the broker; never falls
  uint16_t image = 0;       // index within that generation's ring
  uint16_t flags = 0;       // FrameFlags
  uint64_t timeline_value =
      0;  // the producer's semaphore reaches it when the image is ready; 0: it is
  int64_t published_ns = 0;  // monotonic clock, set by Publish()
  int64_t presentation_ns = 0;
  int64_t capture_ns = 0;
  int64_t duration_ns = 0;  // 0: unknown
  ClockDomain presentation_clock = ClockDomain::kUnknown;
  ClockDomain capture_clock = ClockDomain::kUnknown;
  uint8_t damage_count = 0;      // 0: everything may have changed
  uint8_t transform = 1;         // one bit of VkSurfaceTransformFlagBitsKHR; 1: identity
  uint8_t colour_primaries = 2;  // these three: ITU-T H.273; 2: unspecified
  uint8_t transfer_characteristics = 2;
  uint8_t matrix_coefficients = 2;
  uint8_t video_full_range = 1;  // H.273's VideoFullRangeFlag
};
static_assert(sizeof(FrameFacts) == kLine);
static_assert(offsetof(FrameFacts, generation) == 8);
static_assert(offsetof(FrameFacts, image) == 12);
static_assert(offsetof(FrameFacts, flags) == 14);
static_assert(offsetof(FrameFacts, timeline_value) == 16);
static_assert(offsetof(FrameFacts, published_ns) == 24);
static_assert(offsetof(FrameFacts, presentation_ns) == 32);
static_assert(offsetof(FrameFacts, capture_ns) == 40);
static_assert(offsetof(FrameFacts, duration_ns) == 48);
static_assert(offsetof(FrameFacts, presentation_clock) == 56);
static_assert(offsetof(FrameFacts, damage_count) == 58);
static_assert(offsetof(FrameFacts, transform) == 59);
static_assert(offsetof(FrameFacts, colour_primaries) == 60);
static_assert(offsetof(FrameFacts, video_full_range) == 63);

// As VkRect2D, in pixels of the image.
struct Rectangle {
  int32_t x = 0, y = 0;
  uint32_t width = 0, height = 0;
  friend bool operator==(const Rectangle&, const Rectangle&) = default;
};
static_assert(sizeof(Rectangle) == 16);

struct Chromaticity {
  float x = 0, y = 0;
  friend bool operator==(const Chromaticity&, const Chromaticity&) = default;
};

// As VkHdrMetadataEXT: SMPTE ST 2086 mastering display and CTA-861.3 content light levels, cd/m2.
struct HdrMetadata {
  Chromaticity display_primary_red, display_primary_green, display_primary_blue, white_point;
  float max_luminance = 0, min_luminance = 0;
  float max_content_light_level = 0, max_frame_average_light_level = 0;  // MaxCLL, MaxFALL
  friend bool operator==(const HdrMetadata&, const HdrMetadata&) = default;
};
static_assert(sizeof(HdrMetadata) == 48);

// The rest of a frame's header, read only when asked for.
struct FrameDetails {
  Rectangle crop;                               // kHasCrop: the part of the image to show
  HdrMetadata hdr;                              // kHasHdr
  uint8_t application[kApplicationBytes] = {};  // kHasApplication: nobody else looks at it
  // What differs from the frame with the sequence number before: who missed one redraws everything.
  Rectangle damage[kMaxDamage];
  float sdr_white_level = 0;  // kHasHdr: cd/m2 of reference white, 0: unknown
  uint8_t reserved[60] = {};
};
static_assert(sizeof(FrameDetails) == 7 * kLine);
static_assert(offsetof(FrameDetails, hdr) == 16);
static_assert(offsetof(FrameDetails, application) == 64);
static_assert(offsetof(FrameDetails, damage) == 128);
static_assert(offsetof(FrameDetails, sdr_white_level) == 384);

struct FrameHeader {
  FrameFacts facts;
  FrameDetails details;
};
static_assert(sizeof(FrameHeader) == 512 && offsetof(FrameHeader, details) == kLine);
static_assert(std::is_trivially_copyable_v<FrameHeader>);

// ---- The board: written by the producer only --------------------------------------------------

enum class EndReason : uint64_t {
  kLive = 0,          // not ended
  kFinished = 1,      // the producer said so
  kFailed = 2,        // the producer met an error
  kProducerGone = 3,  // it died: never in the memory, told by who watches the process
  kRemoved = 4,       // this consumer was dropped
  kMoved = 5,         // the broker has restarted; the stream goes on with a board of the new one
};

// A frame's header as it lies in shared memory: read and written word by word.
struct alignas(kLine) SlotRecord {
  Word64 words[sizeof(FrameHeader) / sizeof(Word64)];
};

struct Board {
  Word32 magic;           // kBoardMagic
  Word32 layout_version;  // kLayoutVersion
  Word32 slot_capacity;   // kSlotCapacity
  Word32 record_bytes;    // sizeof(SlotRecord)
  // A stream that outlives its broker gets a new board. What goes on:
  Word64 stream;  // a random number that tells it from others that have its name
  Word64 base;    // frames that were published before on other boards; set before the first frame
  uint64_t reserved0[4];

  // Consumers poll the first of these lines; the producer writes the second with every frame.
  alignas(kLine) Word64 end_reason;  // EndReason
  alignas(kLine) Word64 published;   // sequence of the newest frame, 0: none yet
  Word64 last_frame;                 // ticket of the frame that is kept, 0: none

  alignas(4096) SlotRecord slots[kSlotCapacity];
};
static_assert(sizeof(SlotRecord) == 512);
static_assert(offsetof(Board, stream) == 16);
static_assert(offsetof(Board, base) == 24);
static_assert(offsetof(Board, end_reason) == 64);
static_assert(offsetof(Board, published) == 128);
static_assert(offsetof(Board, last_frame) == 136);
static_assert(offsetof(Board, slots) == 4096);
static_assert(sizeof(Board) == 36864);

// ---- A lane: written by one consumer and by the producer --------------------------------------

// A ticket names a slot. Bits 0 to 7: slot; 31: always set; 32 to 63: stamp. In a queue the stamp
// of position n (from 0) is n + 1; in the mailbox it is the number of the posting, from 1.
inline constexpr uint64_t kTicketSlotMask = 0xff;
inline constexpr uint64_t kTicketValid = uint64_t{1} << 31;

constexpr uint64_t MakeTicket(uint32_t stamp, uint32_t slot) {
  return uint64_t{stamp} << 32 | kTicketValid | slot;
}
constexpr uint32_t TicketStamp(uint64_t ticket) { return static_cast<uint32_t>(ticket >> 32); }
constexpr uint32_t TicketSlot(uint64_t ticket) {
  return static_cast<uint32_t>(ticket & kTicketSlotMask);
}
// Whether this is a ticket at all, for a slot that exists.
constexpr bool TicketSound(uint64_t ticket) {
  return (ticket & 0xffffffff & ~kTicketSlotMask) == kTicketValid &&
         TicketSlot(ticket) < kSlotCapacity;
}

// Says whether the waiter of one direction sleeps; wait.h has the protocol.
using BellWord = Word32;

struct Release {
  Word64 value;   // the consumer's semaphore reaches it when its GPU work is done; 0: it is
  Word64 ticket;  // written last
};

// How a consumer fares, for whoever looks on. Neither end needs these or believes the other's.
// Two looks give the mean latency between them: of the totals' difference by that of `measured`.
struct Counts {
  Word64 taken;             // frames
  Word64 measured;          // of these, the ones with a known latency: from publishing to taking
  Word64 latency_total_ns;  // of all that were measured
  Word64 latency_ns;        // of the latest one
};

struct Lane {
  alignas(kLine) Word64 first_sequence;  // producer: the first frame that was meant for this lane
  Word32 closed;                         // producer: not 0 once it has dropped this lane

  // The producer writes this line with every frame anyway, the consumer only when it goes to sleep.
  alignas(kLine) BellWord frames_bell;  // the consumer arms it, the producer rings
  Word64 dropped;                       // producer: frames that this consumer will never see
  alignas(kLine) Word64 mailbox;        // mailbox mode: ticket of the newest frame, 0: taken
  alignas(kLine) Word64 frames[kSlotCapacity];  // fifo mode: tickets, by the producer
  // The consumer writes this line with every release anyway, the producer only when it waits.
  alignas(kLine) BellWord releases_bell;           // the producer arms it, the consumer rings
  Counts counts;                                   // by the consumer
  alignas(kLine) Release releases[kSlotCapacity];  // by the consumer
};
static_assert(offsetof(Lane, closed) == 8);
static_assert(offsetof(Lane, frames_bell) == 64);
static_assert(offsetof(Lane, dropped) == 72);
static_assert(offsetof(Lane, mailbox) == 128);
static_assert(offsetof(Lane, frames) == 192);
static_assert(offsetof(Lane, releases_bell) == 704);
static_assert(offsetof(Lane, counts) == 712);
static_assert(sizeof(Counts) == 32);
static_assert(offsetof(Lane, releases) == 768);
static_assert(sizeof(Lane) == 1792);

}  // namespace vramd::stream

#endif  // VRAMD_BASE_STREAM_CONTROL_LAYOUT_H_
