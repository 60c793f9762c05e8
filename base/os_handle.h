// OsHandle owns exactly one file descriptor (Linux) or HANDLE (Windows).
//
// Move-only. The destructor closes. Not thread-safe: one owner at a time, like unique_ptr.
// Every handle that it makes is close-on-exec (Linux) or not inheritable (Windows).
#ifndef VRAMD_BASE_OS_HANDLE_H_
#define VRAMD_BASE_OS_HANDLE_H_

#include <utility>

#include "absl/status/statusor.h"
#include "base/platform.h"

namespace vramd {

class OsHandle {
 public:
  OsHandle() = default;
  explicit OsHandle(NativeHandle native) : native_(native) {}
  OsHandle(OsHandle&& other) noexcept : native_(other.Release()) {}
  OsHandle& operator=(OsHandle&& other) noexcept {
    if (this != &other) Reset(other.Release());
    return *this;
  }
  OsHandle(const OsHandle&) = delete;
  OsHandle& operator=(const OsHandle&) = delete;
  ~OsHandle() { Reset(); }

  bool valid() const { return native_ != kInvalidNativeHandle; }
  NativeHandle get() const { return native_; }

  // Gives up ownership: the caller, or whoever it hands the value to, closes it.
  [[nodiscard]] NativeHandle Release() { return std::exchange(native_, kInvalidNativeHandle); }

  // Closes what is held, then takes ownership of `native`.
  void Reset(NativeHandle native = kInvalidNativeHandle);

  // A second handle to the same object. RESOURCE_EXHAUSTED when the process has no room for one.
  absl::StatusOr<OsHandle> Duplicate() const;

 private:
  NativeHandle native_ = kInvalidNativeHandle;
};

}  // namespace vramd

#endif  // VRAMD_BASE_OS_HANDLE_H_
