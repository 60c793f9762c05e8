#include "tools/vramctl/json.h"

#include <nlohmann/json.hpp>

#include "tools/vramctl/text.h"

namespace vramctl {

using nlohmann::json;

namespace {

// Always text, however small: a reader can rely on one type.
std::string Id(uint64_t id) { return std::to_string(id); }

}  // namespace

json ToJson(const vramd_server_info& info) {
  return {{"version", info.version},
          {"endpoint", info.endpoint},
          {"session_id", Id(info.session_id)},
          {"broker_process_id", info.broker_process_id},
          {"sessions", info.sessions},
          {"allocations", info.allocations},
          {"allocated_bytes", info.allocated_bytes}};
}

json ToJson(const vramd_device_identity& identity) {
  json object = {{"device_uuid", FormatUuid(identity.device_uuid)},
                 {"driver_uuid", FormatUuid(identity.driver_uuid)}};
  if (identity.luid_valid) {
    object["luid"] = FormatLuid(identity.luid);
    object["node_mask"] = identity.node_mask;
  }
  return object;
}

namespace {

json MemoryTypesToJson(const vramd::DeviceInfo& device) {
  json types = json::array();
  for (const vramd_memory_type& type : device.memory_types) {
    types.push_back({{"property_flags", type.property_flags},
                     {"heap_index", type.heap_index},
                     {"heap_size", type.heap_size},
                     {"heap_budget", type.heap_budget},
                     {"heap_usage", type.heap_usage}});
  }
  return types;
}

json HandleTypesToJson(const vramd::DeviceInfo& device) {
  json types = json::array();
  for (const vramd_handle_support& support : device.handle_types) {
    types.push_back({{"type", Name(support.handle_type)},
                     {"can_export", support.can_export},
                     {"can_import", support.can_import},
                     {"reason", support.reason}});
  }
  return types;
}

json ImageToJson(const vramd_image_info& image) {
  return {{"flags", image.flags},
          {"image_type", image.image_type},
          {"format", image.format},
          {"width", image.width},
          {"height", image.height},
          {"depth", image.depth},
          {"mip_levels", image.mip_levels},
          {"array_layers", image.array_layers},
          {"samples", image.samples},
          {"tiling", image.tiling},
          {"usage", image.usage}};
}

}  // namespace

json ToJson(const vramd::DeviceInfo& device) {
  return {{"index", device.index},
          {"name", device.name},
          {"driver_name", device.driver_name},
          {"driver_version", device.driver_version},
          {"api_version", FormatVulkanVersion(device.api_version)},
          {"device_type", DeviceTypeName(device.device_type)},
          {"identity", ToJson(device.identity)},
          {"state", Name(device.state)},
          {"state_reason", device.state_reason},
          {"memory_types", MemoryTypesToJson(device)},
          {"handle_types", HandleTypesToJson(device)},
          {"timeline_export", device.timeline_export},
          {"timeline_reason", device.timeline_reason}};
}

json ToJson(const vramd::Recipe& recipe) {
  json object = {{"kind", Name(recipe.kind)},
                 {"allocation_size", recipe.allocation_size},
                 {"memory_type_index", recipe.memory_type_index},
                 {"memory_property_flags", recipe.memory_property_flags},
                 {"dedicated", recipe.dedicated},
                 {"handle_type", Name(recipe.handle_type)},
                 {"device", ToJson(recipe.device)},
                 {"handover_layout", recipe.handover_layout}};
  if (recipe.kind == VRAMD_RESOURCE_IMAGE) object["image"] = ImageToJson(recipe.image);
  if (recipe.kind == VRAMD_RESOURCE_BUFFER)
    object["buffer"] = {{"size", recipe.buffer.size},
                        {"usage", recipe.buffer.usage},
                        {"flags", recipe.buffer.flags}};
  return object;
}

json ToJson(const vramd::Published& published) {
  return {{"name", published.name},
          {"allocation_id", Id(published.allocation_id)},
          {"user", published.user},
          {"process_id", published.process_id},
          {"executable", published.executable},
          {"label", published.label},
          {"lease_count", published.lease_count},
          {"recipe", ToJson(published.recipe)}};
}

json ToJson(const vramd::StreamListing& stream) {
  return {{"name", stream.name},
          {"user", stream.user},
          {"process_id", stream.process_id},
          {"executable", stream.executable},
          {"label", stream.label},
          {"generation", stream.generation},
          {"image_count", stream.image_count},
          {"recipe", ToJson(stream.recipe)},
          {"timeline", stream.timeline},
          {"published", stream.published}};
}

json ToJson(const vramd_consumer_stats& consumer) {
  return {{"consumer_id", Id(consumer.consumer_id)},
          {"user", consumer.user},
          {"process_id", consumer.process_id},
          {"executable", consumer.executable},
          {"mode", Name(consumer.mode)},
          {"limit", consumer.limit},
          {"received", consumer.received},
          {"dropped", consumer.dropped},
          {"latency_us", static_cast<double>(consumer.latency_ns) / 1000},
          {"measured", consumer.measured},
          {"latency_total_us", static_cast<double>(consumer.latency_total_ns) / 1000}};
}

json ToJson(const vramd_event& event) {
  json object = {{"kind", Name(event.kind)}};
  if (event.name[0] != '\0') {
    object["name"] = event.name;
    object["allocation_id"] = Id(event.allocation_id);
  }
  if (event.reason[0] != '\0') object["reason"] = event.reason;
  if (event.kind == VRAMD_EVENT_DEVICE_LOST) object["device"] = ToJson(event.device);
  return object;
}

}  // namespace vramctl
