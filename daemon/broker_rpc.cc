#include "daemon/broker_rpc.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/os_process.h"
#include "base/status_macros.h"
#include "base/version.h"
#include "daemon/rpc_call.h"
#include "daemon/share_check.h"
#include "proto/convert.h"

namespace vramd {
namespace {

constexpr int kMaxImportable = 16;

absl::StatusOr<AllocationRequest> ParseAllocate(const v1::AllocateRequest& in) {
  VRAMD_ASSIGN_OR_RETURN(AllocationRequest out,
                         ParseMemory(in.resource(), in.intent(), in.handle_type(),
                                     in.memory_type_bits()));
  VRAMD_RETURN_IF_ERROR(CheckSelector(in.device()));
  out.dedicated = in.dedicated();
  return out;
}

v1::DeviceState ToProto(DeviceState state) {
  switch (state) {
    case DeviceState::kOpening:
      return v1::DEVICE_STATE_OPENING;
    case DeviceState::kReady:
      return v1::DEVICE_STATE_READY;
    case DeviceState::kFailed:
      return v1::DEVICE_STATE_FAILED;
    case DeviceState::kLost:
      return v1::DEVICE_STATE_LOST;
  }
  return v1::DEVICE_STATE_UNSPECIFIED;
}

void ToProto(const DeviceStatus& status, v1::Device* out) {
  vramd::ToProto(status.info, out);
  out->set_state(ToProto(status.state));
  out->set_state_reason(status.reason);
  for (v1::MemoryType& type : *out->mutable_memory_types()) {
    if (type.heap_index() >= status.budget.size()) continue;
    type.set_heap_budget(status.budget[type.heap_index()].budget);
    type.set_heap_usage(status.budget[type.heap_index()].usage);
  }
}

}  // namespace

void ToProto(const Listing& listing, v1::Published* out) {
  out->set_name(listing.name);
  out->set_allocation_id(listing.allocation.value);
  ToProto(listing.recipe, out->mutable_recipe());
  ToProto(listing.publisher, out->mutable_publisher());
  out->set_label(listing.label);
  out->set_lease_count(listing.lease_count);
}

grpc::Status BrokerRpc::Ping(grpc::ServerContext* context, const v1::PingRequest*, v1::PingReply*) {
  VRAMD_CALLER_OR_RETURN(caller, context);
  (void)caller;
  return grpc::Status::OK;
}

grpc::Status BrokerRpc::Describe(grpc::ServerContext* context, const v1::DescribeRequest*,
                                 v1::DescribeReply* reply) {
  VRAMD_CALLER_OR_RETURN(caller, context);
  reply->set_server_version(kVersion);
  reply->set_broker_process_id(OwnProcessId());
  reply->set_session_id(caller.session.value);
  ToProto(caller.peer, reply->mutable_you());
  for (const DeviceStatus& status : broker_->devices().List())
    ToProto(status, reply->add_devices());
  for (const auto& quota : broker_->QuotasOf(caller.session)) {
    v1::Quota* out = reply->add_quotas();
    out->set_name(quota->name());
    out->set_limit(quota->limit());
    out->set_used(quota->used());
  }
  const BrokerCounts counts = broker_->Counts();
  reply->set_sessions(counts.sessions);
  reply->set_allocations(counts.allocations);
  reply->set_allocated_bytes(counts.bytes);
  return grpc::Status::OK;
}

grpc::Status BrokerRpc::Allocate(grpc::ServerContext* context, const v1::AllocateRequest* request,
                                 v1::LeaseReply* reply) {
  VRAMD_CALLER_OR_RETURN(caller, context);
  const RequestId id{request->request_id()};
  const auto what = ParseAllocate(*request);
  if (!what.ok()) return FinishCall("allocate", caller, what.status());
  auto grant = broker_->Allocate(caller.session, id, *what, request->device(), request->label());
  return FinishCall("allocate", caller, Deliver(caller, *context, id, std::move(grant), reply));
}

grpc::Status BrokerRpc::Open(grpc::ServerContext* context, const v1::OpenRequest* request,
                             v1::LeaseReply* reply) {
  VRAMD_CALLER_OR_RETURN(caller, context);
  const RequestId id{request->request_id()};
  absl::StatusOr<Grant> grant;
  switch (request->target_case()) {
    case v1::OpenRequest::kName:
      grant = broker_->OpenByName(caller.session, id, request->name());
      break;
    case v1::OpenRequest::kAllocationId:
      grant = broker_->OpenById(caller.session, id, AllocationId{request->allocation_id()});
      break;
    case v1::OpenRequest::TARGET_NOT_SET:
      grant = absl::InvalidArgumentError("target is empty; set name or allocation_id");
  }
  return FinishCall("open", caller, Deliver(caller, *context, id, std::move(grant), reply));
}

absl::Status BrokerRpc::Deliver(const Caller& caller, grpc::ServerContext& context,
                                RequestId request, absl::StatusOr<Grant> grant,
                                v1::LeaseReply* reply) {
  VRAMD_RETURN_IF_ERROR(grant.status());
  absl::StatusOr<uint64_t> number = absl::CancelledError("the client gave up waiting");
  // A client that gave up also releases by request, but it may not come to that: see here too.
  if (!context.IsCancelled()) number = caller.lane->Send(request, grant->handle);
  grant->handle.Reset();  // before the reply: who has it may count on the broker's being closed
  if (!number.ok()) {
    (void)broker_->Release(caller.session, grant->lease);
    return number.status();
  }
  reply->set_lease_id(grant->lease.value);
  reply->set_allocation_id(grant->allocation.value);
  ToProto(grant->recipe, reply->mutable_recipe());
  reply->mutable_handle()->set_type(ToProto(grant->recipe.handle_type));
  reply->mutable_handle()->set_value(*number);
  return absl::OkStatus();
}

grpc::Status BrokerRpc::Release(grpc::ServerContext* context, const v1::ReleaseRequest* request,
                                v1::ReleaseReply*) {
  VRAMD_CALLER_OR_RETURN(caller, context);
  absl::Status status = absl::InvalidArgumentError("target is empty; set lease_id or request_id");
  if (request->target_case() == v1::ReleaseRequest::kLeaseId)
    status = broker_->Release(caller.session, LeaseId{request->lease_id()});
  if (request->target_case() == v1::ReleaseRequest::kRequestId) {
    const RequestId id{request->request_id()};
    status = broker_->ReleaseByRequest(caller.session, id);
    caller.lane->TakeBackRequest(id);
  }
  return FinishCall("release", caller, status);
}

grpc::Status BrokerRpc::Publish(grpc::ServerContext* context, const v1::PublishRequest* request,
                                v1::PublishReply* reply) {
  VRAMD_CALLER_OR_RETURN(caller, context);
  auto name = broker_->Publish(caller.session, LeaseId{request->lease_id()}, request->name());
  if (name.ok()) reply->set_name(*name);
  return FinishCall("publish", caller, name.status());
}

grpc::Status BrokerRpc::Withdraw(grpc::ServerContext* context, const v1::WithdrawRequest* request,
                                 v1::WithdrawReply*) {
  VRAMD_CALLER_OR_RETURN(caller, context);
  return FinishCall("withdraw", caller, broker_->Withdraw(caller.session, request->name()));
}

grpc::Status BrokerRpc::List(grpc::ServerContext* context, const v1::ListRequest* request,
                             v1::ListReply* reply) {
  VRAMD_CALLER_OR_RETURN(caller, context);
  const auto listings = broker_->List(caller.session, request->prefix());
  if (listings.ok())
    for (const Listing& listing : *listings) ToProto(listing, reply->add_published());
  return FinishCall("list", caller, listings.status());
}

grpc::Status BrokerRpc::CheckShare(grpc::ServerContext* context,
                                   const v1::CheckShareRequest* request,
                                   v1::CheckShareReply* reply) {
  VRAMD_CALLER_OR_RETURN(caller, context);
  const auto recipe = FromProto(request->recipe());
  const auto identity = FromProto(request->importer());
  absl::Status parsed = recipe.ok() ? identity.status() : recipe.status();
  if (request->importable_size() > kMaxImportable)
    parsed = absl::InvalidArgumentError(absl::StrCat("importable has ", request->importable_size(),
                                                     " entries; at most ", kMaxImportable,
                                                     " are allowed"));
  if (!parsed.ok()) return FinishCall("check_share", caller, parsed);
  ImporterDevice importer{.identity = *identity, .memory_type_count = request->memory_type_count()};
  for (const int type : request->importable())
    importer.importable.push_back(FromProto(static_cast<v1::HandleType>(type)));
  const absl::Status verdict = vramd::CheckShare(*recipe, importer);
  reply->set_can_import(verdict.ok());
  reply->set_reason(std::string(verdict.message()));
  return FinishCall("check_share", caller, absl::OkStatus());
}

}  // namespace vramd
