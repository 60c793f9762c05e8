#include "tools/vramctl/stop.h"

#include <csignal>
#include <cstdio>
#include <cstdlib>

namespace vramctl {
namespace {

volatile std::sig_atomic_t stopped = 0;

void OnSignal(int signal) {
  if (stopped != 0) std::_Exit(128 + signal);
  stopped = 1;
  std::signal(signal, OnSignal);  // Windows forgets it
}

}  // namespace

void StopOnSignals() {
  for (const int signal : {SIGINT, SIGTERM}) std::signal(signal, OnSignal);
#ifdef SIGPIPE
  std::signal(SIGPIPE, SIG_IGN);  // the write that fails says so
#endif
}

bool Stopped() { return stopped != 0; }

void Leave(int exit_code) {
  std::fflush(stdout);
  std::fflush(stderr);
  std::_Exit(exit_code);
}

}  // namespace vramctl
