// Whether a device really imports a host section. Some drivers have the extension, name memory
// types for the pages, and then fail: nothing but trying tells.
#ifndef VRAMD_TOOLS_VRAMCTL_SECTION_PROBE_H_
#define VRAMD_TOOLS_VRAMCTL_SECTION_PROBE_H_

#include "tools/vramctl/vulkan_host.h"

namespace vramctl {

// Makes a section of one megabyte, imports it, and frees both. UNAVAILABLE with the call that
// failed and the name of its error. `host` must be the newest one, whose functions volk has.
vramd::Status ImportSection(const VulkanHost& host);

}  // namespace vramctl

#endif  // VRAMD_TOOLS_VRAMCTL_SECTION_PROBE_H_
