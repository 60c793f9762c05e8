// The images and semaphores of a stream, as they wait to be imported.
//
// Generations are numbered here, not by the broker: after a restart the new broker begins again at
// 1, and an application that keeps its imports by generation must not take new images for old ones.
// Thread-safe.
#ifndef VRAMD_CLIENT_SRC_STREAM_STORE_H_
#define VRAMD_CLIENT_SRC_STREAM_STORE_H_

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "base/environment.h"
#include "base/mutex.h"
#include "base/os_handle.h"
#include "base/recipe.h"
#include "client/src/link.h"
#include "vramd/v1/streams.pb.h"

namespace vramd {

struct RingImage {
  Recipe recipe;
  OsHandle handle;
};
using RingImages = std::vector<RingImage>;

// Redeems the handles of a generation. INVALID_ARGUMENT if it has no images, or more than a ring
// can have.
absl::StatusOr<RingImages> TakeRing(Link& link, const v1::Generation& generation,
                                    Clock::time_point deadline);

// Redeems one handle. NOT_FOUND if the message names none.
absl::StatusOr<OsHandle> TakeHandle(Link& link, const v1::HandleRef& handle,
                                    Clock::time_point deadline);

class StreamStore {
 public:
  // Ids of semaphores that are no consumer's.
  static constexpr uint64_t kFrames = 0;
  static constexpr uint64_t kOwnReleases = ~uint64_t{0};

  void AddRing(uint32_t generation, RingImages ring);
  // Forgets what is older.
  void RetireRings(uint32_t oldest);
  // Forgets one ring that was never used.
  void RemoveRing(uint32_t generation);
  uint32_t oldest() const;
  uint32_t newest() const;
  uint32_t CountImages(uint32_t generation) const;  // 0: no such ring
  bool HasRing(uint32_t generation) const { return CountImages(generation) != 0; }

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
  std::map<std::pair<uint32_t, uint64_t>, OsHandle> semaphores_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace vramd

#endif  // VRAMD_CLIENT_SRC_STREAM_STORE_H_
