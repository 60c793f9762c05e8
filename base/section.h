// Memory shared between processes: a sealed memfd on Linux, a section object on Windows.
#ifndef VRAMD_BASE_SECTION_H_
#define VRAMD_BASE_SECTION_H_

#include <cstddef>
#include <cstdint>

#include "absl/status/statusor.h"
#include "base/os_handle.h"

namespace vramd {

// Makes `size` bytes (rounded up to whole pages by the caller) of zeroed memory whose size nobody
// can change afterwards, so that no peer can cause SIGBUS in another by shrinking it. `label` shows
// up in /proc/PID/maps; it is for people only.
absl::StatusOr<OsHandle> CreateSection(uint64_t size, const char* label);

// As CreateSection(), for memory that one process writes and others read. Between this call and
// RefuseWriters() the one writer maps it kReadWrite; nobody else may have a handle until then.
absl::StatusOr<OsHandle> CreateOneWriterSection(uint64_t size, const char* label);

// From now on nobody, through whatever handle, can map the section writable or write to it. The
// views that exist stay as they are. Cannot be undone. On Windows it is the handle that says who may
// write, and the first one keeps that right: readers must get theirs from DuplicateForReader().
absl::Status RefuseWriters(const OsHandle& section);

// FAILED_PRECONDITION unless RefuseWriters() has been called, by whomever: to be asked before the
// section is handed to readers.
absl::Status CheckRefusesWriters(const OsHandle& section);

// A handle for a reader: with it the section can be mapped kReadOnly and nothing else.
absl::StatusOr<OsHandle> DuplicateForReader(const OsHandle& section);

enum class SectionAccess { kReadOnly, kReadWrite };

// One view of a section in this process. The destructor unmaps. Move-only; the memory that it
// shows is shared with other processes and must be read with that in mind.
class MappedSection {
 public:
  MappedSection() = default;
  MappedSection(MappedSection&& other) noexcept;
  MappedSection& operator=(MappedSection&& other) noexcept;
  ~MappedSection() { Unmap(); }

  // Refuses a section that is smaller than `size`, or that its sender could still shrink.
  static absl::StatusOr<MappedSection> Map(const OsHandle& section, uint64_t size,
                                           SectionAccess access);

  void* data() const { return data_; }
  size_t size() const { return size_; }

 private:
  void Unmap();
  void* data_ = nullptr;
  size_t size_ = 0;
};

// Alignment of every view, in bytes: the page size, or Windows' allocation granularity.
uint64_t SectionAlignment();

}  // namespace vramd

#endif  // VRAMD_BASE_SECTION_H_
