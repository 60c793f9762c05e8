#include "driver-shim/exporter.h"

#include <algorithm>

namespace vramd {

// On a device of type CPU the memory is the host's in any case, so host_section loses nothing. And
// it is the one type whose bookkeeping is out of the reach of those who have the handle: see
// docs/decisions/0007.
std::vector<const Exporter*> ExportersFor(uint32_t device_type) {
  std::vector<const Exporter*> ordered(Exporters().begin(), Exporters().end());
  if (device_type == VK_PHYSICAL_DEVICE_TYPE_CPU)
    std::stable_partition(ordered.begin(), ordered.end(), [](const Exporter* exporter) {
      return exporter->type == HandleType::kHostSection;
    });
  return ordered;
}

}  // namespace vramd
