// What a lease costs beside what it is made of.
//
// In one run, in turns, so that a noisy machine is noisy for all alike:
//   raw Vulkan      vkAllocateMemory (exportable) and its export, in this process
//   raw round trip  a handle to another process and a byte back, see lease_floor.h
//   echo            a unary gRPC call on the very channel that the leases use
//   allocate        request at the broker until the handle is in this process
//   open, release   likewise
// The sum of the first three is what nobody could do without; allocate is printed as a ratio to it.
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <thread>

#include "tests/bench/lease_floor.h"
#include "tests/bench/stopwatch.h"
#include "tests/support/broker_process.h"
#include "tests/support/or_exit.h"

namespace vramd {
namespace {

struct Figures {
  Samples raw_allocate, raw_free, pass, echo, allocate, open, release;
};

void Round(Client& client, RawMemory& raw, HandleEcho& echo, uint64_t size, Figures& out) {
  OsHandle handle;
  out.raw_allocate.Time([&] { handle = raw.Allocate(); });
  out.pass.Time([&] { echo.RoundTrip(handle); });
  out.raw_free.Time([&] { raw.Free(std::move(handle)); });
  out.echo.Time([&] { (void)client.Ping(); });
  std::optional<Lease> first, second;
  AllocateInfo info = AllocateInfo::Raw(size);
  info.handle_type = MeasuredHandleType();
  out.allocate.Time([&] { first = OrExit(client.Allocate(info)); });
  out.open.Time([&] { second = OrExit(client.Open(first->allocation_id())); });
  out.release.Time([&] { second.reset(); });
}

void Print(uint64_t size, const Figures& figures) {
  const double floor = figures.raw_allocate.p50() + figures.pass.p50() + figures.echo.p50();
  std::printf("\n%llu KiB\n%-34s %10s %10s %10s %8s\n", static_cast<unsigned long long>(size >> 10),
              "", "p50 us", "p99 us", "max us", "ratio");
  const auto row = [&](const char* what, const Samples& samples, double base) {
    std::printf("%-34s %10.1f %10.1f %10.1f", what, samples.p50(), samples.p99(),
                samples.Quantile(1));
    if (base > 0) std::printf(" %8.2f", samples.p50() / base);
    std::printf("\n");
  };
  row("raw vkAllocateMemory + export", figures.raw_allocate, 0);
  row("raw close + vkFreeMemory", figures.raw_free, 0);
  row(RoundTripName(), figures.pass, 0);
  row("gRPC echo, to the raw round trip", figures.echo, figures.pass.p50());
  std::printf("%-34s %10.1f\n", "floor: sum of the parts", floor);
  row("allocate, to floor", figures.allocate, floor);
  row("open, to echo + pass", figures.open, figures.echo.p50() + figures.pass.p50());
  row("release, to echo", figures.release, figures.echo.p50());
}

int Main(int rounds) {
  HandleEcho echo;
  BrokerProcess broker({"--log-level", "warning"});
  Client client = broker.Connect();
  AllocateInfo probe = AllocateInfo::Raw(64 << 10);
  probe.handle_type = MeasuredHandleType();
  const auto lease = OrExit(client.Allocate(probe));
  example::Gpu gpu(lease.recipe());
  std::printf("%s, %s, %u cores, %d rounds\n", gpu.name().c_str(), SystemName().c_str(),
              std::thread::hardware_concurrency(), rounds);
  for (const uint64_t size : {uint64_t{64} << 10, uint64_t{8} << 20, uint64_t{64} << 20}) {
    AllocateInfo info = probe;
    info.raw_size = size;
    RawMemory raw(gpu, OrExit(client.Allocate(info)).recipe());
    Figures warm_up, figures;
    for (int i = 0; i < rounds / 10; ++i) Round(client, raw, echo, size, warm_up);
    for (int i = 0; i < rounds; ++i) Round(client, raw, echo, size, figures);
    Print(size, figures);
  }
  return 0;
}

}  // namespace
}  // namespace vramd

int main(int argc, char** argv) {
  if (const auto code = vramd::RunEchoRole(argc, argv)) return *code;
  return vramd::Main(argc > 1 ? std::atoi(argv[1]) : 2000);
}
