// Calls that are sent for their effect: nobody waits for them and nobody asks how they went.
//
// Not gRPC's callback interface: when the last reference to a channel goes with the context of such
// a call, gRPC 1.51 takes the channel down on the very thread that the channel must wait for, and
// crashes. So they run on a queue of our own, which is emptied when the next one is sent and at the
// end. Thread-safe.
#ifndef VRAMD_CLIENT_SRC_ERRANDS_H_
#define VRAMD_CLIENT_SRC_ERRANDS_H_

#include <memory>
#include <unordered_map>
#include <utility>

#include "base/mutex.h"
#include "grpcpp/client_context.h"
#include "grpcpp/completion_queue.h"
#include "grpcpp/support/async_unary_call.h"

namespace vramd {

class Errands {
 public:
  Errands() = default;
  Errands(const Errands&) = delete;
  Errands& operator=(const Errands&) = delete;
  // Cancels what is not done yet.
  ~Errands();

  // Send(stub, &Stub::AsyncRelease, context, request). Does not block.
  template <typename Stub, typename Request, typename Reply>
  void Send(Stub* stub,
            std::unique_ptr<grpc::ClientAsyncResponseReader<Reply>> (Stub::*method)(
                grpc::ClientContext*, const Request&, grpc::CompletionQueue*),
            std::unique_ptr<grpc::ClientContext> context, const Request& request) {
    auto call = std::make_unique<Call<Reply>>();
    call->context = std::move(context);
    MutexLock lock(mutex_);
    DropFinished();
    call->reader = (stub->*method)(call->context.get(), request, &queue_);
    void* const tag = call.get();
    call->reader->Finish(&call->reply, &call->status, tag);
    calls_.emplace(tag, std::move(call));
  }

 private:
  struct AnyCall {
    virtual ~AnyCall() = default;
    std::unique_ptr<grpc::ClientContext> context;
    grpc::Status status;
  };
  template <typename Reply>
  struct Call final : AnyCall {
    Reply reply;
    std::unique_ptr<grpc::ClientAsyncResponseReader<Reply>> reader;
  };

  void DropFinished() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Mutex mutex_;
  grpc::CompletionQueue queue_;
  std::unordered_map<void*, std::unique_ptr<AnyCall>> calls_ ABSL_GUARDED_BY(mutex_);  // by tag
};

}  // namespace vramd

#endif  // VRAMD_CLIENT_SRC_ERRANDS_H_
