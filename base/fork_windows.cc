// Windows has no fork().
#include "base/fork.h"

namespace vramd {

uint32_t ForkGeneration() { return 0; }

}  // namespace vramd
