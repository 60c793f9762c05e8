// Structured log lines: "event=allocate session=7 peer=alice(1000) pid 42 bytes=8388608".
//
// On a terminal each line has the time and the level; under systemd's journal it has the
// journal's <level> prefix instead. Thread-safe.
#ifndef VRAMD_BASE_LOG_H_
#define VRAMD_BASE_LOG_H_

#include <initializer_list>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace vramd::log {

enum class Level { kDebug, kInfo, kWarning, kError };

// One key=value of a line. A value with spaces, quotes or control characters is quoted, so that
// nothing a peer sends can forge a second line.
struct Field {
  Field(absl::string_view key, const absl::AlphaNum& value) : key(key), value(value.Piece()) {}
  absl::string_view key;
  std::string value;
};

// From main(), before the first line. Lines go to standard error, or to `file`; if that cannot be
// opened, the error says why and nothing changes.
absl::Status Configure(Level least, const std::string& file = "");
void SetLevel(Level least);

void Write(Level level, absl::string_view event, std::initializer_list<Field> fields = {});

inline void Debug(absl::string_view event, std::initializer_list<Field> fields = {}) {
  Write(Level::kDebug, event, fields);
}
inline void Info(absl::string_view event, std::initializer_list<Field> fields = {}) {
  Write(Level::kInfo, event, fields);
}
inline void Warning(absl::string_view event, std::initializer_list<Field> fields = {}) {
  Write(Level::kWarning, event, fields);
}
inline void Error(absl::string_view event, std::initializer_list<Field> fields = {}) {
  Write(Level::kError, event, fields);
}

}  // namespace vramd::log

#endif  // VRAMD_BASE_LOG_H_
