// A console program, or a service: `vramd --service` connects to the service control manager.
//
// Everything that asks for a stop or a reload becomes an event object, which Wait() waits for: the
// console's Ctrl+C and close, the end of the user's session, the service manager's controls, and
// the named events Local\vramd-stop-PID and -reload-PID, for a broker that has no console.
#include "daemon/service_host.h"

#include <io.h>
#include <windows.h>
// sddl.h and wtsapi32.h need windows.h before them.
#include <sddl.h>
#include <wtsapi32.h>

#include <atomic>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/os_error.h"
#include "base/os_process.h"
#include "base/status_macros.h"
#include "base/wide_windows.h"
#include "ipc/peer_identity.h"

namespace vramd {
namespace {

constexpr wchar_t kServiceName[] = L"vramd";
constexpr DWORD kStopHint = 20000;  // milliseconds that a stop may take

class WindowsServiceHost;

// Who may open this process: SYSTEM and administrators as ever; its own user to ask for its
// identity, to wait for its end and to end it. Not to duplicate its handles, with which a client
// could take any memory, nor to read its memory. An owner may always change the list, unless an
// entry for OWNER RIGHTS says what he may.
absl::Status GuardProcess() {
  constexpr DWORD kLookWaitEnd =
      PROCESS_QUERY_LIMITED_INFORMATION | SYNCHRONIZE | PROCESS_TERMINATE | READ_CONTROL;
  const std::string list =
      absl::StrCat("D:P(A;;0x1fffff;;;SY)(A;;0x1fffff;;;BA)(A;;RC;;;S-1-3-4)(A;;0x",
                   absl::Hex(kLookWaitEnd), ";;;", OwnUserId(), ")");
  PSECURITY_DESCRIPTOR descriptor = nullptr;
  if (!ConvertStringSecurityDescriptorToSecurityDescriptorW(ToWide(list).c_str(), SDDL_REVISION_1,
                                                            &descriptor, nullptr))
    return LastOsError(absl::StrCat("use the access list ", list));
  const bool set =
      SetKernelObjectSecurity(GetCurrentProcess(), DACL_SECURITY_INFORMATION, descriptor) != FALSE;
  const absl::Status failure =
      set ? absl::OkStatus() : LastOsError("guard the broker's own process");
  LocalFree(descriptor);
  return failure;
}

HANDLE NamedEvent(const char* what, BOOL manual_reset) {
  const std::string name = absl::StrCat("Local\\vramd-", what, "-", OwnProcessId());
  return CreateEventW(nullptr, manual_reset, FALSE, ToWide(name).c_str());
}

// The system's callbacks carry no pointer of ours.
std::atomic<WindowsServiceHost*> g_host = nullptr;

class WindowsServiceHost final : public ServiceHost {
 public:
  explicit WindowsServiceHost(bool as_service)
      : stop_(NamedEvent("stop", TRUE)),
        reload_(NamedEvent("reload", FALSE)),
        answered_(CreateEventW(nullptr, TRUE, FALSE, nullptr)) {
    g_host = this;
    SetConsoleCtrlHandler(&OnConsole, TRUE);
    if (as_service) ConnectToManager();
  }

  ~WindowsServiceHost() override {
    Report(SERVICE_STOPPED, 0);
    SetConsoleCtrlHandler(&OnConsole, FALSE);
    if (dispatcher_.joinable()) dispatcher_.join();
    g_host = nullptr;
  }

  absl::StatusOr<OsHandle> InheritedListener() override { return OsHandle(); }

  void NotifyReady(int ready_fd) override {
    Report(SERVICE_RUNNING, 0);
    if (ready_fd < 0) return;
    // A descriptor of the C runtime: 1 is standard output.
    if (_write(ready_fd, "ready\n", 6) < 0) log::Warning("ready_not_told", {{"fd", ready_fd}});
    _close(ready_fd);
  }

  void NotifyStopping() override { Report(SERVICE_STOP_PENDING, kStopHint); }

  Request Wait() override {
    const HANDLE events[] = {stop_.get(), reload_.get()};
    return WaitForMultipleObjects(2, events, FALSE, INFINITE) == WAIT_OBJECT_0 + 1
               ? Request::kReload
               : Request::kStop;
  }

  void RequestStop() override { SetEvent(stop_.get()); }

 private:
  void ConnectToManager() {
    dispatcher_ = std::thread([this] {
      SERVICE_TABLE_ENTRYW table[] = {{const_cast<wchar_t*>(kServiceName), &ServiceMain},
                                      {nullptr, nullptr}};
      // Returns when the service has reported that it stopped, or at once if no manager started us.
      if (!StartServiceCtrlDispatcherW(table))
        log::Warning("no_service_manager", {{"error", GetLastError()}});
      SetEvent(answered_.get());
    });
    WaitForSingleObject(answered_.get(), INFINITE);
    Report(SERVICE_START_PENDING, kStopHint);
  }

  void Report(DWORD state, DWORD hint) {
    if (status_ == nullptr) return;
    SERVICE_STATUS status{};
    status.dwServiceType = SERVICE_WIN32_OWN_PROCESS;
    status.dwCurrentState = state;
    if (state == SERVICE_RUNNING)
      status.dwControlsAccepted = SERVICE_ACCEPT_STOP | SERVICE_ACCEPT_SHUTDOWN |
                                  SERVICE_ACCEPT_PARAMCHANGE | SERVICE_ACCEPT_SESSIONCHANGE;
    status.dwWaitHint = hint;
    SetServiceStatus(status_, &status);
  }

  static void WINAPI ServiceMain(DWORD, wchar_t**) {
    WindowsServiceHost* host = g_host;
    host->status_ = RegisterServiceCtrlHandlerExW(kServiceName, &OnControl, host);
    SetEvent(host->answered_.get());
  }

  static DWORD WINAPI OnControl(DWORD control, DWORD what, void* about, void* self) {
    auto* host = static_cast<WindowsServiceHost*>(self);
    switch (control) {
      case SERVICE_CONTROL_STOP:
      case SERVICE_CONTROL_SHUTDOWN:
        host->Report(SERVICE_STOP_PENDING, kStopHint);
        SetEvent(host->stop_.get());
        return NO_ERROR;
      case SERVICE_CONTROL_PARAMCHANGE:
        SetEvent(host->reload_.get());
        return NO_ERROR;
      case SERVICE_CONTROL_SESSIONCHANGE:
        // The processes of a user who logs off end by themselves, and their leases with them.
        log::Info("session_change",
                  {{"what", what},
                   {"session", static_cast<const WTSSESSION_NOTIFICATION*>(about)->dwSessionId}});
        return NO_ERROR;
      case SERVICE_CONTROL_INTERROGATE:
        return NO_ERROR;
      default:
        return ERROR_CALL_NOT_IMPLEMENTED;
    }
  }

  static BOOL WINAPI OnConsole(DWORD event) {
    WindowsServiceHost* host = g_host;
    if (host == nullptr) return FALSE;
    SetEvent(event == CTRL_BREAK_EVENT ? host->reload_.get() : host->stop_.get());
    // The process is ended as soon as this returns, so it waits where the console itself goes.
    if (event == CTRL_CLOSE_EVENT || event == CTRL_LOGOFF_EVENT || event == CTRL_SHUTDOWN_EVENT)
      WaitForSingleObject(GetCurrentProcess(), kStopHint);
    return TRUE;
  }

  OsHandle stop_;
  OsHandle reload_;
  OsHandle answered_;
  SERVICE_STATUS_HANDLE status_ = nullptr;
  std::thread dispatcher_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<ServiceHost>> ServiceHost::Create(bool as_service) {
  VRAMD_RETURN_IF_ERROR(GuardProcess());
  return std::make_unique<WindowsServiceHost>(as_service);
}

}  // namespace vramd
