/* The C interface: what the broker offers, and one megabyte of it. C99, no Vulkan. */
#include <stdio.h>

#include "vramd/vramd.h"

static int fail(const char* what, vramd_result result) {
  fprintf(stderr, "%s: %s: %s\n", what, vramd_result_name(result), vramd_last_error());
  return 1;
}

static vramd_result print_device(vramd_client* client) {
  vramd_device_info device = VRAMD_DEVICE_INFO_INIT;
  uint32_t count = 1; /* the first is what an allocation gets that asks for no other */
  const vramd_result result = vramd_enumerate_devices(client, &count, &device);
  if (result == VRAMD_OK && count == 1)
    printf("%s, driver %s %s\n", device.name, device.driver_name, device.driver_version);
  return result;
}

static vramd_result share_a_megabyte(vramd_client* client) {
  vramd_allocate_info info = VRAMD_ALLOCATE_INFO_INIT;
  info.kind = VRAMD_RESOURCE_RAW;
  info.raw_size = 1 << 20;
  info.label = "hello from C";
  vramd_lease* lease = NULL;
  vramd_result result = vramd_allocate(client, &info, &lease);
  if (result != VRAMD_OK) return result;

  char name[VRAMD_MAX_NAME];
  result = vramd_publish(lease, "hello/megabyte", name, sizeof(name));
  if (result == VRAMD_OK)
    printf("%s is allocation %llu\n", name,
           (unsigned long long)vramd_lease_get_allocation_id(lease));
  vramd_lease_destroy(lease); /* and with it the name and the memory: nobody else has a lease */
  return result;
}

int main(void) {
  vramd_client* client = NULL;
  vramd_result result = vramd_client_create(NULL, &client);
  if (result != VRAMD_OK) return fail("connect", result);
  result = share_a_megabyte(client); /* waits for the GPU to be open */
  if (result == VRAMD_OK) result = print_device(client);
  const int status = result == VRAMD_OK ? 0 : fail("hello", result);
  vramd_client_destroy(client);
  return status;
}
