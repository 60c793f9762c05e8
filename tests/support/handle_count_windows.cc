#include "tests/support/handle_count_windows.h"

#include <windows.h>
// winternl.h needs windows.h before it.
#include <winternl.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <vector>

namespace vramd {
namespace {

// SystemExtendedHandleInformation and what it answers with; no header of MinGW has them.
constexpr auto kAllHandles = static_cast<SYSTEM_INFORMATION_CLASS>(64);
constexpr NTSTATUS kTooSmall = static_cast<NTSTATUS>(0xC0000004);  // STATUS_INFO_LENGTH_MISMATCH

struct OneHandle {
  void* object;
  ULONG_PTR process_id;
  ULONG_PTR value;
  ULONG granted_access;
  USHORT creator_back_trace_index;
  USHORT object_type_index;
  ULONG attributes;
  ULONG reserved;
};
struct AllHandles {
  ULONG_PTR count;
  ULONG_PTR reserved;
  OneHandle handles[1];
};

using Query = NTSTATUS(NTAPI*)(SYSTEM_INFORMATION_CLASS, void*, ULONG, ULONG*);

// Processes come and go meanwhile, so the list may have grown since its size was asked.
std::vector<ULONG_PTR> ListAll() {
  static const auto query = reinterpret_cast<Query>(reinterpret_cast<void*>(
      GetProcAddress(GetModuleHandleW(L"ntdll.dll"), "NtQuerySystemInformation")));
  std::vector<ULONG_PTR> buffer(size_t{64} << 10);
  for (;;) {
    const auto bytes = static_cast<ULONG>(buffer.size() * sizeof(ULONG_PTR));
    const NTSTATUS status = query(kAllHandles, buffer.data(), bytes, nullptr);
    if (status >= 0) return buffer;
    if (status != kTooSmall) {
      std::fprintf(stderr, "list the handles: status %08lx\n", static_cast<unsigned long>(status));
      std::abort();
    }
    buffer.resize(2 * buffer.size());
  }
}

}  // namespace

size_t CountOpenHandles(uint32_t process_id) {
  const std::vector<ULONG_PTR> buffer = ListAll();
  const auto& all = *reinterpret_cast<const AllHandles*>(buffer.data());
  return std::count_if(all.handles, all.handles + all.count,
                       [&](const OneHandle& handle) { return handle.process_id == process_id; });
}

size_t CountOwnHandles() { return CountOpenHandles(GetCurrentProcessId()); }

}  // namespace vramd
