// Status and Result<T>: how the C++ interface reports errors. No exceptions.
// The C++ interface lives in an inline namespace that is named after its version: these classes are
// compiled into the application, and must not be taken for others of the same name that are linked
// into the same program.
#ifndef VRAMD_RESULT_H_
#define VRAMD_RESULT_H_

#include <optional>
#include <string>
#include <utility>

#include "vramd/vramd.h"

namespace vramd {
inline namespace v0 {

// A code of the C interface and the sentence that goes with it.
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(vramd_result code, std::string message) : code_(code), message_(std::move(message)) {}

  // Of the calling thread's last C call.
  static Status Last(vramd_result code) {
    return code == VRAMD_OK ? Status() : Status(code, vramd_last_error());
  }

  bool ok() const { return code_ == VRAMD_OK; }
  // A stream has ended and all its frames were taken: there is no value, and no error either.
  bool is_end() const { return code_ == VRAMD_END_OF_STREAM; }
  vramd_result code() const { return code_; }
  const std::string& message() const { return message_; }
  std::string ToString() const {
    return ok() ? "OK" : std::string(vramd_result_name(code_)) + ": " + message_;
  }

 private:
  vramd_result code_ = VRAMD_OK;
  std::string message_;
};

// A value, or the status that says why there is none.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}          // NOLINT: implicit on purpose
  Result(Status status) : status_(std::move(status)) {}  // NOLINT: implicit on purpose

  bool ok() const { return value_.has_value(); }
  explicit operator bool() const { return ok(); }
  bool is_end() const { return status_.is_end(); }
  const Status& status() const { return status_; }

  // Only if ok().
  T& operator*() & { return *value_; }
  const T& operator*() const& { return *value_; }
  T&& operator*() && { return *std::move(value_); }
  T* operator->() { return &*value_; }
  const T* operator->() const { return &*value_; }

 private:
  Status status_;
  std::optional<T> value_;
};

}  // namespace v0
}  // namespace vramd

#endif  // VRAMD_RESULT_H_
