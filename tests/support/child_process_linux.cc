#include "tests/support/child_process.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <utility>

#include "base/os_handle.h"

extern char** environ;

namespace vramd {
namespace {

[[noreturn]] void Die(const char* what) {
  std::perror(what);
  std::abort();
}

struct Pipe {
  OsHandle read, write;
  Pipe() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) Die("pipe2");
    read.Reset(ends[0]);
    write.Reset(ends[1]);
  }
};

bool WaitReadable(const OsHandle& handle, std::chrono::steady_clock::time_point deadline) {
  for (;;) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd readable = {handle.get(), POLLIN, 0};
    const int ready = poll(&readable, 1, static_cast<int>(std::max<int64_t>(0, left.count())));
    if (ready > 0) return true;
    if (ready == 0 || errno != EINTR) return false;
  }
}

std::vector<std::string> MergedEnvironment(const std::map<std::string, std::string>& added) {
  std::vector<std::string> merged;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    if (!added.contains(text.substr(0, text.find('=')))) merged.push_back(text);
  }
  for (const auto& [name, value] : added) merged.push_back(name + "=" + value);
  return merged;
}

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

struct ChildProcess::State {
  pid_t pid = 0;
  OsHandle process;  // pidfd
  OsHandle input, output;
  std::string unread;
  std::optional<int> exit_code;
};

ChildProcess::ChildProcess(Options options) : state_(std::make_unique<State>()) {
  Pipe input, output;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, input.read.get(), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, output.write.get(), STDOUT_FILENO);
  if (!options.output_file.empty())
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, options.output_file.c_str(),
                                     O_WRONLY | O_CREAT | O_APPEND, 0600);
  std::vector<std::string> environment = MergedEnvironment(options.environment);
  // A child that is gone must not take the test with it; children get the default back.
  std::signal(SIGPIPE, SIG_IGN);
  sigset_t pipe_signal;
  sigemptyset(&pipe_signal);
  sigaddset(&pipe_signal, SIGPIPE);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setsigdefault(&attributes, &pipe_signal);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
  const int failed = posix_spawnp(&state_->pid, options.command[0].c_str(), &actions, &attributes,
                                  Pointers(options.command).data(), Pointers(environment).data());
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (failed != 0) {
    errno = failed;
    Die(options.command[0].c_str());
  }
  state_->process.Reset(static_cast<int>(syscall(SYS_pidfd_open, state_->pid, 0)));
  state_->input = std::move(input.write);
  state_->output = std::move(output.read);
}

ChildProcess::ChildProcess(ChildProcess&&) noexcept = default;
ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
  ChildProcess old(std::move(*this));
  state_ = std::move(other.state_);
  return *this;
}

ChildProcess::~ChildProcess() {
  if (state_ == nullptr || state_->exit_code) return;
  Kill();
  // A stopped or dying process ends on SIGKILL; only the kernel could keep us here.
  waitpid(state_->pid, nullptr, 0);
}

uint32_t ChildProcess::id() const { return static_cast<uint32_t>(state_->pid); }

// False: nothing came in time, or nothing will.
bool ChildProcess::ReadMore(std::chrono::steady_clock::time_point deadline) {
  char buffer[4096];
  if (!WaitReadable(state_->output, deadline)) return false;
  const ssize_t got = read(state_->output.get(), buffer, sizeof(buffer));
  if (got <= 0) return false;
  state_->unread.append(buffer, static_cast<size_t>(got));
  return true;
}

std::optional<std::string> ChildProcess::ReadLine(std::chrono::milliseconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  size_t end = 0;
  while ((end = state_->unread.find('\n')) == std::string::npos)
    if (!ReadMore(deadline)) return std::nullopt;
  std::string line = state_->unread.substr(0, end);
  state_->unread.erase(0, end + 1);
  return line;
}

std::string ChildProcess::ReadRest(std::chrono::milliseconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  while (ReadMore(deadline)) {
  }
  return std::exchange(state_->unread, {});
}

bool ChildProcess::WriteLine(const std::string& line) {
  const std::string text = line + "\n";
  return write(state_->input.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

void ChildProcess::Kill() { kill(state_->pid, SIGKILL); }
void ChildProcess::Terminate() { kill(state_->pid, SIGTERM); }
void ChildProcess::Hangup() { kill(state_->pid, SIGHUP); }
void ChildProcess::Suspend() { kill(state_->pid, SIGSTOP); }
void ChildProcess::Resume() { kill(state_->pid, SIGCONT); }

std::optional<int> ChildProcess::Wait(std::chrono::milliseconds timeout) {
  if (state_->exit_code) return state_->exit_code;
  if (!WaitReadable(state_->process, std::chrono::steady_clock::now() + timeout))
    return std::nullopt;
  int status = 0;
  if (waitpid(state_->pid, &status, 0) != state_->pid) return std::nullopt;
  state_->exit_code = WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
  return state_->exit_code;
}

std::chrono::nanoseconds ChildProcess::CpuTime() const {
  clockid_t clock{};
  timespec time{};
  if (clock_getcpuclockid(state_->pid, &clock) != 0 || clock_gettime(clock, &time) != 0) return {};
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

size_t ChildProcess::CountHandles() const {
  std::error_code error;
  size_t count = 0;
  for (std::filesystem::directory_iterator
           entry("/proc/" + std::to_string(state_->pid) + "/fd", error),
       end;
       !error && entry != end; entry.increment(error))
    ++count;
  return count;
}

size_t ChildProcess::ResidentBytes() const {
  std::ifstream statm("/proc/" + std::to_string(state_->pid) + "/statm");
  size_t total = 0, resident = 0;
  statm >> total >> resident;
  return resident * static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

std::string OwnProgram() { return std::filesystem::read_symlink("/proc/self/exe").string(); }

int64_t HandlesLeft(int rounds, const std::function<void()>& round,
                    const std::function<size_t()>& count) {
  const auto before = static_cast<int64_t>(count());
  for (int i = 0; i < rounds; ++i) round();
  return static_cast<int64_t>(count()) - before;
}

int LongRun(int rounds) { return rounds; }

TemporaryDirectory::TemporaryDirectory()
    : path_((std::filesystem::temp_directory_path() / "vramd-test-XXXXXX").string()) {
  if (mkdtemp(path_.data()) == nullptr) Die("mkdtemp");
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace vramd
