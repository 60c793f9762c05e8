// A section object without a name, backed by the paging file. Its size is fixed when it is made;
// what a hostile sender can do instead is to reserve without committing, so that a touch would
// fault: Map() refuses that.
//
// The one handle that leaves CreateSection() allows mapping and nothing else, so every duplicate of
// it, wherever it goes, carries no more than that.
#include <windows.h>

#include "absl/strings/str_cat.h"
#include "base/os_error.h"
#include "base/section.h"

namespace vramd {
namespace {

constexpr DWORD kMapOnly = SECTION_MAP_READ | SECTION_MAP_WRITE;

}  // namespace

absl::StatusOr<OsHandle> CreateSection(uint64_t size, const char*) {
  OsHandle whole(CreateFileMappingW(INVALID_HANDLE_VALUE, nullptr, PAGE_READWRITE,
                                    static_cast<DWORD>(size >> 32), static_cast<DWORD>(size),
                                    nullptr));
  if (!whole.valid())
    return LastOsError(absl::StrCat("create a section of ", size, " bytes of shared memory"));
  HANDLE narrow = nullptr;
  if (!DuplicateHandle(GetCurrentProcess(), whole.get(), GetCurrentProcess(), &narrow, kMapOnly,
                       FALSE, 0))
    return LastOsError("narrow the access to shared memory");
  return OsHandle(narrow);
}

absl::StatusOr<MappedSection> MappedSection::Map(const OsHandle& section, uint64_t size,
                                                 SectionAccess access) {
  const DWORD wanted =
      access == SectionAccess::kReadOnly ? FILE_MAP_READ : FILE_MAP_READ | FILE_MAP_WRITE;
  // Size 0 maps all there is, which tells the section's size without the right to query it.
  void* data = MapViewOfFile(section.get(), wanted, 0, 0, 0);
  if (data == nullptr) return LastOsError(absl::StrCat("map ", size, " bytes"));
  MappedSection mapped;
  mapped.data_ = data;
  mapped.size_ = size;
  MEMORY_BASIC_INFORMATION facts{};
  if (VirtualQuery(data, &facts, sizeof(facts)) == 0) return LastOsError("inspect shared memory");
  if (size == 0 || facts.State != MEM_COMMIT || facts.RegionSize < size)
    return absl::InvalidArgumentError(
        absl::StrCat("shared memory has ", facts.RegionSize, " bytes, but its recipe says ", size));
  return mapped;
}

void MappedSection::Unmap() {
  if (data_ != nullptr) UnmapViewOfFile(data_);
  data_ = nullptr;
}

uint64_t SectionAlignment() {
  SYSTEM_INFO info{};
  GetSystemInfo(&info);
  return info.dwAllocationGranularity;
}

}  // namespace vramd
