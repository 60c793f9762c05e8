#include "daemon/share_check.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace vramd {
namespace {

// Opaque memory is the driver's private business, and so is the layout of an image in any memory.
bool NeedsSameDevice(const Recipe& recipe) {
  return recipe.kind == ResourceKind::kImage || recipe.handle_type == HandleType::kOpaqueFd ||
         recipe.handle_type == HandleType::kNtNv || recipe.handle_type == HandleType::kNtKhr;
}

absl::Status CheckSameDevice(const DeviceIdentity& from, const DeviceIdentity& to) {
  if (from.luid_valid && to.luid_valid && from.luid != to.luid)
    return absl::FailedPreconditionError(absl::StrCat(
        "the memory is on the adapter with LUID ", LuidToString(from.luid), ", the importer on ",
        LuidToString(to.luid), "; use the same GPU, or a buffer in host_section"));
  if (from.device_uuid != to.device_uuid)
    return absl::FailedPreconditionError(absl::StrCat(
        "the memory is on device ", UuidToString(from.device_uuid), ", the importer on ",
        UuidToString(to.device_uuid), "; use the same GPU, or a buffer in host_section"));
  if (from.driver_uuid != to.driver_uuid)
    return absl::FailedPreconditionError(absl::StrCat(
        "the memory was made by driver ", UuidToString(from.driver_uuid), ", the importer uses ",
        UuidToString(to.driver_uuid), "; both processes must load the same driver version"));
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckShare(const Recipe& recipe, const ImporterDevice& importer) {
  if (recipe.handle_type == HandleType::kUnknown)
    return absl::FailedPreconditionError(
        "the recipe's handle type is unknown to this broker; use the type that the lease has");
  const auto& types = importer.importable;
  if (std::find(types.begin(), types.end(), recipe.handle_type) == types.end())
    return absl::FailedPreconditionError(
        absl::StrCat("the importer's device cannot import ", ToString(recipe.handle_type),
                     "; allocate with a handle type that it can import"));
  if (NeedsSameDevice(recipe)) {
    if (absl::Status same = CheckSameDevice(recipe.device, importer.identity); !same.ok())
      return same;
    if (importer.memory_type_count != 0 && recipe.memory_type_index >= importer.memory_type_count)
      return absl::FailedPreconditionError(
          absl::StrCat("the memory is of type ", recipe.memory_type_index,
                       ", but the importer's device has ", importer.memory_type_count, " types"));
  }
  return absl::OkStatus();
}

}  // namespace vramd
