#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "base/os_error.h"
#include "base/section.h"

namespace vramd {

namespace {

absl::StatusOr<OsHandle> CreateSealed(uint64_t size, const char* label, int seals) {
  OsHandle section(memfd_create(label, MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!section.valid()) return LastOsError("create shared memory (memfd)");
  if (ftruncate(section.get(), static_cast<off_t>(size)) != 0)
    return LastOsError(absl::StrCat("size shared memory to ", size, " bytes"));
  if (fcntl(section.get(), F_ADD_SEALS, seals) != 0) return LastOsError("seal shared memory");
  return section;
}

constexpr int kSizeSeals = F_SEAL_SHRINK | F_SEAL_GROW;

}  // namespace

absl::StatusOr<OsHandle> CreateSection(uint64_t size, const char* label) {
  return CreateSealed(size, label, kSizeSeals | F_SEAL_SEAL);
}

absl::StatusOr<OsHandle> CreateOneWriterSection(uint64_t size, const char* label) {
  return CreateSealed(size, label, kSizeSeals);
}

// F_SEAL_FUTURE_WRITE stops write(), fallocate() and new writable mappings, mprotect() of read-only
// ones included, through every descriptor of the file, reopened ones too.
absl::Status RefuseWriters(const OsHandle& section) {
  if (fcntl(section.get(), F_ADD_SEALS, F_SEAL_FUTURE_WRITE | F_SEAL_SEAL) != 0)
    return LastOsError("seal shared memory against writers");
  return absl::OkStatus();
}

absl::Status CheckRefusesWriters(const OsHandle& section) {
  const int wanted = kSizeSeals | F_SEAL_FUTURE_WRITE;
  const int seals = fcntl(section.get(), F_GET_SEALS);
  if (seals < 0) return LastOsError("read the seals of shared memory");
  if ((seals & wanted) != wanted)
    return absl::FailedPreconditionError(
        "shared memory is not sealed against other writers: its writer must seal it before it is "
        "handed to readers");
  return absl::OkStatus();
}

absl::StatusOr<OsHandle> DuplicateForReader(const OsHandle& section) { return section.Duplicate(); }

absl::StatusOr<MappedSection> MappedSection::Map(const OsHandle& section, uint64_t size,
                                                 SectionAccess access) {
  struct stat facts {};
  if (fstat(section.get(), &facts) != 0) return LastOsError("inspect shared memory");
  if (size == 0 || static_cast<uint64_t>(facts.st_size) < size)
    return absl::InvalidArgumentError(
        absl::StrCat("shared memory has ", facts.st_size, " bytes, but its recipe says ", size));
  const int seals = fcntl(section.get(), F_GET_SEALS);
  if (seals < 0 || (seals & F_SEAL_SHRINK) == 0)
    return absl::InvalidArgumentError(
        "shared memory is not sealed against shrinking: its sender could crash us; not mapped");
  const int protection = access == SectionAccess::kReadOnly ? PROT_READ : PROT_READ | PROT_WRITE;
  void* data = mmap(nullptr, size, protection, MAP_SHARED, section.get(), 0);
  if (data == MAP_FAILED) return LastOsError(absl::StrCat("map ", size, " bytes"));
  MappedSection mapped;
  mapped.data_ = data;
  mapped.size_ = size;
  return mapped;
}

void MappedSection::Unmap() {
  if (data_ != nullptr) munmap(data_, size_);
  data_ = nullptr;
}

uint64_t SectionAlignment() { return static_cast<uint64_t>(sysconf(_SC_PAGESIZE)); }

}  // namespace vramd
