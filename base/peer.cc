#include "base/peer.h"

#include "absl/strings/str_cat.h"

namespace vramd {

std::string Peer::Describe() const {
  return absl::StrCat(user_name, "(", user_id, ") pid ", process_id, executable.empty() ? "" : " ",
                      executable);
}

}  // namespace vramd
