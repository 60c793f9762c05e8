// gRPC over a PipeStream, by way of gRPC's own endpoint interface.
//
// gRPC 1.51 has no public way to be given a connection on Windows, so this file alone includes its
// internal headers and is bound to that version. The adapter below is thin on purpose: what is hard
// about pipes is in PipeStream.
#include <atomic>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "ipc/grpc_transport.h"
#include "ipc/pipe_stream_windows.h"

#include "grpc/grpc.h"
#include "grpc/slice_buffer.h"
#include "src/core/ext/transport/chttp2/transport/chttp2_transport.h"
#include "src/core/lib/channel/channel_args.h"
#include "src/core/lib/channel/channel_args_preconditioning.h"
#include "src/core/lib/config/core_configuration.h"
#include "src/core/lib/iomgr/endpoint.h"
#include "src/core/lib/iomgr/exec_ctx.h"
#include "src/core/lib/surface/channel.h"
#include "src/core/lib/surface/server.h"
#include "src/core/lib/transport/transport.h"
#include "src/cpp/client/create_channel_internal.h"

namespace vramd {
namespace {

constexpr size_t kReadSize = 64 * 1024;

std::string PeerName(NativeHandle stream) {
  return absl::StrCat("pipe:", reinterpret_cast<uintptr_t>(stream));
}

// gRPC's library is running while one of these, or a grpc::Channel, exists.
struct LibraryInUse {
  LibraryInUse() { grpc_init(); }
  ~LibraryInUse() { grpc_shutdown(); }
  LibraryInUse(const LibraryInUse&) = delete;
  LibraryInUse& operator=(const LibraryInUse&) = delete;
};

struct PipeEndpoint : grpc_endpoint {
  // The transport outlives its channel by what it has in flight, which completes on a thread of the
  // system's: the library has to run until the last callback is done and its contexts are left.
  // (Not taken anew for each operation: one can begin while the library is shutting down, which
  // holds the lock that grpc_init() takes.)
  std::shared_ptr<const LibraryInUse> library = std::make_shared<const LibraryInUse>();
  std::shared_ptr<PipeStream> stream;
  std::string peer;
};

PipeEndpoint* Of(grpc_endpoint* endpoint) { return static_cast<PipeEndpoint*>(endpoint); }

// Runs one of gRPC's callbacks from a thread that is not gRPC's. Callbacks that gRPC queues in the
// meantime run when the two contexts are left.
void RunFromOutside(grpc_closure* closure, const absl::Status& status) {
  grpc_core::ApplicationCallbackExecCtx callbacks;
  grpc_core::ExecCtx context;
  grpc_core::ExecCtx::Run(DEBUG_LOCATION, closure, status);
}

void Read(grpc_endpoint* endpoint, grpc_slice_buffer* slices, grpc_closure* done, bool, int) {
  grpc_slice_buffer_reset_and_unref(slices);
  grpc_slice slice = grpc_slice_malloc(kReadSize);
  Of(endpoint)->stream->Read(
      GRPC_SLICE_START_PTR(slice), kReadSize,
      [slices, slice, done, library = Of(endpoint)->library](absl::StatusOr<size_t> got) {
        if (got.ok()) {
          grpc_slice_buffer_add(slices, grpc_slice_sub(slice, 0, *got));
        }
        grpc_slice_unref(slice);
        RunFromOutside(done, got.status());
      });
}

void Write(grpc_endpoint* endpoint, grpc_slice_buffer* slices, grpc_closure* done, void*, int) {
  std::string bytes;
  bytes.reserve(slices->length);
  for (size_t i = 0; i < slices->count; ++i)
    bytes.append(reinterpret_cast<const char*>(GRPC_SLICE_START_PTR(slices->slices[i])),
                 GRPC_SLICE_LENGTH(slices->slices[i]));
  Of(endpoint)->stream->Write(std::move(bytes),
                              [done, library = Of(endpoint)->library](const absl::Status& status) {
                                RunFromOutside(done, status);
                              });
}

void Shutdown(grpc_endpoint* endpoint, absl::Status) { Of(endpoint)->stream->Shutdown(); }

void Destroy(grpc_endpoint* endpoint) {
  Of(endpoint)->stream->Shutdown();
  delete Of(endpoint);
}

// The thread pool completes everything; there is nothing to poll.
void IgnorePollset(grpc_endpoint*, grpc_pollset*) {}
void IgnorePollsetSet(grpc_endpoint*, grpc_pollset_set*) {}

absl::string_view GetPeer(grpc_endpoint* endpoint) { return Of(endpoint)->peer; }
int GetNoFd(grpc_endpoint*) { return -1; }
bool CannotTrackErrors(grpc_endpoint*) { return false; }

constexpr grpc_endpoint_vtable kEndpointFunctions = {
    &Read,    &Write,   &IgnorePollset, &IgnorePollsetSet, &IgnorePollsetSet, &Shutdown,
    &Destroy, &GetPeer, &GetPeer,       &GetNoFd,          &CannotTrackErrors};

// Null, and a line in the log, if the pipe cannot be used.
grpc_endpoint* MakeEndpoint(OsHandle pipe, std::function<void()> hung_up) {
  auto endpoint = std::make_unique<PipeEndpoint>();
  endpoint->vtable = &kEndpointFunctions;
  endpoint->peer = PeerName(pipe.get());
  auto stream = PipeStream::Adopt(std::move(pipe), std::move(hung_up));
  if (!stream.ok()) {
    log::Error("pipe_unusable", {{"why", stream.status().message()}});
    return nullptr;
  }
  endpoint->stream = *std::move(stream);
  return endpoint.release();
}

std::shared_ptr<grpc::Channel> LameChannel(const char* why) {
  return grpc::CreateChannelInternal(
      "", grpc_lame_client_channel_create("vramd", GRPC_STATUS_UNAVAILABLE, why), {});
}

}  // namespace

std::string GrpcPeerName(const OsHandle& stream) { return PeerName(stream.get()); }

void ServeOnStream(grpc::Server* server, OsHandle stream, std::function<void()> hung_up) {
  grpc_core::ApplicationCallbackExecCtx callbacks;
  grpc_core::ExecCtx context;
  grpc_endpoint* endpoint = MakeEndpoint(std::move(stream), std::move(hung_up));
  if (endpoint == nullptr) return;
  grpc_core::Server* core = grpc_core::Server::FromC(server->c_server());
  const grpc_core::ChannelArgs& args = core->channel_args();
  grpc_transport* transport = grpc_create_chttp2_transport(args, endpoint, /*is_client=*/false);
  const absl::Status set_up = core->SetupTransport(transport, nullptr, args, nullptr);
  if (!set_up.ok()) {
    log::Error("transport_refused", {{"why", set_up.message()}});
    return grpc_transport_destroy(transport);
  }
  grpc_chttp2_transport_start_reading(transport, nullptr, nullptr, nullptr);
}

StreamChannel ChannelOnStream(OsHandle stream, const grpc::ChannelArguments& arguments) {
  const LibraryInUse library;
  auto hung_up = std::make_shared<std::atomic<bool>>(false);
  const auto broken = [hung_up] { return hung_up->load(); };
  grpc_core::ApplicationCallbackExecCtx callbacks;
  grpc_core::ExecCtx context;
  grpc_endpoint* endpoint = MakeEndpoint(std::move(stream), [hung_up] { *hung_up = true; });
  if (endpoint == nullptr)
    return {LameChannel("the pipe to the broker cannot be used"), [] { return true; }};
  const grpc_channel_args plain = arguments.c_channel_args();
  const grpc_core::ChannelArgs args = grpc_core::CoreConfiguration::Get()
                                          .channel_args_preconditioning()
                                          .PreconditionChannelArgs(&plain)
                                          .Set(GRPC_ARG_DEFAULT_AUTHORITY, "vramd");
  grpc_transport* transport = grpc_create_chttp2_transport(args, endpoint, /*is_client=*/true);
  auto channel = grpc_core::Channel::Create("vramd", args, GRPC_CLIENT_DIRECT_CHANNEL, transport);
  if (!channel.ok()) {
    grpc_transport_destroy(transport);
    return {LameChannel("gRPC refuses to speak on the pipe"), [] { return true; }};
  }
  grpc_chttp2_transport_start_reading(transport, nullptr, nullptr, nullptr);
  return {grpc::CreateChannelInternal("", channel->release()->c_ptr(), {}), broken};
}

}  // namespace vramd
