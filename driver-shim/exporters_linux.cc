#include "driver-shim/dma_buf_linux.h"
#include "driver-shim/exporter.h"
#include "driver-shim/host_section.h"
#include "driver-shim/opaque_fd_linux.h"

namespace vramd {

// opaque_fd first: every driver with external memory has it, for every tiling. dma_buf crosses
// drivers, so it is there to be asked for. host_section works everywhere, at the host's speed. See
// ExportersFor() for the order on a CPU.
absl::Span<const Exporter* const> Exporters() {
  static constexpr const Exporter* kExporters[] = {&kOpaqueFdExporter, &kDmaBufExporter,
                                                   &kHostSectionExporter};
  return kExporters;
}

}  // namespace vramd
