// What each public struct is called, in its struct_type and in messages.
#ifndef VRAMD_CLIENT_SRC_STRUCT_NAMES_H_
#define VRAMD_CLIENT_SRC_STRUCT_NAMES_H_

#include <cstddef>

#include "vramd/vramd.h"
#include "vramd/vramd_stream.h"
#include "vramd/vramd_vulkan.h"

namespace vramd {

template <typename T>
struct StructName;

// A struct is read and written byte by byte from struct_size on: it must begin as all do.
#define VRAMD_STRUCT_NAME(T, TYPE)                                                   \
  template <>                                                                        \
  struct StructName<T> {                                                             \
    static constexpr vramd_structure_type kType = VRAMD_STRUCTURE_TYPE_##TYPE;       \
    static constexpr const char* kName = #T;                                         \
    static_assert(offsetof(T, struct_type) == 0);                                    \
    static_assert(offsetof(T, struct_size) == offsetof(vramd_base_in, struct_size)); \
    static_assert(offsetof(T, next) == offsetof(vramd_base_in, next));               \
  }

VRAMD_STRUCT_NAME(vramd_buffer_info, BUFFER_INFO);
VRAMD_STRUCT_NAME(vramd_image_info, IMAGE_INFO);
VRAMD_STRUCT_NAME(vramd_image_format_list, IMAGE_FORMAT_LIST);
VRAMD_STRUCT_NAME(vramd_drm_modifier, DRM_MODIFIER);
VRAMD_STRUCT_NAME(vramd_memory_wish, MEMORY_WISH);
VRAMD_STRUCT_NAME(vramd_recipe, RECIPE);
VRAMD_STRUCT_NAME(vramd_connect_info, CONNECT_INFO);
VRAMD_STRUCT_NAME(vramd_server_info, SERVER_INFO);
VRAMD_STRUCT_NAME(vramd_memory_type, MEMORY_TYPE);
VRAMD_STRUCT_NAME(vramd_handle_support, HANDLE_SUPPORT);
VRAMD_STRUCT_NAME(vramd_device_info, DEVICE_INFO);
VRAMD_STRUCT_NAME(vramd_allocate_info, ALLOCATE_INFO);
VRAMD_STRUCT_NAME(vramd_open_info, OPEN_INFO);
VRAMD_STRUCT_NAME(vramd_published, PUBLISHED);
VRAMD_STRUCT_NAME(vramd_event, EVENT);
VRAMD_STRUCT_NAME(vramd_importer, IMPORTER);
VRAMD_STRUCT_NAME(vramd_frame_info, FRAME_INFO);
VRAMD_STRUCT_NAME(vramd_stream_info, STREAM_INFO);
VRAMD_STRUCT_NAME(vramd_slot, SLOT);
VRAMD_STRUCT_NAME(vramd_producer_stats, PRODUCER_STATS);
VRAMD_STRUCT_NAME(vramd_consumer_stats, CONSUMER_STATS);
VRAMD_STRUCT_NAME(vramd_consumer_info, CONSUMER_INFO);
VRAMD_STRUCT_NAME(vramd_frame, FRAME);
VRAMD_STRUCT_NAME(vramd_consumer_end, CONSUMER_END);
VRAMD_STRUCT_NAME(vramd_consumer_counters, CONSUMER_COUNTERS);
VRAMD_STRUCT_NAME(vramd_stream_listing, STREAM_LISTING);
VRAMD_STRUCT_NAME(vramd_vk_device_info, VK_DEVICE_INFO);
VRAMD_STRUCT_NAME(vramd_vk_resource, VK_RESOURCE);
VRAMD_STRUCT_NAME(vramd_vk_barrier, VK_BARRIER);
VRAMD_STRUCT_NAME(vramd_vk_sync, VK_SYNC);

#undef VRAMD_STRUCT_NAME

}  // namespace vramd

#endif  // VRAMD_CLIENT_SRC_STRUCT_NAMES_H_
