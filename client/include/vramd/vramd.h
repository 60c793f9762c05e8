/* vramd.h: the C interface of the vramd client library. C99, no other headers of ours.
 *
 * vramd lends GPU memory between processes. A broker allocates it and gives each process that asks,
 * and is allowed, a handle of its own. This header connects, allocates, opens, publishes and
 * watches; vramd_vulkan.h turns a lease into a VkImage or VkBuffer. C++ users take client.h and
 * vulkan.h, which wrap these two.
 *
 * Results     Every call that can fail returns a vramd_result, whose numbers are gRPC's codes below
 *             100. vramd_last_error() has the sentence that goes with it.
 * Structs     Each begins with struct_type, struct_size and next: Vulkan's sType and pNext, and a
 *             size. Start every struct from its _INIT macro, which sets the three, and set what
 *             differs. A later version adds fields at the end, or structs to chain, so programs
 *             and libraries of different versions work together:
 *             - A struct that a function reads may be larger than this library knows, as long as
 *               what it does not know is zero; if it is not, that is VRAMD_INVALID_ARGUMENT, which
 *               names the struct and both sizes. Fields that a caller does not have are zero.
 *             - Of a struct that a function fills, fields that the caller does not have are left
 *               out, and fields that this library does not have are zero.
 *             - next points to further structs that say more, in any order, each at most once. A
 *               struct says in its comment to which others it can be chained. Any other is
 *               VRAMD_INVALID_ARGUMENT, which names its type: none is ignored. At most 32.
 *             - In a struct that a function fills, next and all other pointers are the caller's:
 *               they point to structs of its own, which are filled too. NULL: not wanted.
 *             - In an array, every element has the struct_size of the first one.
 *             - What has no struct_size, and every VRAMD_MAX_... that is the length of an array,
 *               never changes.
 * Strings     UTF-8, NUL-terminated. The library copies what it is given.
 * Time        In nanoseconds, everywhere. A timeout_ns that is an argument says how long to wait:
 *             0 not at all, VRAMD_FOREVER without an end. One that is a field is for calls to the
 *             broker: there 0 is the client's, and the client's own is 5 seconds if it is 0.
 * NULL        Where a parameter's comment does not allow NULL, it is VRAMD_INVALID_ARGUMENT, and
 *             the message names the parameter. Functions without a result then do nothing, and
 *             answer 0, false, NULL, or -1 for a handle.
 * Ownership   What a function creates, the caller destroys with the function named beside it.
 * Threads     A vramd_client may be used from several threads at once, and so may a vramd_lease,
 *             except that destroying an object must be the last use of it. A vramd_watch belongs to
 *             one thread at a time.
 * fork()      In the child every object of the parent is dead: calls answer
 *             VRAMD_FAILED_PRECONDITION, those without a result what they answer for NULL (names
 *             and ids can still be asked for). Destroying one frees memory of the child, part of
 *             it only when the child ends. Nothing of the parent's is touched, and exit() works.
 *             A child can connect by itself only if its parent had not connected before fork():
 *             else vramd_client_create() is VRAMD_FAILED_PRECONDITION, too. A program that the
 *             child executes can always connect.
 * Exceptions  None leaves the library.
 */
#ifndef VRAMD_VRAMD_H_
#define VRAMD_VRAMD_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vramd/export.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Results ------------------------------------------------------------------------------- */

/* An enumeration's _MAX_ENUM is no value: it makes the type 32 bits wide and lets a field hold a
 * value that this version does not know, which is VRAMD_INVALID_ARGUMENT where it is given. */
typedef enum vramd_result {
  VRAMD_OK = 0,
  VRAMD_CANCELLED = 1,
  VRAMD_UNKNOWN = 2,
  VRAMD_INVALID_ARGUMENT = 3,   /* the request can never work; change it */
  VRAMD_DEADLINE_EXCEEDED = 4,  /* timeout_ns passed; nothing was leased */
  VRAMD_NOT_FOUND = 5,          /* no such name, allocation or device */
  VRAMD_ALREADY_EXISTS = 6,     /* the name is taken */
  VRAMD_PERMISSION_DENIED = 7,  /* policy, or the operating system, says no */
  VRAMD_RESOURCE_EXHAUSTED = 8, /* a quota, the GPU's memory or the process's handles are used up */
  VRAMD_FAILED_PRECONDITION = 9, /* this device or handle type cannot do it */
  VRAMD_ABORTED = 10,
  VRAMD_OUT_OF_RANGE = 11,
  VRAMD_UNIMPLEMENTED = 12, /* the broker is older than the call */
  VRAMD_INTERNAL = 13,
  VRAMD_UNAVAILABLE = 14, /* no broker, or it went away; memory already imported stays usable */
  VRAMD_DATA_LOSS = 15,
  VRAMD_UNAUTHENTICATED = 16,
  VRAMD_END_OF_STREAM = 100, /* no error: the stream has ended, and all its frames were taken */
  VRAMD_RESULT_MAX_ENUM = 0x7fffffff
} vramd_result;

/* "RESOURCE_EXHAUSTED". Never NULL; static. */
VRAMD_EXPORT const char* vramd_result_name(vramd_result result);

/* What the calling thread's last failed call had to say: the thing, the limit, the remedy. Never
 * NULL; valid until the thread's next call into the library. */
VRAMD_EXPORT const char* vramd_last_error(void);

/* The library's version: (major << 16) | (minor << 8) | patch. */
VRAMD_EXPORT uint32_t vramd_version(void);

/* ---- Structs ------------------------------------------------------------------------------- */

typedef enum vramd_structure_type {
  VRAMD_STRUCTURE_TYPE_NONE = 0,
  VRAMD_STRUCTURE_TYPE_BUFFER_INFO = 1,
  VRAMD_STRUCTURE_TYPE_IMAGE_INFO = 2,
  VRAMD_STRUCTURE_TYPE_IMAGE_FORMAT_LIST = 3,
  VRAMD_STRUCTURE_TYPE_DRM_MODIFIER = 4,
  VRAMD_STRUCTURE_TYPE_MEMORY_WISH = 5,
  VRAMD_STRUCTURE_TYPE_RECIPE = 6,
  VRAMD_STRUCTURE_TYPE_CONNECT_INFO = 7,
  VRAMD_STRUCTURE_TYPE_SERVER_INFO = 8,
  VRAMD_STRUCTURE_TYPE_MEMORY_TYPE = 9,
  VRAMD_STRUCTURE_TYPE_HANDLE_SUPPORT = 10,
  VRAMD_STRUCTURE_TYPE_DEVICE_INFO = 11,
  VRAMD_STRUCTURE_TYPE_ALLOCATE_INFO = 12,
  VRAMD_STRUCTURE_TYPE_OPEN_INFO = 13,
  VRAMD_STRUCTURE_TYPE_PUBLISHED = 14,
  VRAMD_STRUCTURE_TYPE_EVENT = 15,
  VRAMD_STRUCTURE_TYPE_IMPORTER = 16,
  /* vramd_stream.h */
  VRAMD_STRUCTURE_TYPE_FRAME_INFO = 100,
  VRAMD_STRUCTURE_TYPE_STREAM_INFO = 101,
  VRAMD_STRUCTURE_TYPE_SLOT = 102,
  VRAMD_STRUCTURE_TYPE_PRODUCER_STATS = 103,
  VRAMD_STRUCTURE_TYPE_CONSUMER_STATS = 104,
  VRAMD_STRUCTURE_TYPE_CONSUMER_INFO = 105,
  VRAMD_STRUCTURE_TYPE_FRAME = 106,
  VRAMD_STRUCTURE_TYPE_CONSUMER_END = 107,
  VRAMD_STRUCTURE_TYPE_CONSUMER_COUNTERS = 108,
  VRAMD_STRUCTURE_TYPE_STREAM_LISTING = 109,
  /* vramd_vulkan.h */
  VRAMD_STRUCTURE_TYPE_VK_DEVICE_INFO = 200,
  VRAMD_STRUCTURE_TYPE_VK_RESOURCE = 201,
  VRAMD_STRUCTURE_TYPE_VK_BARRIER = 202,
  VRAMD_STRUCTURE_TYPE_VK_SYNC = 203,
  /* No library ever knows it: for tests of what happens to such a struct. */
  VRAMD_STRUCTURE_TYPE_RESERVED_FOR_TEST = 4711,
  VRAMD_STRUCTURE_TYPE_MAX_ENUM = 0x7fffffff
} vramd_structure_type;

/* How every struct begins: one that functions only read, and one that they fill, too. */
typedef struct vramd_base_in {
  vramd_structure_type struct_type;
  uint32_t struct_size; /* bytes, of the whole struct as its user was compiled */
  const void* next;
} vramd_base_in;
typedef struct vramd_base_out {
  vramd_structure_type struct_type;
  uint32_t struct_size;
  void* next;
} vramd_base_out;

/* ---- Vocabulary ---------------------------------------------------------------------------- */

typedef struct vramd_client vramd_client;
typedef struct vramd_lease vramd_lease;
typedef struct vramd_watch vramd_watch;

#define VRAMD_UUID_SIZE 16
#define VRAMD_LUID_SIZE 8
#define VRAMD_MAX_NAME 256   /* bytes with the final NUL: a whole name, a device's name */
#define VRAMD_MAX_REASON 512 /* likewise: a sentence */
#define VRAMD_MAX_PATH 1024  /* likewise: a path */
#define VRAMD_MAX_MEMORY_TYPES 32
#define VRAMD_MAX_HANDLE_TYPES 8
#define VRAMD_MAX_VIEW_FORMATS 64
#define VRAMD_MAX_PLANES 4
#define VRAMD_FOREVER UINT64_MAX

typedef enum vramd_resource_kind {
  VRAMD_RESOURCE_NONE = 0,
  VRAMD_RESOURCE_RAW = 1, /* memory without a resource: bind to it what you like */
  VRAMD_RESOURCE_BUFFER = 2,
  VRAMD_RESOURCE_IMAGE = 3,
  VRAMD_RESOURCE_KIND_MAX_ENUM = 0x7fffffff
} vramd_resource_kind;

typedef enum vramd_handle_type {
  VRAMD_HANDLE_ANY = 0,          /* in a request: the broker chooses */
  VRAMD_HANDLE_OPAQUE_FD = 1,    /* the driver owns the fd after a successful import */
  VRAMD_HANDLE_DMA_BUF = 2,      /* likewise; the only type that may cross drivers */
  VRAMD_HANDLE_HOST_SECTION = 3, /* memfd or section, mapped and imported by pointer */
  VRAMD_HANDLE_NV_WIN32 = 4,
  VRAMD_HANDLE_KHR_WIN32 = 5,
  VRAMD_HANDLE_TYPE_MAX_ENUM = 0x7fffffff
} vramd_handle_type;

typedef enum vramd_memory_intent {
  VRAMD_MEMORY_DEVICE_LOCAL = 0, /* fastest for the GPU */
  VRAMD_MEMORY_UPLOAD = 1,       /* the CPU writes, the GPU reads */
  VRAMD_MEMORY_READBACK = 2,     /* the GPU writes, the CPU reads */
  VRAMD_MEMORY_INTENT_MAX_ENUM = 0x7fffffff
} vramd_memory_intent;

/* Vulkan's values, in Vulkan's meaning; each field is named after the member of VkBufferCreateInfo
 * that it becomes. */
typedef struct vramd_buffer_info {
  vramd_structure_type struct_type;
  uint32_t struct_size;
  void* next;
  uint64_t size;  /* bytes, at least 1 */
  uint32_t usage; /* VkBufferUsageFlags, not 0 */
  uint32_t flags; /* VkBufferCreateFlags, 0 */
} vramd_buffer_info;
#define VRAMD_BUFFER_INFO_INIT \
  { VRAMD_STRUCTURE_TYPE_BUFFER_INFO, sizeof(vramd_buffer_info), NULL, 0, 0, 0 }

/* The same for VkImageCreateInfo. VRAMD_IMAGE_INFO_INIT is one 2D level and layer. Chain: a
 * vramd_image_format_list, a vramd_drm_modifier. */
typedef struct vramd_image_info {
  vramd_structure_type struct_type;
  uint32_t struct_size;
  void* next;
  uint32_t flags;      /* VkImageCreateFlags */
  uint32_t image_type; /* VkImageType */
  uint32_t format;     /* VkFormat */
  uint32_t width;      /* texels */
  uint32_t height;     /* texels */
  uint32_t depth;      /* texels */
  uint32_t mip_levels;
  uint32_t array_layers;
  uint32_t samples; /* VkSampleCountFlagBits */
  uint32_t tiling;  /* VkImageTiling */
  uint32_t usage;   /* VkImageUsageFlags, not 0 */
} vramd_image_info;
#define VRAMD_IMAGE_INFO_INIT                                                                      \
  {                                                                                                \
    VRAMD_STRUCTURE_TYPE_IMAGE_INFO, sizeof(vramd_image_info), NULL, 0, 1, 0, 0, 1, 1, 1, 1, 1, 0, \
        0                                                                                          \
  }

/* Chained to a vramd_image_info: which views of the image there will be, as in
 * VkImageFormatListCreateInfo. With more than the image's own format the image needs
 * VK_IMAGE_CREATE_MUTABLE_FORMAT_BIT. Everyone who imports the image creates it with the list. In
 * a recipe, a count of 0 says that the image has no list. */
typedef struct vramd_image_format_list {
  vramd_structure_type struct_type;
  uint32_t struct_size;
  void* next;
  uint32_t view_format_count;
  uint32_t view_formats[VRAMD_MAX_VIEW_FORMATS]; /* VkFormat */
} vramd_image_format_list;
#define VRAMD_IMAGE_FORMAT_LIST_INIT                                                        \
  {                                                                                         \
    VRAMD_STRUCTURE_TYPE_IMAGE_FORMAT_LIST, sizeof(vramd_image_format_list), NULL, 0, { 0 } \
  }

/* As in VkSubresourceLayout. */
typedef struct vramd_plane_layout {
  uint64_t offset; /* bytes from the beginning of the memory */
  uint64_t pitch;  /* bytes from one row to the next */
} vramd_plane_layout;

#define VRAMD_DRM_MODIFIER_INVALID 0x00ffffffffffffffu /* DRM_FORMAT_MOD_INVALID */

/* Chained to a vramd_image_info whose tiling is VK_IMAGE_TILING_DRM_FORMAT_MODIFIER_EXT: how the
 * image lies in memory. In a request, plane_count 0 leaves offsets and pitches to the driver;
 * VRAMD_FAILED_PRECONDITION on a device without VK_EXT_image_drm_format_modifier, or by a broker
 * that does not use it. VRAMD_DRM_MODIFIER_INVALID says, in a recipe too, that there is none. */
typedef struct vramd_drm_modifier {
  vramd_structure_type struct_type;
  uint32_t struct_size;
  void* next;
  uint64_t modifier;
  uint32_t plane_count;
  vramd_plane_layout planes[VRAMD_MAX_PLANES];
} vramd_drm_modifier;
#define VRAMD_DRM_MODIFIER_INIT                                          \
  {                                                                      \
    VRAMD_STRUCTURE_TYPE_DRM_MODIFIER, sizeof(vramd_drm_modifier), NULL, \
        VRAMD_DRM_MODIFIER_INVALID, 0, {                                 \
      { 0, 0 }                                                           \
    }                                                                    \
  }

/* Chained to a vramd_allocate_info or a vramd_stream_info: the memory types of the device that may
 * be taken. Of these, the intent chooses. VRAMD_FAILED_PRECONDITION if none of them will do. */
typedef struct vramd_memory_wish {
  vramd_structure_type struct_type;
  uint32_t struct_size;
  const void* next;
  uint32_t memory_type_bits; /* bit i: the type with index i; 0 allows all */
} vramd_memory_wish;
#define VRAMD_MEMORY_WISH_INIT \
  { VRAMD_STRUCTURE_TYPE_MEMORY_WISH, sizeof(vramd_memory_wish), NULL, 0 }

/* As in VkPhysicalDeviceIDProperties. */
typedef struct vramd_device_identity {
  uint8_t device_uuid[VRAMD_UUID_SIZE];
  uint8_t driver_uuid[VRAMD_UUID_SIZE];
  uint8_t luid[VRAMD_LUID_SIZE];
  bool luid_valid;
  uint32_t node_mask; /* meaningful only if luid_valid */
} vramd_device_identity;
#define VRAMD_DEVICE_IDENTITY_INIT \
  { {0}, {0}, {0}, false, 0 }

/* Everything an importer needs to create a resource that matches an allocation. To have the
 * resource filled in, point `buffer` or `image`, or both, to structs of your own. To a function
 * that reads a recipe, the one that is meant by `kind` must be given. */
typedef struct vramd_recipe {
  vramd_structure_type struct_type;
  uint32_t struct_size;
  void* next;
  vramd_resource_kind kind;
  vramd_buffer_info* buffer; /* if kind is VRAMD_RESOURCE_BUFFER */
  vramd_image_info* image;   /* if kind is VRAMD_RESOURCE_IMAGE */
  uint64_t allocation_size;  /* bytes: VkMemoryAllocateInfo::allocationSize */
  uint32_t memory_type_index;
  uint32_t memory_property_flags; /* VkMemoryPropertyFlags */
  bool dedicated;                 /* import with VkMemoryDedicatedAllocateInfo */
  vramd_handle_type handle_type;
  vramd_device_identity device;
  uint32_t handover_layout; /* VkImageLayout in which one user hands the image to the next */
} vramd_recipe;
#define VRAMD_RECIPE_INIT                                                                        \
  {                                                                                              \
    VRAMD_STRUCTURE_TYPE_RECIPE, sizeof(vramd_recipe), NULL, VRAMD_RESOURCE_NONE, NULL, NULL, 0, \
        0, 0, false, VRAMD_HANDLE_ANY, VRAMD_DEVICE_IDENTITY_INIT, 0                             \
  }

/* ---- Connecting ---------------------------------------------------------------------------- */

typedef struct vramd_connect_info {
  vramd_structure_type struct_type;
  uint32_t struct_size;
  const void* next;
  const char* endpoint; /* path of the socket or pipe; NULL: $VRAMD_ENDPOINT, then the default */
  uint64_t timeout_ns;  /* for connecting and for every call that names no other; 0: 5 s */
  const char* trusted_user; /* user name or id that may run the broker, besides oneself and root */
} vramd_connect_info;
#define VRAMD_CONNECT_INFO_INIT \
  { VRAMD_STRUCTURE_TYPE_CONNECT_INFO, sizeof(vramd_connect_info), NULL, NULL, 0, NULL }

/* Connects to the broker and checks who serves it. `info` may be NULL.
 * VRAMD_UNAVAILABLE: nobody listens. VRAMD_PERMISSION_DENIED: the broker refuses this process, or a
 * user whom this process does not trust serves the endpoint. Destroy with vramd_client_destroy().
 *
 * When the broker goes away, calls answer VRAMD_UNAVAILABLE, leases become invalid (their memory
 * stays usable where it was imported), and the next call connects again by itself. */
VRAMD_EXPORT vramd_result vramd_client_create(const vramd_connect_info* info,
                                              vramd_client** client);

/* Ends the session, and with it every lease, name and watch. Destroy leases and watches first.
 * NULL is allowed. */
VRAMD_EXPORT void vramd_client_destroy(vramd_client* client);

/* One round trip through the broker. VRAMD_OK says that it lives. */
VRAMD_EXPORT vramd_result vramd_client_ping(vramd_client* client);

typedef struct vramd_server_info {
  vramd_structure_type struct_type;
  uint32_t struct_size;
  void* next;
  char version[64];              /* of the broker's program */
  char endpoint[VRAMD_MAX_PATH]; /* that this client is connected to */
  uint64_t session_id;
  uint32_t broker_process_id;
  uint64_t sessions;        /* open now */
  uint64_t allocations;     /* alive now */
  uint64_t allocated_bytes; /* of those */
  uint32_t device_count;
} vramd_server_info;
#define VRAMD_SERVER_INFO_INIT \
  { VRAMD_STRUCTURE_TYPE_SERVER_INFO, sizeof(vramd_server_info), NULL, "", "", 0, 0, 0, 0, 0, 0 }

VRAMD_EXPORT vramd_result vramd_get_server_info(vramd_client* client, vramd_server_info* info);

/* ---- Devices ------------------------------------------------------------------------------- */

typedef enum vramd_device_state {
  VRAMD_DEVICE_UNKNOWN = 0,
  VRAMD_DEVICE_OPENING = 1,
  VRAMD_DEVICE_READY = 2,
  VRAMD_DEVICE_FAILED = 3,
  VRAMD_DEVICE_LOST = 4,
  VRAMD_DEVICE_STATE_MAX_ENUM = 0x7fffffff
} vramd_device_state;

typedef struct vramd_memory_type {
  vramd_structure_type struct_type;
  uint32_t struct_size;
  void* next;
  uint32_t property_flags; /* VkMemoryPropertyFlags */
  uint32_t heap_index;
  uint64_t heap_size;   /* bytes */
  uint64_t heap_budget; /* bytes usable now; 0 where the driver does not tell */
  uint64_t heap_usage;  /* bytes used by the broker now; 0 likewise */
} vramd_memory_type;
#define VRAMD_MEMORY_TYPE_INIT \
  { VRAMD_STRUCTURE_TYPE_MEMORY_TYPE, sizeof(vramd_memory_type), NULL, 0, 0, 0, 0, 0 }

typedef struct vramd_handle_support {
  vramd_structure_type struct_type;
  uint32_t struct_size;
  void* next;
  vramd_handle_type handle_type;
  bool can_export;
  bool can_import;
  char reason[VRAMD_MAX_REASON]; /* why not, where one is false */
} vramd_handle_support;
#define VRAMD_HANDLE_SUPPORT_INIT                                                              \
  {                                                                                            \
    VRAMD_STRUCTURE_TYPE_HANDLE_SUPPORT, sizeof(vramd_handle_support), NULL, VRAMD_HANDLE_ANY, \
        false, false, ""                                                                       \
  }

typedef struct vramd_device_info {
  vramd_structure_type struct_type;
  uint32_t struct_size;
  void* next;
  uint32_t index; /* stable while the broker runs */
  char name[VRAMD_MAX_NAME];
  char driver_name[VRAMD_MAX_NAME];
  char driver_version[VRAMD_MAX_NAME];
  uint32_t api_version; /* VK_MAKE_API_VERSION */
  uint32_t device_type; /* VkPhysicalDeviceType */
  vramd_device_identity identity;
  vramd_device_state state;
  char state_reason[VRAMD_MAX_REASON];
  bool timeline_export; /* streams order their frames on the GPU: see vramd_stream.h */
  char timeline_reason[VRAMD_MAX_REASON]; /* why not */
} vramd_device_info;
#define VRAMD_DEVICE_INFO_INIT                                                              \
  {                                                                                         \
    VRAMD_STRUCTURE_TYPE_DEVICE_INFO, sizeof(vramd_device_info), NULL, 0, "", "", "", 0, 0, \
        VRAMD_DEVICE_IDENTITY_INIT, VRAMD_DEVICE_UNKNOWN, "", false, ""                     \
  }

/* Vulkan's two-call idiom: with `devices` NULL, sets *count. Otherwise fills at most *count and
 * sets *count to how many were written; start each element from its _INIT macro first. */
VRAMD_EXPORT vramd_result vramd_enumerate_devices(vramd_client* client, uint32_t* count,
                                                  vramd_device_info* devices);

/* The memory types of the device with that index, in Vulkan's order, and what it can do with each
 * handle type. At most VRAMD_MAX_MEMORY_TYPES and VRAMD_MAX_HANDLE_TYPES. Two-call idiom.
 * VRAMD_NOT_FOUND: there is no such device. */
VRAMD_EXPORT vramd_result vramd_enumerate_memory_types(vramd_client* client, uint32_t device_index,
                                                       uint32_t* count, vramd_memory_type* types);
VRAMD_EXPORT vramd_result vramd_enumerate_handle_types(vramd_client* client, uint32_t device_index,
                                                       uint32_t* count,
                                                       vramd_handle_support* types);

/* ---- Leases -------------------------------------------------------------------------------- */

/* Chain: a vramd_memory_wish. */
typedef struct vramd_allocate_info {
  vramd_structure_type struct_type;
  uint32_t struct_size;
  const void* next;
  vramd_resource_kind kind;
  const vramd_buffer_info* buffer; /* if kind is VRAMD_RESOURCE_BUFFER */
  const vramd_image_info* image;   /* if kind is VRAMD_RESOURCE_IMAGE */
  uint64_t raw_size;               /* bytes, if kind is VRAMD_RESOURCE_RAW */
  vramd_memory_intent intent;
  const char* device; /* a UUID, LUID, index or part of a name; NULL: the broker's first device */
  vramd_handle_type handle_type;
  bool dedicated;      /* ask for a dedicated allocation even if the driver does not want one */
  const char* label;   /* for people, at most 128 bytes; may be NULL */
  uint64_t timeout_ns; /* 0: the client's */
} vramd_allocate_info;
#define VRAMD_ALLOCATE_INFO_INIT                                                               \
  {                                                                                            \
    VRAMD_STRUCTURE_TYPE_ALLOCATE_INFO, sizeof(vramd_allocate_info), NULL, VRAMD_RESOURCE_RAW, \
        NULL, NULL, 0, VRAMD_MEMORY_DEVICE_LOCAL, NULL, VRAMD_HANDLE_ANY, false, NULL, 0       \
  }

/* Has the broker allocate, and takes a lease. Contents of new memory are undefined; it never holds
 * what another user put there through the broker. Destroy with vramd_lease_destroy(). */
VRAMD_EXPORT vramd_result vramd_allocate(vramd_client* client, const vramd_allocate_info* info,
                                         vramd_lease** lease);

typedef struct vramd_open_info {
  vramd_structure_type struct_type;
  uint32_t struct_size;
  const void* next;
  const char* name; /* user/application/label, or application/label of one's own; or NULL and */
  uint64_t allocation_id;
  uint64_t timeout_ns; /* 0: the client's */
} vramd_open_info;
#define VRAMD_OPEN_INFO_INIT \
  { VRAMD_STRUCTURE_TYPE_OPEN_INFO, sizeof(vramd_open_info), NULL, NULL, 0, 0 }

/* Takes a lease on memory that another session, or this one, allocated. */
VRAMD_EXPORT vramd_result vramd_open(vramd_client* client, const vramd_open_info* info,
                                     vramd_lease** lease);

/* Gives the lease back. The allocation ends with its last lease, its name with the publisher's.
 * Resources imported from it stay valid: destroy them when you like. NULL is allowed. */
VRAMD_EXPORT void vramd_lease_destroy(vramd_lease* lease);

VRAMD_EXPORT uint64_t vramd_lease_get_id(const vramd_lease* lease);
VRAMD_EXPORT uint64_t vramd_lease_get_allocation_id(const vramd_lease* lease);

/* Fills *recipe, and what it points to. */
VRAMD_EXPORT vramd_result vramd_lease_get_recipe(const vramd_lease* lease, vramd_recipe* recipe);

/* False once the broker, or the connection to it, is gone: the lease pays for nothing any more. */
VRAMD_EXPORT bool vramd_lease_is_valid(const vramd_lease* lease);

/* A new handle (an fd, or a HANDLE's value) to the memory, for an import of your own. The caller
 * owns it until a driver takes it: see docs/handle-ownership.md. */
VRAMD_EXPORT vramd_result vramd_lease_get_handle(const vramd_lease* lease, intptr_t* handle);

/* ---- Names --------------------------------------------------------------------------------- */

/* Publishes the leased allocation as `name`, application/label of letters, digits and "._-". Others
 * find it as user/application/label. If `whole_name` is not NULL it receives that, cut to
 * `whole_name_size` bytes with the final NUL. VRAMD_ALREADY_EXISTS if the name is taken. */
VRAMD_EXPORT vramd_result vramd_publish(vramd_lease* lease, const char* name, char* whole_name,
                                        size_t whole_name_size);

VRAMD_EXPORT vramd_result vramd_withdraw(vramd_client* client, const char* name);

typedef struct vramd_published {
  vramd_structure_type struct_type;
  uint32_t struct_size;
  void* next;
  char name[VRAMD_MAX_NAME]; /* user/application/label */
  uint64_t allocation_id;
  char user[VRAMD_MAX_NAME];
  uint32_t process_id;
  char executable[VRAMD_MAX_PATH];
  char label[VRAMD_MAX_NAME];
  uint32_t lease_count;
  vramd_recipe* recipe; /* a struct of the caller's, for each element its own; NULL: not wanted */
} vramd_published;
#define VRAMD_PUBLISHED_INIT \
  { VRAMD_STRUCTURE_TYPE_PUBLISHED, sizeof(vramd_published), NULL, "", 0, "", 0, "", "", 0, NULL }

/* Published allocations that this session may open, whose whole name begins with `prefix` (NULL:
 * all). Two-call idiom, as above. */
VRAMD_EXPORT vramd_result vramd_list(vramd_client* client, const char* prefix, uint32_t* count,
                                     vramd_published* published);

/* ---- Watching ------------------------------------------------------------------------------ */

typedef enum vramd_event_kind {
  VRAMD_EVENT_NONE = 0,
  VRAMD_EVENT_PUBLISHED = 1,
  VRAMD_EVENT_WITHDRAWN = 2,
  VRAMD_EVENT_RELEASED = 3, /* the publisher's lease or process ended */
  VRAMD_EVENT_CURRENT = 4,  /* what existed has been told; changes follow */
  VRAMD_EVENT_DEVICE_LOST = 5,
  VRAMD_EVENT_GOING_AWAY = 6,
  VRAMD_EVENT_OVERFLOW = 7,        /* events were missed: call vramd_list() */
  VRAMD_EVENT_DISCONNECTED = 8,    /* the broker is gone; the watch keeps trying */
  VRAMD_EVENT_RECONNECTED = 9,     /* a new session: leases of the old one are invalid */
  VRAMD_EVENT_STREAM_STARTED = 10, /* vramd_consumer_open() finds it */
  VRAMD_EVENT_STREAM_ENDED = 11,   /* its producer ended it or is gone, or a new policy hides it */
  VRAMD_EVENT_KIND_MAX_ENUM = 0x7fffffff
} vramd_event_kind;

typedef struct vramd_event {
  vramd_structure_type struct_type;
  uint32_t struct_size;
  void* next;
  vramd_event_kind kind;
  char name[VRAMD_MAX_NAME];    /* PUBLISHED, WITHDRAWN, RELEASED, STREAM_STARTED and _ENDED */
  uint64_t allocation_id;       /* of the first three */
  vramd_device_identity device; /* DEVICE_LOST */
  char reason[VRAMD_MAX_REASON];
} vramd_event;
#define VRAMD_EVENT_INIT                                                            \
  {                                                                                 \
    VRAMD_STRUCTURE_TYPE_EVENT, sizeof(vramd_event), NULL, VRAMD_EVENT_NONE, "", 0, \
        VRAMD_DEVICE_IDENTITY_INIT, ""                                              \
  }

/* Watches names of allocations and of streams that begin with `prefix` (NULL: all): first those
 * that exist, then CURRENT, then every change. Destroy with vramd_watch_destroy(), before the
 * client. */
VRAMD_EXPORT vramd_result vramd_watch_create(vramd_client* client, const char* prefix,
                                             vramd_watch** watch);

/* Waits for the next event. VRAMD_DEADLINE_EXCEEDED if none came within timeout_ns. */
VRAMD_EXPORT vramd_result vramd_watch_next(vramd_watch* watch, uint64_t timeout_ns,
                                           vramd_event* event);

/* Ends the watch. NULL is allowed. */
VRAMD_EXPORT void vramd_watch_destroy(vramd_watch* watch);

/* ---- Sharing ------------------------------------------------------------------------------- */

typedef struct vramd_importer {
  vramd_structure_type struct_type;
  uint32_t struct_size;
  void* next;
  vramd_device_identity identity;
  uint32_t importable_count;
  vramd_handle_type importable[VRAMD_MAX_HANDLE_TYPES];
  uint32_t memory_type_count; /* of the importer's device; 0: not told */
} vramd_importer;
#define VRAMD_IMPORTER_INIT                                                                     \
  {                                                                                             \
    VRAMD_STRUCTURE_TYPE_IMPORTER, sizeof(vramd_importer), NULL, VRAMD_DEVICE_IDENTITY_INIT, 0, \
        {VRAMD_HANDLE_ANY}, 0                                                                   \
  }

/* Could `importer` use `recipe`? *can_import answers; `reason`, if not NULL, receives why not, cut
 * to `reason_size` bytes with the final NUL. Nothing is allocated. */
VRAMD_EXPORT vramd_result vramd_check_share(vramd_client* client, const vramd_recipe* recipe,
                                            const vramd_importer* importer, bool* can_import,
                                            char* reason, size_t reason_size);

#ifdef __cplusplus
}
#endif

#endif /* VRAMD_VRAMD_H_ */
