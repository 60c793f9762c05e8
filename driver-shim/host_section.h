// A section (memfd on Linux) that the driver uses as memory through VK_EXT_external_memory_host.
#ifndef VRAMD_DRIVER_SHIM_HOST_SECTION_H_
#define VRAMD_DRIVER_SHIM_HOST_SECTION_H_

#include "driver-shim/exporter.h"

namespace vramd {

extern const Exporter kHostSectionExporter;

}  // namespace vramd

#endif  // VRAMD_DRIVER_SHIM_HOST_SECTION_H_
