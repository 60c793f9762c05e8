// The pipe is the plainest there is: not overlapped, nobody but the two of them.
#include <windows.h>

#include <cstdlib>
#include <cstring>

#include "base/wide_windows.h"
#include "tests/bench/lease_floor.h"
#include "tests/support/child_process.h"

namespace vramd {
namespace {

constexpr char kRole[] = "--echo";

OsHandle Checked(HANDLE handle) {
  if (handle == nullptr || handle == INVALID_HANDLE_VALUE) std::abort();
  return OsHandle(handle);
}

bool ReadAll(const OsHandle& pipe, void* bytes, DWORD size) {
  DWORD got = 0;
  return ReadFile(pipe.get(), bytes, size, &got, nullptr) && got == size;
}

bool WriteAll(const OsHandle& pipe, const void* bytes, DWORD size) {
  DWORD written = 0;
  return WriteFile(pipe.get(), bytes, size, &written, nullptr) && written == size;
}

}  // namespace

std::string SystemName() { return "Windows"; }
vramd_handle_type MeasuredHandleType() { return VRAMD_HANDLE_NV_WIN32; }
const char* RoundTripName() { return "raw DuplicateHandle + pipe"; }

std::optional<int> RunEchoRole(int argc, char** argv) {
  if (argc != 3 || std::strcmp(argv[1], kRole) != 0) return std::nullopt;
  const OsHandle pipe = Checked(CreateFileW(ToWide(argv[2]).c_str(), GENERIC_READ | GENERIC_WRITE,
                                            0, nullptr, OPEN_EXISTING, 0, nullptr));
  HANDLE handle = nullptr;
  while (ReadAll(pipe, &handle, sizeof(handle))) {
    CloseHandle(handle);
    if (!WriteAll(pipe, "x", 1)) return 1;
  }
  return 0;
}

struct HandleEcho::State {
  std::string name = R"(\\.\pipe\vramd-bench-)" + std::to_string(GetCurrentProcessId());
  OsHandle pipe = Checked(
      CreateNamedPipeW(ToWide(name).c_str(), PIPE_ACCESS_DUPLEX | FILE_FLAG_FIRST_PIPE_INSTANCE,
                       PIPE_TYPE_BYTE | PIPE_REJECT_REMOTE_CLIENTS, 1, 4096, 4096, 0, nullptr));
  ChildProcess child{{.command = {OwnProgram(), kRole, name}}};
  OsHandle process = Checked(OpenProcess(PROCESS_DUP_HANDLE, FALSE, child.id()));
};

HandleEcho::HandleEcho() : state_(std::make_unique<State>()) {
  if (!ConnectNamedPipe(state_->pipe.get(), nullptr) && GetLastError() != ERROR_PIPE_CONNECTED)
    std::abort();
}
HandleEcho::~HandleEcho() = default;

void HandleEcho::RoundTrip(const OsHandle& handle) {
  HANDLE remote = nullptr;
  char byte = 0;
  if (!DuplicateHandle(GetCurrentProcess(), handle.get(), state_->process.get(), &remote, 0, FALSE,
                       DUPLICATE_SAME_ACCESS) ||
      !WriteAll(state_->pipe, &remote, sizeof(remote)) || !ReadAll(state_->pipe, &byte, 1))
    std::abort();
}

OsHandle RawMemory::Allocate() {
  const VkExportMemoryAllocateInfoNV exported{VK_STRUCTURE_TYPE_EXPORT_MEMORY_ALLOCATE_INFO_NV,
                                              nullptr,
                                              VK_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_WIN32_BIT_NV};
  const VkMemoryAllocateInfo info{VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, &exported,
                                  recipe_.allocation_size, recipe_.memory_type_index};
  example::Check(vkAllocateMemory(device_, &info, nullptr, &memory_), "vkAllocateMemory");
  HANDLE handle = nullptr;
  example::Check(vkGetMemoryWin32HandleNV(
                     device_, memory_, VK_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_WIN32_BIT_NV, &handle),
                 "vkGetMemoryWin32HandleNV");
  return OsHandle(handle);
}

}  // namespace vramd
