/* Every _INIT macro initialises its whole struct under the strictest warnings: a macro that lost a
 * field, or has one too many, does not compile. */
#include "vramd/vramd.h"
#include "vramd/vramd_stream.h"
#include "vramd/vramd_vulkan.h"

int main(void) {
  const vramd_image_info image = VRAMD_IMAGE_INFO_INIT;
  const vramd_connect_info connect = VRAMD_CONNECT_INFO_INIT;
  const vramd_server_info server = VRAMD_SERVER_INFO_INIT;
  const vramd_allocate_info allocate = VRAMD_ALLOCATE_INFO_INIT;
  const vramd_open_info open = VRAMD_OPEN_INFO_INIT;
  const vramd_vk_resource resource = VRAMD_VK_RESOURCE_INIT;
  const vramd_vk_barrier barrier = VRAMD_VK_BARRIER_INIT;
  const vramd_stream_info stream = VRAMD_STREAM_INFO_INIT;
  const vramd_consumer_info consumer = VRAMD_CONSUMER_INFO_INIT;
  const vramd_frame_info frame_info = VRAMD_FRAME_INFO_INIT;
  const vramd_frame frame = VRAMD_FRAME_INIT;
  const int sizes_agree =
      connect.struct_size == sizeof(connect) && server.struct_size == sizeof(server) &&
      allocate.struct_size == sizeof(allocate) && open.struct_size == sizeof(open) &&
      resource.struct_size == sizeof(resource) && barrier.struct_size == sizeof(barrier) &&
      stream.struct_size == sizeof(stream) && consumer.struct_size == sizeof(consumer) &&
      frame_info.struct_size == sizeof(frame_info) && frame.struct_size == sizeof(frame);
  const int unspecified = frame_info.transform == 1 && frame_info.colour_primaries == 2 &&
                          frame_info.presentation_clock == VRAMD_CLOCK_UNKNOWN;
  const int one_2d_level = image.image_type == 1 && image.mip_levels == 1 && image.samples == 1;
  return sizes_agree && one_2d_level && unspecified && stream.image.mip_levels == 1 &&
                 allocate.image.mip_levels == 1
             ? 0
             : 1;
}
