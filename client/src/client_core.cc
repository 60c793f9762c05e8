#include "client/src/client_core.h"

#include <atomic>
#include <utility>
#include <vector>

#include "base/fork.h"
#include "base/status_macros.h"
#include "ipc/endpoint.h"
#include "proto/convert.h"

namespace vramd {
namespace {

// gRPC 1.51 waits for events on one epoll descriptor of the process. A child of fork() shares it:
// what the child adds there the parent hears of, with the child's pointers; and a lock that one of
// the parent's threads held stays locked. So gRPC belongs to the first process in a line of forks
// that uses it. (Its own fork support does not help: it wants that no thread is in gRPC.)
constexpr uint32_t kNobody = ~uint32_t{0};
std::atomic<uint32_t> grpc_owner{kNobody};  // a ForkGeneration()

absl::Status CheckGrpcIsOurs() {
  const uint32_t owner = grpc_owner.load();
  if (owner == kNobody || owner == ForkGeneration()) return absl::OkStatus();
  return absl::FailedPreconditionError(
      "this process was forked off after its parent had connected to a broker, and gRPC does not "
      "work in such a child; exec a program that connects by itself, or fork before the first "
      "vramd_client_create()");
}

void TakeGrpc() {
  uint32_t nobody = kNobody;
  grpc_owner.compare_exchange_strong(nobody, ForkGeneration());
}

}  // namespace

absl::StatusOr<std::shared_ptr<Link>> ClientCore::DialAny() {
  VRAMD_RETURN_IF_ERROR(CheckGrpcIsOurs());
  VRAMD_ASSIGN_OR_RETURN(const std::vector<std::string> endpoints,
                         ClientEndpoints(configured_endpoint_));
  const Clock::time_point deadline = Clock::now() + timeout_;
  absl::Status first_failure;
  for (const std::string& endpoint : endpoints) {
    auto line = Dial(endpoint, trusted_user_, deadline);
    if (line.ok()) {
      TakeGrpc();
      return std::make_shared<Link>(*std::move(line));
    }
    first_failure.Update(line.status());
    // Only an absent broker makes room for the next endpoint; a refusal is an answer.
    if (!absl::IsUnavailable(line.status())) return line.status();
  }
  return first_failure;
}

absl::StatusOr<std::shared_ptr<Link>> ClientCore::Connect() {
  // Held while dialling, so that threads which find the link broken make one new session, not many.
  MutexLock lock(mutex_);
  if (link_ != nullptr && !link_->broken()) return link_;
  link_.reset();
  VRAMD_ASSIGN_OR_RETURN(link_, DialAny());
  return link_;
}

template <typename Request>
absl::StatusOr<LeaseState> ClientCore::Lease(
    grpc::Status (v1::Broker::Stub::*method)(grpc::ClientContext*, const Request&, v1::LeaseReply*),
    Request& request, std::chrono::milliseconds timeout) {
  if (timeout.count() == 0) timeout = timeout_;
  const Clock::time_point deadline = Clock::now() + timeout;
  LeaseState lease;
  VRAMD_ASSIGN_OR_RETURN(lease.link, Connect());
  Link& link = *lease.link;
  const RequestId id = link.NextRequest();
  request.set_request_id(id.value);
  v1::LeaseReply reply;
  const auto context = link.NewContext(timeout);
  const absl::Status called = link.Conclude((link.stub().*method)(context.get(), request, &reply));
  if (!called.ok()) {
    link.GiveUp(id);
    return called;
  }
  link.Own(id, reply);
  lease.id = LeaseId{reply.lease_id()};
  auto handle = link.lane().Redeem(reply.handle().value(), deadline);
  auto recipe = FromProto(reply.recipe());
  if (!handle.ok() || !recipe.ok()) {
    link.GiveBack(id, lease.id);
    return handle.ok() ? recipe.status() : handle.status();
  }
  lease.handle = *std::move(handle);
  lease.recipe = *std::move(recipe);
  lease.allocation = AllocationId{reply.allocation_id()};
  lease.timeout = timeout_;
  return lease;
}

absl::StatusOr<LeaseState> ClientCore::Allocate(v1::AllocateRequest request,
                                                std::chrono::milliseconds timeout) {
  return Lease(&v1::Broker::Stub::Allocate, request, timeout);
}

absl::StatusOr<LeaseState> ClientCore::Open(v1::OpenRequest request,
                                            std::chrono::milliseconds timeout) {
  return Lease(&v1::Broker::Stub::Open, request, timeout);
}

void ReleaseLease(LeaseState& lease) {
  lease.handle.Reset();
  if (lease.link->broken()) return;
  v1::ReleaseRequest request;
  v1::ReleaseReply reply;
  request.set_lease_id(lease.id.value);
  const auto context = lease.link->NewContext(lease.timeout);
  (void)lease.link->Conclude(lease.link->stub().Release(context.get(), request, &reply));
}

}  // namespace vramd
