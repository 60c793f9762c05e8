#include "driver-shim/exporter.h"
#include "driver-shim/host_section.h"
#include "driver-shim/khr_win32_windows.h"
#include "driver-shim/nv_win32_windows.h"

namespace vramd {

// nv_win32 first: its handles go into the importing driver and need no closing. It shares no
// buffers; khr_win32 does. host_section works everywhere, at the host's speed.
absl::Span<const Exporter* const> Exporters() {
  static constexpr const Exporter* kExporters[] = {&kNvWin32Exporter, &kKhrWin32Exporter,
                                                   &kHostSectionExporter};
  return kExporters;
}

}  // namespace vramd
