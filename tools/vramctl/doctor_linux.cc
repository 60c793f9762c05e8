// The doctor's checks of Linux: kernel interfaces that the broker needs, limits, the socket's path
// and the GPU's device files.
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "tools/vramctl/doctor.h"
#include "tools/vramctl/text.h"

// Newer than Debian 12's headers; from asm-generic/socket.h of Linux 6.5.
#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

namespace vramctl {
namespace {

namespace fs = std::filesystem;

// Each handle that a client holds is one file descriptor.
constexpr rlim_t kFewDescriptors = 4096;

std::string FromEnvironment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string UserName(uid_t uid) {
  const passwd* entry = getpwuid(uid);
  return entry != nullptr ? entry->pw_name : "user " + std::to_string(uid);
}

std::string GroupName(gid_t gid) {
  const group* entry = getgrgid(gid);
  return entry != nullptr ? entry->gr_name : std::to_string(gid);
}

bool HasPidfd() {
  const auto fd = static_cast<int>(syscall(SYS_pidfd_open, getpid(), 0));
  if (fd < 0) return false;
  close(fd);
  return true;
}

bool HasPeerPidfd() {
  std::array<int, 2> pair{};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) != 0) return false;
  int fd = -1;
  socklen_t size = sizeof(fd);
  const bool has = getsockopt(pair[0], SOL_SOCKET, SO_PEERPIDFD, &fd, &size) == 0;
  if (has) close(fd);
  close(pair[0]);
  close(pair[1]);
  return has;
}

void CheckKernel(Findings& findings) {
  utsname name{};
  uname(&name);
  const std::string kernel = std::string("Linux ") + name.release;
  if (!HasPidfd()) {
    findings.Problem("kernel", kernel + " has no pidfd_open: the broker cannot hold its peers",
                     "use Linux 5.3 or newer, and a sandbox that allows pidfd_open");
  } else if (!HasPeerPidfd()) {
    findings.Ok("kernel", kernel + ": no SO_PEERPIDFD (6.5), the broker compares start times");
  } else {
    findings.Ok("kernel", kernel + ": peers are held by SO_PEERPIDFD");
  }
}

void CheckDescriptors(Findings& findings) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  const std::string text = std::to_string(limit.rlim_cur) + " file descriptors for a process";
  if (limit.rlim_cur >= kFewDescriptors) {
    findings.Ok("limits", text);
  } else {
    findings.Warning("limits", text + ": each lease takes one, in the broker and in the client",
                     "ulimit -n " + std::to_string(kFewDescriptors) +
                         ", or LimitNOFILE= in the unit that starts the program");
  }
}

void CheckRuntimeDir(Findings& findings) {
  const std::string path = FromEnvironment("XDG_RUNTIME_DIR");
  if (path.empty()) {
    findings.Warning("runtime dir",
                     "XDG_RUNTIME_DIR is not set: the default is the system's broker",
                     "log in through systemd, or set VRAMD_ENDPOINT");
    return;
  }
  struct stat info {};
  if (stat(path.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) {
    findings.Problem(
        "runtime dir", "XDG_RUNTIME_DIR is " + path + ": no directory",
        "create it with mode 0700, or set it to /run/user/" + std::to_string(getuid()));
  } else if (info.st_uid != getuid() || (info.st_mode & 077) != 0) {
    findings.Problem("runtime dir", path + " is not this user's alone",
                     "it must belong to " + UserName(getuid()) + " and have mode 0700");
  } else {
    findings.Ok("runtime dir", path);
  }
}

void CheckDeviceFile(const fs::path& path, Findings& findings) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) return;
  if (access(path.c_str(), R_OK | W_OK) == 0) {
    findings.Ok("device file", path.string());
    return;
  }
  const std::string group = GroupName(info.st_gid);
  findings.Problem("device file", path.string() + ": not accessible to " + UserName(getuid()),
                   "usermod -aG " + group + " " + UserName(getuid()) + ", then log in again");
}

bool IsGpuFile(const fs::path& path) {
  const std::string name = path.filename();
  return name.rfind("renderD", 0) == 0 || name == "nvidiactl" || name == "nvidia0";
}

void CheckDeviceFiles(Findings& findings) {
  bool any = false;
  for (const char* directory : {"/dev/dri", "/dev"}) {
    std::error_code error;
    for (const fs::directory_entry& entry : fs::directory_iterator(directory, error)) {
      if (!IsGpuFile(entry.path())) continue;
      any = true;
      CheckDeviceFile(entry.path(), findings);
    }
  }
  if (!any)
    findings.Warning("device file", "no /dev/dri/renderD* and no /dev/nvidia*: no GPU here",
                     "load the GPU's kernel driver; in a container, pass its device files in");
}

// Whoever can write the directory can put a socket of his own in the place of the broker's.
void CheckEndpointDirectory(const fs::path& endpoint, Findings& findings) {
  const fs::path directory = endpoint.has_parent_path() ? endpoint.parent_path() : fs::path(".");
  struct stat info {};
  if (stat(directory.c_str(), &info) != 0) return;
  const bool sticky = (info.st_mode & S_ISVTX) != 0;
  if ((info.st_mode & 022) != 0 && !sticky)
    findings.Problem("endpoint", directory.string() + " can be written by others than its owner",
                     "chmod go-w " + directory.string());
}

// Where the client library looks, in its order (vramd.h: vramd_connect_info::endpoint).
std::vector<std::string> Candidates(const std::string& configured) {
  if (!configured.empty()) return {configured};
  if (std::string given = FromEnvironment("VRAMD_ENDPOINT"); !given.empty()) return {given};
  std::vector<std::string> paths;
  const std::string runtime = FromEnvironment("XDG_RUNTIME_DIR");
  if (!runtime.empty()) paths.push_back(runtime + "/vramd/vramd.sock");
  paths.emplace_back("/run/vramd/vramd.sock");
  return paths;
}

// `info` is of the path.
void CheckSocket(const std::string& path, const struct stat& info, Findings& findings) {
  if (!S_ISSOCK(info.st_mode)) {
    findings.Problem("endpoint", path + " is no socket", "remove it and start the broker");
    return;
  }
  if (access(path.c_str(), R_OK | W_OK) != 0) {
    findings.Problem(
        "endpoint", path + " is not open to " + UserName(getuid()),
        "usermod -aG " + GroupName(info.st_gid) + " " + UserName(getuid()) + ", then log in again");
  } else {
    findings.Ok("endpoint", path + ", owned by " + UserName(info.st_uid));
  }
  CheckEndpointDirectory(path, findings);
}

}  // namespace

void CheckSystem(Findings& findings) {
  CheckKernel(findings);
  CheckDescriptors(findings);
  CheckRuntimeDir(findings);
  CheckDeviceFiles(findings);
}

void CheckEndpoint(const std::string& configured, Findings& findings) {
  std::vector<std::string> absent;
  const std::vector<std::string> candidates = Candidates(configured);
  for (const std::string& path : candidates) {
    struct stat info {};
    if (stat(path.c_str(), &info) == 0) {
      CheckSocket(path, info, findings);
    } else if (errno == EACCES) {
      findings.Problem("endpoint", path + ": its directory is closed to " + UserName(getuid()),
                       "join the group of the directory, then log in again");
    } else {
      absent.push_back(path);
    }
  }
  if (absent.size() == candidates.size())
    findings.Problem("endpoint", "nothing at " + Join(absent, ", nor at "),
                     "start the broker, or name its endpoint by VRAMD_ENDPOINT");
}

std::string DescribeProcess(uint32_t process_id) {
  const std::string proc = "/proc/" + std::to_string(process_id);
  struct stat info {};
  if (stat(proc.c_str(), &info) != 0) return "in another process namespace";
  std::error_code error;
  const fs::path executable = fs::read_symlink(proc + "/exe", error);
  const std::string what = error ? "a program" : executable.string();
  return what + ", run by " + UserName(info.st_uid);
}

}  // namespace vramctl
