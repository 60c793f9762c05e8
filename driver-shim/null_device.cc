// Sections stand in for GPU memory: an importer maps them as it would map a host_section of a real
// device. Sizes are those of a tightly packed image, so that quotas see plausible numbers.
#include "driver-shim/null_device.h"

#include <vulkan/vulkan_core.h>

#include <atomic>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/section.h"
#include "base/status_macros.h"
#include "driver-shim/request_check.h"

namespace vramd {
namespace {

constexpr uint32_t kMemoryFlags = VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT |
                                  VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT |
                                  VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;

uint64_t RequestSize(const AllocationRequest& request) {
  if (request.kind == ResourceKind::kImage) return TightImageSize(request.image);
  return request.kind == ResourceKind::kBuffer ? request.buffer.size : request.raw_size;
}

// A part of the heap. Given back when it is destroyed.
class HeapCharge {
 public:
  // False, and nothing taken, when less than `bytes` is left.
  static bool Take(std::atomic<uint64_t>& used, uint64_t heap_size, uint64_t bytes,
                   HeapCharge& charge) {
    uint64_t now = used.load();
    do {
      if (bytes > heap_size - now) return false;
    } while (!used.compare_exchange_weak(now, now + bytes));
    charge.used_ = &used;
    charge.bytes_ = bytes;
    return true;
  }

  HeapCharge() = default;
  HeapCharge(HeapCharge&& other) noexcept
      : used_(std::exchange(other.used_, nullptr)), bytes_(other.bytes_) {}
  HeapCharge& operator=(HeapCharge&&) = delete;
  ~HeapCharge() {
    if (used_ != nullptr) used_->fetch_sub(bytes_);
  }

 private:
  std::atomic<uint64_t>* used_ = nullptr;
  uint64_t bytes_ = 0;
};

class NullMemory final : public DeviceMemory {
 public:
  NullMemory(Recipe recipe, OsHandle section, HeapCharge charge)
      : charge_(std::move(charge)), recipe_(std::move(recipe)), section_(std::move(section)) {}

  const Recipe& recipe() const override { return recipe_; }
  absl::StatusOr<OsHandle> Export() override { return section_.Duplicate(); }

 private:
  HeapCharge charge_;
  Recipe recipe_;
  OsHandle section_;
};

class NullDevice final : public Device {
 public:
  explicit NullDevice(const NullDeviceOptions& options)
      : heap_size_(options.heap_size), info_(MakeInfo(options)) {}

  const DeviceInfo& info() const override { return info_; }

  std::vector<HeapBudget> Budget() const override { return {{heap_size_, used_.load()}}; }

  absl::StatusOr<uint64_t> SizeOf(const AllocationRequest& request) const override {
    VRAMD_RETURN_IF_ERROR(CheckRequest(request, limits_));
    if (request.handle_type != HandleType::kUnknown &&
        request.handle_type != HandleType::kHostSection)
      return absl::FailedPreconditionError(
          absl::StrCat(info_.name, " has no handles of type ", ToString(request.handle_type),
                       "; ask for host_section or leave the type open"));
    const uint64_t alignment = SectionAlignment();
    return (RequestSize(request) + alignment - 1) / alignment * alignment;
  }

  absl::StatusOr<std::unique_ptr<DeviceMemory>> Allocate(
      const AllocationRequest& request) override {
    VRAMD_ASSIGN_OR_RETURN(const uint64_t size, SizeOf(request));
    HeapCharge charge;
    if (!HeapCharge::Take(used_, heap_size_, size, charge))
      return absl::ResourceExhaustedError(
          absl::StrCat(info_.name, " is full: ", size, " bytes asked, ", used_.load(), " of ",
                       heap_size_, " bytes in use; release allocations first"));
    VRAMD_ASSIGN_OR_RETURN(OsHandle section, CreateSection(size, "vramd-null"));
    return std::make_unique<NullMemory>(MakeRecipe(request, size), std::move(section),
                                        std::move(charge));
  }

  absl::StatusOr<std::unique_ptr<DeviceTimeline>> CreateTimeline() override {
    return absl::FailedPreconditionError(info_.timelines.reason);
  }

 private:
  // Strings are constructed and not assigned: GCC 12 sees an overlap in the assignment of a
  // constant when it optimises fully (-Wrestrict, GCC bug 105329).
  static DeviceInfo MakeInfo(const NullDeviceOptions& options) {
    return {.index = options.index,
            .name = options.name,
            .driver_name = "null",
            .driver_version = "1",
            .api_version = VK_API_VERSION_1_3,
            .device_type = VK_PHYSICAL_DEVICE_TYPE_OTHER,
            .identity = MakeIdentity(options.index),
            .memory_types = {{kMemoryFlags, 0, options.heap_size}},
            .handles = {{HandleType::kHostSection, true, true, ""}},
            .timelines = {.reason = "the null device has no GPU whose work could be ordered"}};
  }

  static DeviceIdentity MakeIdentity(uint32_t index) {
    DeviceIdentity identity;
    identity.device_uuid = {'v', 'r', 'a', 'm', 'd', '-', 'n', 'u', 'l', 'l', '-', 'd'};
    identity.driver_uuid = {'v', 'r', 'a', 'm', 'd', '-', 'n', 'u', 'l', 'l'};
    for (size_t i = 0; i < 4; ++i)
      identity.device_uuid[12 + i] = static_cast<uint8_t>(index >> (24 - 8 * i));
    return identity;
  }

  Recipe MakeRecipe(const AllocationRequest& request, uint64_t size) const {
    Recipe recipe;
    recipe.kind = request.kind;
    if (request.kind == ResourceKind::kBuffer) recipe.buffer = request.buffer;
    if (request.kind == ResourceKind::kImage) recipe.image = request.image;
    recipe.allocation_size = size;
    recipe.memory_property_flags = kMemoryFlags;
    recipe.dedicated = request.dedicated;
    recipe.handle_type = HandleType::kHostSection;
    recipe.device = info_.identity;
    recipe.handover_layout = VK_IMAGE_LAYOUT_GENERAL;
    return recipe;
  }

  const uint64_t heap_size_;
  RequestLimits limits_;
  DeviceInfo info_;
  std::atomic<uint64_t> used_{0};
};

}  // namespace

std::shared_ptr<Device> MakeNullDevice(const NullDeviceOptions& options) {
  return std::make_shared<NullDevice>(options);
}

}  // namespace vramd
