// What is the same on every system; mapping itself is in section_<os>.cc.
#include "base/section.h"

#include <utility>

namespace vramd {

MappedSection::MappedSection(MappedSection&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedSection& MappedSection::operator=(MappedSection&& other) noexcept {
  if (this != &other) {
    Unmap();
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
  }
  return *this;
}

}  // namespace vramd
