// How long after a client's SIGKILL its names are gone, as another client's watch sees it.
//
// The baseline of the same run is what the kernel alone takes: from kill() until the parent sees
// the process's pidfd ready.
#include <cstdio>
#include <cstdlib>

#include "tests/bench/stopwatch.h"
#include "tests/integration/scripted_process.h"
#include "tests/support/broker_process.h"
#include "tests/support/or_exit.h"

namespace vramd {
namespace {

void Await(Watch& watch, vramd_event_kind kind) {
  while (OrExit(watch.Next(std::chrono::seconds(30))).kind != kind) {
  }
}

int Main(int rounds) {
  BrokerProcess broker({"--log-level", "warning"});
  Client client = broker.Connect();
  Watch watch = OrExit(client.WatchNames());
  Samples kernel, released;
  for (int i = 0; i < rounds; ++i) {
    ScriptedProcess bystander(broker.endpoint());
    ScriptedProcess victim(broker.endpoint());
    for (const char* command : {"connect", "allocate 8388608", "publish 1 death/bench"})
      if (victim.Do(command).rfind("ok", 0) != 0) return 1;
    Await(watch, VRAMD_EVENT_PUBLISHED);
    kernel.Time([&] {
      bystander.process().Kill();
      bystander.process().Wait();
    });
    released.Time([&] {
      victim.process().Kill();
      Await(watch, VRAMD_EVENT_RELEASED);
    });
  }
  std::printf("%d rounds%24s %10s %10s\n", rounds, "p50 us", "p99 us", "ratio");
  std::printf("kill until the kernel says so    %10.1f %10.1f\n", kernel.p50(), kernel.p99());
  std::printf("kill until a watch says RELEASED %10.1f %10.1f %10.2f\n", released.p50(),
              released.p99(), released.p50() / kernel.p50());
  return 0;
}

}  // namespace
}  // namespace vramd

int main(int argc, char** argv) { return vramd::Main(argc > 1 ? std::atoi(argv[1]) : 200); }
