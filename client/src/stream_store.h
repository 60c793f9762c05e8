// The images and semaphores of a stream, as they wait to be imported.
//
// Generations are numbered here, not by the broker: after a restart the new broker begins again at
// 1, and an application that keeps its imports by generation must not take new images for old ones.
// Thread-safe.
#ifndef VRAMD_CLIENT_SRC_STREAM_STORE_H_
#define VRAMD_CLIENT_SRC_STREAM_STORE_H_

#include <atomic>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "base/environment.h"
#include "base/mutex.h"
#include "base/os_handle.h"
#include "base/recipe.h"
#include "base/stream/image_ring.h"
#include "client/src/link.h"
#include "vramd/v1/streams.pb.h"

namespace vramd {

struct RingImage {
  Recipe recipe;
  OsHandle handle;
};
using RingImages = std::map<uint16_t, RingImage>;  // by their numbers, see image_ring.h
std::vector<uint16_t> NumbersOf(const RingImages& images);

// Redeems the handles of a generation. INVALID_ARGUMENT if it has no images, or more than a ring
// can have.
absl::StatusOr<RingImages> TakeRing(Link& link, const v1::Generation& generation,
                                    Clock::time_point deadline);

// Of an event that tells of images by their numbers.
std::vector<uint16_t> NumbersIn(const v1::StreamEvent& event);

// As base/stream has it; `images` are those of the generation.
stream::ImageRing RingOf(const v1::Generation& generation, const RingImages& images);

// Redeems one handle. NOT_FOUND if the message names none.
absl::StatusOr<OsHandle> TakeHandle(Link& link, const v1::HandleRef& handle,
                                    Clock::time_point deadline);

class StreamStore {
 public:
  // Ids of semaphores that are no consumer's.
  static constexpr uint64_t kFrames = 0;
  static constexpr uint64_t kOwnReleases = ~uint64_t{0};

  // Of a new ring, or further ones of a ring that grows; either may come first.
  void AddImages(uint32_t generation, RingImages images);
  void RemoveImages(uint32_t generation, absl::Span<const uint16_t> images);
  // Forgets what is older.
  void RetireRings(uint32_t oldest);
  // Forgets one ring that was never used.
  void RemoveRing(uint32_t generation);
  uint32_t oldest() const;
  uint32_t newest() const;
  uint32_t CountImages(uint32_t generation) const;  // 0: no such ring
  bool HasRing(uint32_t generation) const { return CountImages(generation) != 0; }
  bool HasImage(uint32_t generation, uint32_t image) const;
  std::vector<uint16_t> ListImages(uint32_t generation) const;
  // Another number after each change of the images, so that what was imported can be compared.
  uint64_t revision() const { return revision_.load(std::memory_order_acquire); }

  absl::StatusOr<Recipe> FindRecipe(uint32_t generation, uint32_t image) const;
  absl::StatusOr<OsHandle> DuplicateHandle(uint32_t generation, uint32_t image) const;

  void AddSemaphore(uint32_t session, uint64_t id, OsHandle handle);
  void RemoveSemaphore(uint32_t session, uint64_t id);
  void RetireSessions(uint32_t oldest);
  absl::Status CheckSemaphore(uint32_t session, uint64_t id) const;  // NOT_FOUND
  absl::StatusOr<OsHandle> DuplicateSemaphore(uint32_t session, uint64_t id) const;

 private:
  absl::StatusOr<const RingImage*> Find(uint32_t generation, uint32_t image) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable Mutex mutex_;
  std::map<uint32_t, RingImages> rings_ ABSL_GUARDED_BY(mutex_);
  std::atomic<uint64_t> revision_ = 0;
  std::map<std::pair<uint32_t, uint64_t>, OsHandle> semaphores_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace vramd

#endif  // VRAMD_CLIENT_SRC_STREAM_STORE_H_
