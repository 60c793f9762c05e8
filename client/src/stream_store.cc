#include "client/src/stream_store.h"

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/stream/control_layout.h"
#include "proto/convert.h"

namespace vramd {

absl::StatusOr<OsHandle> TakeHandle(Link& link, const v1::HandleRef& handle,
                                    Clock::time_point deadline) {
  if (handle.value() == 0) return absl::NotFoundError("the broker sent no handle");
  return link.lane().Redeem(handle.value(), deadline);
}

absl::StatusOr<RingImages> TakeRing(Link& link, const v1::Generation& generation,
                                    Clock::time_point deadline) {
  const int count = generation.images_size();
  if (generation.number() == 0 || count < 1 || count > int{stream::kSlotCapacity})
    return absl::InvalidArgumentError(absl::StrCat("the broker told of generation ",
                                                   generation.number(), " with ", count,
                                                   " images; 1 to 64 are possible"));
  RingImages ring;
  for (const v1::StreamImage& image : generation.images()) {
    VRAMD_ASSIGN_OR_RETURN(Recipe recipe, FromProto(image.recipe()));
    VRAMD_ASSIGN_OR_RETURN(OsHandle handle, TakeHandle(link, image.handle(), deadline));
    if (image.number() > UINT16_MAX)
      return absl::InvalidArgumentError(
          absl::StrCat("the broker told of image ", image.number(), "; 0 to 65535 are possible"));
    ring.insert_or_assign(static_cast<uint16_t>(image.number()),
                          RingImage{std::move(recipe), std::move(handle)});
  }
  return ring;
}

std::vector<uint16_t> NumbersIn(const v1::StreamEvent& event) {
  std::vector<uint16_t> numbers;
  for (const uint32_t image : event.images()) numbers.push_back(static_cast<uint16_t>(image));
  return numbers;
}

std::vector<uint16_t> NumbersOf(const RingImages& images) {
  std::vector<uint16_t> numbers;
  for (const auto& [number, image] : images) numbers.push_back(number);
  return numbers;
}

stream::ImageRing RingOf(const v1::Generation& generation, const RingImages& images) {
  return {.generation = generation.number(),
          .images = NumbersOf(images),
          .grows = generation.grows(),
          .floor = generation.min_image_count()};
}

void StreamStore::AddImages(uint32_t generation, RingImages images) {
  MutexLock lock(mutex_);
  rings_[generation].merge(images);
  revision_.fetch_add(1, std::memory_order_release);
}

void StreamStore::RemoveImages(uint32_t generation, absl::Span<const uint16_t> images) {
  MutexLock lock(mutex_);
  const auto found = rings_.find(generation);
  if (found == rings_.end()) return;
  for (const uint16_t image : images) found->second.erase(image);
  revision_.fetch_add(1, std::memory_order_release);
}

void StreamStore::RetireRings(uint32_t oldest) {
  MutexLock lock(mutex_);
  rings_.erase(rings_.begin(), rings_.lower_bound(oldest));
  revision_.fetch_add(1, std::memory_order_release);
}

void StreamStore::RemoveRing(uint32_t generation) {
  MutexLock lock(mutex_);
  rings_.erase(generation);
}

uint32_t StreamStore::oldest() const {
  MutexLock lock(mutex_);
  return rings_.empty() ? 0 : rings_.begin()->first;
}

uint32_t StreamStore::newest() const {
  MutexLock lock(mutex_);
  return rings_.empty() ? 0 : rings_.rbegin()->first;
}

uint32_t StreamStore::CountImages(uint32_t generation) const {
  MutexLock lock(mutex_);
  const auto found = rings_.find(generation);
  return found == rings_.end() ? 0 : static_cast<uint32_t>(found->second.size());
}

bool StreamStore::HasImage(uint32_t generation, uint32_t image) const {
  MutexLock lock(mutex_);
  return Find(generation, image).ok();
}

std::vector<uint16_t> StreamStore::ListImages(uint32_t generation) const {
  MutexLock lock(mutex_);
  const auto found = rings_.find(generation);
  return found == rings_.end() ? std::vector<uint16_t>() : NumbersOf(found->second);
}

absl::StatusOr<const RingImage*> StreamStore::Find(uint32_t generation, uint32_t image) const {
  const auto found = rings_.find(generation);
  if (found == rings_.end())
    return absl::NotFoundError(
        absl::StrCat("generation ", generation, " of the stream's images is not in use"));
  const auto in_ring = found->second.find(static_cast<uint16_t>(image));
  if (image > UINT16_MAX || in_ring == found->second.end())
    return absl::NotFoundError(absl::StrCat("generation ", generation, " has ",
                                            found->second.size(), " images, no number ", image));
  return &in_ring->second;
}

absl::StatusOr<Recipe> StreamStore::FindRecipe(uint32_t generation, uint32_t image) const {
  MutexLock lock(mutex_);
  VRAMD_ASSIGN_OR_RETURN(const RingImage* found, Find(generation, image));
  return found->recipe;
}

absl::StatusOr<OsHandle> StreamStore::DuplicateHandle(uint32_t generation, uint32_t image) const {
  MutexLock lock(mutex_);
  VRAMD_ASSIGN_OR_RETURN(const RingImage* found, Find(generation, image));
  return found->handle.Duplicate();
}

void StreamStore::AddSemaphore(uint32_t session, uint64_t id, OsHandle handle) {
  MutexLock lock(mutex_);
  semaphores_.insert_or_assign({session, id}, std::move(handle));
}

void StreamStore::RemoveSemaphore(uint32_t session, uint64_t id) {
  MutexLock lock(mutex_);
  semaphores_.erase({session, id});
}

void StreamStore::RetireSessions(uint32_t oldest) {
  MutexLock lock(mutex_);
  semaphores_.erase(semaphores_.begin(), semaphores_.lower_bound({oldest, 0}));
}

namespace {

absl::Status NoSemaphore() {
  return absl::NotFoundError(
      "the stream has no such semaphore: it uses no timelines, or the consumer has left");
}

}  // namespace

absl::Status StreamStore::CheckSemaphore(uint32_t session, uint64_t id) const {
  MutexLock lock(mutex_);
  return semaphores_.count({session, id}) != 0 ? absl::OkStatus() : NoSemaphore();
}

absl::StatusOr<OsHandle> StreamStore::DuplicateSemaphore(uint32_t session, uint64_t id) const {
  MutexLock lock(mutex_);
  const auto found = semaphores_.find({session, id});
  if (found == semaphores_.end()) return NoSemaphore();
  return found->second.Duplicate();
}

}  // namespace vramd
