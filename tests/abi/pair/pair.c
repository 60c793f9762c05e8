/* A program that takes and fills every struct of the interface. It is compiled against the public
 * headers and against newer ones, in which every struct has one field more, and each of the two
 * runs on the library of either kind.
 *
 *   pair ENDPOINT older|newer      newer: the library knows the field
 */
#include "check.h"

#include <stdlib.h>

int failures = 0;
bool library_is_newer = false;

static const uint64_t patience_ns = 60000000000u;

bool is_untouched(const unsigned char* guard) {
  for (size_t i = 0; i < GUARD_BYTES; ++i)
    if (guard[i] != 0x5a) return false;
  return true;
}

static vramd_client* check_connect(const char* endpoint) {
  vramd_client* client = NULL;
  vramd_connect_info info = VRAMD_CONNECT_INFO_INIT;
  info.endpoint = endpoint;
  info.timeout_ns = patience_ns;
  TRY_LATER(info, "vramd_connect_info", vramd_client_create(&info, &client),
            vramd_client_destroy(client));
  CHECK_OK(vramd_client_create(&info, &client));
  if (client == NULL) exit(1);
  OUTPUT(vramd_server_info, server, VRAMD_SERVER_INFO_INIT);
  CHECK_OK(vramd_get_server_info(client, &server.value));
  CHECK_FILLED(server);
  CHECK(server.value.device_count >= 1);
  CHECK(strcmp(server.value.endpoint, endpoint) == 0);
  return client;
}

static void check_devices(vramd_client* client) {
  uint32_t count = 1;
  OUTPUT(vramd_device_info, device, VRAMD_DEVICE_INFO_INIT);
  CHECK_OK(vramd_enumerate_devices(client, &count, &device.value));
  CHECK_FILLED(device);
  CHECK(count == 1 && device.value.name[0] != '\0');

  /* Arrays: each element lies where the program says that it does. */
  vramd_memory_type types[VRAMD_MAX_MEMORY_TYPES];
  for (size_t i = 0; i < VRAMD_MAX_MEMORY_TYPES; ++i) {
    const vramd_memory_type init = VRAMD_MEMORY_TYPE_INIT;
    types[i] = init;
    SET_LATER(types[i]);
  }
  count = VRAMD_MAX_MEMORY_TYPES;
  CHECK_OK(vramd_enumerate_memory_types(client, device.value.index, &count, types));
  CHECK(count >= 1);
  for (uint32_t i = 0; i < count; ++i) {
    CHECK(types[i].heap_size > 0);
    CHECK(types[i].struct_size == sizeof(types[i]));
#ifdef VRAMD_TEST_NEWER
    CHECK(types[i].later == 0);
#endif
  }
  vramd_handle_support handles[2] = {VRAMD_HANDLE_SUPPORT_INIT, VRAMD_HANDLE_SUPPORT_INIT};
  count = 2;
  CHECK_OK(vramd_enumerate_handle_types(client, device.value.index, &count, handles));
  CHECK(count == 2);
  CHECK(handles[0].handle_type != VRAMD_HANDLE_ANY && handles[1].handle_type != VRAMD_HANDLE_ANY);
  CHECK(handles[0].handle_type != handles[1].handle_type);
  handles[1].struct_size -= 8;
  CHECK(vramd_enumerate_handle_types(client, device.value.index, &count, handles) ==
        VRAMD_INVALID_ARGUMENT);
}

/* An image whose list of view formats, and a wish for memory, are chained. */
static vramd_lease* check_allocate(vramd_client* client) {
  vramd_lease* lease = NULL;
  vramd_image_format_list list = VRAMD_IMAGE_FORMAT_LIST_INIT;
  list.view_format_count = 2;
  list.view_formats[0] = VK_FORMAT_R8G8B8A8_UNORM;
  list.view_formats[1] = VK_FORMAT_R8G8B8A8_SRGB;
  vramd_image_info image = VRAMD_IMAGE_INFO_INIT;
  image.next = &list;
  image.flags = VK_IMAGE_CREATE_MUTABLE_FORMAT_BIT;
  image.format = VK_FORMAT_R8G8B8A8_UNORM;
  image.width = 64;
  image.height = 32;
  image.usage = VK_IMAGE_USAGE_SAMPLED_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT;
  vramd_memory_wish wish = VRAMD_MEMORY_WISH_INIT;
  vramd_allocate_info info = VRAMD_ALLOCATE_INFO_INIT;
  info.next = &wish;
  info.kind = VRAMD_RESOURCE_IMAGE;
  info.image = &image;
  info.timeout_ns = patience_ns;
#define TRY(object, name) \
  TRY_LATER(object, name, vramd_allocate(client, &info, &lease), vramd_lease_destroy(lease))
  TRY(list, "vramd_image_format_list");
  TRY(image, "vramd_image_info");
  TRY(wish, "vramd_memory_wish");
  TRY(info, "vramd_allocate_info");
  vramd_buffer_info buffer = VRAMD_BUFFER_INFO_INIT;
  buffer.size = 4096;
  buffer.usage = VK_BUFFER_USAGE_TRANSFER_DST_BIT;
  info.kind = VRAMD_RESOURCE_BUFFER;
  info.buffer = &buffer;
  TRY(buffer, "vramd_buffer_info");
  info.kind = VRAMD_RESOURCE_IMAGE;

  vramd_base_in unknown = {VRAMD_STRUCTURE_TYPE_RESERVED_FOR_TEST, sizeof(unknown), NULL};
  list.next = &unknown;
  CHECK(vramd_allocate(client, &info, &lease) == VRAMD_INVALID_ARGUMENT);
  CHECK(strstr(vramd_last_error(), "chained struct of type 4711") != NULL);
  list.next = NULL;
  CHECK_OK(vramd_allocate(client, &info, &lease));
  if (lease == NULL) exit(1);
  return lease;
}

static void check_recipe(vramd_client* client, vramd_lease* lease) {
  OUTPUT(vramd_drm_modifier, modifier, VRAMD_DRM_MODIFIER_INIT);
  OUTPUT(vramd_image_format_list, list, VRAMD_IMAGE_FORMAT_LIST_INIT);
  OUTPUT(vramd_image_info, image, VRAMD_IMAGE_INFO_INIT);
  OUTPUT(vramd_buffer_info, buffer, VRAMD_BUFFER_INFO_INIT);
  OUTPUT(vramd_recipe, recipe, VRAMD_RECIPE_INIT);
  list.value.next = &modifier.value;
  image.value.next = &list.value;
  recipe.value.image = &image.value;
  recipe.value.buffer = &buffer.value;
  CHECK_OK(vramd_lease_get_recipe(lease, &recipe.value));
  CHECK_FILLED(modifier);
  CHECK_FILLED(list);
  CHECK_FILLED(image);
  CHECK_FILLED(buffer);
  CHECK_FILLED(recipe);
  CHECK(recipe.value.kind == VRAMD_RESOURCE_IMAGE && recipe.value.image == &image.value);
  CHECK(image.value.width == 64 && image.value.next == &list.value);
  CHECK(list.value.view_format_count == 2);
  CHECK(list.value.view_formats[1] == VK_FORMAT_R8G8B8A8_SRGB);
  CHECK(modifier.value.modifier == VRAMD_DRM_MODIFIER_INVALID);

  vramd_importer importer = VRAMD_IMPORTER_INIT;
  importer.identity = recipe.value.device;
  importer.importable_count = 1;
  importer.importable[0] = recipe.value.handle_type;
  bool can = false;
#define SHARE vramd_check_share(client, &recipe.value, &importer, &can, NULL, 0)
  TRY_LATER(importer, "vramd_importer", SHARE, (void)0);
  TRY_LATER(recipe.value, "vramd_recipe", SHARE, (void)0);
  TRY_LATER(modifier.value, "vramd_drm_modifier", SHARE, (void)0);
  CHECK_OK(SHARE);
  CHECK(can);
}

static void check_names(vramd_client* client, vramd_lease* lease) {
  CHECK_OK(vramd_publish(lease, "pair/a", NULL, 0));
  CHECK_OK(vramd_publish(lease, "pair/b", NULL, 0));
  vramd_recipe recipes[2] = {VRAMD_RECIPE_INIT, VRAMD_RECIPE_INIT};
  vramd_published names[2] = {VRAMD_PUBLISHED_INIT, VRAMD_PUBLISHED_INIT};
  for (int i = 0; i < 2; ++i) {
    names[i].recipe = &recipes[i];
    SET_LATER(recipes[i]);
    SET_LATER(names[i]);
  }
  uint32_t count = 2;
  CHECK_OK(vramd_list(client, NULL, &count, names));
  CHECK(count == 2);
  for (int i = 0; i < 2; ++i) {
    const size_t length = strlen(names[i].name);
    CHECK(length > 0 && names[i].name[length - 1] == "ab"[i]);
    CHECK(names[i].recipe == &recipes[i] && recipes[i].kind == VRAMD_RESOURCE_IMAGE);
#ifdef VRAMD_TEST_NEWER
    CHECK(names[i].later == 0 && recipes[i].later == 0);
#endif
  }

  vramd_lease* second = NULL;
  vramd_open_info open = VRAMD_OPEN_INFO_INIT;
  open.name = names[0].name;
  TRY_LATER(open, "vramd_open_info", vramd_open(client, &open, &second),
            vramd_lease_destroy(second));
  CHECK_OK(vramd_open(client, &open, &second));
  vramd_lease_destroy(second);

  vramd_watch* watch = NULL;
  CHECK_OK(vramd_watch_create(client, NULL, &watch));
  OUTPUT(vramd_event, event, VRAMD_EVENT_INIT);
  CHECK_OK(vramd_watch_next(watch, patience_ns, &event.value));
  CHECK_FILLED(event);
  CHECK(event.value.kind == VRAMD_EVENT_PUBLISHED && event.value.name[0] != '\0');
  vramd_watch_destroy(watch);
}

static vramd_producer* check_producer(vramd_client* client) {
  vramd_buffer_info buffer = VRAMD_BUFFER_INFO_INIT;
  buffer.size = 4096;
  buffer.usage = VK_BUFFER_USAGE_TRANSFER_DST_BIT;
  vramd_memory_wish wish = VRAMD_MEMORY_WISH_INIT;
  vramd_stream_info info = VRAMD_STREAM_INFO_INIT;
  info.next = &wish;
  info.name = "pair/stream";
  info.kind = VRAMD_RESOURCE_BUFFER;
  info.buffer = &buffer;
  info.handle_type = VRAMD_HANDLE_HOST_SECTION;
  vramd_producer* producer = NULL;
#undef TRY
#define TRY(object, name)                                                  \
  TRY_LATER(object, name, vramd_producer_create(client, &info, &producer), \
            vramd_producer_destroy(producer))
  TRY(info, "vramd_stream_info");
  TRY(buffer, "vramd_buffer_info");
  TRY(wish, "vramd_memory_wish");
  CHECK_OK(vramd_producer_create(client, &info, &producer));
  if (producer == NULL) exit(1);
  TRY_LATER(info, "vramd_stream_info", vramd_producer_resize(producer, &info, patience_ns),
            (void)0);
  return producer;
}

static vramd_consumer* check_consumer(vramd_client* client, vramd_producer* producer) {
  vramd_consumer_info info = VRAMD_CONSUMER_INFO_INIT;
  info.name = vramd_producer_get_name(producer);
  vramd_consumer* consumer = NULL;
  TRY_LATER(info, "vramd_consumer_info", vramd_consumer_open(client, &info, &consumer),
            vramd_consumer_destroy(consumer));
  CHECK_OK(vramd_consumer_open(client, &info, &consumer));
  if (consumer == NULL) exit(1);
  CHECK_OK(vramd_producer_await_consumers(producer, 1, patience_ns));
  return consumer;
}

static void check_frame(vramd_producer* producer, vramd_consumer* consumer) {
  OUTPUT(vramd_slot, slot, VRAMD_SLOT_INIT);
  CHECK_OK(vramd_producer_acquire(producer, patience_ns, &slot.value));
  CHECK_FILLED(slot);
  TRY_LATER(slot.value, "vramd_slot", vramd_producer_abandon(producer, &slot.value),
            CHECK_OK(vramd_producer_acquire(producer, patience_ns, &slot.value)));
  vramd_frame_info told = VRAMD_FRAME_INFO_INIT;
  told.presentation_ns = 42;
  TRY_LATER(told, "vramd_frame_info", vramd_producer_publish(producer, &slot.value, &told, NULL),
            CHECK_OK(vramd_producer_acquire(producer, patience_ns, &slot.value)));
  CHECK_OK(vramd_producer_publish(producer, &slot.value, &told, NULL));

  OUTPUT(vramd_frame, frame, VRAMD_FRAME_INIT);
  CHECK_OK(vramd_consumer_next(consumer, patience_ns, &frame.value));
  CHECK_FILLED(frame);
  CHECK(frame.value.presentation_ns == 42);
  OUTPUT(vramd_frame_info, heard, VRAMD_FRAME_INFO_INIT);
  CHECK_OK(vramd_consumer_get_frame_info(consumer, &frame.value, &heard.value));
  CHECK_FILLED(heard);
  CHECK(heard.value.presentation_ns == 42 && heard.value.colour_primaries == 2);
#ifdef VRAMD_TEST_NEWER
  frame.value.later = 1;
  if (!library_is_newer)
    CHECK(vramd_consumer_release(consumer, &frame.value, 0) == VRAMD_INVALID_ARGUMENT);
  frame.value.later = 0;
#endif
  CHECK_OK(vramd_consumer_release(consumer, &frame.value, 0));
}

static void check_stream(vramd_client* client, vramd_producer* producer) {
  OUTPUT(vramd_producer_stats, stats, VRAMD_PRODUCER_STATS_INIT);
  CHECK_OK(vramd_producer_get_stats(producer, &stats.value));
  CHECK_FILLED(stats);
  CHECK(stats.value.published >= 1 && stats.value.consumer_count == 1);
  uint32_t count = 1;
  OUTPUT(vramd_consumer_stats, one, VRAMD_CONSUMER_STATS_INIT);
  CHECK_OK(vramd_producer_enumerate_consumers(producer, &count, &one.value));
  CHECK_FILLED(one);
  CHECK(count == 1 && one.value.mode == VRAMD_STREAM_MAILBOX && one.value.process_id != 0);
  OUTPUT(vramd_consumer_stats, other, VRAMD_CONSUMER_STATS_INIT);
  count = 1;
  CHECK_OK(
      vramd_list_stream_consumers(client, vramd_producer_get_name(producer), &count, &other.value));
  CHECK_FILLED(other);
  CHECK(count == 1 && other.value.consumer_id == one.value.consumer_id);

  OUTPUT(vramd_buffer_info, buffer, VRAMD_BUFFER_INFO_INIT);
  OUTPUT(vramd_recipe, recipe, VRAMD_RECIPE_INIT);
  recipe.value.buffer = &buffer.value;
  OUTPUT(vramd_stream_listing, listing, VRAMD_STREAM_LISTING_INIT);
  listing.value.recipe = &recipe.value;
  count = 1;
  CHECK_OK(vramd_list_streams(client, NULL, &count, &listing.value));
  CHECK_FILLED(listing);
  CHECK_FILLED(recipe);
  CHECK_FILLED(buffer);
  CHECK(count == 1 && listing.value.consumer_count == 1);
  CHECK(recipe.value.kind == VRAMD_RESOURCE_BUFFER && buffer.value.size == 4096);
  recipe.value.kind = VRAMD_RESOURCE_NONE;
  uint32_t generation = 0;
  vramd_stream* stream = vramd_producer_get_stream(producer);
  vramd_stream_get_generations(stream, &generation, NULL, NULL);
  CHECK_OK(vramd_stream_get_image(stream, generation, 0, &recipe.value, NULL));
  CHECK_FILLED(recipe);
  CHECK(recipe.value.kind == VRAMD_RESOURCE_BUFFER);
}

static void check_end(vramd_producer* producer, vramd_consumer* consumer) {
  CHECK_OK(vramd_producer_end(producer, VRAMD_END_FINISHED));
  vramd_frame none = VRAMD_FRAME_INIT;
  CHECK(vramd_consumer_next(consumer, patience_ns, &none) == VRAMD_END_OF_STREAM);
  CHECK(strcmp(vramd_result_name(VRAMD_END_OF_STREAM), "END_OF_STREAM") == 0);
  OUTPUT(vramd_frame, last, VRAMD_FRAME_INIT);
  CHECK_OK(vramd_consumer_last_frame(consumer, &last.value));
  CHECK_FILLED(last);
  CHECK(last.value.kept);
  OUTPUT(vramd_consumer_end, end, VRAMD_CONSUMER_END_INIT);
  CHECK_OK(vramd_consumer_get_end(consumer, &end.value));
  CHECK_FILLED(end);
  CHECK(end.value.reason == VRAMD_END_FINISHED);
  OUTPUT(vramd_consumer_counters, counters, VRAMD_CONSUMER_COUNTERS_INIT);
  CHECK_OK(vramd_consumer_get_counters(consumer, &counters.value));
  CHECK_FILLED(counters);
  CHECK(counters.value.received >= 1);
}

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  library_is_newer = strcmp(argv[2], "newer") == 0;
  vramd_client* client = check_connect(argv[1]);
  vramd_lease* lease = check_allocate(client); /* waits for the device to be open */
  check_devices(client);
  check_recipe(client, lease);
  check_names(client, lease);
  check_vulkan(lease);
  vramd_lease_destroy(lease);
  vramd_producer* producer = check_producer(client);
  vramd_consumer* consumer = check_consumer(client, producer);
  check_frame(producer, consumer);
  check_stream(client, producer);
  check_end(producer, consumer);
  vramd_consumer_destroy(consumer);
  vramd_producer_destroy(producer);
  vramd_client_destroy(client);
  return failures == 0 ? 0 : 1;
}
