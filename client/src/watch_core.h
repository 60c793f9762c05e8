// What stands behind vramd_watch: one thread reads the broker's stream into a queue, and connects
// again when the broker comes back.
#ifndef VRAMD_CLIENT_SRC_WATCH_CORE_H_
#define VRAMD_CLIENT_SRC_WATCH_CORE_H_

#include <deque>
#include <memory>
#include <string>
#include <thread>

#include "absl/status/statusor.h"
#include "base/mutex.h"
#include "base/watch_limit.h"
#include "client/src/client_core.h"
#include "vramd/v1/broker.pb.h"
#include "vramd/vramd.h"

namespace vramd {

// An event of the broker, or one of the client's own (kind DISCONNECTED, RECONNECTED).
struct WatchItem {
  vramd_event_kind kind = VRAMD_EVENT_CURRENT;
  v1::WatchEvent event;
};

class WatchCore {
 public:
  // More than this, the names that it began with apart, and the application does not read: they are
  // dropped, and it is told to list again.
  static constexpr size_t kMaxItems = 4096;

  WatchCore(std::shared_ptr<ClientCore> client, std::string prefix)
      : client_(std::move(client)), prefix_(std::move(prefix)) {}
  ~WatchCore();

  // Waits until the broker has accepted the watch, or says why not.
  absl::Status Start();

  // DEADLINE_EXCEEDED if none came.
  absl::StatusOr<WatchItem> Next(Clock::time_point deadline);

 private:
  void Run();
  // Reads until the stream ends; true if it ever gave an event.
  bool ReadStream(Link& link);
  void Push(WatchItem item);
  void Settle(const absl::Status& status);
  // False when the watch is being destroyed.
  bool Pause(std::chrono::milliseconds pause);

  const std::shared_ptr<ClientCore> client_;
  const std::string prefix_;
  std::thread thread_;

  Mutex mutex_;
  Condition changed_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool settled_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status first_status_ ABSL_GUARDED_BY(mutex_);
  grpc::ClientContext* context_ ABSL_GUARDED_BY(mutex_) = nullptr;  // of the running stream
  std::deque<WatchItem> items_ ABSL_GUARDED_BY(mutex_);
  WatchLimit limit_ ABSL_GUARDED_BY(mutex_){kMaxItems};
  bool was_disconnected_ = false;  // the thread's own
};

}  // namespace vramd

#endif  // VRAMD_CLIENT_SRC_WATCH_CORE_H_
