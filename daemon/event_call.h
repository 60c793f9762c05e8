// Calls that send events for as long as they last: Watch, and Follow of streams.
//
// They run on a completion queue and one thread of our own. gRPC 1.51's callback interface was
// tried first: its threads pause for 100 ms of every 1.1 s, and every call of the server then waits
// with them (see docs/decisions/0003). A thread per call would be a way to use threads up.
#ifndef VRAMD_DAEMON_EVENT_CALL_H_
#define VRAMD_DAEMON_EVENT_CALL_H_

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <thread>
#include <utility>

#include "base/mutex.h"
#include "grpcpp/alarm.h"
#include "grpcpp/completion_queue.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/async_stream.h"

namespace vramd {

// The completion queue and its thread. The server must be shut down before this ends.
class EventLoop {
 public:
  explicit EventLoop(std::unique_ptr<grpc::ServerCompletionQueue> queue)
      : queue_(std::move(queue)) {}
  ~EventLoop();

  void Start();
  grpc::ServerCompletionQueue* queue() const { return queue_.get(); }

 private:
  std::unique_ptr<grpc::ServerCompletionQueue> queue_;
  std::thread thread_;
};

// What the queue hands back: `ok` is gRPC's word on how the operation went.
using EventTag = std::function<void(bool ok)>;

// One call, from the wait for a client until gRPC has let go of it; deletes itself then. Derived
// classes say what happens when it begins, when it has nothing more to write, and when it is over,
// all on the loop's thread.
template <typename Request, typename Event>
class EventCall {
 public:
  EventCall(const EventCall&) = delete;
  EventCall& operator=(const EventCall&) = delete;

 protected:
  using Writer = grpc::ServerAsyncWriter<Event>;

  EventCall() : writer_(&context_) {}
  virtual ~EventCall() = default;

  // Waits for a client: `request` is the service's Request...() with this call's members.
  template <typename RequestCall>
  void Accept(RequestCall request) {
    context_.AsyncNotifyWhenDone(&done_);
    request(&context_, &request_, &writer_, &arrived_);
  }

  // A client called. Must arrange for the next one to be waited for.
  virtual void Begin(const Request& request) = 0;
  // All that was sent is written, and the call goes on.
  virtual void Drained() {}
  // The call is over: after this returns, nobody may use it.
  virtual void Over() = 0;

  // Sends after what was sent before; never blocks. Dropped once the call ends. Thread-safe.
  void Send(Event event) {
    MutexLock lock(mutex_);
    if (ending_) return;
    queue_.push_back(std::move(event));
    if (queue_.size() == 1) Write();
  }

  // Ends the call after what was sent before. Thread-safe; only the first counts.
  void End(const grpc::Status& status) {
    MutexLock lock(mutex_);
    if (std::exchange(ending_, true)) return;
    status_ = status;
    if (queue_.empty()) Finish();
  }

  // Calls Drained() after a pause, unless the call is over before. Does nothing while an earlier
  // pause runs. Thread-safe.
  void DrainAfter(std::chrono::milliseconds pause, grpc::CompletionQueue* queue) {
    MutexLock lock(mutex_);
    if (ending_ || std::exchange(pausing_, true)) return;
    ++pending_;
    alarm_.Set(queue, std::chrono::system_clock::now() + pause, &paused_);
  }

  // Drops what waits to be sent, but for what gRPC has in its hands.
  void DropQueued() {
    MutexLock lock(mutex_);
    if (!queue_.empty()) queue_.erase(queue_.begin() + 1, queue_.end());
  }
  size_t queued() const {
    MutexLock lock(mutex_);
    return queue_.size();
  }

  const grpc::ServerContext& context() const { return context_; }

 private:
  void Write() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    ++pending_;
    writer_.Write(queue_.front(), &written_);
  }
  void Finish() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    ++pending_;
    writer_.Finish(status_, &finished_);
  }

  void HandleArrived(bool ok) {
    if (!ok) {  // the server stops; no `done` comes for a call that never began
      delete this;
      return;
    }
    Begin(request_);
  }

  void HandleWritten(bool ok) {
    bool drained = false;
    {
      MutexLock lock(mutex_);
      queue_.pop_front();
      if (!ok || done_seen_) {
        queue_.clear();
        ending_ = true;
      } else if (!queue_.empty()) {
        Write();
      } else if (ending_) {
        Finish();
      } else {
        drained = true;
      }
    }
    if (drained) Drained();
    Settle();
  }

  void HandlePaused() {
    bool goes_on = false;
    {
      MutexLock lock(mutex_);
      pausing_ = false;
      goes_on = !ending_;
    }
    if (goes_on) Drained();
    Settle();
  }

  void HandleDone() {
    {
      MutexLock lock(mutex_);
      done_seen_ = true;
      ending_ = true;
      if (pausing_) alarm_.Cancel();
    }
    Settle();
  }

  // One operation less is outstanding; `done` itself is the one that pending_ begins with.
  void Settle() {
    {
      MutexLock lock(mutex_);
      if (--pending_ > 0) return;
    }
    Over();
    delete this;
  }

  grpc::ServerContext context_;
  Request request_;
  Writer writer_;
  EventTag arrived_ = [this](bool ok) { HandleArrived(ok); };
  EventTag written_ = [this](bool ok) { HandleWritten(ok); };
  EventTag finished_ = [this](bool) { Settle(); };
  EventTag paused_ = [this](bool) { HandlePaused(); };
  EventTag done_ = [this](bool) { HandleDone(); };

  mutable Mutex mutex_;
  std::deque<Event> queue_ ABSL_GUARDED_BY(mutex_);  // the front one is being written
  grpc::Status status_ ABSL_GUARDED_BY(mutex_);
  bool ending_ ABSL_GUARDED_BY(mutex_) = false;
  grpc::Alarm alarm_ ABSL_GUARDED_BY(mutex_);
  bool pausing_ ABSL_GUARDED_BY(mutex_) = false;
  bool done_seen_ ABSL_GUARDED_BY(mutex_) = false;
  int pending_ ABSL_GUARDED_BY(mutex_) = 1;
};

}  // namespace vramd

#endif  // VRAMD_DAEMON_EVENT_CALL_H_
