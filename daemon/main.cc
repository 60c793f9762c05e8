// vramd: builds the components in order, runs until told to stop, takes them down in reverse.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>

#include "CLI/CLI.hpp"
#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "base/version.h"
#include "daemon/broker.h"
#include "daemon/broker_rpc.h"
#include "daemon/config.h"
#include "daemon/event_call.h"
#include "daemon/follow_rpc.h"
#include "daemon/front_door.h"
#include "daemon/service_host.h"
#include "daemon/stream_broker.h"
#include "daemon/streams_rpc.h"
#include "daemon/watch_rpc.h"
#include "driver-shim/device_hub.h"
#include "driver-shim/null_device.h"
#include "driver-shim/vulkan_device.h"
#include "grpcpp/server_builder.h"
#include "ipc/door.h"
#include "ipc/endpoint.h"

namespace vramd {
namespace {

constexpr int kMaxRequestBytes = 64 << 10;
constexpr int kMaxCallsPerConnection = 32;
constexpr int kMaxStreamCalls = 1 << 16;
constexpr int kMaxServerThreads = 512;

// Flags that the configuration file does not know.
struct Invocation {
  std::string config_file;
  int ready_fd = -1;
  bool as_service = false;
};

std::string DefaultConfigFile() {
  const char* home = std::getenv("XDG_CONFIG_HOME");
  const std::string users = home != nullptr ? std::string(home) + "/vramd/vramd.toml" : "";
  std::error_code ignored;
  if (!users.empty() && std::filesystem::exists(users, ignored)) return users;
  const std::string systems = "/etc/vramd/vramd.toml";
  return std::filesystem::exists(systems, ignored) ? systems : "";
}

absl::StatusOr<Config> ReadConfig(const std::string& named) {
  const std::string file = named.empty() ? DefaultConfigFile() : named;
  return file.empty() ? DefaultConfig() : LoadConfig(file);
}

DeviceHub::Opener OpenerFor(const Config& config) {
  if (config.null_device)
    return [] { return std::vector<std::shared_ptr<Device>>{MakeNullDevice()}; };
  return [options = VulkanOptions{config.devices, config.exporter}] {
    return OpenVulkanDevices(options);
  };
}

// Taken down in this order: the server stops, the queue of the event calls is drained, and only
// then does the server go, because what is in the queue points into it.
struct RpcServer {
  RpcServer() = default;
  RpcServer(RpcServer&&) = default;
  ~RpcServer() {
    if (grpc != nullptr) grpc->Shutdown(std::chrono::system_clock::now());
  }

  std::unique_ptr<grpc::Server> grpc;
  std::unique_ptr<EventLoop> events;
};

absl::StatusOr<RpcServer> StartServer(BrokerRpc* service, StreamsRpc* streams,
                                      const QuotaLimits& session) {
  grpc::ResourceQuota quota("vramd");
  quota.SetMaxThreads(kMaxServerThreads);
  grpc::ServerBuilder builder;
  builder.SetResourceQuota(quota);
  builder.SetMaxReceiveMessageSize(kMaxRequestBytes);
  // Each part in a stream has a call of its own for as long as it lasts, which takes no thread.
  builder.AddChannelArgument(
      GRPC_ARG_MAX_CONCURRENT_STREAMS,
      static_cast<int>(std::min<uint64_t>(
          kMaxCallsPerConnection + session.streams + session.consumers, kMaxStreamCalls)));
  // Keeps two threads waiting, so that a call does not have to wait for a thread to start.
  builder.SetSyncServerOption(grpc::ServerBuilder::SyncServerOption::MIN_POLLERS, 2);
  builder.SetSyncServerOption(grpc::ServerBuilder::SyncServerOption::MAX_POLLERS, 4);
  builder.RegisterService(service);
  builder.RegisterService(streams);
  RpcServer server;
  server.events = std::make_unique<EventLoop>(builder.AddCompletionQueue());
  server.grpc = builder.BuildAndStart();
  if (server.grpc == nullptr) return absl::InternalError("gRPC did not start its server");
  server.events->Start();
  return server;
}

void Reload(const Invocation& invocation, const Config& running, Broker* broker, Door* door) {
  auto config = ReadConfig(invocation.config_file);
  absl::Status status = config.status();
  if (status.ok() && !running.access_group.empty())
    status = AllowGroup(running.access_group, &config->policy);
  if (!status.ok()) {
    log::Error("reload_failed", {{"why", status.message()}, {"kept", "the policy in force"}});
    return;
  }
  const std::vector<SessionId> unwanted = broker->SetPolicy(std::move(config->policy));
  for (const SessionId session : unwanted) {
    log::Info("session_unwanted", {{"session", session.value}, {"why", "the new policy"}});
    door->Disconnect(session);
  }
  log::Info("reloaded", {{"ended", unwanted.size()}});
}

// What the user is told when the broker ends because it has no device; OK if it has one.
absl::Status WithoutDevice(const absl::Status& why) {
  if (why.ok()) return why;
  return absl::UnavailableError(
      absl::StrCat("no device could be opened: ", why.message(),
                   "; or start the broker with --wait-for-device, and it waits for one"));
}

absl::Status Serve(const Invocation& invocation, Config config, ServiceHost& host) {
  if (!config.access_group.empty())
    VRAMD_RETURN_IF_ERROR(AllowGroup(config.access_group, &config.policy));
  DoorOptions door_options;
  VRAMD_ASSIGN_OR_RETURN(door_options.inherited, host.InheritedListener());
  VRAMD_ASSIGN_OR_RETURN(door_options.endpoint, ServerEndpoint(config.endpoint));
  door_options.access_group = config.access_group;

  DeviceHub devices(OpenerFor(config), {.keep_looking = config.wait_for_device,
                                        .on_failure = [&host] { host.RequestStop(); }});
  Broker broker(&devices, config.limits, config.policy);
  StreamBroker streams(&broker, config.limits.device_wait);
  FrontDoor front_door(&broker);
  BrokerRpc service(&broker, &front_door);
  StreamsRpc streams_service(&streams, &front_door);
  VRAMD_ASSIGN_OR_RETURN(const RpcServer server,
                         StartServer(&service, &streams_service, config.limits.session));
  AcceptWatches(&service, &broker, &front_door, server.events.get());
  AcceptFollows(&streams_service, &streams, &front_door, server.events.get());
  front_door.ServeWith(server.grpc.get());
  VRAMD_ASSIGN_OR_RETURN(std::unique_ptr<Door> door,
                         Door::Open(std::move(door_options), &front_door));
  log::Info("listening", {{"endpoint", door->endpoint()}, {"version", kVersion}});
  host.NotifyReady(invocation.ready_fd);

  while (host.Wait() == ServiceHost::Request::kReload)
    Reload(invocation, config, &broker, door.get());
  const absl::Status failure = WithoutDevice(devices.failure());
  log::Info("draining", {{"timeout_ms", config.drain_timeout.count()}});
  host.NotifyStopping();
  door->StopListening();
  broker.BeginDrain(failure.ok() ? "it was asked to stop" : failure.message());
  // Ends as soon as the last call does; watches last until the deadline, then they are cancelled.
  server.grpc->Shutdown(std::chrono::system_clock::now() + config.drain_timeout);
  door.reset();
  log::Info("stopped");
  return failure;
}

int Main(int argc, char** argv) {
  CLI::App app("vramd lends GPU memory between processes.", "vramd");
  Invocation invocation;
  std::string endpoint, group, exporter, level, log_file;
  std::vector<std::string> devices;
  uint64_t drain_ms = 0;
  bool null_device = false, wait_for_device = false;
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  app.add_option("--config", invocation.config_file, "Configuration file (TOML)");
  app.add_option("--endpoint", endpoint, "Path of the socket to listen on");
  app.add_option("--socket-group", group, "Group whose members may connect, too");
  app.add_option("--device", devices, "UUID, LUID, index or name of a GPU; may be repeated")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app.add_flag("--wait-for-device", wait_for_device,
               "Without a device, look again until there is one, instead of ending");
  app.add_option("--exporter", exporter,
                 "opaque_fd, dma_buf or host_section, instead of the first that works");
  app.add_flag("--null-device", null_device, "No GPU: plain shared memory, for tests");
  app.add_option("--log-level", level, "debug, info, warning or error");
  app.add_option("--log-file", log_file, "Log to this file instead of standard error");
  app.add_option("--drain-timeout", drain_ms, "Milliseconds that SIGTERM gives running calls");
  app.add_option("--ready-fd", invocation.ready_fd,
                 "Descriptor that gets a line when vramd is ready");
  app.add_flag("--service", invocation.as_service, "Windows: started by the service manager");
  app.set_version_flag("--version", kVersion);
  CLI11_PARSE(app, argc, argv);

  const auto fail = [](const absl::Status& status) {
    std::fprintf(stderr, "vramd: %s\n", std::string(status.message()).c_str());
    return 1;
  };
  auto config = ReadConfig(invocation.config_file);
  if (!config.ok()) return fail(config.status());
  if (!endpoint.empty()) config->endpoint = endpoint;
  if (!group.empty()) config->access_group = group;
  if (!devices.empty()) config->devices = devices;
  if (!log_file.empty()) config->log_file = log_file;
  if (app.count("--drain-timeout") != 0)
    config->drain_timeout = std::chrono::milliseconds(drain_ms);
  config->null_device = null_device;
  config->wait_for_device |= wait_for_device;
  if (!exporter.empty()) {
    config->exporter = HandleTypeFromString(exporter);
    if (!config->exporter)
      return fail(absl::InvalidArgumentError("no exporter is called " + exporter));
  }
  if (!level.empty()) {
    const auto parsed = ParseLogLevel(level);
    if (!parsed.ok()) return fail(parsed.status());
    config->log_level = *parsed;
  }
  const auto host = ServiceHost::Create(invocation.as_service);
  absl::Status status = host.status();
  if (status.ok()) status = log::Configure(config->log_level, config->log_file);
  if (status.ok()) status = Serve(invocation, *std::move(config), **host);
  return status.ok() ? 0 : fail(status);
}

}  // namespace
}  // namespace vramd

int main(int argc, char** argv) { return vramd::Main(argc, argv); }
