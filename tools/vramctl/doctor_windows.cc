// The doctor's checks of Windows: the version, the session and elevation of this process, and the
// broker's pipe.
#include <windows.h>

#include <string>
#include <vector>

#include "base/os_handle.h"
#include "base/wide_windows.h"
#include "ipc/endpoint.h"
#include "ipc/peer_identity.h"
#include "tools/vramctl/doctor.h"
#include "tools/vramctl/text.h"

namespace vramctl {
namespace {

using vramd::OsHandle;

// What programs are told by GetVersionEx depends on their manifest; the registry says what is so.
void CheckVersion(Findings& findings) {
  const auto read = [](const wchar_t* value) -> std::string {
    wchar_t text[128];
    DWORD size = sizeof(text);
    if (RegGetValueW(HKEY_LOCAL_MACHINE, L"SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion", value,
                     RRF_RT_REG_SZ, nullptr, text, &size) != ERROR_SUCCESS)
      return "";
    return vramd::ToUtf8(text);
  };
  findings.Ok("kernel", "Windows NT, build " + read(L"CurrentBuild"));
}

void CheckSession(Findings& findings) {
  DWORD session = 0;
  ProcessIdToSessionId(GetCurrentProcessId(), &session);
  const std::string text = "session " + std::to_string(session);
  if (session != 0) {
    findings.Ok("session", text);
  } else {
    findings.Warning("session", text + ": of services, where some drivers show no GPU",
                     "run the broker in the user's session if a device is missing");
  }
}

void CheckElevation(Findings& findings) {
  HANDLE raw = nullptr;
  if (!OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &raw)) return;
  const OsHandle token(raw);
  TOKEN_ELEVATION elevation{};
  DWORD size = 0;
  GetTokenInformation(token.get(), TokenElevation, &elevation, sizeof(elevation), &size);
  if (elevation.TokenIsElevated != 0)
    findings.Warning("elevation", "this program runs elevated",
                     "a broker that is not elevated can give it no handles: start both alike");
  else
    findings.Ok("elevation", "not elevated");
}

std::string PipeState(const std::string& pipe) {
  if (WaitNamedPipeW(vramd::ToWide(pipe).c_str(), 1) != 0) return "ready";
  return GetLastError() == ERROR_SEM_TIMEOUT ? "busy" : "absent";
}

}  // namespace

void CheckSystem(Findings& findings) {
  CheckVersion(findings);
  findings.Ok("user", vramd::OwnUserId());
  CheckSession(findings);
  CheckElevation(findings);
}

void CheckEndpoint(const std::string& configured, Findings& findings) {
  const auto candidates = vramd::ClientEndpoints(configured);
  if (!candidates.ok()) {
    findings.Problem("endpoint", std::string(candidates.status().message()),
                     "correct VRAMD_ENDPOINT or --endpoint");
    return;
  }
  std::vector<std::string> absent;
  for (const std::string& pipe : *candidates) {
    const std::string state = PipeState(pipe);
    if (state == "ready") findings.Ok("endpoint", pipe);
    if (state == "busy")
      findings.Warning("endpoint", pipe + " has no free instance at the moment",
                       "try again; if it stays so, restart the broker");
    if (state == "absent") absent.push_back(pipe);
  }
  if (absent.size() == candidates->size())
    findings.Problem("endpoint", "nothing at " + Join(absent, ", nor at "),
                     "start the broker, or name its endpoint by VRAMD_ENDPOINT");
}

std::string DescribeProcess(uint32_t process_id) {
  const OsHandle process(OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, FALSE, process_id));
  if (!process.valid()) return "a process that this user may not look at";
  std::wstring path(32768, L'\0');
  auto size = static_cast<DWORD>(path.size());
  if (!QueryFullProcessImageNameW(process.get(), 0, path.data(), &size)) return "a program";
  return vramd::ToUtf8(std::wstring_view(path.data(), size));
}

}  // namespace vramctl
