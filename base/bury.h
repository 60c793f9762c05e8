// What becomes of an object in a child after fork(), which cannot use it nor destroy it.
#ifndef VRAMD_BASE_BURY_H_
#define VRAMD_BASE_BURY_H_

#include <memory>

namespace vramd {

// Keeps what a dead object owns for as long as the process lives. Its destructor would wait for
// threads that are not here, take locks that nobody will open, and use the parent's connection.
// Thread-safe.
void Bury(std::shared_ptr<void> dead);

}  // namespace vramd

#endif  // VRAMD_BASE_BURY_H_
