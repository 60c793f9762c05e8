// The public headers as an application in C++17 sees them, under the strictest warnings. The C++
// wrappers add nothing to a struct's layout: they are handed to C functions by address.
#include <type_traits>

#include "vramd/client.h"
#include "vramd/stream.h"
#include "vramd/vulkan.h"

static_assert(sizeof(vramd::ConnectInfo) == sizeof(vramd_connect_info));
static_assert(sizeof(vramd::Recipe) == sizeof(vramd_recipe));
static_assert(sizeof(vramd::AllocateInfo) == sizeof(vramd_allocate_info));
static_assert(sizeof(vramd::Event) == sizeof(vramd_event));
static_assert(sizeof(vramd::VulkanBarrier) == sizeof(vramd_vk_barrier));
static_assert(sizeof(vramd::StreamInfo) == sizeof(vramd_stream_info));
static_assert(sizeof(vramd::ConsumerInfo) == sizeof(vramd_consumer_info));
static_assert(sizeof(vramd::FrameInfo) == sizeof(vramd_frame_info));
static_assert(sizeof(vramd::VulkanSync) == sizeof(vramd_vk_sync));
static_assert(!std::is_copy_constructible_v<vramd::Slot>);
static_assert(!std::is_copy_constructible_v<vramd::Frame>);
static_assert(!std::is_copy_constructible_v<vramd::Client>);
static_assert(!std::is_copy_constructible_v<vramd::Lease>);
static_assert(!std::is_copy_constructible_v<vramd::VulkanResource>);

int main() {
  const vramd::AllocateInfo info = vramd::AllocateInfo::Image(37, 640, 480, 1);
  return info.struct_size == sizeof(vramd_allocate_info) && info.image.mip_levels == 1 ? 0 : 1;
}
