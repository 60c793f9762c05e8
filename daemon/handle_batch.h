// The handles of one reply or event. Either all of them reach the client with it, or none is kept
// there.
#ifndef VRAMD_DAEMON_HANDLE_BATCH_H_
#define VRAMD_DAEMON_HANDLE_BATCH_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "base/ids.h"
#include "base/os_handle.h"
#include "base/status_macros.h"
#include "ipc/handle_lane.h"
#include "vramd/v1/types.pb.h"

namespace vramd {

class HandleBatch {
 public:
  // `lane` must outlive this. `request` is the call that the handles belong to.
  HandleBatch(HandleSender* lane, RequestId request) : lane_(lane), request_(request) {}
  HandleBatch(const HandleBatch&) = delete;
  HandleBatch& operator=(const HandleBatch&) = delete;
  // Takes back what was sent, unless Keep() was called.
  ~HandleBatch() {
    for (const uint64_t number : sent_) lane_->TakeBack(request_, number);
  }

  // Sends a duplicate. `type` stays unspecified where the field says what it is.
  absl::Status Send(const OsHandle& handle, v1::HandleRef* out,
                    v1::HandleType type = v1::HANDLE_TYPE_UNSPECIFIED) {
    VRAMD_ASSIGN_OR_RETURN(const uint64_t number, lane_->Send(request_, handle));
    sent_.push_back(number);
    out->set_value(number);
    out->set_type(type);
    return absl::OkStatus();
  }

  // The message that names them is on its way.
  void Keep() { sent_.clear(); }

 private:
  HandleSender* const lane_;
  const RequestId request_;
  std::vector<uint64_t> sent_;
};

}  // namespace vramd

#endif  // VRAMD_DAEMON_HANDLE_BATCH_H_
