// The broker's named pipe: its name, who may open it, and its instances. Windows only.
#ifndef VRAMD_IPC_PIPE_LISTENER_WINDOWS_H_
#define VRAMD_IPC_PIPE_LISTENER_WINDOWS_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/os_handle.h"

namespace vramd {

// The pipe's security descriptor, in SDDL: owned by `owner`, open to the owner, SYSTEM and
// administrators, and (connecting only) to `group`, which may be empty. Both are SIDs.
std::string PipeDescriptor(absl::string_view owner, absl::string_view group);

// The name belongs to whoever makes its first instance, and is ours as long as one instance lives.
class PipeListener {
 public:
  // Makes the first instance. ALREADY_EXISTS if any program has the name.
  static absl::StatusOr<PipeListener> Open(const std::string& name, const std::string& group);

  // The first instance, once; after that a further one. Overlapped, not connected yet.
  absl::StatusOr<OsHandle> Next();

  const std::string& name() const { return name_; }

 private:
  PipeListener() = default;
  absl::StatusOr<OsHandle> Make(bool first) const;

  std::string name_;
  std::string descriptor_;
  OsHandle first_;
};

}  // namespace vramd

#endif  // VRAMD_IPC_PIPE_LISTENER_WINDOWS_H_
