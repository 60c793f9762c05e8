#include "client/src/sized_struct.h"

#include <bitset>

#include "absl/strings/str_cat.h"

namespace vramd {
namespace {

// Larger than any struct will ever be: a struct_size beyond it is garbage.
constexpr uint32_t kLargestStruct = 64 * 1024;
// A chain has each type at most once; more can only be a circle.
constexpr int kLongestChain = 32;

const vramd_base_in* Head(const void* theirs) { return static_cast<const vramd_base_in*>(theirs); }

}  // namespace

absl::Status CheckHead(const void* theirs, vramd_structure_type type, const char* name) {
  if (theirs == nullptr) return absl::InvalidArgumentError(absl::StrCat(name, " is NULL"));
  const vramd_base_in& head = *Head(theirs);
  if (head.struct_type != type)
    return absl::InvalidArgumentError(
        absl::StrCat(name, ".struct_type is ", static_cast<int>(head.struct_type), ", but must be ",
                     static_cast<int>(type), "; start the struct from its _INIT macro"));
  if (head.struct_size < kHeadSize || head.struct_size > kLargestStruct)
    return absl::InvalidArgumentError(absl::StrCat(name, ".struct_size is ", head.struct_size,
                                                   "; start the struct from its _INIT macro"));
  return absl::OkStatus();
}

absl::Status CheckTail(const void* theirs, uint32_t known, const char* name) {
  const uint32_t size = Head(theirs)->struct_size;
  if (size <= known) return absl::OkStatus();
  const char* bytes = static_cast<const char*>(theirs);
  if (std::all_of(bytes + known, bytes + size, [](char byte) { return byte == 0; }))
    return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      name, " has ", size, " bytes, of which this library knows ", known,
      ": a field after them is not zero, and asks for what only a newer library can do"));
}

absl::Status CheckChain(const void* next, absl::Span<const vramd_structure_type> known,
                        const char* name) {
  std::bitset<kLongestChain> seen;
  for (int count = 0; next != nullptr; next = Head(next)->next) {
    if (++count > kLongestChain)
      return absl::InvalidArgumentError(absl::StrCat("more than ", kLongestChain,
                                                     " structs are chained to ", name,
                                                     ", or the chain is a circle"));
    const vramd_structure_type type = Head(next)->struct_type;
    const auto found = std::find(known.begin(), known.end(), type);
    if (found == known.end())
      return absl::InvalidArgumentError(
          absl::StrCat("the chained struct of type ", static_cast<int>(type),
                       " is none that this library knows for ", name));
    const auto index = static_cast<size_t>(found - known.begin());
    if (seen[index])
      return absl::InvalidArgumentError(absl::StrCat("a struct of type ", static_cast<int>(type),
                                                     " is chained to ", name, " twice"));
    seen[index] = true;
  }
  return absl::OkStatus();
}

const void* FindInChain(const void* next, vramd_structure_type type) {
  while (next != nullptr && Head(next)->struct_type != type) next = Head(next)->next;
  return next;
}

}  // namespace vramd
