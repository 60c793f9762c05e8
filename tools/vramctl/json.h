// The public structs as JSON, for --json. Field names are those of the C interface; Vulkan's
// numbers stay numbers, enumerations of ours become the words that vramctl prints. The broker's ids
// (session_id, allocation_id, consumer_id) are strings: they have 64 bits, and most readers of JSON
// keep 53 of a number.
#ifndef VRAMD_TOOLS_VRAMCTL_JSON_H_
#define VRAMD_TOOLS_VRAMCTL_JSON_H_

#include <nlohmann/json_fwd.hpp>

#include "vramd/stream.h"

namespace vramctl {

nlohmann::json ToJson(const vramd_server_info& info);
nlohmann::json ToJson(const vramd::DeviceInfo& device);
nlohmann::json ToJson(const vramd_device_identity& identity);
nlohmann::json ToJson(const vramd::Recipe& recipe);
nlohmann::json ToJson(const vramd::Published& published);
nlohmann::json ToJson(const vramd_event& event);
nlohmann::json ToJson(const vramd::StreamListing& stream);
nlohmann::json ToJson(const vramd_consumer_stats& consumer);

}  // namespace vramctl

#endif  // VRAMD_TOOLS_VRAMCTL_JSON_H_
