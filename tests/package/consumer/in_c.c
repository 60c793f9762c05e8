/* Takes the path of a socket that does not exist; passes if the library says so in proper words. */
#include <stdio.h>
#include <string.h>
#include <vramd/vramd.h>
#include <vramd/vramd_vulkan.h>

int main(int argc, char** argv) {
  vramd_connect_info info = VRAMD_CONNECT_INFO_INIT;
  vramd_client* client = NULL;
  vramd_result result;
  if (argc != 2) return 2;
  info.endpoint = argv[1];
  info.timeout_ns = 2000000000u;
  result = vramd_client_create(&info, &client);
  printf("%s: %s\n", vramd_result_name(result), vramd_last_error());
  return result == VRAMD_UNAVAILABLE && client == NULL &&
                 strstr(vramd_last_error(), argv[1]) != NULL
             ? 0
             : 1;
}
