// The same as in_c.c, through the C++ interface.
#include <vramd/client.h>
#include <vramd/vulkan.h>

#include <iostream>

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  vramd::ConnectInfo info;
  info.endpoint = argv[1];
  info.timeout_ns = 2000000000u;
  const auto client = vramd::Client::Connect(info);
  std::cout << client.status().ToString() << "\n";
  return client.status().code() == VRAMD_UNAVAILABLE ? 0 : 1;
}
