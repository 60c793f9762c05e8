// The two halves of a hand-over.
//
// Vulkan wants both halves of a queue family ownership transfer to name the same layouts. Neither
// process knows the layout that the other works in, so the transfer itself always names
// handover_layout twice and changes nothing; the change to or from the user's own layout is a
// barrier of its own, before the release or after the acquire. One vkCmdPipelineBarrier does not
// order its barriers among each other, hence two calls.
//
// An acquire must come after the semaphore that the submission waits for, and after all earlier use
// of the resource on this queue. A barrier is ordered only against stages that it names first, and
// TOP_OF_PIPE is none, so an acquire begins with ALL_COMMANDS, whichever stage the semaphore is
// waited for at. Without that, a layout change, which is a write, may run while another process
// still reads. A release ends with BOTTOM_OF_PIPE: what comes after it waits for a semaphore, a
// fence or an acquire, and these have all that was recorded before in their first scope.
#include <algorithm>

#include "client/src/sized_struct.h"
#include "client/src/vulkan_device.h"
#include "client/src/vulkan_resource.h"

namespace vramd {
namespace {

// One end of a dependency.
struct Scope {
  VkPipelineStageFlags stage;
  VkAccessFlags access;
};

// In the acquiring half of a transfer: what was written has been made available by the other half.
constexpr Scope kAllBefore = {VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, 0};
// Also without a release in between: a slot that was rendered into and then abandoned.
constexpr Scope kAllWritesBefore = {VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, VK_ACCESS_MEMORY_WRITE_BIT};
constexpr Scope kNothingAfter = {VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, 0};
constexpr Scope kAnything = {VK_PIPELINE_STAGE_ALL_COMMANDS_BIT,
                             VK_ACCESS_MEMORY_READ_BIT | VK_ACCESS_MEMORY_WRITE_BIT};

struct Families {
  uint32_t from;
  uint32_t to;
};

constexpr Families kKeep = {VK_QUEUE_FAMILY_IGNORED, VK_QUEUE_FAMILY_IGNORED};

class Recorder {
 public:
  Recorder(const vramd_vk_device& device, VkCommandBuffer commands,
           const vramd_vk_resource& resource, const vramd_vk_barrier& barrier)
      : vk_(device.vk), commands_(commands), resource_(resource), barrier_(barrier) {}

  VkImageLayout handover_layout() const {
    return static_cast<VkImageLayout>(resource_.handover_layout);
  }
  VkImageLayout users_layout() const {
    return barrier_.layout == VK_IMAGE_LAYOUT_UNDEFINED ? handover_layout() : barrier_.layout;
  }
  Scope users_scope() const {
    return barrier_.stage == 0 ? kAnything : Scope{barrier_.stage, barrier_.access};
  }
  bool needs_transition() const {
    return resource_.image != VK_NULL_HANDLE && users_layout() != handover_layout();
  }

  void Record(Scope before, Scope after, VkImageLayout old_layout, VkImageLayout new_layout,
              Families families) const {
    if (resource_.image != VK_NULL_HANDLE)
      RecordImage(before, after, old_layout, new_layout, families);
    if (resource_.buffer != VK_NULL_HANDLE) RecordBuffer(before, after, families);
  }

 private:
  void RecordImage(Scope before, Scope after, VkImageLayout old_layout, VkImageLayout new_layout,
                   Families families) const {
    const auto* state = static_cast<const ResourceState*>(resource_.internal);
    const uint32_t layers =
        barrier_.layer_count == 0 ? VK_REMAINING_ARRAY_LAYERS : barrier_.layer_count;
    const VkImageMemoryBarrier image = {
        VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER,
        nullptr,
        before.access,
        after.access,
        old_layout,
        new_layout,
        families.from,
        families.to,
        resource_.image,
        {state->aspects, 0, VK_REMAINING_MIP_LEVELS, barrier_.first_layer, layers}};
    vk_.CmdPipelineBarrier(commands_, before.stage, after.stage, 0, 0, nullptr, 0, nullptr, 1,
                           &image);
  }

  void RecordBuffer(Scope before, Scope after, Families families) const {
    const VkBufferMemoryBarrier buffer = {VK_STRUCTURE_TYPE_BUFFER_MEMORY_BARRIER,
                                          nullptr,
                                          before.access,
                                          after.access,
                                          families.from,
                                          families.to,
                                          resource_.buffer,
                                          0,
                                          VK_WHOLE_SIZE};
    vk_.CmdPipelineBarrier(commands_, before.stage, after.stage, 0, 0, nullptr, 1, &buffer, 0,
                           nullptr);
  }

  const DeviceFunctions& vk_;
  VkCommandBuffer commands_;
  const vramd_vk_resource& resource_;
  const vramd_vk_barrier& barrier_;
};

}  // namespace

VkImageAspectFlags AspectsOf(VkFormat format) {
  switch (format) {
    case VK_FORMAT_D16_UNORM:
    case VK_FORMAT_X8_D24_UNORM_PACK32:
    case VK_FORMAT_D32_SFLOAT:
      return VK_IMAGE_ASPECT_DEPTH_BIT;
    case VK_FORMAT_S8_UINT:
      return VK_IMAGE_ASPECT_STENCIL_BIT;
    case VK_FORMAT_D16_UNORM_S8_UINT:
    case VK_FORMAT_D24_UNORM_S8_UINT:
    case VK_FORMAT_D32_SFLOAT_S8_UINT:
      return VK_IMAGE_ASPECT_DEPTH_BIT | VK_IMAGE_ASPECT_STENCIL_BIT;
    default:
      return VK_IMAGE_ASPECT_COLOR_BIT;  // of multi-planar images too: none is disjoint
  }
}

}  // namespace vramd

// A resource or barrier that the caller left without struct_size records nothing: these two cannot
// answer with an error.
void vramd_vk_record_acquire(vramd_vk_device* device, VkCommandBuffer commands,
                             const vramd_vk_resource* resource, const vramd_vk_barrier* barrier) {
  const auto whole = vramd::ReadSized(resource);
  const auto wanted = vramd::ReadSized(barrier);
  if (device == nullptr || !device->birth.is_here() || !whole.ok() || !wanted.ok()) return;
  const vramd::Recorder recorder(*device, commands, *whole, *wanted);
  const vramd::Scope user = recorder.users_scope();
  const VkImageLayout handover = recorder.handover_layout();
  if (wanted->discard) {
    recorder.Record(vramd::kAllWritesBefore, user, VK_IMAGE_LAYOUT_UNDEFINED,
                    recorder.users_layout(), vramd::kKeep);
    return;
  }
  const bool transition = recorder.needs_transition();
  recorder.Record(vramd::kAllBefore, transition ? vramd::kAnything : user, handover, handover,
                  {VK_QUEUE_FAMILY_EXTERNAL, wanted->queue_family});
  if (transition)
    recorder.Record(vramd::kAnything, user, handover, recorder.users_layout(), vramd::kKeep);
}

void vramd_vk_record_release(vramd_vk_device* device, VkCommandBuffer commands,
                             const vramd_vk_resource* resource, const vramd_vk_barrier* barrier) {
  const auto whole = vramd::ReadSized(resource);
  const auto wanted = vramd::ReadSized(barrier);
  if (device == nullptr || !device->birth.is_here() || !whole.ok() || !wanted.ok()) return;
  const vramd::Recorder recorder(*device, commands, *whole, *wanted);
  vramd::Scope user = recorder.users_scope();
  const VkImageLayout handover = recorder.handover_layout();
  if (recorder.needs_transition()) {
    recorder.Record(user, vramd::kAnything, recorder.users_layout(), handover, vramd::kKeep);
    user = vramd::kAnything;
  }
  recorder.Record(user, vramd::kNothingAfter, handover, handover,
                  {wanted->queue_family, VK_QUEUE_FAMILY_EXTERNAL});
}
