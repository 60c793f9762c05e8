// fork_first ENDPOINT: forks, and only then do both processes connect. Exits with 0 if both could.
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

#include "vramd/client.h"

namespace {

bool ConnectsAndAllocates(const char* endpoint) {
  vramd::ConnectInfo info;
  info.endpoint = endpoint;
  info.timeout_ns = 20000000000;
  auto client = vramd::Client::Connect(info);
  return client.ok() && client->Allocate(vramd::AllocateInfo::Raw(4096)).ok();
}

}  // namespace

int main(int, char** arguments) {
  const pid_t child = fork();
  const bool works = ConnectsAndAllocates(arguments[1]);
  if (child == 0) std::exit(works ? 0 : 1);
  int status = -1;
  waitpid(child, &status, 0);
  return works && status == 0 ? 0 : 1;
}
