// NT handles of VK_KHR_external_memory_win32: the driver's own format, for importers of the same
// driver and device.
#ifndef VRAMD_DRIVER_SHIM_KHR_WIN32_WINDOWS_H_
#define VRAMD_DRIVER_SHIM_KHR_WIN32_WINDOWS_H_

#include "driver-shim/exporter.h"

namespace vramd {

extern const Exporter kKhrWin32Exporter;

}  // namespace vramd

#endif  // VRAMD_DRIVER_SHIM_KHR_WIN32_WINDOWS_H_
