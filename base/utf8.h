// Whether text is UTF-8. What is not cannot be sent: a protobuf string field must be, and the other
// side could only say that it did not understand the message.
#ifndef VRAMD_BASE_UTF8_H_
#define VRAMD_BASE_UTF8_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace vramd {

// As the Unicode Standard has it, table 3-7: no surrogates, nothing beyond U+10FFFF, and no longer
// form than is needed.
bool IsUtf8(absl::string_view text);

// INVALID_ARGUMENT names the field.
absl::Status CheckUtf8(absl::string_view field, absl::string_view text);

}  // namespace vramd

#endif  // VRAMD_BASE_UTF8_H_
