// Which process this is, counted along fork().
//
// A child has a copy of every object, but not of the threads that worked on them, and it shares
// sockets, locks in shared memory and gRPC's event queue with its parent. So an object that talks
// to others belongs to the process that made it. It keeps a Birth, and asks it before it does
// anything.
#ifndef VRAMD_BASE_FORK_H_
#define VRAMD_BASE_FORK_H_

#include <cstdint>

namespace vramd {

// 0 at first, and one more in the child of each fork(). A process that comes about without fork()'s
// handlers (vfork(), a bare clone()) may only exec. Thread-safe; costs one load.
uint32_t ForkGeneration();

// Where an object was made.
class Birth {
 public:
  // False in a child that was forked off after this was made.
  bool is_here() const { return generation_ == ForkGeneration(); }

 private:
  uint32_t generation_ = ForkGeneration();
};

}  // namespace vramd

#endif  // VRAMD_BASE_FORK_H_
