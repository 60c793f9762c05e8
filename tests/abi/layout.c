/* The layout of every public struct, one line each for the struct and its fields, to be compared
 * with vramd.layout. Compiled as strict C99, so it also shows that the C headers are C99. A new
 * field goes at the end of its struct, here, and into vramd.layout; a changed line there breaks
 * programs that are already built. */
#include <stddef.h>
#include <stdio.h>

#include "vramd/vramd.h"
#include "vramd/vramd_vulkan.h"

#define STRUCT(type) printf("%s size=%u\n", #type, (unsigned)sizeof(type))
#define FIELD(type, name)                                                   \
  printf("  %s offset=%u size=%u\n", #name, (unsigned)offsetof(type, name), \
         (unsigned)sizeof(((type*)0)->name))

int main(void) {
  STRUCT(vramd_buffer_info);
  FIELD(vramd_buffer_info, size);
  FIELD(vramd_buffer_info, usage);
  FIELD(vramd_buffer_info, flags);
  STRUCT(vramd_image_info);
  FIELD(vramd_image_info, flags);
  FIELD(vramd_image_info, image_type);
  FIELD(vramd_image_info, format);
  FIELD(vramd_image_info, width);
  FIELD(vramd_image_info, height);
  FIELD(vramd_image_info, depth);
  FIELD(vramd_image_info, mip_levels);
  FIELD(vramd_image_info, array_layers);
  FIELD(vramd_image_info, samples);
  FIELD(vramd_image_info, tiling);
  FIELD(vramd_image_info, usage);
  STRUCT(vramd_device_identity);
  FIELD(vramd_device_identity, device_uuid);
  FIELD(vramd_device_identity, driver_uuid);
  FIELD(vramd_device_identity, luid);
  FIELD(vramd_device_identity, luid_valid);
  FIELD(vramd_device_identity, node_mask);
  STRUCT(vramd_recipe);
  FIELD(vramd_recipe, struct_size);
  FIELD(vramd_recipe, kind);
  FIELD(vramd_recipe, buffer);
  FIELD(vramd_recipe, image);
  FIELD(vramd_recipe, allocation_size);
  FIELD(vramd_recipe, memory_type_index);
  FIELD(vramd_recipe, memory_property_flags);
  FIELD(vramd_recipe, dedicated);
  FIELD(vramd_recipe, handle_type);
  FIELD(vramd_recipe, device);
  FIELD(vramd_recipe, handover_layout);
  STRUCT(vramd_connect_info);
  FIELD(vramd_connect_info, struct_size);
  FIELD(vramd_connect_info, endpoint);
  FIELD(vramd_connect_info, timeout_ms);
  FIELD(vramd_connect_info, trusted_user);
  STRUCT(vramd_server_info);
  FIELD(vramd_server_info, struct_size);
  FIELD(vramd_server_info, version);
  FIELD(vramd_server_info, endpoint);
  FIELD(vramd_server_info, session_id);
  FIELD(vramd_server_info, broker_process_id);
  FIELD(vramd_server_info, sessions);
  FIELD(vramd_server_info, allocations);
  FIELD(vramd_server_info, allocated_bytes);
  FIELD(vramd_server_info, device_count);
  STRUCT(vramd_memory_type);
  FIELD(vramd_memory_type, property_flags);
  FIELD(vramd_memory_type, heap_index);
  FIELD(vramd_memory_type, heap_size);
  FIELD(vramd_memory_type, heap_budget);
  FIELD(vramd_memory_type, heap_usage);
  STRUCT(vramd_handle_support);
  FIELD(vramd_handle_support, type);
  FIELD(vramd_handle_support, can_export);
  FIELD(vramd_handle_support, can_import);
  FIELD(vramd_handle_support, reason);
  STRUCT(vramd_device_info);
  FIELD(vramd_device_info, struct_size);
  FIELD(vramd_device_info, index);
  FIELD(vramd_device_info, name);
  FIELD(vramd_device_info, driver_name);
  FIELD(vramd_device_info, driver_version);
  FIELD(vramd_device_info, api_version);
  FIELD(vramd_device_info, device_type);
  FIELD(vramd_device_info, identity);
  FIELD(vramd_device_info, state);
  FIELD(vramd_device_info, state_reason);
  FIELD(vramd_device_info, memory_type_count);
  FIELD(vramd_device_info, memory_types);
  FIELD(vramd_device_info, handle_type_count);
  FIELD(vramd_device_info, handle_types);
  STRUCT(vramd_allocate_info);
  FIELD(vramd_allocate_info, struct_size);
  FIELD(vramd_allocate_info, kind);
  FIELD(vramd_allocate_info, buffer);
  FIELD(vramd_allocate_info, image);
  FIELD(vramd_allocate_info, raw_size);
  FIELD(vramd_allocate_info, raw_memory_type_bits);
  FIELD(vramd_allocate_info, intent);
  FIELD(vramd_allocate_info, device);
  FIELD(vramd_allocate_info, handle_type);
  FIELD(vramd_allocate_info, dedicated);
  FIELD(vramd_allocate_info, label);
  FIELD(vramd_allocate_info, timeout_ms);
  STRUCT(vramd_open_info);
  FIELD(vramd_open_info, struct_size);
  FIELD(vramd_open_info, name);
  FIELD(vramd_open_info, allocation_id);
  FIELD(vramd_open_info, timeout_ms);
  STRUCT(vramd_published);
  FIELD(vramd_published, struct_size);
  FIELD(vramd_published, name);
  FIELD(vramd_published, allocation_id);
  FIELD(vramd_published, user);
  FIELD(vramd_published, process_id);
  FIELD(vramd_published, executable);
  FIELD(vramd_published, label);
  FIELD(vramd_published, lease_count);
  FIELD(vramd_published, recipe);
  STRUCT(vramd_event);
  FIELD(vramd_event, struct_size);
  FIELD(vramd_event, kind);
  FIELD(vramd_event, name);
  FIELD(vramd_event, allocation_id);
  FIELD(vramd_event, device);
  FIELD(vramd_event, reason);
  STRUCT(vramd_importer);
  FIELD(vramd_importer, struct_size);
  FIELD(vramd_importer, identity);
  FIELD(vramd_importer, importable_count);
  FIELD(vramd_importer, importable);
  FIELD(vramd_importer, memory_type_count);
  STRUCT(vramd_vk_device_info);
  FIELD(vramd_vk_device_info, struct_size);
  FIELD(vramd_vk_device_info, get_instance_proc_addr);
  FIELD(vramd_vk_device_info, instance);
  FIELD(vramd_vk_device_info, physical_device);
  FIELD(vramd_vk_device_info, device);
  STRUCT(vramd_vk_resource);
  FIELD(vramd_vk_resource, struct_size);
  FIELD(vramd_vk_resource, memory);
  FIELD(vramd_vk_resource, buffer);
  FIELD(vramd_vk_resource, image);
  FIELD(vramd_vk_resource, size);
  FIELD(vramd_vk_resource, mapped);
  FIELD(vramd_vk_resource, memory_property_flags);
  FIELD(vramd_vk_resource, handover_layout);
  FIELD(vramd_vk_resource, internal);
  STRUCT(vramd_vk_barrier);
  FIELD(vramd_vk_barrier, struct_size);
  FIELD(vramd_vk_barrier, queue_family);
  FIELD(vramd_vk_barrier, layout);
  FIELD(vramd_vk_barrier, stage);
  FIELD(vramd_vk_barrier, access);
  FIELD(vramd_vk_barrier, discard);
  FIELD(vramd_vk_barrier, first_layer);
  FIELD(vramd_vk_barrier, layer_count);
  return 0;
}
