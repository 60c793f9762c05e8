// dma-buf: the kernel's buffer sharing, the only handle type that may cross drivers.
#ifndef VRAMD_DRIVER_SHIM_DMA_BUF_LINUX_H_
#define VRAMD_DRIVER_SHIM_DMA_BUF_LINUX_H_

#include "driver-shim/exporter.h"

namespace vramd {

extern const Exporter kDmaBufExporter;

}  // namespace vramd

#endif  // VRAMD_DRIVER_SHIM_DMA_BUF_LINUX_H_
