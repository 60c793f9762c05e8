// The public headers as an application in C++17 sees them, under the strictest warnings. The C++
// wrappers add nothing to the layout of a struct that holds no others: they are handed to C
// functions by address. Those that do are lent with pointers, and have none of their own.
#include <type_traits>

#include "vramd/client.h"
#include "vramd/stream.h"
#include "vramd/vulkan.h"

static_assert(sizeof(vramd::ConnectInfo) == sizeof(vramd_connect_info));
static_assert(sizeof(vramd::Event) == sizeof(vramd_event));
static_assert(sizeof(vramd::VulkanBarrier) == sizeof(vramd_vk_barrier));
static_assert(sizeof(vramd::ConsumerInfo) == sizeof(vramd_consumer_info));
static_assert(sizeof(vramd::FrameInfo) == sizeof(vramd_frame_info));
static_assert(sizeof(vramd::VulkanSync) == sizeof(vramd_vk_sync));
static_assert(!std::is_copy_constructible_v<vramd::Slot>);
static_assert(!std::is_copy_constructible_v<vramd::Frame>);
static_assert(!std::is_copy_constructible_v<vramd::Client>);
static_assert(!std::is_copy_constructible_v<vramd::Lease>);
static_assert(!std::is_copy_constructible_v<vramd::VulkanResource>);

template <typename Info>
bool LinksToItself(const Info& info) {
  const auto linked = info.Linked();
  return linked.image == &info.image && linked.buffer == &info.buffer &&
         linked.struct_size == sizeof(linked);
}

bool HasNoPointer(const vramd_recipe& recipe) {
  return recipe.image == nullptr && recipe.buffer == nullptr;
}

// A copy that was made while the first one was lent, or before, leads to nobody else.
bool RecipeLendsItsOwnParts() {
  vramd::Recipe recipe;
  vramd::Recipe copy = recipe;
  const bool own = copy.Lend([&copy](const vramd_recipe* lent) {
    return lent->image == &copy.image && lent->buffer == &copy.buffer &&
           lent->image->next == &copy.format_list;
  });
  return own && HasNoPointer(recipe) && HasNoPointer(copy) && copy.image.next == nullptr;
}

int main() {
  const vramd::AllocateInfo info = vramd::AllocateInfo::Image(37, 640, 480, 1);
  const vramd::StreamInfo stream = vramd::StreamInfo::Image("a/b", 37, 640, 480, 1);
  const vramd::Status end(VRAMD_END_OF_STREAM, "");
  return LinksToItself(info) && LinksToItself(stream) && info.image.mip_levels == 1 &&
                 RecipeLendsItsOwnParts() && end.is_end() && !end.ok()
             ? 0
             : 1;
}
