// The one header that asks which operating system this is.
//
// It answers a single question: what is a native handle? Everything else that differs between
// systems stands behind an interface with one source file per system (foo_linux.cc,
// foo_windows.cc), and the build picks the file.
#ifndef VRAMD_BASE_PLATFORM_H_
#define VRAMD_BASE_PLATFORM_H_

#include <cstdint>

namespace vramd {

#if defined(_WIN32)
using NativeHandle = void*;  // HANDLE
inline constexpr NativeHandle kInvalidNativeHandle = nullptr;
#else
using NativeHandle = int;  // file descriptor
inline constexpr NativeHandle kInvalidNativeHandle = -1;
#endif

}  // namespace vramd

#endif  // VRAMD_BASE_PLATFORM_H_
