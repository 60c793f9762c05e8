// The broker pushes: it duplicates into the client process, which it holds open with
// PROCESS_DUP_HANDLE. Nobody ever has that right on the broker, since it would allow to pull any
// handle. The number in the reply is the HANDLE's value in the client.
//
// The duplicate's rights are named, see object_rights_windows.h: whatever the broker itself may do
// with an object, a client gets no more than an importer needs.
#include <windows.h>

#include <vector>

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/os_error.h"
#include "base/status_macros.h"
#include "ipc/handle_lane.h"
#include "ipc/object_rights_windows.h"

namespace vramd {
namespace {

constexpr size_t kMaxRemembered = 1024;

HANDLE HandleOf(uint64_t number) {
  return reinterpret_cast<HANDLE>(static_cast<uintptr_t>(number));
}

}  // namespace

absl::StatusOr<uint64_t> HandleSender::Send(RequestId request, const OsHandle& handle) {
  VRAMD_ASSIGN_OR_RETURN(const uint32_t rights, RightsToLend(handle));
  HANDLE remote = nullptr;
  if (!DuplicateHandle(GetCurrentProcess(), handle.get(), end_.get(), &remote, rights, FALSE, 0)) {
    const absl::Status why = LastOsError("duplicate a handle into the client");
    if (WaitForSingleObject(end_.get(), 0) == WAIT_OBJECT_0)
      return absl::UnavailableError("the client's process has ended");
    return why;
  }
  const auto number = static_cast<uint64_t>(reinterpret_cast<uintptr_t>(remote));
  log::Debug("duplicate_handle", {{"process", GetProcessId(end_.get())},
                                  {"request", request.value},
                                  {"value", number},
                                  {"rights", absl::StrCat("0x", absl::Hex(rights))}});
  MutexLock lock(mutex_);
  sent_.push_back({request, number});
  if (sent_.size() > kMaxRemembered) sent_.pop_front();
  return number;
}

bool HandleSender::HasRoom() { return true; }

void HandleSender::TakeBackRequest(RequestId request) {
  std::vector<uint64_t> numbers;
  {
    MutexLock lock(mutex_);
    for (const Sent& sent : sent_)
      if (sent.request == request) numbers.push_back(sent.number);
    std::erase_if(sent_, [&](const Sent& sent) { return sent.request == request; });
  }
  for (const uint64_t number : numbers) CloseInClient(number);
}

// What is not remembered any more was taken back already, or is one of so many that it stays.
void HandleSender::TakeBack(RequestId request, uint64_t number) {
  {
    MutexLock lock(mutex_);
    if (std::erase_if(sent_, [&](const Sent& sent) {
          return sent.request == request && sent.number == number;
        }) == 0)
      return;
  }
  CloseInClient(number);
}

void HandleSender::CloseInClient(uint64_t number) {
  // Moved here and closed here. Windows closes without a target process, too, but Wine only in
  // one's own process.
  HANDLE moved = nullptr;
  if (DuplicateHandle(end_.get(), HandleOf(number), GetCurrentProcess(), &moved, 0, FALSE,
                      DUPLICATE_CLOSE_SOURCE | DUPLICATE_SAME_ACCESS))
    CloseHandle(moved);
}

void HandleReceiver::Own(RequestId request, const std::vector<uint64_t>& numbers) {
  MutexLock lock(mutex_);
  for (const uint64_t number : numbers)
    if (!arrived_.contains(number))
      arrived_.emplace(number, Arrived{request, OsHandle(HandleOf(number))});
}

absl::StatusOr<OsHandle> HandleReceiver::Redeem(uint64_t number, Clock::time_point) {
  MutexLock lock(mutex_);
  auto owned = arrived_.extract(number);
  // It is here already: the broker duplicated before it answered.
  OsHandle handle = owned.empty() ? OsHandle(HandleOf(number)) : std::move(owned.mapped().handle);
  DWORD flags = 0;
  if (handle.valid() && GetHandleInformation(handle.get(), &flags)) return handle;
  [[maybe_unused]] const NativeHandle not_ours = handle.Release();
  return absl::UnavailableError(
      absl::StrCat("the broker named handle ", number, ", which this process does not have"));
}

// What a lost reply named is closed by the broker, which alone knows its number.
void HandleReceiver::Abandon(RequestId request) {
  MutexLock lock(mutex_);
  std::erase_if(arrived_, [&](const auto& entry) { return entry.second.request == request; });
}

}  // namespace vramd
