// The child's standard output is a named pipe, since an anonymous one cannot be read with a
// deadline. The child inherits its two ends and nothing else.
#include "tests/support/child_process.h"

#include <windows.h>
// psapi.h needs windows.h before it.
#include <psapi.h>
#include <tlhelp32.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <utility>

#include "base/os_handle.h"
#include "base/wide_windows.h"
#include "ipc/pipe_io_windows.h"
#include "tests/support/handle_count_windows.h"

namespace vramd {
namespace {

[[noreturn]] void Die(const std::string& what) {
  std::fprintf(stderr, "%s: Windows error %lu\n", what.c_str(), GetLastError());
  std::abort();
}

OsHandle Checked(HANDLE handle, const char* what) {
  if (handle == nullptr || handle == INVALID_HANDLE_VALUE) Die(what);
  return OsHandle(handle);
}

SECURITY_ATTRIBUTES Inheritable() { return {sizeof(SECURITY_ATTRIBUTES), nullptr, TRUE}; }

struct Pipe {
  OsHandle ours, theirs;
};

// Ours is overlapped, theirs is not and can be inherited.
Pipe MakePipe(bool we_read) {
  static std::atomic<int> count = 0;
  const std::wstring name = L"\\\\.\\pipe\\vramd-test-child-" +
                            std::to_wstring(GetCurrentProcessId()) + L"-" +
                            std::to_wstring(++count);
  const DWORD direction = we_read ? PIPE_ACCESS_INBOUND : PIPE_ACCESS_OUTBOUND;
  Pipe pipe;
  pipe.ours = Checked(
      CreateNamedPipeW(name.c_str(), direction | FILE_FLAG_OVERLAPPED,
                       PIPE_TYPE_BYTE | PIPE_REJECT_REMOTE_CLIENTS, 1, 65536, 65536, 0, nullptr),
      "make a pipe");
  SECURITY_ATTRIBUTES inheritable = Inheritable();
  pipe.theirs = Checked(CreateFileW(name.c_str(), we_read ? GENERIC_WRITE : GENERIC_READ, 0,
                                    &inheritable, OPEN_EXISTING, 0, nullptr),
                        "open a pipe");
  return pipe;
}

// As CommandLineToArgvW takes it apart; the tests' arguments hold no quotes.
std::wstring CommandLine(const std::vector<std::string>& command) {
  std::string line;
  for (const std::string& argument : command)
    line += (line.empty() ? "\"" : " \"") + argument + "\"";
  return ToWide(line);
}

std::wstring EnvironmentBlock(const std::map<std::string, std::string>& added) {
  std::wstring block;
  wchar_t* const own = GetEnvironmentStringsW();
  for (const wchar_t* entry = own; *entry != L'\0'; entry += std::wcslen(entry) + 1) {
    const std::string text = ToUtf8(entry);
    if (!added.contains(text.substr(0, text.find('=')))) block += entry + std::wstring(1, L'\0');
  }
  FreeEnvironmentStringsW(own);
  for (const auto& [name, value] : added) block += ToWide(name + "=" + value) + L'\0';
  return block + L'\0';
}

OsHandle StandardError(const std::string& file) {
  SECURITY_ATTRIBUTES inheritable = Inheritable();
  if (!file.empty())
    return Checked(CreateFileW(ToWide(file).c_str(), FILE_APPEND_DATA, FILE_SHARE_READ,
                               &inheritable, OPEN_ALWAYS, FILE_ATTRIBUTE_NORMAL, nullptr),
                   "open the file for standard error");
  HANDLE copy = nullptr;
  DuplicateHandle(GetCurrentProcess(), GetStdHandle(STD_ERROR_HANDLE), GetCurrentProcess(), &copy,
                  0, TRUE, DUPLICATE_SAME_ACCESS);
  return OsHandle(copy);
}

PROCESS_INFORMATION Spawn(const ChildProcess::Options& options, const OsHandle& input,
                          const OsHandle& output) {
  const OsHandle error = StandardError(options.output_file);
  STARTUPINFOW startup{};
  startup.cb = sizeof(startup);
  startup.dwFlags = STARTF_USESTDHANDLES;
  startup.hStdInput = input.get();
  startup.hStdOutput = output.get();
  startup.hStdError = error.get();
  std::wstring line = CommandLine(options.command);
  std::wstring environment = EnvironmentBlock(options.environment);
  PROCESS_INFORMATION started{};
  const auto start = [&] {
    return CreateProcessW(nullptr, line.data(), nullptr, nullptr, TRUE, CREATE_UNICODE_ENVIRONMENT,
                          environment.data(), nullptr, &startup, &started) != FALSE;
  };
  // Wine 8 says so of a process that died before it ran anything of the program's, about once in a
  // thousand on a busy machine.
  if (!start() && (GetLastError() != ERROR_INTERNAL_ERROR || !start())) Die(options.command[0]);
  return started;
}

// The events that vramd listens to, see service_host_windows.cc.
bool SignalNamed(const char* what, DWORD process) {
  const std::string name = std::string("Local\\vramd-") + what + "-" + std::to_string(process);
  const OsHandle event(OpenEventW(EVENT_MODIFY_STATE, FALSE, ToWide(name).c_str()));
  return event.valid() && SetEvent(event.get()) != FALSE;
}

// Calls `act` with every thread of the process.
void ForEachThread(DWORD process, DWORD(WINAPI* act)(HANDLE)) {
  const OsHandle snapshot = Checked(CreateToolhelp32Snapshot(TH32CS_SNAPTHREAD, 0), "list threads");
  THREADENTRY32 entry{};
  entry.dwSize = sizeof(entry);
  for (BOOL more = Thread32First(snapshot.get(), &entry); more != FALSE;
       more = Thread32Next(snapshot.get(), &entry)) {
    if (entry.th32OwnerProcessID != process) continue;
    const OsHandle thread(OpenThread(THREAD_SUSPEND_RESUME, FALSE, entry.th32ThreadID));
    if (thread.valid()) act(thread.get());
  }
}

}  // namespace

struct ChildProcess::State {
  OsHandle process;
  DWORD pid = 0;
  OsHandle input, output;
  std::string unread;
  std::array<char, 4096> buffer;
  PipeOperation reading;
  bool is_reading = false;
};

ChildProcess::ChildProcess(Options options) : state_(std::make_unique<State>()) {
  Pipe input = MakePipe(false);
  Pipe output = MakePipe(true);
  const PROCESS_INFORMATION started = Spawn(options, input.theirs, output.theirs);
  CloseHandle(started.hThread);
  state_->process.Reset(started.hProcess);
  state_->pid = started.dwProcessId;
  state_->input = std::move(input.ours);
  state_->output = std::move(output.ours);
}

ChildProcess::ChildProcess(ChildProcess&&) noexcept = default;
ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
  ChildProcess old(std::move(*this));
  state_ = std::move(other.state_);
  return *this;
}

ChildProcess::~ChildProcess() {
  if (state_ == nullptr) return;
  Kill();
  WaitForSingleObject(state_->process.get(), INFINITE);
}

uint32_t ChildProcess::id() const { return state_->pid; }

// False: nothing came in time, or nothing will.
bool ChildProcess::ReadMore(std::chrono::steady_clock::time_point deadline) {
  // A read that outlived an earlier deadline is still in flight.
  if (!state_->is_reading &&
      !state_->reading.StartRead(state_->output, state_->buffer.data(), state_->buffer.size()).ok())
    return false;
  state_->is_reading = true;
  if (WaitForSingleObject(state_->reading.event(), MillisecondsUntil(deadline)) != WAIT_OBJECT_0)
    return false;
  state_->is_reading = false;
  const auto got = state_->reading.Finish();
  if (!got.ok() || *got == 0) return false;
  state_->unread.append(state_->buffer.data(), *got);
  return true;
}

std::optional<std::string> ChildProcess::ReadLine(std::chrono::milliseconds timeout) {
  const auto deadline = Clock::now() + timeout;
  size_t end = 0;
  while ((end = state_->unread.find('\n')) == std::string::npos)
    if (!ReadMore(deadline)) return std::nullopt;
  std::string line = state_->unread.substr(0, end);
  state_->unread.erase(0, end + 1);
  if (!line.empty() && line.back() == '\r') line.pop_back();
  return line;
}

std::string ChildProcess::ReadRest(std::chrono::milliseconds timeout) {
  const auto deadline = Clock::now() + timeout;
  while (ReadMore(deadline)) {
  }
  return std::exchange(state_->unread, {});
}

bool ChildProcess::WriteLine(const std::string& line) {
  const std::string text = line + "\n";
  return WriteWhole(state_->input, text.data(), text.size(),
                    Clock::now() + std::chrono::seconds(30))
      .ok();
}

void ChildProcess::Kill() { TerminateProcess(state_->process.get(), 1); }

void ChildProcess::Terminate() {
  if (!SignalNamed("stop", state_->pid)) Kill();
}

void ChildProcess::Hangup() { SignalNamed("reload", state_->pid); }

void ChildProcess::Suspend() { ForEachThread(state_->pid, &SuspendThread); }
void ChildProcess::Resume() { ForEachThread(state_->pid, &ResumeThread); }

std::optional<int> ChildProcess::Wait(std::chrono::milliseconds timeout) {
  if (WaitForSingleObject(state_->process.get(), MillisecondsUntil(Clock::now() + timeout)) !=
      WAIT_OBJECT_0)
    return std::nullopt;
  DWORD code = 0;
  GetExitCodeProcess(state_->process.get(), &code);
  return static_cast<int>(code);
}

std::chrono::nanoseconds ChildProcess::CpuTime() const {
  FILETIME created{}, exited{}, kernel{}, user{};
  if (!GetProcessTimes(state_->process.get(), &created, &exited, &kernel, &user)) return {};
  const auto ticks = [](const FILETIME& time) {
    return int64_t{time.dwHighDateTime} << 32 | int64_t{time.dwLowDateTime};
  };
  return std::chrono::nanoseconds(100 * (ticks(kernel) + ticks(user)));
}

size_t ChildProcess::CountHandles() const { return CountOpenHandles(state_->pid); }

size_t ChildProcess::ResidentBytes() const {
  PROCESS_MEMORY_COUNTERS counters{};
  GetProcessMemoryInfo(state_->process.get(), &counters, sizeof(counters));
  return counters.WorkingSetSize;
}

std::string OwnProgram() {
  std::wstring path(32768, L'\0');
  path.resize(GetModuleFileNameW(nullptr, path.data(), static_cast<DWORD>(path.size())));
  return ToUtf8(path);
}

int64_t HandlesLeft(int rounds, const std::function<void()>& round,
                    const std::function<size_t()>& count) {
  constexpr int kParts = 10;
  int64_t least = std::numeric_limits<int64_t>::max();
  for (int part = 0; part < kParts && least > 0; ++part) {
    const auto before = static_cast<int64_t>(count());
    for (int i = 0; i < rounds / kParts; ++i) round();
    least = std::min(least, static_cast<int64_t>(count()) - before);
  }
  return std::max<int64_t>(least, 0);
}

int LongRun(int rounds) { return std::getenv("VRAMD_LONG_RUNS") != nullptr ? rounds : rounds / 10; }

TemporaryDirectory::TemporaryDirectory() {
  static std::atomic<int> count = 0;
  LARGE_INTEGER now{};
  QueryPerformanceCounter(&now);
  const std::string name = "vramd-test-" + std::to_string(GetCurrentProcessId()) + "-" +
                           std::to_string(++count) + "-" + std::to_string(now.QuadPart);
  path_ = (std::filesystem::temp_directory_path() / name).string();
  if (!std::filesystem::create_directory(path_)) Die("make " + path_);
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace vramd
