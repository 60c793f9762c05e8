// Opaque file descriptors: the driver's own format, for importers of the same driver and device.
#ifndef VRAMD_DRIVER_SHIM_OPAQUE_FD_LINUX_H_
#define VRAMD_DRIVER_SHIM_OPAQUE_FD_LINUX_H_

#include "driver-shim/exporter.h"

namespace vramd {

extern const Exporter kOpaqueFdExporter;

}  // namespace vramd

#endif  // VRAMD_DRIVER_SHIM_OPAQUE_FD_LINUX_H_
