// NT handles of VK_NV_external_memory_win32, made by vkGetMemoryWin32HandleNV. Images and raw
// memory: the extension knows no shared buffers.
#ifndef VRAMD_DRIVER_SHIM_NV_WIN32_WINDOWS_H_
#define VRAMD_DRIVER_SHIM_NV_WIN32_WINDOWS_H_

#include "driver-shim/exporter.h"

namespace vramd {

extern const Exporter kNvWin32Exporter;

}  // namespace vramd

#endif  // VRAMD_DRIVER_SHIM_NV_WIN32_WINDOWS_H_
