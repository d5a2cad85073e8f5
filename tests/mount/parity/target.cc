// SPDX-License-Identifier: Apache-2.0
#include "tests/mount/parity/target.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "tests/mount/parity/stack_apply.h"

namespace veneer::parity {
namespace {

constexpr int kMountTimeoutMs = 20000;
constexpr int kExitTimeoutMs = 20000;
constexpr int kBusyTries = 1000;

bool MakeDirectory(const std::string& path) { return ::mkdir(path.c_str(), 0755) == 0; }

void SleepMs(int ms) {
  const timespec t{ms / 1000, ms % 1000 * 1000000L};
  ::nanosleep(&t, nullptr);
}

bool IsMountPoint(const std::string& path, dev_t parent_device) {
  struct stat st {};
  return ::stat(path.c_str(), &st) == 0 && st.st_dev != parent_device;
}

dev_t DeviceOf(const std::string& path) {
  struct stat st {};
  return ::stat(path.c_str(), &st) == 0 ? st.st_dev : 0;
}

}  // namespace

Target::Target(TargetConfig config) : config_(std::move(config)), root_(config_.dir + "/root") {}

Target::Target(TargetKind kind, std::string root) : root_(std::move(root)) { config_.kind = kind; }

Target::~Target() {
  CloseSlots();
  root_fd_.Reset();
  if (mounted_) {
    if (::umount2(root_.c_str(), 0) != 0) ::umount2(root_.c_str(), MNT_DETACH);
  }
  if (daemon_ > 0) {
    int status = 0;
    if (!ReapDaemon(kExitTimeoutMs, &status)) {
      KillDaemon();
      ReapDaemon(kExitTimeoutMs, &status);
    }
  }
}

const char* Target::name() const {
  switch (config_.kind) {
    case TargetKind::kPlain: return "plain";
    case TargetKind::kOverlay: return "overlayfs";
    case TargetKind::kVeneer: return "veneerfs";
    case TargetKind::kMirror: return "mirror";
  }
  return "?";
}

bool Target::Fail(const std::string& what) {
  error_ = std::string(name()) + ": " + what + ": " + std::strerror(errno);
  return false;
}

bool Target::SetUp(const Stack& stack, const std::vector<Item>& items) {
  if (!MakeDirectory(config_.dir) || !MakeDirectory(root_)) return Fail("mkdir " + config_.dir);
  const bool plain = config_.kind == TargetKind::kPlain || config_.kind == TargetKind::kMirror;
  if (plain) {
    const std::string graveyard = config_.dir + "/graveyard";
    if (!MakeDirectory(graveyard)) return Fail("mkdir " + graveyard);
    if (!WritePlain(items, root_, graveyard, &error_)) return false;
  }
  for (int i = 0; i < stack.layers; ++i) {
    layer_dirs_.push_back(config_.dir + "/layer" + std::to_string(i));
    if (!MakeDirectory(layer_dirs_.back())) return Fail("mkdir " + layer_dirs_.back());
  }
  const std::string upper = config_.dir + "/upper";
  if (!MakeDirectory(upper) || !MakeDirectory(config_.dir + "/work")) return Fail("mkdir " + upper);
  if (!WriteLayers(items, layer_dirs_, config_.kind == TargetKind::kOverlay, &error_)) return false;
  return (plain || WriteRootAttributes(items, upper, &error_)) && Mount();
}

std::string Target::LowerOption() const {
  std::string out = "lowerdir=";
  for (auto it = layer_dirs_.rbegin(); it != layer_dirs_.rend(); ++it) {
    if (it != layer_dirs_.rbegin()) out += ":";
    out += *it;
  }
  return out + ",upperdir=" + config_.dir + "/upper,workdir=" + config_.dir + "/work";
}

bool Target::Mount() {
  if (config_.kind == TargetKind::kOverlay) {
    const std::string options =
        LowerOption() + ",redirect_dir=on,metacopy=off,index=on,nfs_export=off";
    if (::mount("overlay", root_.c_str(), "overlay", MS_NOATIME, options.c_str()) != 0) {
      return Fail("mount overlay " + options);
    }
    mounted_ = true;
  } else if (config_.kind == TargetKind::kVeneer) {
    std::string options = LowerOption();
    if (!config_.extra_options.empty()) options += "," + config_.extra_options;
    if (!StartDaemon(options)) return false;
    mounted_ = true;
  }
  return Open();
}

bool Target::Open() {
  root_fd_ = Fd(::open(root_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  return root_fd_ ? true : Fail("open " + root_);
}

bool Target::StartDaemon(const std::string& options) {
  const dev_t outside = DeviceOf(config_.dir);
  const pid_t parent = ::getpid();
  const std::string log = config_.dir + "/daemon.log";
  daemon_ = ::fork();
  if (daemon_ < 0) return Fail("fork");
  if (daemon_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(126);
    const int fd = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
    ::dup2(fd, 1);
    ::dup2(fd, 2);
    ::close_range(3, ~0U, 0);
    // A umask that would show at once if the daemon's counted instead of the caller's.
    ::umask(0175);
    ::execl(config_.program.c_str(), config_.program.c_str(), "-f", "-o", options.c_str(),
            root_.c_str(), static_cast<char*>(nullptr));
    ::_exit(127);
  }
  for (int waited = 0; waited < kMountTimeoutMs; ++waited) {
    if (IsMountPoint(root_, outside)) return true;
    int status = 0;
    if (ReapDaemon(0, &status)) {
      error_ = "veneerfs did not mount (status " + std::to_string(status) + "): " + DaemonLog();
      return false;
    }
    SleepMs(1);
  }
  error_ = "veneerfs: no mount after " + std::to_string(kMountTimeoutMs) + " ms: " + DaemonLog();
  return false;
}

bool Target::ReapDaemon(int timeout_ms, int* status) {
  for (int waited = 0;; ++waited) {
    const pid_t pid = ::waitpid(daemon_, status, WNOHANG);
    if (pid == daemon_ || (pid < 0 && errno == ECHILD)) {
      daemon_ = -1;
      return true;
    }
    if (waited >= timeout_ms) return false;
    SleepMs(1);
  }
}

bool Target::Unmount() {
  CloseSlots();
  root_fd_.Reset();
  if (!mounted_) return true;
  // Who reads /proc/*/fd holds what it names for a moment, so that EBUSY once means nothing.
  for (int tries = 0; ::umount2(root_.c_str(), 0) != 0; ++tries) {
    if (errno != EBUSY || tries == kBusyTries) return Fail("umount");
    SleepMs(1);
  }
  mounted_ = false;
  if (daemon_ <= 0) return true;
  int status = 0;
  if (!ReapDaemon(kExitTimeoutMs, &status)) {
    error_ = "veneerfs still runs after umount";
    return false;
  }
  if (status != 0) {
    error_ = "veneerfs ended with status " + std::to_string(status) + ": " + DaemonLog();
    return false;
  }
  return true;
}

void Target::KillDaemon() const {
  if (daemon_ > 0) ::kill(daemon_, SIGKILL);
}

bool Target::DropCaches() {
  // Remounting shrinks the dentry cache of this super block only.
  if (!mounted_) return true;
  if (::mount(nullptr, root_.c_str(), nullptr, MS_REMOUNT | MS_NOATIME, nullptr) != 0)
    return Fail("remount");
  return true;
}

void Target::CloseSlots() {
  for (Mapping& map : maps) {
    if (map.address != nullptr) ::munmap(map.address, map.length);
    map = Mapping();
  }
  for (Fd& fd : slots) fd.Reset();
}

std::string Target::DaemonLog() const {
  std::ifstream in(config_.dir + "/daemon.log");
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

}  // namespace veneer::parity
