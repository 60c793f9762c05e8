/* vramd_vulkan.h: from a lease to a VkBuffer, a VkImage or a VkDeviceMemory. C99.
 *
 * Works on the application's own VkInstance and VkDevice, through function pointers that it asks of
 * the application's own vkGetInstanceProcAddr: the library links no Vulkan loader and has no global
 * Vulkan state, so several Vulkan users in one process do not disturb each other.
 *
 * Threads: a vramd_vk_device may be used from several threads; a resource or a command buffer by
 * one at a time, as Vulkan says.
 */
#ifndef VRAMD_VRAMD_VULKAN_H_
#define VRAMD_VRAMD_VULKAN_H_

#include <vulkan/vulkan_core.h>

#include "vramd/vramd.h"
#include "vramd/vramd_stream.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Finds the physical device of `instance` on which `recipe` can be imported. By LUID where both
 * have one, else by device and driver UUID. VRAMD_NOT_FOUND if there is none: the message says what
 * was there. A buffer or raw memory in a host section or a dma-buf needs no special device: any
 * that can import the type will do, and the allocating one is preferred. An image always needs the
 * allocating one, whose driver alone knows its layout. Needs Vulkan 1.1. */
VRAMD_EXPORT vramd_result
vramd_vk_find_physical_device(PFN_vkGetInstanceProcAddr get_instance_proc_addr, VkInstance instance,
                              const vramd_recipe* recipe, VkPhysicalDevice* physical_device);

/* What `physical_device` is, and what it can import: for vramd_check_share(), or to ask the broker
 * for the same device by UUID. */
VRAMD_EXPORT vramd_result
vramd_vk_describe_importer(PFN_vkGetInstanceProcAddr get_instance_proc_addr, VkInstance instance,
                           VkPhysicalDevice physical_device, vramd_importer* importer);

/* Names of device extensions to enable for importing, of those that `physical_device` has. Two-call
 * idiom; the strings are static. */
VRAMD_EXPORT vramd_result vramd_vk_enumerate_device_extensions(
    PFN_vkGetInstanceProcAddr get_instance_proc_addr, VkInstance instance,
    VkPhysicalDevice physical_device, uint32_t* count, const char** names);

typedef struct vramd_vk_device vramd_vk_device;

typedef struct vramd_vk_device_info {
  vramd_structure_type struct_type;
  uint32_t struct_size;
  const void* next;
  PFN_vkGetInstanceProcAddr get_instance_proc_addr;
  VkInstance instance; /* Vulkan 1.1 or newer */
  VkPhysicalDevice physical_device;
  VkDevice device; /* created with the extensions named above */
} vramd_vk_device_info;
#define VRAMD_VK_DEVICE_INFO_INIT                                                                  \
  {                                                                                                \
    VRAMD_STRUCTURE_TYPE_VK_DEVICE_INFO, sizeof(vramd_vk_device_info), NULL, NULL, VK_NULL_HANDLE, \
        VK_NULL_HANDLE, VK_NULL_HANDLE                                                             \
  }

/* Looks the functions up once. Does not own the VkDevice; destroy before it. */
VRAMD_EXPORT vramd_result vramd_vk_device_create(const vramd_vk_device_info* info,
                                                 vramd_vk_device** device);
VRAMD_EXPORT void vramd_vk_device_destroy(vramd_vk_device* device);

/* An imported resource. The caller may use the Vulkan objects freely and destroys them all with
 * vramd_vk_resource_destroy(), never one by one. */
typedef struct vramd_vk_resource {
  vramd_structure_type struct_type;
  uint32_t struct_size;
  void* next;
  VkDeviceMemory memory;
  VkBuffer buffer;   /* VK_NULL_HANDLE unless the lease is of a buffer */
  VkImage image;     /* VK_NULL_HANDLE unless the lease is of an image */
  VkDeviceSize size; /* bytes of memory */
  void* mapped;      /* a host section's address in this process, else NULL */
  uint32_t memory_property_flags;
  uint32_t handover_layout; /* VkImageLayout, from the recipe */
  void* internal;           /* of the library */
} vramd_vk_resource;
#define VRAMD_VK_RESOURCE_INIT                                                         \
  {                                                                                    \
    VRAMD_STRUCTURE_TYPE_VK_RESOURCE, sizeof(vramd_vk_resource), NULL, VK_NULL_HANDLE, \
        VK_NULL_HANDLE, VK_NULL_HANDLE, 0, NULL, 0, 0, NULL                            \
  }

/* Creates the matching buffer or image, imports the lease's memory and binds it. The handle that
 * this takes is closed or handed to the driver by the rule of its type, on success and on failure.
 * On failure *resource is left empty. VRAMD_FAILED_PRECONDITION if the device cannot import it,
 * with the reason. The resource may outlive the lease. */
VRAMD_EXPORT vramd_result vramd_vk_import(vramd_vk_device* device, const vramd_lease* lease,
                                          vramd_vk_resource* resource);
VRAMD_EXPORT void vramd_vk_resource_destroy(vramd_vk_device* device, vramd_vk_resource* resource);

/* One side of a hand-over. Between users a shared resource belongs to VK_QUEUE_FAMILY_EXTERNAL, and
 * an image is in its handover_layout. */
typedef struct vramd_vk_barrier {
  vramd_structure_type struct_type;
  uint32_t struct_size;
  const void* next;
  uint32_t queue_family;      /* of the queue that the command buffer will be submitted to */
  VkImageLayout layout;       /* acquire: to use it in; release: it was used in. Images only.
                                 UNDEFINED: the handover_layout */
  VkPipelineStageFlags stage; /* acquire: of the first use; release: of the last. 0: any */
  VkAccessFlags access;       /* likewise; if stage is 0, any */
  bool discard;               /* acquire only: contents are not needed (the first user says so) */
  uint32_t first_layer;       /* of an image: each array layer may have a user of its own */
  uint32_t layer_count;       /* 0: all from first_layer on */
} vramd_vk_barrier;
#define VRAMD_VK_BARRIER_INIT                                                                      \
  {                                                                                                \
    VRAMD_STRUCTURE_TYPE_VK_BARRIER, sizeof(vramd_vk_barrier), NULL, 0, VK_IMAGE_LAYOUT_UNDEFINED, \
        0, 0, false, 0, 0                                                                          \
  }

/* Records the barriers that take the resource over from the previous user, and those that give it
 * to the next: for an image, all mip levels and aspects. Every use goes between the two. They order
 * memory and layout inside a queue; that the other process is done is for a semaphore, a fence or a
 * message to say. Raw memory has no barrier of its own: record them for what you bind to it. */
VRAMD_EXPORT void vramd_vk_record_acquire(vramd_vk_device* device, VkCommandBuffer commands,
                                          const vramd_vk_resource* resource,
                                          const vramd_vk_barrier* barrier);
VRAMD_EXPORT void vramd_vk_record_release(vramd_vk_device* device, VkCommandBuffer commands,
                                          const vramd_vk_resource* resource,
                                          const vramd_vk_barrier* barrier);

/* ---- Streams ------------------------------------------------------------------------------- */

/* Whether `physical_device` can take part in streams whose frames are ordered by timeline
 * semaphores. If so, enable VkPhysicalDeviceTimelineSemaphoreFeatures::timelineSemaphore with the
 * VkDevice; the extensions that are needed are among those of
 * vramd_vk_enumerate_device_extensions(). */
VRAMD_EXPORT vramd_result
vramd_vk_supports_timeline(PFN_vkGetInstanceProcAddr get_instance_proc_addr, VkInstance instance,
                           VkPhysicalDevice physical_device, bool* supported);

/* A stream's images and semaphores on one VkDevice. One thread at a time. */
typedef struct vramd_vk_stream vramd_vk_stream;

/* `stream` is a producer's or a consumer's, and must outlive this. Nothing is imported yet.
 * VRAMD_FAILED_PRECONDITION if the stream uses timelines and the VkDevice was created without what
 * they need. Destroy when the GPU is done with all of it, before the vramd_vk_device. */
VRAMD_EXPORT vramd_result vramd_vk_stream_create(vramd_vk_device* device, vramd_stream* stream,
                                                 vramd_vk_stream** out);
VRAMD_EXPORT void vramd_vk_stream_destroy(vramd_vk_stream* stream);

/* The resource of a slot or a frame, imported on its first use. It belongs to the stream and stays
 * until no slot or frame of its generation is used any more; then it is destroyed here, by a later
 * call, once the GPU is done with it. vramd_vk_record_acquire() and _release() take it. */
VRAMD_EXPORT vramd_result vramd_vk_stream_get_resource(vramd_vk_stream* stream, uint32_t generation,
                                                       uint32_t image,
                                                       const vramd_vk_resource** resource);

/* What a submission waits for and signals. All counts are 0 in a stream without timelines: then the
 * CPU waits for the fence of the submission before it publishes or releases. */
typedef struct vramd_vk_sync {
  vramd_structure_type struct_type;
  uint32_t struct_size;
  void* next;
  uint32_t wait_count;
  VkSemaphore wait_semaphores[VRAMD_MAX_CONSUMERS];
  uint64_t wait_values[VRAMD_MAX_CONSUMERS];
  VkPipelineStageFlags wait_stages[VRAMD_MAX_CONSUMERS];
  uint32_t signal_count; /* 0 or 1 */
  VkSemaphore signal_semaphore;
  uint64_t signal_value; /* for vramd_frame_info.timeline_value, or vramd_consumer_release() */
} vramd_vk_sync;
#define VRAMD_VK_SYNC_INIT                                                                       \
  {                                                                                              \
    VRAMD_STRUCTURE_TYPE_VK_SYNC, sizeof(vramd_vk_sync), NULL, 0, {VK_NULL_HANDLE}, {0}, {0}, 0, \
        VK_NULL_HANDLE, 0                                                                        \
  }

/* For the one submission that renders into the slot: waits for the consumers that had it, at
 * `stage` (0: any), and signals that the frame is ready. Submit in the order of these calls; a sync
 * that is not submitted before a later one must not be submitted any more. The semaphores belong to
 * the stream: one of a consumer that has left is destroyed by a later call, once the GPU has
 * reached the signal_value of the last sync that waits for it. */
VRAMD_EXPORT vramd_result vramd_vk_sync_slot(vramd_vk_stream* stream, const vramd_slot* slot,
                                             VkPipelineStageFlags stage, vramd_vk_sync* sync);

/* For the last submission that uses the frame: waits until it is ready, at `stage`, and signals
 * that it is not needed any more. If several submissions use it, only the last one signals, and all
 * but the first need not wait. Submit in the order of these calls. */
VRAMD_EXPORT vramd_result vramd_vk_sync_frame(vramd_vk_stream* stream, const vramd_frame* frame,
                                              VkPipelineStageFlags stage, vramd_vk_sync* sync);

/* Makes `submit` wait and signal as `sync` says, with `timeline` in its chain. Its semaphore fields
 * must be empty; both must stay where they are, with `sync`, until vkQueueSubmit(). */
VRAMD_EXPORT void vramd_vk_sync_apply(const vramd_vk_sync* sync, VkSubmitInfo* submit,
                                      VkTimelineSemaphoreSubmitInfo* timeline);

#ifdef __cplusplus
}
#endif

#endif /* VRAMD_VRAMD_VULKAN_H_ */
