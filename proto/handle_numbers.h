// Which handles a message names.
#ifndef VRAMD_PROTO_HANDLE_NUMBERS_H_
#define VRAMD_PROTO_HANDLE_NUMBERS_H_

#include <cstdint>
#include <vector>

#include "google/protobuf/message.h"

namespace vramd {

// The values of all HandleRefs in a message, at any depth, without zeros.
std::vector<uint64_t> HandleNumbers(const google::protobuf::Message& message);

}  // namespace vramd

#endif  // VRAMD_PROTO_HANDLE_NUMBERS_H_
