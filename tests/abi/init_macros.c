/* Every _INIT macro initialises its whole struct under the strictest warnings: a macro that lost a
 * field, or has one too many, does not compile. And every struct begins with its type, its size and
 * an empty chain. */
#include <stdio.h>

#include "vramd/vramd.h"
#include "vramd/vramd_stream.h"
#include "vramd/vramd_vulkan.h"

static int wrong = 0;

static void check(const char* name, int right) {
  if (right) return;
  fprintf(stderr, "%s does not begin as it should\n", name);
  wrong = 1;
}

#define CHECK(type, init, number)                                                      \
  do {                                                                                 \
    const type object = init;                                                          \
    check(#init, object.struct_type == number && object.struct_size == sizeof(type) && \
                     object.next == NULL);                                             \
  } while (0)

int main(void) {
  CHECK(vramd_buffer_info, VRAMD_BUFFER_INFO_INIT, VRAMD_STRUCTURE_TYPE_BUFFER_INFO);
  CHECK(vramd_image_info, VRAMD_IMAGE_INFO_INIT, VRAMD_STRUCTURE_TYPE_IMAGE_INFO);
  CHECK(vramd_image_format_list, VRAMD_IMAGE_FORMAT_LIST_INIT,
        VRAMD_STRUCTURE_TYPE_IMAGE_FORMAT_LIST);
  CHECK(vramd_drm_modifier, VRAMD_DRM_MODIFIER_INIT, VRAMD_STRUCTURE_TYPE_DRM_MODIFIER);
  CHECK(vramd_memory_wish, VRAMD_MEMORY_WISH_INIT, VRAMD_STRUCTURE_TYPE_MEMORY_WISH);
  CHECK(vramd_recipe, VRAMD_RECIPE_INIT, VRAMD_STRUCTURE_TYPE_RECIPE);
  CHECK(vramd_connect_info, VRAMD_CONNECT_INFO_INIT, VRAMD_STRUCTURE_TYPE_CONNECT_INFO);
  CHECK(vramd_server_info, VRAMD_SERVER_INFO_INIT, VRAMD_STRUCTURE_TYPE_SERVER_INFO);
  CHECK(vramd_memory_type, VRAMD_MEMORY_TYPE_INIT, VRAMD_STRUCTURE_TYPE_MEMORY_TYPE);
  CHECK(vramd_handle_support, VRAMD_HANDLE_SUPPORT_INIT, VRAMD_STRUCTURE_TYPE_HANDLE_SUPPORT);
  CHECK(vramd_device_info, VRAMD_DEVICE_INFO_INIT, VRAMD_STRUCTURE_TYPE_DEVICE_INFO);
  CHECK(vramd_allocate_info, VRAMD_ALLOCATE_INFO_INIT, VRAMD_STRUCTURE_TYPE_ALLOCATE_INFO);
  CHECK(vramd_open_info, VRAMD_OPEN_INFO_INIT, VRAMD_STRUCTURE_TYPE_OPEN_INFO);
  CHECK(vramd_published, VRAMD_PUBLISHED_INIT, VRAMD_STRUCTURE_TYPE_PUBLISHED);
  CHECK(vramd_event, VRAMD_EVENT_INIT, VRAMD_STRUCTURE_TYPE_EVENT);
  CHECK(vramd_importer, VRAMD_IMPORTER_INIT, VRAMD_STRUCTURE_TYPE_IMPORTER);
  CHECK(vramd_frame_info, VRAMD_FRAME_INFO_INIT, VRAMD_STRUCTURE_TYPE_FRAME_INFO);
  CHECK(vramd_stream_info, VRAMD_STREAM_INFO_INIT, VRAMD_STRUCTURE_TYPE_STREAM_INFO);
  CHECK(vramd_slot, VRAMD_SLOT_INIT, VRAMD_STRUCTURE_TYPE_SLOT);
  CHECK(vramd_producer_stats, VRAMD_PRODUCER_STATS_INIT, VRAMD_STRUCTURE_TYPE_PRODUCER_STATS);
  CHECK(vramd_consumer_stats, VRAMD_CONSUMER_STATS_INIT, VRAMD_STRUCTURE_TYPE_CONSUMER_STATS);
  CHECK(vramd_consumer_info, VRAMD_CONSUMER_INFO_INIT, VRAMD_STRUCTURE_TYPE_CONSUMER_INFO);
  CHECK(vramd_frame, VRAMD_FRAME_INIT, VRAMD_STRUCTURE_TYPE_FRAME);
  CHECK(vramd_consumer_end, VRAMD_CONSUMER_END_INIT, VRAMD_STRUCTURE_TYPE_CONSUMER_END);
  CHECK(vramd_consumer_counters, VRAMD_CONSUMER_COUNTERS_INIT,
        VRAMD_STRUCTURE_TYPE_CONSUMER_COUNTERS);
  CHECK(vramd_stream_listing, VRAMD_STREAM_LISTING_INIT, VRAMD_STRUCTURE_TYPE_STREAM_LISTING);
  CHECK(vramd_vk_device_info, VRAMD_VK_DEVICE_INFO_INIT, VRAMD_STRUCTURE_TYPE_VK_DEVICE_INFO);
  CHECK(vramd_vk_resource, VRAMD_VK_RESOURCE_INIT, VRAMD_STRUCTURE_TYPE_VK_RESOURCE);
  CHECK(vramd_vk_barrier, VRAMD_VK_BARRIER_INIT, VRAMD_STRUCTURE_TYPE_VK_BARRIER);
  CHECK(vramd_vk_sync, VRAMD_VK_SYNC_INIT, VRAMD_STRUCTURE_TYPE_VK_SYNC);
  const vramd_device_identity identity = VRAMD_DEVICE_IDENTITY_INIT;
  const vramd_hdr_metadata hdr = VRAMD_HDR_METADATA_INIT;
  const vramd_image_info image = VRAMD_IMAGE_INFO_INIT;
  const vramd_frame_info frame_info = VRAMD_FRAME_INFO_INIT;
  const vramd_drm_modifier modifier = VRAMD_DRM_MODIFIER_INIT;
  const int nothing = !identity.luid_valid && hdr.max_luminance == 0 &&
                      modifier.modifier == VRAMD_DRM_MODIFIER_INVALID;
  const int unspecified = frame_info.transform == 1 && frame_info.colour_primaries == 2 &&
                          frame_info.presentation_clock == VRAMD_CLOCK_UNKNOWN;
  const int one_2d_level = image.image_type == 1 && image.mip_levels == 1 && image.samples == 1;
  return nothing && unspecified && one_2d_level ? wrong : 1;
}
