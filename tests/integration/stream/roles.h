// The other processes of the stream tests: this test program again, in another role.
//
// There is no broker here, so a child takes the handles it needs out of its parent's table, by
// their numbers on the command line.
#ifndef VRAMD_TESTS_INTEGRATION_STREAM_ROLES_H_
#define VRAMD_TESTS_INTEGRATION_STREAM_ROLES_H_

#include <string>
#include <vector>

#include "tests/support/child_process.h"
#include "tests/unit/stream/stream_rig.h"

namespace vramd::stream {

// What a consumer does with its stream.
//   follow     takes every frame until the end, then prints a Report
//   hold       takes one frame, prints "holding", and never gives it back
//   vandalise  prints "at it", then writes random values into its lane for ever
//   trespass   tries to write the board by all means, prints how many of them worked
ChildProcess StartConsumer(const StreamRig& rig, const LaneParts& lane, const LaneTerms& terms,
                           const std::string& behaviour);

// Prints "ready" once consumers may come, then publishes frames for ever to these consumers, which
// must get them all; prints "published 100" after the first hundred.
ChildProcess StartProducer(const OsHandle& board, const OsHandle& pixels,
                           const std::vector<const LaneParts*>& lanes, const LaneTerms& terms);

// What `follow` prints.
struct Report {
  uint64_t received = 0, dropped = 0, first = 0, last = 0, gaps = 0;
  int reason = 0;
  std::string wrong;
};
Report ReadReport(ChildProcess& follower);

// Runs the role that the command line names; -1 if it names none.
int RunRole(int argc, char** argv);

}  // namespace vramd::stream

#endif  // VRAMD_TESTS_INTEGRATION_STREAM_ROLES_H_
