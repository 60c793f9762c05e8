// A consumer's end of a stream: the board to read, one lane, and what it holds.
//
//   core = ConsumerCore::Create(board, lane, terms)
//   for (;;) {
//     next = core->Next(patience)
//     kFrame          use image next.frame.facts.image of that generation; core->Release(frame)
//     kNewImage       have the broker tell of next.image; core->AddGeneration(), or AddImages()
//     kEnded          next.reason says why; core->LastFrame() may still be there
//     kNothing        the patience is at its end
//   }
//
// It doubts everything that the producer writes: a header is copied once, and the copy is checked.
// It knows nothing of Vulkan, of the broker, or of how handles travel.
//
// Next(), TryNext() and ArmDoorbell() belong to one thread at a time; everything else is
// thread-safe, and Release() may come from any thread.
#ifndef VRAMD_BASE_STREAM_CONSUMER_CORE_H_
#define VRAMD_BASE_STREAM_CONSUMER_CORE_H_

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/atomic.h"
#include "base/mutex.h"
#include "base/section.h"
#include "base/stream/board.h"
#include "base/stream/image_ring.h"
#include "base/stream/lane.h"
#include "base/stream/wait.h"

namespace vramd::stream {

// The consumer's part of a lane. Doorbells may be absent where Sleep() does not need them.
struct ConsumerLane {
  std::shared_ptr<const MappedSection> memory;  // shared only where both ends are one process
  OsHandle frames_listen;                       // of the doorbell that the producer rings
  OsHandle releases_ring;                       // of the doorbell that the producer listens to
};

struct ConsumerFrame {
  uint32_t slot = 0;
  bool kept = false;  // from LastFrame(): not held, need not be released
  FrameFacts facts;
};

struct Received {
  enum class Kind : uint8_t { kNothing, kFrame, kNewImage, kEnded };
  Kind kind = Kind::kNothing;
  ConsumerFrame frame;  // kFrame
  // kNewImage: a frame is in an image that this consumer was not told of. Perhaps the whole ring is
  // new to it, perhaps the ring has grown.
  uint32_t generation = 0;
  uint16_t image = 0;
  EndReason reason = EndReason::kLive;  // kEnded
};

// After kEnded by the producer: received + dropped is the number of frames that were published
// since this consumer joined, the one that it joined on included.
struct ConsumerCounters {
  uint64_t received = 0;
  uint64_t dropped = 0;  // known from gaps in the sequence
};

class ConsumerCore {
 public:
  // `board` is mapped read-only. FAILED_PRECONDITION: it is not a board that we understand.
  static absl::StatusOr<std::unique_ptr<ConsumerCore>> Create(MappedSection board,
                                                              ConsumerLane lane,
                                                              const LaneTerms& terms);

  // This consumer has seen the stream up to that frame, on other boards: what it misses between
  // that and the first one here counts as dropped. Before the first Next().
  void ContinueAfter(uint64_t frames) { seen_before_ = frames; }
  // For the next one's ContinueAfter(): up to where all frames were received or counted as dropped.
  // nullopt: it has none yet. For the thread that calls Next().
  std::optional<uint64_t> seen() const;

  // The next event, in order. FAILED_PRECONDITION: it holds as many frames as it may, release one.
  // CANCELLED: by Cancel(). DATA_LOSS: the producer broke the protocol; so will every later call.
  absl::StatusOr<Received> Next(const Patience& patience);
  absl::StatusOr<Received> TryNext() { return Next(Patience::None()); }

  // What the broker says of a ring: only frames in images that it has told of come out of Next(). A
  // frame in another image of a ring that does not grow breaks the protocol; of one that grows, the
  // broker may be about to tell of it.
  void AddGeneration(const ImageRing& ring);
  void AddGeneration(uint32_t generation, uint32_t images) {
    AddGeneration(ImageRing::Fixed(generation, images));
  }
  void AddImages(uint32_t generation, absl::Span<const uint16_t> images);
  void RemoveImages(uint32_t generation, absl::Span<const uint16_t> images);
  // Whether frames in that image would come out of Next().
  bool KnowsImage(uint32_t generation, uint16_t image);

  // The rest of the frame's header. Valid until the frame is released.
  FrameDetails ReadDetails(const ConsumerFrame& frame) const {
    reads_details_.store(true, std::memory_order_relaxed);
    return board_.ReadDetails(frame.slot, frame.facts);
  }

  // Gives the frame back. `value`: this consumer's semaphore reaches it when its GPU work on the
  // frame is done; 0: it is done. INVALID_ARGUMENT: the frame is not held.
  absl::Status Release(const ConsumerFrame& frame, uint64_t value = 0);

  // After the end: the frame that the producer kept, for those who came late or want it again. The
  // caller knows its generation or cannot use it. NOT_FOUND: none was kept.
  absl::StatusOr<ConsumerFrame> LastFrame() const;

  // Told from outside: the producer is dead (kProducerGone), or this consumer is out (kRemoved).
  // Before the end come the frames that are in the lane, but not for who is out.
  void EndLocally(EndReason reason);
  // Makes the Next() that waits now return CANCELLED, or else the next.
  void Cancel();

  // For event loops. ArmDoorbell() returns true when nothing is there: poll doorbell() until it is
  // readable, then call TryNext() until kNothing, then arm again. False: call TryNext() first.
  absl::StatusOr<bool> ArmDoorbell();
  NativeHandle doorbell() const { return lane_.frames_listen.get(); }

  const BoardReader& board() const { return board_; }
  ConsumerCounters counters() const;
  uint32_t held() const;

 private:
  ConsumerCore(MappedSection board, ConsumerLane lane, const LaneTerms& terms);

  // These fill `received`, which is kNothing before. They return no StatusOr because a frame would
  // be copied at every level, in the time between its publishing and its use.
  absl::Status Look(Received& received);
  absl::Status LookInLane(Received& received);
  absl::Status Spin(const Patience& patience, Received& received);
  absl::Status SleepAndLook(Deadline until, Received& received);
  absl::Status Deliver(Received& received);
  absl::Status Finish(EndReason reason, Received& received);
  absl::Status Accept(uint32_t slot);
  absl::Status CheckOrder(const FrameFacts& facts);
  bool Know(uint32_t generation, uint16_t image);
  KnownImages* FindRing(uint32_t generation) ABSL_EXCLUSIVE_LOCKS_REQUIRED(rings_mutex_);
  void ExpectFirst();
  void CountDrops(uint64_t next_sequence);
  EndReason EndInSight() const;
  bool Removed() const;
  absl::Status Fault(absl::string_view why);
  Bell FramesBell() const;
  Bell OwnBell() const;
  Bell ReleasesBell() const;

  const MappedSection board_memory_;
  const ConsumerLane lane_;
  OsHandle own_ringer_;  // wakes our own Next() or event loop
  const LaneTerms terms_;
  const BoardReader board_;
  LaneReceiver receiver_;

  // Next()'s own, like receiver_.
  std::optional<absl::StatusOr<Received>> stashed_;  // found by ArmDoorbell()
  bool pending_ = false;  // pending_frame_ is taken and held, but not handed out yet
  ConsumerFrame pending_frame_;
  std::optional<uint64_t> seen_before_;
  uint64_t expected_ = 0;    // the sequence number that would be no gap, 0: unknown
  uint32_t generation_ = 0;  // of the newest frame
  KnownImages ring_;         // the one that was looked up last
  int idle_wakes_ = 0;
  bool spinning_ = false;  // the Next() that runs polls before it sleeps
  EndReason ended_ = EndReason::kLive;

  Atomic<EndReason> local_end_{EndReason::kLive};
  Atomic<bool> cancelled_{false};
  Atomic<uint64_t> received_{0}, dropped_{0};  // relaxed: they are only numbers

  mutable Atomic<bool> reads_details_{false};  // relaxed: who did once is expected to again

  // What is held. Next() adds, Release() removes: a slot is held once its bit is set. The bit goes
  // before the slot is given back, because the slot may come again at once. The count, against
  // which Next() checks the limit, goes after that: the producer counts a frame until it is given
  // back, so a frame that is taken in between would be one too many for it.
  Atomic<SlotSet> held_{0};
  Atomic<uint32_t> held_count_{0};
  std::array<Atomic<uint64_t>, kSlotCapacity> held_sequences_{};

  Mutex release_mutex_;  // makes Release() one at a time
  Mutex rings_mutex_;
  std::vector<KnownImages> rings_ ABSL_GUARDED_BY(rings_mutex_);
};

}  // namespace vramd::stream

#endif  // VRAMD_BASE_STREAM_CONSUMER_CORE_H_
