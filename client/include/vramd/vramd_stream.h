/* vramd_stream.h: moving pictures, from one producer to many consumers. C99, no other headers of
 * ours but vramd.h, whose rules on results, structs, strings and ownership hold here too.
 *
 * A stream is a ring of images under a name. The producer acquires a slot, renders into its image
 * and publishes it as a frame; each consumer takes frames, uses and releases them. The broker sets
 * this up and watches over it; frames go through shared memory, without the broker and without a
 * copy. vramd_vulkan.h turns a slot or a frame into a VkImage. C++ users take stream.h.
 *
 * When a frame is ready   vramd_stream_uses_timeline() says which of two rules a stream has. True:
 *             the GPU waits; each side submits with the semaphores that vramd_vulkan.h fills in.
 *             False: the CPU waits; the producer publishes, and a consumer releases, only when its
 *             own GPU work on the image is done (a fence). The calls are the same.
 * Broker      When it goes away, frames go on between those who are connected. The library then
 *             looks for a broker at the same place. Once there is one, the producer makes the
 *             stream anew under its name, and consumers change over to it by themselves: they see
 *             a new generation of images, `session` grows by one, and sequence numbers go on.
 * Threads     Acquire belongs to one thread at a time, and so do next and arm. Everything else may
 *             be called from any thread, also while these wait. Destroying is the last use.
 */
#ifndef VRAMD_VRAMD_STREAM_H_
#define VRAMD_VRAMD_STREAM_H_

#include "vramd/vramd.h"

#ifdef __cplusplus
extern "C" {
#endif

#define VRAMD_MAX_STREAM_IMAGES 64
#define VRAMD_MAX_CONSUMERS 62
#define VRAMD_MAX_DAMAGE 16
#define VRAMD_APPLICATION_BYTES 64

typedef struct vramd_producer vramd_producer;
typedef struct vramd_consumer vramd_consumer;
/* What both have: images and semaphores, to be imported. Borrowed from its producer or consumer. */
typedef struct vramd_stream vramd_stream;

/* What a consumer gets that does not keep up. */
typedef enum vramd_stream_mode {
  VRAMD_STREAM_MODE_NONE = 0,
  VRAMD_STREAM_MAILBOX = 1, /* the newest frame; older ones are dropped and counted */
  VRAMD_STREAM_FIFO = 2,    /* every frame in order, up to a limit */
  VRAMD_STREAM_MODE_MAX_ENUM = 0x7fffffff
} vramd_stream_mode;

/* When a fifo consumer has as many frames as its limit. */
typedef enum vramd_when_full {
  VRAMD_WHEN_FULL_DROP = 1, /* it misses frames, and knows */
  VRAMD_WHEN_FULL_WAIT = 2, /* the producer waits for it: only if the producer allows that */
  VRAMD_WHEN_FULL_MAX_ENUM = 0x7fffffff
} vramd_when_full;

/* Why no more frames come. */
typedef enum vramd_end_reason {
  VRAMD_END_LIVE = 0,          /* they do */
  VRAMD_END_FINISHED = 1,      /* the producer said so */
  VRAMD_END_FAILED = 2,        /* the producer met an error */
  VRAMD_END_PRODUCER_GONE = 3, /* its process died, or left without a word */
  VRAMD_END_REMOVED = 4,       /* this consumer was dropped */
  VRAMD_END_REASON_MAX_ENUM = 0x7fffffff
} vramd_end_reason;

/* ---- What is said of a frame --------------------------------------------------------------- */

/* Numbers 0 to 3 are those of VkTimeDomainKHR. */
typedef enum vramd_clock_domain {
  VRAMD_CLOCK_DEVICE = 0,
  VRAMD_CLOCK_MONOTONIC = 1,     /* CLOCK_MONOTONIC */
  VRAMD_CLOCK_MONOTONIC_RAW = 2, /* CLOCK_MONOTONIC_RAW */
  VRAMD_CLOCK_PERFORMANCE_COUNTER = 3,
  VRAMD_CLOCK_REALTIME = 4, /* UTC since 1970 */
  VRAMD_CLOCK_UNKNOWN = 255,
  VRAMD_CLOCK_DOMAIN_MAX_ENUM = 0x7fffffff
} vramd_clock_domain;

/* As VkRect2D, in texels of the image. */
typedef struct vramd_rectangle {
  int32_t x, y;
  uint32_t width, height;
} vramd_rectangle;

/* As VkHdrMetadataEXT: the mastering display of SMPTE ST 2086 and the content light levels of
 * CTA-861.3. Chromaticities are CIE 1931 x and y; luminances and levels cd/m2. */
typedef struct vramd_hdr_metadata {
  float display_primary_red[2];
  float display_primary_green[2];
  float display_primary_blue[2];
  float white_point[2];
  float max_luminance, min_luminance;
  float max_content_light_level;       /* MaxCLL */
  float max_frame_average_light_level; /* MaxFALL */
} vramd_hdr_metadata;

/* Which optional fields of a vramd_frame_info hold something. */
#define VRAMD_FRAME_HAS_CROP 1u
#define VRAMD_FRAME_HAS_HDR 2u
#define VRAMD_FRAME_HAS_APPLICATION 4u

typedef struct vramd_frame_info {
  vramd_structure_type struct_type;
  uint32_t struct_size;
  void* next;
  uint32_t flags; /* VRAMD_FRAME_HAS_... */
  uint64_t
      timeline_value; /* the producer's semaphore reaches it when the image is ready; 0: it is */
  int64_t presentation_ns; /* when to show it */
  int64_t capture_ns;      /* when its content was */
  int64_t duration_ns;     /* 0: unknown */
  vramd_clock_domain presentation_clock;
  vramd_clock_domain capture_clock;
  uint32_t transform;                /* one bit of VkSurfaceTransformFlagBitsKHR; 1: identity */
  uint32_t colour_primaries;         /* these three: code points of ITU-T H.273, 1 byte each; */
  uint32_t transfer_characteristics; /* 2: unspecified */
  uint32_t matrix_coefficients;
  bool video_full_range;                    /* H.273's VideoFullRangeFlag */
  uint32_t damage_count;                    /* 0: everything may have changed */
  vramd_rectangle damage[VRAMD_MAX_DAMAGE]; /* what differs from the frame before in sequence */
  vramd_rectangle crop;                     /* with HAS_CROP: the part of the image to show */
  vramd_hdr_metadata hdr;                   /* with HAS_HDR */
  float sdr_white_level;                    /* with HAS_HDR: cd/m2 of reference white, 0: unknown */
  uint8_t application[VRAMD_APPLICATION_BYTES]; /* with HAS_APPLICATION: nobody else looks at it */
} vramd_frame_info;
#define VRAMD_HDR_METADATA_INIT \
  { {0, 0}, {0, 0}, {0, 0}, {0, 0}, 0, 0, 0, 0 }
#define VRAMD_FRAME_INFO_INIT                                                          \
  {                                                                                    \
    VRAMD_STRUCTURE_TYPE_FRAME_INFO, sizeof(vramd_frame_info), NULL, 0, 0, 0, 0, 0,    \
        VRAMD_CLOCK_UNKNOWN, VRAMD_CLOCK_UNKNOWN, 1, 2, 2, 2, true, 0, {{0, 0, 0, 0}}, \
        {0, 0, 0, 0}, VRAMD_HDR_METADATA_INIT, 0, {                                    \
      0                                                                                \
    }                                                                                  \
  }

/* ---- The producer -------------------------------------------------------------------------- */

/* Chain: a vramd_memory_wish. */
typedef struct vramd_stream_info {
  vramd_structure_type struct_type;
  uint32_t struct_size;
  const void* next;
  const char* name;                /* application/label, as in vramd_publish() */
  vramd_resource_kind kind;        /* image or buffer */
  const vramd_buffer_info* buffer; /* if kind is VRAMD_RESOURCE_BUFFER */
  const vramd_image_info* image;   /* if kind is VRAMD_RESOURCE_IMAGE */
  vramd_memory_intent intent;
  const char* device; /* as in vramd_allocate_info */
  vramd_handle_type handle_type;
  /* Images of the ring. 0: as many as its consumers need; the ring grows when one joins and shrinks
   * some seconds after one has left, between min_image_count and max_image_count. 2 to 64: a ring
   * of that size. It needs one image to render, one for the newest frame, and what consumers may
   * hold: a fifo consumer its limit, a mailbox consumer its limit less 1. Whom it has too few
   * images for is refused. */
  uint32_t image_count;
  uint32_t consumer_limit; /* consumers at once, 1 to 62; 0: 16 */
  bool allow_waiting;      /* fifo consumers may make the producer wait */
  bool forget_last; /* do not keep the newest frame for those who join late or outlive the stream */
  bool overcommit;  /* accept consumers for whom there are too few images */
  const char* label;   /* for people and logs, at most 128 bytes; may be NULL */
  uint64_t spin_ns;    /* how long acquire polls memory before it sleeps */
  uint64_t timeout_ns; /* for calls to the broker; 0: the client's */
  /* With image_count 0 only, else 0. */
  uint32_t min_image_count; /* 2 to 64; 0: 3, which is enough for one viewer */
  uint32_t max_image_count; /* min_image_count to 64; 0: 16 */
} vramd_stream_info;
#define VRAMD_STREAM_INFO_INIT                                                                     \
  {                                                                                                \
    VRAMD_STRUCTURE_TYPE_STREAM_INFO, sizeof(vramd_stream_info), NULL, NULL, VRAMD_RESOURCE_IMAGE, \
        NULL, NULL, VRAMD_MEMORY_DEVICE_LOCAL, NULL, VRAMD_HANDLE_ANY, 0, 0, false, false, false,  \
        NULL, 0, 0, 0, 0                                                                           \
  }

/* Makes the stream; on return consumers find it by its name. The errors are those of
 * vramd_allocate() and vramd_publish(). Destroy with vramd_producer_destroy(), before the client.
 */
VRAMD_EXPORT vramd_result vramd_producer_create(vramd_client* client, const vramd_stream_info* info,
                                                vramd_producer** producer);

/* Ends the stream, with VRAMD_END_FAILED unless vramd_producer_end() was called, and frees the
 * producer. NULL is allowed. */
VRAMD_EXPORT void vramd_producer_destroy(vramd_producer* producer);

/* The whole name, user/application/label. Valid as long as the producer. */
VRAMD_EXPORT const char* vramd_producer_get_name(const vramd_producer* producer);
VRAMD_EXPORT vramd_stream* vramd_producer_get_stream(vramd_producer* producer);

/* Before the GPU writes the slot, this consumer's release semaphore must have reached the value. */
typedef struct vramd_slot_wait {
  uint64_t consumer_id;
  uint64_t value;
} vramd_slot_wait;

typedef struct vramd_slot {
  vramd_structure_type struct_type;
  uint32_t struct_size;
  void* next;
  uint32_t session;
  uint32_t generation; /* of the ring; grows with every resize and session */
  uint32_t image;      /* its number in that ring: see vramd_stream_enumerate_images() */
  uint32_t slot;       /* of the library */
  uint32_t wait_count; /* 0 where no timelines are used */
  vramd_slot_wait waits[VRAMD_MAX_CONSUMERS];
} vramd_slot;
#define VRAMD_SLOT_INIT                                                   \
  {                                                                       \
    VRAMD_STRUCTURE_TYPE_SLOT, sizeof(vramd_slot), NULL, 0, 0, 0, 0, 0, { \
      { 0, 0 }                                                            \
    }                                                                     \
  }

/* A slot to render into: waits until one is free, and until no consumer has to be waited for. Its
 * content is undefined. VRAMD_DEADLINE_EXCEEDED says what is missing. VRAMD_CANCELLED: by
 * vramd_producer_cancel(). VRAMD_FAILED_PRECONDITION: the stream has ended. */
VRAMD_EXPORT vramd_result vramd_producer_acquire(vramd_producer* producer, uint64_t timeout_ns,
                                                 vramd_slot* slot);

/* Hands the slot to every consumer as the next frame; never waits. `info` may be NULL. Without
 * timelines the rendering must be done; with them, info->timeline_value says when it will be.
 * `sequence`, if not NULL, receives the frame's number. VRAMD_INVALID_ARGUMENT names a field that
 * cannot be; VRAMD_FAILED_PRECONDITION: a frame of a newer generation was published before. After
 * an error the slot is still acquired. */
VRAMD_EXPORT vramd_result vramd_producer_publish(vramd_producer* producer, const vramd_slot* slot,
                                                 const vramd_frame_info* info, uint64_t* sequence);

/* Gives an acquired slot back unused. */
VRAMD_EXPORT vramd_result vramd_producer_abandon(vramd_producer* producer, const vramd_slot* slot);

/* A new ring, of another size or format: of `info`, kind, buffer, image, intent, handle_type,
 * image_count, min_image_count and max_image_count are used. Frames of the old one stay valid until
 * they are released, and come before those of the new one. Slots that were acquired before can
 * still be published until a newer one is. Belongs to the thread that acquires. VRAMD_UNAVAILABLE
 * without a broker: the old ring goes on. VRAMD_RESOURCE_EXHAUSTED: too few images for the
 * consumers that there are. VRAMD_DEADLINE_EXCEEDED: older rings are still in use. */
VRAMD_EXPORT vramd_result vramd_producer_resize(vramd_producer* producer,
                                                const vramd_stream_info* info, uint64_t timeout_ns);

/* No more frames. Consumers get all frames before that, and can still read the last one. `reason`
 * is VRAMD_END_FINISHED or VRAMD_END_FAILED. The name is free at once. */
VRAMD_EXPORT vramd_result vramd_producer_end(vramd_producer* producer, vramd_end_reason reason);

/* Waits until the stream has at least `count` consumers, for a producer whose first frames all of
 * them must see. VRAMD_DEADLINE_EXCEEDED says how many there are. VRAMD_CANCELLED and
 * VRAMD_FAILED_PRECONDITION as for vramd_producer_acquire(). */
VRAMD_EXPORT vramd_result vramd_producer_await_consumers(vramd_producer* producer, uint32_t count,
                                                         uint64_t timeout_ns);

/* Makes the acquire, or the wait for consumers, that waits now, or else the next, return
 * VRAMD_CANCELLED. */
VRAMD_EXPORT void vramd_producer_cancel(vramd_producer* producer);

typedef struct vramd_producer_stats {
  vramd_structure_type struct_type;
  uint32_t struct_size;
  void* next;
  uint64_t published;
  uint32_t session;
  uint32_t generation;
  uint32_t consumer_count;
  bool attached;   /* a broker knows of the stream */
  uint64_t broken; /* consumers that were dropped because they broke the protocol */
  char last_broken[VRAMD_MAX_REASON]; /* of the last one: how */
} vramd_producer_stats;
#define VRAMD_PRODUCER_STATS_INIT                                                                  \
  {                                                                                                \
    VRAMD_STRUCTURE_TYPE_PRODUCER_STATS, sizeof(vramd_producer_stats), NULL, 0, 0, 0, 0, false, 0, \
        ""                                                                                         \
  }

VRAMD_EXPORT vramd_result vramd_producer_get_stats(vramd_producer* producer,
                                                   vramd_producer_stats* stats);

/* One consumer, as the producer or as the broker sees it. */
typedef struct vramd_consumer_stats {
  vramd_structure_type struct_type;
  uint32_t struct_size;
  void* next;
  vramd_stream_mode mode;
  uint64_t consumer_id;
  uint32_t process_id;
  uint32_t limit;
  uint64_t offered;    /* frames published since it joined; 0 from the broker */
  uint64_t received;   /* frames that it has taken; from the broker only, and by its own word */
  uint64_t dropped;    /* frames that it will never see */
  uint32_t held;       /* frames that it has or can take; 0 from the broker */
  uint64_t latency_ns; /* from publishing to taking, of the latest measured; as `received` */
  char user[VRAMD_MAX_NAME];
  char executable[VRAMD_MAX_PATH];
  uint64_t measured;         /* frames whose latency was measured, and the sum of these: */
  uint64_t latency_total_ns; /* from the broker only, and as `received` */
} vramd_consumer_stats;
#define VRAMD_CONSUMER_STATS_INIT                                            \
  {                                                                          \
    VRAMD_STRUCTURE_TYPE_CONSUMER_STATS, sizeof(vramd_consumer_stats), NULL, \
        VRAMD_STREAM_MODE_NONE, 0, 0, 0, 0, 0, 0, 0, 0, "", "", 0, 0         \
  }

/* Two-call idiom, as in vramd_enumerate_devices(). */
VRAMD_EXPORT vramd_result vramd_producer_enumerate_consumers(vramd_producer* producer,
                                                             uint32_t* count,
                                                             vramd_consumer_stats* consumers);

/* ---- The consumer -------------------------------------------------------------------------- */

typedef struct vramd_consumer_info {
  vramd_structure_type struct_type;
  uint32_t struct_size;
  const void* next;
  const char* name; /* user/application/label, or application/label of one's own */
  vramd_stream_mode mode;
  uint32_t limit;            /* frames that it may have at once, 1 (mailbox: 2) to 62; 0: 2 */
  vramd_when_full when_full; /* fifo only */
  uint64_t spin_ns;          /* how long next polls memory before it sleeps */
  uint64_t timeout_ns;       /* for calls to the broker; 0: the client's */
} vramd_consumer_info;
#define VRAMD_CONSUMER_INFO_INIT                                                 \
  {                                                                              \
    VRAMD_STRUCTURE_TYPE_CONSUMER_INFO, sizeof(vramd_consumer_info), NULL, NULL, \
        VRAMD_STREAM_MAILBOX, 0, VRAMD_WHEN_FULL_DROP, 0, 0                      \
  }

/* Joins a stream. VRAMD_NOT_FOUND: there is none of that name. VRAMD_PERMISSION_DENIED.
 * VRAMD_RESOURCE_EXHAUSTED: the stream has as many consumers as it may have, or its ring too few
 * images for one more and no room to grow, or a quota is at its end; the message says which, and
 * what to do. A consumer that was let in is not removed for want of images later.
 * VRAMD_FAILED_PRECONDITION: it does not wait for consumers. Destroy with
 * vramd_consumer_destroy(), before the client. */
VRAMD_EXPORT vramd_result vramd_consumer_open(vramd_client* client, const vramd_consumer_info* info,
                                              vramd_consumer** consumer);

/* Leaves the stream: frames that are still held go back. NULL is allowed. */
VRAMD_EXPORT void vramd_consumer_destroy(vramd_consumer* consumer);

VRAMD_EXPORT const char* vramd_consumer_get_name(const vramd_consumer* consumer);
VRAMD_EXPORT vramd_stream* vramd_consumer_get_stream(vramd_consumer* consumer);

/* A frame that this consumer holds. The header's rest comes by vramd_consumer_get_frame_info(). */
typedef struct vramd_frame {
  vramd_structure_type struct_type;
  uint32_t struct_size;
  void* next;
  uint32_t session;
  uint64_t sequence;       /* 1, 2, 3...; a gap is a drop */
  uint32_t generation;     /* of the ring; grows with every resize and session */
  uint32_t image;          /* its number in that ring: see vramd_stream_enumerate_images() */
  uint64_t timeline_value; /* the producer's semaphore reaches it when the image is ready; 0: is */
  int64_t published_ns;    /* VRAMD_CLOCK_MONOTONIC */
  int64_t presentation_ns;
  bool kept;     /* the last frame of a stream that ended: need not be released */
  uint32_t slot; /* of the library, like what follows */
  uint64_t header[8];
} vramd_frame;
#define VRAMD_FRAME_INIT                                                                        \
  {                                                                                             \
    VRAMD_STRUCTURE_TYPE_FRAME, sizeof(vramd_frame), NULL, 0, 0, 0, 0, 0, 0, 0, false, 0, { 0 } \
  }

/* The next frame; in mailbox mode the newest. To be released.
 * VRAMD_DEADLINE_EXCEEDED: none came in time.
 * VRAMD_END_OF_STREAM, which is no error: the stream has ended, and all its frames were taken:
 * vramd_consumer_get_end() says why.
 * VRAMD_FAILED_PRECONDITION: this consumer holds as many frames as its limit; release one.
 * VRAMD_DATA_LOSS: the producer broke the protocol. VRAMD_CANCELLED: vramd_consumer_cancel(). */
VRAMD_EXPORT vramd_result vramd_consumer_next(vramd_consumer* consumer, uint64_t timeout_ns,
                                              vramd_frame* frame);

/* The frame's whole header, with times, damage, crop, colour and HDR metadata. Before release. */
VRAMD_EXPORT vramd_result vramd_consumer_get_frame_info(vramd_consumer* consumer,
                                                        const vramd_frame* frame,
                                                        vramd_frame_info* info);

/* Gives the frame back. With timelines, `timeline_value` is what this consumer's semaphore reaches
 * when its GPU is done with the image; 0: it is done. Without them it is 0. */
VRAMD_EXPORT vramd_result vramd_consumer_release(vramd_consumer* consumer, const vramd_frame* frame,
                                                 uint64_t timeline_value);

/* After the end: the producer's last frame, also if it was released. VRAMD_NOT_FOUND: it kept none.
 */
VRAMD_EXPORT vramd_result vramd_consumer_last_frame(vramd_consumer* consumer, vramd_frame* frame);

/* For event loops. *armed true: nothing is there; wait until the handle (an fd to poll for reading,
 * or an event object) is ready, then call next with timeout 0 until VRAMD_DEADLINE_EXCEEDED, then
 * arm again. *armed false: call next first. The handle is the library's; it may be another one
 * after each arm. */
VRAMD_EXPORT vramd_result vramd_consumer_arm(vramd_consumer* consumer, bool* armed);
VRAMD_EXPORT intptr_t vramd_consumer_get_poll_handle(vramd_consumer* consumer);

/* Makes the next that waits now, or else the next one, return VRAMD_CANCELLED. */
VRAMD_EXPORT void vramd_consumer_cancel(vramd_consumer* consumer);

typedef struct vramd_consumer_end {
  vramd_structure_type struct_type;
  uint32_t struct_size;
  void* next;
  vramd_end_reason reason;
  char message[VRAMD_MAX_REASON]; /* for people */
} vramd_consumer_end;
#define VRAMD_CONSUMER_END_INIT \
  { VRAMD_STRUCTURE_TYPE_CONSUMER_END, sizeof(vramd_consumer_end), NULL, VRAMD_END_LIVE, "" }
VRAMD_EXPORT vramd_result vramd_consumer_get_end(vramd_consumer* consumer, vramd_consumer_end* end);

typedef struct vramd_consumer_counters {
  vramd_structure_type struct_type;
  uint32_t struct_size;
  void* next;
  uint64_t received; /* frames taken */
  uint64_t dropped;  /* frames that it will never see */
  uint32_t held;     /* frames not released yet */
  uint32_t session;
  bool attached; /* a broker knows of this consumer */
} vramd_consumer_counters;
#define VRAMD_CONSUMER_COUNTERS_INIT                                                           \
  {                                                                                            \
    VRAMD_STRUCTURE_TYPE_CONSUMER_COUNTERS, sizeof(vramd_consumer_counters), NULL, 0, 0, 0, 0, \
        false                                                                                  \
  }
VRAMD_EXPORT vramd_result vramd_consumer_get_counters(vramd_consumer* consumer,
                                                      vramd_consumer_counters* counters);

/* ---- Images and semaphores ----------------------------------------------------------------- */

/* Whether frames are ordered by timeline semaphores, on the GPU. */
VRAMD_EXPORT bool vramd_stream_uses_timeline(const vramd_stream* stream);

/* The newest generation that the broker has told of, how many images it has, and the oldest of
 * which this side still has slots or frames: what was imported of older ones is not needed. Each
 * pointer may be NULL. */
VRAMD_EXPORT void vramd_stream_get_generations(vramd_stream* stream, uint32_t* newest,
                                               uint32_t* image_count, uint32_t* oldest_in_use);

/* The numbers of the images that a generation has now. Two-call idiom. A ring begins with 0,
 * 1, 2...; one that grows gets further images, and gives back those that it needs no more, but
 * never image 0. A number is never used for another image of the generation, and the numbers of the
 * images that a generation has at one time differ modulo VRAMD_MAX_STREAM_IMAGES: who keeps what he
 * imported in an array of so many places has one for each. VRAMD_NOT_FOUND: no such generation any
 * more. */
VRAMD_EXPORT vramd_result vramd_stream_enumerate_images(vramd_stream* stream, uint32_t generation,
                                                        uint32_t* count, uint32_t* images);

/* A number that differs after each change of generations and images. An image that is no longer
 * enumerated is in no slot and in no frame that this side has: what was imported of it can go once
 * the GPU is done with it. Thread-safe, and cheap. */
VRAMD_EXPORT uint64_t vramd_stream_get_revision(const vramd_stream* stream);

/* The recipe of an image, and, if `handle` is not NULL, a new handle to its memory, which the
 * caller owns. VRAMD_NOT_FOUND: no such generation any more, or no such image. */
VRAMD_EXPORT vramd_result vramd_stream_get_image(vramd_stream* stream, uint32_t generation,
                                                 uint32_t image, vramd_recipe* recipe,
                                                 intptr_t* handle);

/* A new handle to a timeline semaphore, which the caller owns; none is made if `handle` is NULL.
 * `consumer_id` 0: the producer's, that says when frames are ready. Else a consumer's, that says
 * when it is done with them; a consumer finds its own under UINT64_MAX. VRAMD_NOT_FOUND: there is
 * none, or the consumer has left. */
VRAMD_EXPORT vramd_result vramd_stream_get_semaphore(vramd_stream* stream, uint32_t session,
                                                     uint64_t consumer_id, intptr_t* handle);

/* ---- Looking around ------------------------------------------------------------------------ */

typedef struct vramd_stream_listing {
  vramd_structure_type struct_type;
  uint32_t struct_size;
  void* next;
  char name[VRAMD_MAX_NAME]; /* user/application/label */
  char user[VRAMD_MAX_NAME];
  uint32_t process_id;
  char executable[VRAMD_MAX_PATH];
  char label[VRAMD_MAX_NAME];
  uint32_t generation;
  uint32_t image_count;
  vramd_recipe* recipe; /* of each image; as in vramd_published */
  bool timeline;
  uint64_t published; /* frames so far */
  uint32_t consumer_count;
} vramd_stream_listing;
#define VRAMD_STREAM_LISTING_INIT                                                                  \
  {                                                                                                \
    VRAMD_STRUCTURE_TYPE_STREAM_LISTING, sizeof(vramd_stream_listing), NULL, "", "", 0, "", "", 0, \
        0, NULL, false, 0, 0                                                                       \
  }

/* Streams that this session may open, whose whole name begins with `prefix` (NULL: all). Two-call
 * idiom. */
VRAMD_EXPORT vramd_result vramd_list_streams(vramd_client* client, const char* prefix,
                                             uint32_t* count, vramd_stream_listing* streams);

/* The consumers of the stream with that whole name. Two-call idiom. VRAMD_NOT_FOUND. */
VRAMD_EXPORT vramd_result vramd_list_stream_consumers(vramd_client* client, const char* name,
                                                      uint32_t* count,
                                                      vramd_consumer_stats* consumers);

#ifdef __cplusplus
}
#endif

#endif /* VRAMD_VRAMD_STREAM_H_ */
