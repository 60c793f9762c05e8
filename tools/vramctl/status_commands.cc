// vramctl status, vramctl devices: what the broker says of itself and of its GPUs.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "tools/vramctl/command.h"
#include "tools/vramctl/json.h"
#include "tools/vramctl/text.h"

namespace vramctl {
namespace {

using Devices = std::vector<vramd::DeviceInfo>;

void PrintStatus(const vramd_server_info& info, const Devices& devices) {
  std::printf("broker       vramd %s, process %u\n", Printable(info.version).c_str(),
              info.broker_process_id);
  std::printf("endpoint     %s\n", Printable(info.endpoint).c_str());
  std::printf("sessions     %llu\n", static_cast<unsigned long long>(info.sessions));
  std::printf("allocations  %llu, %s\n", static_cast<unsigned long long>(info.allocations),
              FormatBytes(info.allocated_bytes).c_str());
  for (const vramd::DeviceInfo& device : devices) {
    std::printf("device %-5u %s (%s), %s\n", device.index, Printable(device.name).c_str(),
                Printable(device.driver_name).c_str(), Name(device.state));
  }
}

vramd::Status Status(vramd::Client& client, bool as_json) {
  const auto info = client.ServerInfo();
  if (!info.ok()) return info.status();
  const auto devices = client.Devices();
  if (!devices.ok()) return devices.status();
  if (as_json) {
    nlohmann::json object = ToJson(*info);
    object["devices"] = nlohmann::json::array();
    for (const vramd::DeviceInfo& device : *devices)
      object["devices"].push_back(
          {{"index", device.index}, {"name", device.name}, {"state", Name(device.state)}});
    PrintJson(object);
  } else {
    PrintStatus(*info, *devices);
  }
  return {};
}

std::string HandleAbility(const vramd_handle_support& support) {
  if (support.can_export && support.can_import) return "export and import";
  if (support.can_export) return "export only";
  return support.can_import ? "import only" : "no";
}

void PrintDevice(const vramd::DeviceInfo& device) {
  const vramd_device_identity& identity = device.identity;
  std::printf("device %u: %s\n", device.index, Printable(device.name).c_str());
  std::printf("  state    %s%s%s\n", Name(device.state), device.state_reason[0] ? ": " : "",
              Printable(device.state_reason).c_str());
  if (device.state == VRAMD_DEVICE_OPENING) return;
  std::printf("  type     %s\n", DeviceTypeName(device.device_type));
  std::printf("  driver   %s %s, Vulkan %s\n", Printable(device.driver_name).c_str(),
              Printable(device.driver_version).c_str(),
              FormatVulkanVersion(device.api_version).c_str());
  std::printf("  uuid     %s, driver %s\n", FormatUuid(identity.device_uuid).c_str(),
              FormatUuid(identity.driver_uuid).c_str());
  if (identity.luid_valid) std::printf("  luid     %s\n", FormatLuid(identity.luid).c_str());
  for (const vramd_handle_support& support : device.handle_types) {
    std::printf("  handle   %s: %s%s%s\n", Name(support.handle_type), HandleAbility(support).c_str(),
                support.reason[0] ? ": " : "", Printable(support.reason).c_str());
  }
  std::printf("  streams  %s\n", Printable(FrameOrder(device)).c_str());
  for (size_t i = 0; i < device.memory_types.size(); ++i) {
    const vramd_memory_type& type = device.memory_types[i];
    std::printf("  memory   type %zu: heap %u of %s, %s\n", i, type.heap_index,
                FormatBytes(type.heap_size).c_str(),
                FormatMemoryProperties(type.property_flags).c_str());
  }
}

vramd::Status ListDevices(vramd::Client& client, bool as_json) {
  const auto devices = client.Devices();
  if (!devices.ok()) return devices.status();
  if (as_json) {
    nlohmann::json array = nlohmann::json::array();
    for (const vramd::DeviceInfo& device : *devices) array.push_back(ToJson(device));
    PrintJson(array);
    return {};
  }
  for (const vramd::DeviceInfo& device : *devices) PrintDevice(device);
  return {};
}

}  // namespace

void AddStatusCommands(CLI::App& app, Context& context) {
  app.add_subcommand("status", "The broker, its sessions and its devices, in short")
      ->callback([&context] {
        context.exit_code = WithClient(
            context, [&](vramd::Client& client) { return Status(client, context.json); });
      });
  app.add_subcommand("devices", "The broker's devices: memory, and which handles work")
      ->callback([&context] {
        context.exit_code = WithClient(
            context, [&](vramd::Client& client) { return ListDevices(client, context.json); });
      });
}

}  // namespace vramctl
