// Ways to hand something to another process and have it answered, all behind one interface, so that
// one loop times them all.
#ifndef VRAMD_TESTS_BENCH_STREAM_CONTENDER_H_
#define VRAMD_TESTS_BENCH_STREAM_CONTENDER_H_

#include <memory>
#include <string>
#include <vector>

namespace vramd::bench {

// Made before the fork, used in both processes after it.
class Contender {
 public:
  virtual ~Contender() = default;
  virtual std::string name() const = 0;
  // What the fork must come before: threads and the like. Once in each process.
  virtual void StartPing() {}
  virtual void StartPong() {}
  // One message there and one back.
  virtual void Ping() = 0;
  virtual void Pong() = 0;
  // The last call in the other process, which then exits.
  virtual void EndPong() {}
};

using Contenders = std::vector<std::unique_ptr<Contender>>;

// The floors: a word in shared memory with futexes, the same polled, eventfds, and 64 bytes over a
// Unix socket.
std::unique_ptr<Contender> MakeFutexWord();
std::unique_ptr<Contender> MakeSpinWord();
std::unique_ptr<Contender> MakeEventFd();
std::unique_ptr<Contender> MakeUnixSocket();

// Two streams, one in each direction.
enum class WaitBy { kFutex, kDoorbell, kSpin };
enum class Header { kFull, kFacts };  // everything there is, or the hot line alone
std::unique_ptr<Contender> MakeStream(WaitBy wait, Header header);

// 512 bytes as a message of a gRPC stream.
std::unique_ptr<Contender> MakeGrpcStream();

// iceoryx's daemon, for as long as the object lives; null where the build has no iceoryx. It ends
// every process that is still its client when it ends, so it must outlive them.
struct Daemon {
  virtual ~Daemon() = default;
};
std::unique_ptr<Daemon> StartIceoryxDaemon();

// 512 bytes through iceoryx, polled; null where the build has no iceoryx.
std::unique_ptr<Contender> MakeIceoryx();

}  // namespace vramd::bench

#endif  // VRAMD_TESTS_BENCH_STREAM_CONTENDER_H_
