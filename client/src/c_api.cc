// The C interface of vramd.h: checks arguments, translates, and calls the core. No exception and no
// C++ type passes this file.
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/version.h"
#include "client/src/c_convert.h"
#include "client/src/c_support.h"
#include "client/src/client_core.h"
#include "client/src/last_error.h"
#include "client/src/sized_struct.h"
#include "client/src/watch_core.h"
#include "vramd/vramd.h"

struct vramd_lease {
  vramd::LeaseState state;
  std::shared_ptr<vramd::ClientCore> core;
  vramd::Birth birth;
};

struct vramd_watch {
  std::unique_ptr<vramd::WatchCore> core;
  vramd::Birth birth;
};

namespace vramd {
namespace {

constexpr std::chrono::milliseconds kDefaultTimeout(5000);

absl::Status GiveLease(std::shared_ptr<ClientCore> core, absl::StatusOr<LeaseState> state,
                       vramd_lease** lease) {
  VRAMD_RETURN_IF_ERROR(state.status());
  *lease = new vramd_lease{*std::move(state), std::move(core), Birth()};
  return absl::OkStatus();
}

vramd_server_info ServerInfo(const v1::DescribeReply& reply, const std::string& endpoint) {
  vramd_server_info info = VRAMD_SERVER_INFO_INIT;
  CopyText(reply.server_version(), info.version);
  CopyText(endpoint, info.endpoint);
  info.session_id = reply.session_id();
  info.broker_process_id = reply.broker_process_id();
  info.sessions = reply.sessions();
  info.allocations = reply.allocations();
  info.allocated_bytes = reply.allocated_bytes();
  info.device_count = static_cast<uint32_t>(reply.devices_size());
  return info;
}

absl::StatusOr<v1::Device> FindDevice(vramd_client& client, uint32_t index) {
  v1::DescribeReply reply;
  VRAMD_RETURN_IF_ERROR(
      client.core->Call(&v1::Broker::Stub::Describe, v1::DescribeRequest(), &reply));
  for (const v1::Device& device : reply.devices())
    if (device.index() == index) return device;
  return absl::NotFoundError(absl::StrCat("the broker has no device with index ", index));
}

}  // namespace
}  // namespace vramd

using vramd::RunCall;

extern "C" {

uint32_t vramd_version(void) {
  return vramd::kVersionMajor << 16 | vramd::kVersionMinor << 8 | vramd::kVersionPatch;
}

vramd_result vramd_client_create(const vramd_connect_info* info, vramd_client** client) {
  return RunCall([&]() -> absl::Status {
    VRAMD_RETURN_IF_NULL(client);
    vramd_connect_info own = VRAMD_CONNECT_INFO_INIT;
    if (info != nullptr) {
      VRAMD_ASSIGN_OR_RETURN(own, vramd::ReadSized(info));
    }
    const auto timeout =
        own.timeout_ns == 0 ? vramd::kDefaultTimeout : vramd::CallTimeout(own.timeout_ns);
    auto core = std::make_shared<vramd::ClientCore>(vramd::Text(own.endpoint),
                                                    vramd::Text(own.trusted_user), timeout);
    VRAMD_RETURN_IF_ERROR(core->Connect().status());
    *client = new vramd_client{std::move(core), vramd::Birth()};
    return absl::OkStatus();
  });
}

void vramd_client_destroy(vramd_client* client) {
  if (client == nullptr) return;
  if (!client->birth.is_here()) vramd::Bury(std::move(client->core));
  delete client;
}

vramd_result vramd_client_ping(vramd_client* client) {
  return RunCall([&]() -> absl::Status {
    VRAMD_RETURN_IF_NULL(client);
    VRAMD_RETURN_IF_FORKED(client);
    vramd::v1::PingReply reply;
    return client->core->Call(&vramd::v1::Broker::Stub::Ping, vramd::v1::PingRequest(), &reply);
  });
}

vramd_result vramd_get_server_info(vramd_client* client, vramd_server_info* info) {
  return RunCall([&]() -> absl::Status {
    VRAMD_RETURN_IF_NULL(client, info);
    VRAMD_RETURN_IF_FORKED(client);
    VRAMD_RETURN_IF_ERROR(vramd::CheckSized(info));
    vramd::v1::DescribeReply reply;
    VRAMD_RETURN_IF_ERROR(client->core->Call(&vramd::v1::Broker::Stub::Describe,
                                             vramd::v1::DescribeRequest(), &reply));
    VRAMD_ASSIGN_OR_RETURN(const auto link, client->core->Connect());
    vramd::WriteSized(vramd::ServerInfo(reply, link->endpoint()), info);
    return absl::OkStatus();
  });
}

vramd_result vramd_enumerate_devices(vramd_client* client, uint32_t* count,
                                     vramd_device_info* devices) {
  return RunCall([&]() -> absl::Status {
    VRAMD_RETURN_IF_NULL(client, count);
    VRAMD_RETURN_IF_FORKED(client);
    vramd::v1::DescribeReply reply;
    VRAMD_RETURN_IF_ERROR(client->core->Call(&vramd::v1::Broker::Stub::Describe,
                                             vramd::v1::DescribeRequest(), &reply));
    return vramd::Enumerate(reply.devices(), count, devices);
  });
}

vramd_result vramd_enumerate_memory_types(vramd_client* client, uint32_t device_index,
                                          uint32_t* count, vramd_memory_type* types) {
  return RunCall([&]() -> absl::Status {
    VRAMD_RETURN_IF_NULL(client, count);
    VRAMD_RETURN_IF_FORKED(client);
    VRAMD_ASSIGN_OR_RETURN(const auto device, vramd::FindDevice(*client, device_index));
    return vramd::Enumerate(device.memory_types(), count, types);
  });
}

vramd_result vramd_enumerate_handle_types(vramd_client* client, uint32_t device_index,
                                          uint32_t* count, vramd_handle_support* types) {
  return RunCall([&]() -> absl::Status {
    VRAMD_RETURN_IF_NULL(client, count);
    VRAMD_RETURN_IF_FORKED(client);
    VRAMD_ASSIGN_OR_RETURN(const auto device, vramd::FindDevice(*client, device_index));
    return vramd::Enumerate(device.handles(), count, types);
  });
}

vramd_result vramd_allocate(vramd_client* client, const vramd_allocate_info* info,
                            vramd_lease** lease) {
  return RunCall([&]() -> absl::Status {
    VRAMD_RETURN_IF_NULL(client, info, lease);
    VRAMD_RETURN_IF_FORKED(client);
    VRAMD_ASSIGN_OR_RETURN(const vramd_allocate_info own,
                           vramd::ReadSized<vramd_memory_wish>(info));
    VRAMD_ASSIGN_OR_RETURN(vramd::v1::AllocateRequest request, vramd::FromC(own));
    return vramd::GiveLease(
        client->core,
        client->core->Allocate(std::move(request), vramd::CallTimeout(own.timeout_ns)), lease);
  });
}

vramd_result vramd_open(vramd_client* client, const vramd_open_info* info, vramd_lease** lease) {
  return RunCall([&]() -> absl::Status {
    VRAMD_RETURN_IF_NULL(client, info, lease);
    VRAMD_RETURN_IF_FORKED(client);
    VRAMD_ASSIGN_OR_RETURN(const vramd_open_info own, vramd::ReadSized(info));
    vramd::v1::OpenRequest request;
    if (own.name != nullptr) {
      VRAMD_ASSIGN_OR_RETURN(*request.mutable_name(), vramd::TextFromC("name", own.name));
    } else {
      request.set_allocation_id(own.allocation_id);
    }
    return vramd::GiveLease(
        client->core, client->core->Open(std::move(request), vramd::CallTimeout(own.timeout_ns)),
        lease);
  });
}

void vramd_lease_destroy(vramd_lease* lease) {
  if (lease == nullptr) return;
  if (!lease->birth.is_here()) {
    vramd::Bury(std::move(lease->state.link));
    vramd::Bury(std::move(lease->core));
    delete lease;  // closes this process's copy of the handle
    return;
  }
  (void)RunCall([&] {
    vramd::ReleaseLease(lease->state);
    return absl::OkStatus();
  });
  delete lease;
}

uint64_t vramd_lease_get_id(const vramd_lease* lease) {
  return lease == nullptr ? 0 : lease->state.id.value;
}

uint64_t vramd_lease_get_allocation_id(const vramd_lease* lease) {
  return lease == nullptr ? 0 : lease->state.allocation.value;
}

vramd_result vramd_lease_get_recipe(const vramd_lease* lease, vramd_recipe* recipe) {
  return RunCall([&]() -> absl::Status {
    VRAMD_RETURN_IF_NULL(lease, recipe);
    VRAMD_RETURN_IF_FORKED(lease);
    VRAMD_RETURN_IF_ERROR(vramd::CheckRecipe(recipe));
    vramd::WriteRecipe(lease->state.recipe, recipe);
    return absl::OkStatus();
  });
}

bool vramd_lease_is_valid(const vramd_lease* lease) {
  return lease != nullptr && lease->birth.is_here() && !lease->state.link->broken();
}

vramd_result vramd_lease_get_handle(const vramd_lease* lease, intptr_t* handle) {
  return RunCall([&]() -> absl::Status {
    VRAMD_RETURN_IF_NULL(lease, handle);
    VRAMD_RETURN_IF_FORKED(lease);
    VRAMD_ASSIGN_OR_RETURN(vramd::OsHandle copy, lease->state.handle.Duplicate());
    *handle = (intptr_t)copy.Release();  // an int or a pointer, by the system
    return absl::OkStatus();
  });
}

vramd_result vramd_publish(vramd_lease* lease, const char* name, char* whole_name,
                           size_t whole_name_size) {
  return RunCall([&]() -> absl::Status {
    VRAMD_RETURN_IF_NULL(lease, name);
    VRAMD_RETURN_IF_FORKED(lease);
    vramd::Link& link = *lease->state.link;
    if (link.broken())
      return absl::UnavailableError("the lease ended with the connection to the broker");
    vramd::v1::PublishRequest request;
    vramd::v1::PublishReply reply;
    request.set_lease_id(lease->state.id.value);
    VRAMD_ASSIGN_OR_RETURN(*request.mutable_name(), vramd::TextFromC("name", name));
    // On the lease's own link: a new session knows nothing of it.
    const auto context = link.NewContext(lease->state.timeout);
    VRAMD_RETURN_IF_ERROR(link.Conclude(link.stub().Publish(context.get(), request, &reply)));
    vramd::CopyText(reply.name(), whole_name, whole_name_size);
    return absl::OkStatus();
  });
}

vramd_result vramd_withdraw(vramd_client* client, const char* name) {
  return RunCall([&]() -> absl::Status {
    VRAMD_RETURN_IF_NULL(client, name);
    VRAMD_RETURN_IF_FORKED(client);
    vramd::v1::WithdrawRequest request;
    vramd::v1::WithdrawReply reply;
    VRAMD_ASSIGN_OR_RETURN(*request.mutable_name(), vramd::TextFromC("name", name));
    return client->core->Call(&vramd::v1::Broker::Stub::Withdraw, request, &reply);
  });
}

vramd_result vramd_list(vramd_client* client, const char* prefix, uint32_t* count,
                        vramd_published* published) {
  return RunCall([&]() -> absl::Status {
    VRAMD_RETURN_IF_NULL(client, count);
    VRAMD_RETURN_IF_FORKED(client);
    vramd::v1::ListRequest request;
    vramd::v1::ListReply reply;
    VRAMD_ASSIGN_OR_RETURN(*request.mutable_prefix(), vramd::TextFromC("prefix", prefix));
    VRAMD_RETURN_IF_ERROR(client->core->Call(&vramd::v1::Broker::Stub::List, request, &reply));
    return vramd::Enumerate(reply.published(), count, published);
  });
}

vramd_result vramd_watch_create(vramd_client* client, const char* prefix, vramd_watch** watch) {
  return RunCall([&]() -> absl::Status {
    VRAMD_RETURN_IF_NULL(client, watch);
    VRAMD_RETURN_IF_FORKED(client);
    VRAMD_ASSIGN_OR_RETURN(std::string beginning, vramd::TextFromC("prefix", prefix));
    auto core = std::make_unique<vramd::WatchCore>(client->core, std::move(beginning));
    VRAMD_RETURN_IF_ERROR(core->Start());
    *watch = new vramd_watch{std::move(core), vramd::Birth()};
    return absl::OkStatus();
  });
}

vramd_result vramd_watch_next(vramd_watch* watch, uint64_t timeout_ns, vramd_event* event) {
  return RunCall([&]() -> absl::Status {
    VRAMD_RETURN_IF_NULL(watch, event);
    VRAMD_RETURN_IF_FORKED(watch);
    VRAMD_RETURN_IF_ERROR(vramd::CheckSized(event));
    VRAMD_ASSIGN_OR_RETURN(const vramd::WatchItem item, watch->core->Next(vramd::DeadlineAfter(
                                                            vramd::Clock::now(), timeout_ns)));
    vramd::WriteSized(vramd::ToC(item), event);
    return absl::OkStatus();
  });
}

void vramd_watch_destroy(vramd_watch* watch) {
  if (watch == nullptr) return;
  if (!watch->birth.is_here()) vramd::Bury(std::move(watch->core));
  delete watch;
}

vramd_result vramd_check_share(vramd_client* client, const vramd_recipe* recipe,
                               const vramd_importer* importer, bool* can_import, char* reason,
                               size_t reason_size) {
  return RunCall([&]() -> absl::Status {
    VRAMD_RETURN_IF_NULL(client, recipe, importer, can_import);
    VRAMD_RETURN_IF_FORKED(client);
    VRAMD_ASSIGN_OR_RETURN(const vramd::Recipe own_recipe, vramd::ReadRecipe(recipe));
    VRAMD_ASSIGN_OR_RETURN(const vramd_importer own_importer, vramd::ReadSized(importer));
    VRAMD_ASSIGN_OR_RETURN(const vramd::v1::CheckShareRequest request,
                           vramd::FromC(own_recipe, own_importer));
    vramd::v1::CheckShareReply reply;
    VRAMD_RETURN_IF_ERROR(
        client->core->Call(&vramd::v1::Broker::Stub::CheckShare, request, &reply));
    *can_import = reply.can_import();
    vramd::CopyText(reply.reason(), reason, reason_size);
    return absl::OkStatus();
  });
}

}  // extern "C"
