// The images of one generation of a stream, as the broker tells of them.
//
// An image has a number within its generation. A ring begins with 0, 1, 2...; one that grows gets
// further images, and may lose those that it needs no more, but never image 0. A number is never
// used for another image of the generation, so a frame, an import or a message that is late cannot
// mean the wrong one. The numbers of the images that a ring has at one time all differ modulo
// kSlotCapacity: an array of so many places is enough to keep them in.
#ifndef VRAMD_BASE_STREAM_IMAGE_RING_H_
#define VRAMD_BASE_STREAM_IMAGE_RING_H_

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "base/stream/lane.h"

namespace vramd::stream {

struct ImageRing {
  uint32_t generation = 0;
  std::vector<uint16_t> images;  // their numbers
  bool grows = false;
  uint32_t floor = 0;  // of a ring that grows: as many are never given back

  // One that does not grow, of images 0, 1, 2...
  static ImageRing Fixed(uint32_t generation, uint32_t images) {
    ImageRing ring{.generation = generation};
    // One more than there can be is enough to be refused.
    for (uint32_t image = 0; image < std::min(images, kSlotCapacity + 1); ++image)
      ring.images.push_back(static_cast<uint16_t>(image));
    return ring;
  }
};

// What a consumer was told of a ring, for a quick look at each frame.
class KnownImages {
 public:
  KnownImages() = default;  // generation 0: none
  explicit KnownImages(const ImageRing& ring) : generation_(ring.generation), grows_(ring.grows) {
    Add(ring.images);
  }

  uint32_t generation() const { return generation_; }
  bool grows() const { return grows_; }
  uint32_t count() const { return Count(present_); }
  bool Has(uint16_t image) const {
    const uint32_t place = image % kSlotCapacity;
    return Contains(present_, place) && numbers_[place] == image;
  }
  void Add(absl::Span<const uint16_t> images) {
    for (const uint16_t image : images) {
      numbers_[image % kSlotCapacity] = image;
      present_ |= Only(image % kSlotCapacity);
    }
  }
  void Remove(absl::Span<const uint16_t> images) {
    for (const uint16_t image : images)
      if (Has(image)) present_ &= ~Only(image % kSlotCapacity);
  }

 private:
  uint32_t generation_ = 0;
  bool grows_ = false;
  SlotSet present_ = 0;
  std::array<uint16_t, kSlotCapacity> numbers_{};
};

}  // namespace vramd::stream

#endif  // VRAMD_BASE_STREAM_IMAGE_RING_H_
