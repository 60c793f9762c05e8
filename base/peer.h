// Who is at the other end of a connection, as the kernel told it.
#ifndef VRAMD_BASE_PEER_H_
#define VRAMD_BASE_PEER_H_

#include <cstdint>
#include <string>
#include <vector>

namespace vramd {

struct Peer {
  std::string user_id;    // decimal uid, or SID: the identity that decisions use
  std::string user_name;  // login name, for names and logs; equals user_id where there is none
  std::vector<std::string> group_ids;  // decimal gids, or SIDs
  uint32_t process_id = 0;             // for logs; the process itself is held by the connection
  std::string executable;              // absolute path, empty where the kernel did not tell
  bool is_administrator = false;       // root, or SYSTEM

  // "alice(1000) pid 4242 /usr/bin/obs": the form in which logs and errors name a peer.
  std::string Describe() const;
};

}  // namespace vramd

#endif  // VRAMD_BASE_PEER_H_
