// The other processes of the stream tests: a producer and consumers of a stream of plain buffers in
// shared memory, which they map and fill without a GPU, so that thousands of frames take no time.
//
// Each frame carries a number in its header, and every word of its buffer is a hash of that number
// and of the buffer's size: a frame that is torn, stale or of another generation shows.
#ifndef VRAMD_TESTS_INTEGRATION_STREAM_ROLES_H_
#define VRAMD_TESTS_INTEGRATION_STREAM_ROLES_H_

#include <map>
#include <string>

namespace vramd {

// "name=x", "limit=3"...
using RoleOptions = std::map<std::string, std::string>;

// Reads commands from standard input, one a line, and answers each by a line. Options: name,
// images, bytes, waiting, limit (of consumers), first (its first frame's number).
//   publish N [INTERVAL_US]  "ok PUBLISHED": frames that there are so far
//   resize BYTES IMAGES      "ok"
//   resizes N FRAMES         N times, with FRAMES frames after each
//   consumers                "ok COUNT"
//   stats                    "ok ID OFFERED DROPPED HELD ..." for all consumers
//   session                  "ok SESSION ATTACHED"
//   slots                    "ok COUNT": how many can be had at once
//   end                      "ok"
int PlayProducer(RoleOptions options);

// Says "open", takes frames until the stream ends or it reads a line, then says in one line how it
// went: see ConsumerReport. Options: name, mode, limit, when, slow_us, patience_ms.
int PlayConsumer(RoleOptions options);

// What a consumer says at its end.
struct ConsumerReport {
  std::map<std::string, uint64_t> numbers;

  static ConsumerReport Parse(const std::string& line);
  // end: the reason; received, dropped: its counters; wrong: frames of wrong content; first, last:
  // numbers of frames; gaps: numbers between them that did not come; kept: the last frame's number,
  // read after the end; sessions; generations: how many were seen; failed: 1 if an error ended it.
  uint64_t operator[](const std::string& key) const { return numbers.at(key); }
};

// Parses what main() was given after --role=.
RoleOptions ParseRoleOptions(int argc, char** argv);

}  // namespace vramd

#endif  // VRAMD_TESTS_INTEGRATION_STREAM_ROLES_H_
