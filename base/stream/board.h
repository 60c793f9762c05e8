// The board, seen by its writer and by its readers: headers go in whole and come out checked.
#ifndef VRAMD_BASE_STREAM_BOARD_H_
#define VRAMD_BASE_STREAM_BOARD_H_

#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/stream/control_layout.h"

namespace vramd::stream {

// Bytes of the sections: the structures, rounded up to what can be mapped.
uint64_t BoardBytes();
uint64_t LaneBytes();

// INVALID_ARGUMENT naming the field, for a header that no consumer would accept.
absl::Status CheckFacts(const FrameFacts& facts);

// The producer's. One thread at a time.
class BoardWriter {
 public:
  explicit BoardWriter(Board* board) : board_(board) {}

  // Once, before the section is handed to any consumer.
  void Begin(uint64_t stream = 0);
  // Before the first frame.
  void SetBase(uint64_t frames);

  // Writes of the details what the facts' flags and damage count say that there is, and no more.
  // The slot must be in nobody's hands. Followed by a release store of a ticket for the slot.
  void WriteFrame(uint32_t slot, const FrameFacts& facts, const FrameDetails& details);

  void SetPublished(uint64_t sequence);
  void SetLastFrame(std::optional<uint32_t> slot);
  void SetEnd(EndReason reason);

 private:
  Board* const board_;
};

// A consumer's. Thread-safe: it has no state of its own.
class BoardReader {
 public:
  explicit BoardReader(const Board* board) : board_(board) {}

  // FAILED_PRECONDITION unless this is a board of our layout.
  absl::Status Check() const;

  // A hint that ReadDetails() will soon be called: its lines come along with the first one, and not
  // one cache miss later.
  void ExpectDetails(uint32_t slot) const;
  // The hot line of a slot whose ticket has been taken. DATA_LOSS when it is not sound.
  absl::Status ReadFacts(uint32_t slot, FrameFacts& facts) const;
  // The rest, as far as `facts` says that there is any; everything else is zero.
  FrameDetails ReadDetails(uint32_t slot, const FrameFacts& facts) const;

  uint64_t stream() const { return board_->stream.load(std::memory_order_relaxed); }
  // Acquire, as all that a consumer may read while the producer writes.
  uint64_t base() const { return board_->base.load(std::memory_order_acquire); }
  EndReason end_reason() const;
  uint64_t published() const { return board_->published.load(std::memory_order_acquire); }
  std::optional<uint32_t> last_frame() const;

 private:
  const Board* const board_;
};

}  // namespace vramd::stream

#endif  // VRAMD_BASE_STREAM_BOARD_H_
