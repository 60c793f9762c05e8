// What stands behind vramd_client, vramd_lease and vramd_watch. The C functions in c_api.cc only
// translate.
#ifndef VRAMD_CLIENT_SRC_CLIENT_CORE_H_
#define VRAMD_CLIENT_SRC_CLIENT_CORE_H_

#include <chrono>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "base/environment.h"
#include "base/mutex.h"
#include "base/os_handle.h"
#include "base/recipe.h"
#include "client/src/link.h"
#include "vramd/v1/broker.pb.h"

namespace vramd {

// A lease as the client holds it. The recipe is checked once, when it arrives.
struct LeaseState {
  std::shared_ptr<Link> link;
  LeaseId id;
  AllocationId allocation;
  Recipe recipe;
  OsHandle handle;
  std::chrono::milliseconds timeout{0};
};

class ClientCore {
 public:
  ClientCore(std::string endpoint, std::string trusted_user, std::chrono::milliseconds timeout)
      : configured_endpoint_(std::move(endpoint)),
        trusted_user_(std::move(trusted_user)),
        timeout_(timeout) {}

  // The live link; connects if there is none or it broke. Thread-safe.
  absl::StatusOr<std::shared_ptr<Link>> Connect();

  std::chrono::milliseconds timeout() const { return timeout_; }

  // One unary call on the live link: Call(&Stub::List, request, &reply).
  template <typename Request, typename Reply>
  absl::Status Call(grpc::Status (v1::Broker::Stub::*method)(grpc::ClientContext*, const Request&,
                                                             Reply*),
                    const Request& request, Reply* reply) {
    auto link = Connect();
    if (!link.ok()) return link.status();
    const auto context = (*link)->NewContext(timeout_);
    return (*link)->Conclude(((*link)->stub().*method)(context.get(), request, reply));
  }

  // A zero timeout means the client's own.
  absl::StatusOr<LeaseState> Allocate(v1::AllocateRequest request,
                                      std::chrono::milliseconds timeout);
  absl::StatusOr<LeaseState> Open(v1::OpenRequest request, std::chrono::milliseconds timeout);

 private:
  template <typename Request>
  absl::StatusOr<LeaseState> Lease(grpc::Status (v1::Broker::Stub::*method)(grpc::ClientContext*,
                                                                            const Request&,
                                                                            v1::LeaseReply*),
                                   Request& request, std::chrono::milliseconds timeout);
  absl::StatusOr<std::shared_ptr<Link>> DialAny();

  const std::string configured_endpoint_;
  const std::string trusted_user_;
  const std::chrono::milliseconds timeout_;

  Mutex mutex_;
  std::shared_ptr<Link> link_ ABSL_GUARDED_BY(mutex_);
};

// Gives the lease back to the broker; says nothing if the broker is gone.
void ReleaseLease(LeaseState& lease);

}  // namespace vramd

#endif  // VRAMD_CLIENT_SRC_CLIENT_CORE_H_
