#include "driver-shim/exporter.h"
#include "driver-shim/host_section.h"
#include "driver-shim/khr_win32_windows.h"

namespace vramd {

// host_section works everywhere, at the host's speed.
absl::Span<const Exporter* const> Exporters() {
  static constexpr const Exporter* kExporters[] = {&kKhrWin32Exporter, &kHostSectionExporter};
  return kExporters;
}

}  // namespace vramd
