// A section object without a name, backed by the paging file. Its size is fixed when it is made;
// what a hostile sender can do instead is to reserve without committing, so that a touch would
// fault: Map() refuses that.
//
// The one handle that leaves CreateSection() allows mapping and nothing else, so every duplicate of
// it, wherever it goes, carries no more than that. Who has a handle to an object that nobody may
// open can duplicate it with fewer rights but not with more: so a section with one writer gets an
// empty access list, and a reader's handle stays a reader's. The list's owner, who is the broker's
// user, could write another one; he could as well trace the producer.
#include <windows.h>

#include "absl/strings/str_cat.h"
#include "base/os_error.h"
#include "base/section.h"

namespace vramd {
namespace {

constexpr DWORD kMapOnly = SECTION_MAP_READ | SECTION_MAP_WRITE;

absl::StatusOr<OsHandle> Narrow(const OsHandle& section, DWORD rights) {
  HANDLE narrow = nullptr;
  if (!DuplicateHandle(GetCurrentProcess(), section.get(), GetCurrentProcess(), &narrow, rights,
                       FALSE, 0))
    return LastOsError("narrow the access to shared memory");
  return OsHandle(narrow);
}

absl::StatusOr<OsHandle> Create(uint64_t size, SECURITY_ATTRIBUTES* security) {
  const OsHandle whole(CreateFileMappingW(INVALID_HANDLE_VALUE, security, PAGE_READWRITE,
                                          static_cast<DWORD>(size >> 32), static_cast<DWORD>(size),
                                          nullptr));
  if (!whole.valid())
    return LastOsError(absl::StrCat("create a section of ", size, " bytes of shared memory"));
  return Narrow(whole, kMapOnly);
}

}  // namespace

absl::StatusOr<OsHandle> CreateSection(uint64_t size, const char*) { return Create(size, nullptr); }

absl::StatusOr<OsHandle> CreateOneWriterSection(uint64_t size, const char*) {
  ACL nobody{};
  SECURITY_DESCRIPTOR descriptor{};
  if (!InitializeAcl(&nobody, sizeof(nobody), ACL_REVISION) ||
      !InitializeSecurityDescriptor(&descriptor, SECURITY_DESCRIPTOR_REVISION) ||
      !SetSecurityDescriptorDacl(&descriptor, TRUE, &nobody, FALSE))
    return LastOsError("make an empty access list");
  SECURITY_ATTRIBUTES security = {sizeof(security), &descriptor, FALSE};
  return Create(size, &security);
}

// Rights travel with handles here, and readers get theirs from DuplicateForReader() alone.
absl::Status RefuseWriters(const OsHandle&) { return absl::OkStatus(); }
absl::Status CheckRefusesWriters(const OsHandle&) { return absl::OkStatus(); }

absl::StatusOr<OsHandle> DuplicateForReader(const OsHandle& section) {
  return Narrow(section, SECTION_MAP_READ);
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
