// SPDX-License-Identifier: Apache-2.0
#include "tools/run/container_mount.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <thread>

#include "layerdb/base/log.h"
#include "layerdb/base/mount_table.h"
#include "layerdb/base/sys.h"
#include "layerdb/transfer/change_walk.h"
#include "tools/run/fuse_mount.h"
#include "tools/run/holders.h"
#include "tools/run/mount_end.h"
#include "tools/run/mount_stubs.h"
#include "tools/run/user_namespace.h"
#include "tools/run/write_back.h"

namespace veneer {

namespace {

using Clock = std::chrono::steady_clock;

// How long to wait for a daemon that lives without a mount that can be seen from here.
constexpr std::chrono::milliseconds kGoingPatience{500};
// How long a daemon may take to end when it is told to.
constexpr std::chrono::seconds kEndPatience{5};

// A mount whose daemon is gone answers everything with ENOTCONN.
bool IsDead(const std::string& mount_point) {
  struct statfs st;
  return ::statfs(mount_point.c_str(), &st) < 0 && errno == ENOTCONN;
}

std::string Pid(const std::optional<ProcessId>& process) {
  return process ? " (veneerfs, pid " + std::to_string(process->pid) + ")" : "";
}

tl::unexpected<Error> InUse(const ContainerRecord& container, const MountStatus& status) {
  if (status.unmounting) {
    return MakeError("container " + container.name +
                         " was unmounted lazily, and its files are still in use" +
                         Pid(status.daemon),
                     ExitCode::kInUse);
  }
  if (status.state == MountState::kSession) {
    return MakeError("container " + container.name + " is in use by a session" + Pid(status.daemon),
                     ExitCode::kInUse);
  }
  return MakeError("container " + container.name + " is mounted at " + status.mount_point +
                       (status.elsewhere ? " in another mount namespace" : "") + Pid(status.daemon),
                   ExitCode::kInUse);
}

bool IsContainer(const MountEntry& entry, const std::string& source) {
  return entry.type == kVeneerfsType && entry.source == source;
}

// By whom or by what a mount is in use.
std::string UsersOf(const MountEntry& mount, const std::vector<MountEntry>& table) {
  if (const std::string words = HolderWords(HoldersOf(mount.device)); !words.empty()) return words;
  for (const MountEntry& entry : table) {
    if (entry.mount_point.starts_with(mount.mount_point + "/"))
      return "the mount at " + entry.mount_point;
  }
  return {};
}

tl::unexpected<Error> Busy(const ContainerRecord& container, const std::string& mount_point,
                           const std::string& users) {
  return tl::unexpected(
      Error(
          "container " + container.name + " is in use at " + mount_point +
              (users.empty() ? " by processes that root can see with `fuser -vm`" : " by " + users),
          ExitCode::kInUse)
          .Because(Reason::kMountInUse));
}

// True when the daemon's own mount namespace has the container mounted, which this one has not.
bool MountedElsewhere(const ProcessId& daemon, const std::string& source) {
  const auto table = ReadMountTable(daemon.pid);
  return table && std::ranges::any_of(
                      *table, [&](const MountEntry& entry) { return IsContainer(entry, source); });
}

// Waits until nothing serves the container any more, wherever that runs; false when something still
// does.
bool WaitUntilUnserved(Store& store, const std::string& name, Clock::time_point deadline) {
  while (store.containers().IsServed(name)) {
    if (Clock::now() >= deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

// Until when this process waits for daemons whose mounts were taken away by hand before it began.
// All of them are ending at the same time, so a list of many containers takes no longer than one.
Clock::time_point EndOfGoing() {
  static const Clock::time_point end = Clock::now() + kGoingPatience;
  return end;
}

// Ends whatever serves the container: not the process that was recorded but the one that holds the
// lease.
Result<void> EndDaemon(Store& store, const ContainerRecord& container, bool at_once) {
  const std::optional<ProcessId>& recorded = container.mount->daemon;
  const std::optional<pid_t> pid = LockHolderOf(
      store.layout().work(container.name), recorded ? std::optional(recorded->pid) : std::nullopt);
  if (!pid) {
    if (WaitUntilUnserved(store, container.name, Clock::now() + kGoingPatience)) return {};
    return MakeError("container " + container.name +
                         " is in use by a veneerfs that cannot be seen from here (in another PID "
                         "namespace, or another user's); unmount it there",
                     ExitCode::kInUse);
  }
  const std::string what = "veneerfs (pid " + std::to_string(*pid) + ")";
  // glibc 2.36 declares pidfd_open(2) for C only.
  const Fd process(static_cast<int>(::syscall(SYS_pidfd_open, *pid, 0)));
  const auto signal = [&](int number) {
    return ::syscall(SYS_pidfd_send_signal, process.get(), number, nullptr, 0);
  };
  // It may have ended before it was held, and another have got its number.
  if (!process || LockHolderOf(store.layout().work(container.name), *pid) != pid) {
    if (WaitUntilUnserved(store, container.name, Clock::now() + kGoingPatience)) return {};
    return MakeError("container " + container.name + " is in use", ExitCode::kInUse);
  }
  const auto ended = [&] {
    const Sys<ProcessId> daemon = ProcessId::Of(*pid);
    return (!daemon || WaitUntilGone(*daemon, kEndPatience)) &&
           WaitUntilUnserved(store, container.name, Clock::now() + kEndPatience);
  };
  if (!at_once && signal(SIGTERM) == 0 && ended()) return {};
  if (signal(SIGKILL) < 0 && errno != ESRCH) return MakeError(Errno{errno}, "end " + what);
  if (!ended()) return MakeError(what + " does not end");
  return {};
}

// Ends the sessions that have entered the container where it is mounted: with the first process of
// a pid namespace all others of it end.
Result<void> EndSessions(const std::string& stub_record) {
  for (const pid_t pid : MountStubs::Sessions(stub_record)) {
    // glibc 2.36 declares pidfd_open(2) for C only.
    const Fd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    const std::vector<pid_t> still = MountStubs::Sessions(stub_record);
    if (!process || std::ranges::find(still, pid) == still.end()) continue;
    const std::string what = "the session (pid " + std::to_string(pid) + ")";
    if (::syscall(SYS_pidfd_send_signal, process.get(), SIGKILL, nullptr, 0) < 0 &&
        errno != ESRCH) {
      return MakeError(Errno{errno}, "end " + what);
    }
    struct pollfd ended = {process.get(), POLLIN, 0};
    if (::poll(&ended, 1, static_cast<int>(std::chrono::milliseconds(kEndPatience).count())) <= 0) {
      return MakeError(what + " does not end");
    }
  }
  return {};
}

bool Names(const std::vector<std::string>& options, std::string_view yes, std::string_view no) {
  return std::ranges::any_of(options, [&](const std::string& option) {
    return ("," + option + ",").find("," + std::string(yes) + ",") != std::string::npos ||
           ("," + option + ",").find("," + std::string(no) + ",") != std::string::npos;
  });
}

// A directory that was made for a mount, and goes again when the mount fails.
class MadeDirectory {
 public:
  MadeDirectory() = default;
  MadeDirectory(const MadeDirectory&) = delete;
  MadeDirectory& operator=(const MadeDirectory&) = delete;
  ~MadeDirectory() {
    if (!path_.empty()) IgnoreError(sys::RemoveDir(sys::Path(path_)), "it is in use, or not empty");
  }
  void Made(const std::string& path) { path_ = path; }
  void Keep() { path_.clear(); }

 private:
  std::string path_;
};

// The mount point as an absolute path of a directory that exists; `made`: when it did not before.
Result<std::string> PrepareMountPoint(const Store& store, const ContainerRecord& container,
                                      const std::string& wanted, MadeDirectory* made) {
  VENEER_TRY(std::string path,
             AbsolutePath(wanted.empty() ? DefaultMountPoint(store, container) : wanted));
  if (const Sys<void> created = sys::MakeDir(sys::Path(path), 0755); created) {
    made->Made(path);
  } else if (created.error().code != EEXIST) {
    return MakeError(created.error(), "mount point " + path);
  }
  VENEER_TRY(const std::vector<MountEntry> table, ReadMountTable());
  if (const auto present = FindMountAt(table, path); present && present->type == kVeneerfsType) {
    if (!IsDead(path)) {
      const std::string containers = store.layout().containers() + "/";
      const bool ours = present->source.starts_with(containers);
      return MakeError(
          path + " is the mount point of " +
              (ours ? "container " + present->source.substr(containers.size()) : present->source) +
              " already",
          ExitCode::kInUse);
    }
    VENEER_TRY_VOID(Unmount(path, UnmountMode::kLazy));
  }
  struct stat st = {};
  if (::stat(path.c_str(), &st) == 0 && !S_ISDIR(st.st_mode))
    return MakeError(Errno{ENOTDIR}, "mount point " + path);
  // The mount table shows the path without symlinks, the last component's included.
  VENEER_TRY(path, AbsolutePath(path + "/."));
  return path;
}

// An ordinary user's mount belongs to the first user namespace, the daemon lives in the user's own:
// what it keeps as id 0 is shown as the user, and so on.
Result<ProcessId> StartThroughHelper(DaemonSpec spec, const std::string& mount_point,
                                     bool read_only) {
  VENEER_TRY_VOID(CheckUserNamespace());
  VENEER_TRY(const FuseDevice fuse, MountThroughHelper(mount_point, spec.source, read_only));
  const UserMapping mapping = MappingOfUser();
  spec.options.push_back("uidmapping=" + MappingText(mapping.uids));
  spec.options.push_back("gidmapping=" + MappingText(mapping.gids));
  Result<ProcessId> daemon = StartDaemonOn(spec, fuse.device.get(), EnterUserNamespace, {});
  if (!daemon) {
    IgnoreError(Unmount(mount_point, UnmountMode::kLazy),
                "the mount is dead already; the first error counts");
  }
  return daemon;
}

}  // namespace

std::string StubRecordOf(const Store& store, const ContainerRecord& container) {
  return store.layout().stubs(container.name);
}

std::string DefaultMountPoint(const Store& store, const ContainerRecord& container) {
  return store.layout().container(container.name) + "/merged";
}

Result<MountStatus> StatusOf(Store& store, const ContainerRecord& container) {
  MountStatus status;
  const std::optional<ContainerMount>& mount = container.mount;
  if (mount) status.daemon = mount->daemon;
  VENEER_TRY(const std::vector<MountEntry> table, ReadMountTable());
  const std::string source = store.layout().container(container.name);
  for (const MountEntry& entry : table) {
    if (!IsContainer(entry, source)) continue;
    status.mount_point = entry.mount_point;
    status.state = IsDead(entry.mount_point) ? MountState::kDead : MountState::kMounted;
    if (status.state == MountState::kMounted) return status;
  }
  if (status.state == MountState::kDead || !mount) return status;
  // Something serves it, but not in this mount namespace: in a session's, in another one where
  // somebody mounted it, or in none.
  const bool session = mount->mount_point.empty();
  const bool elsewhere = !session && (!mount->daemon || MountedElsewhere(*mount->daemon, source));
  // A daemon whose mount was just taken away by hand is on its way out.
  if (!session && !elsewhere && WaitUntilUnserved(store, container.name, EndOfGoing())) {
    status.daemon.reset();
    return status;
  }
  status.unmounting = !session && !elsewhere;
  status.elsewhere = elsewhere;
  status.state = elsewhere ? MountState::kMounted : MountState::kSession;
  if (!status.unmounting) status.mount_point = mount->mount_point;
  return status;
}

Result<DaemonSpec> DaemonSpecOf(Store& store, const ContainerRecord& container) {
  DaemonSpec spec;
  VENEER_TRY(std::string tree, store.EnsureTree(container.diff_ids));
  spec.lowers.push_back(std::move(tree));
  spec.objects = store.layout().objects();
  spec.upper = store.layout().upper(container.name);
  spec.work = store.layout().work(container.name);
  spec.source = store.layout().container(container.name);
  return spec;
}

void RemoveStaleStubs(Store& store, const ContainerRecord& container, const MountStatus& status) {
  const std::string record = StubRecordOf(store, container);
  if (status.elsewhere || status.state == MountState::kSession || !MountStubs::Listed(record))
    return;
  if (status.state == MountState::kMounted) {
    const Sys<Fd> root = sys::OpenFollowing(status.mount_point, O_PATH | O_DIRECTORY);
    if (root) MountStubs::RemoveStale(record, root->get());
    return;
  }
  const StoreLayout& layout = store.layout();
  const std::string upper = layout.upper(container.name);
  const std::string work = layout.work(container.name);
  const Sys<Fd> root = sys::OpenFollowing(upper, O_PATH | O_DIRECTORY);
  const Sys<Fd> temporary = sys::OpenFollowing(work + "/work", O_PATH | O_DIRECTORY);
  const Result<std::string> tree = store.EnsureTree(container.diff_ids);
  // They stay in the record, and count as removed as long as they do.
  if (!root || !temporary || !tree) return;
  const auto walk = ChangeWalk::Open(upper, "", *tree, layout.objects());
  if (!walk) return;
  const auto is_in_image = [&](std::string_view path) { return (*walk)->IsInImage(path); };
  const MountStubs::BareLayer bare{temporary->get(), is_in_image};
  MountStubs::RemoveStale(record, root->get(), &bare);
}

Result<std::string> MountContainer(Store& store, const ContainerRecord& container,
                                   const MountRequest& request) {
  VENEER_TRY(const MountStatus status, StatusOf(store, container));
  if (status.state == MountState::kMounted || status.state == MountState::kSession) {
    return InUse(container, status);
  }
  if (status.state == MountState::kDead) {
    VENEER_TRY_VOID(Unmount(status.mount_point, UnmountMode::kLazy));
  }
  RemoveStaleStubs(store, container, MountStatus{});
  VENEER_TRY_VOID(OpenFuseDevice());
  VENEER_TRY(DaemonSpec spec, DaemonSpecOf(store, container));
  MadeDirectory made;
  VENEER_TRY(const std::string mount_point,
             PrepareMountPoint(store, container, request.mount_point, &made));
  // An image is not trusted: on the host its set-user-ID programs and devices work only if one says
  // so.
  if (!Names(request.options, "suid", "nosuid")) spec.options.emplace_back("nosuid");
  if (!Names(request.options, "dev", "nodev")) spec.options.emplace_back("nodev");
  if (request.read_only) spec.options.emplace_back("ro");
  spec.options.insert(spec.options.end(), request.options.begin(), request.options.end());
  ContainerMount mount;
  mount.mount_point = mount_point;
  mount.read_only = request.read_only;
  const auto start = [&] {
    return IsOrdinaryUser() ? StartThroughHelper(spec, mount_point, request.read_only)
                            : StartDaemonAt(spec, mount_point);
  };
  auto daemon = start();
  // A load that replaced a layer has taken the tree away before the daemon had it open.
  if (!daemon && access(spec.lowers.front().c_str(), F_OK) != 0) {
    VENEER_TRY_VOID(store.EnsureTree(container.diff_ids));
    daemon = start();
  }
  VENEER_TRY(mount.daemon, std::move(daemon));
  made.Keep();  // it is in use from here on
  VENEER_TRY_VOID(store.containers().SetMount(container.name, mount));
  return mount_point;
}

Result<void> UnmountContainer(Store& store, const ContainerRecord& container, bool lazy) {
  VENEER_TRY(const MountStatus status, StatusOf(store, container));
  if (status.state == MountState::kNone)
    return MakeError("container " + container.name + " is not mounted");
  if (status.unmounting && lazy) return {};
  if (status.state == MountState::kSession || status.elsewhere) return InUse(container, status);
  const bool dead = status.state == MountState::kDead;
  VENEER_TRY(const std::vector<MountEntry> table, ReadMountTable());
  const auto mount = FindMountAt(table, status.mount_point);
  // The kernel would not mind a session in this container, whose end the daemon would wait for.
  if (mount && !lazy && !dead) {
    if (const std::string users = UsersOf(*mount, table); !users.empty())
      return Busy(container, status.mount_point, users);
  }
  std::optional<MountEnd> end;
  if (mount) end.emplace(*mount);
  if (auto done =
          Unmount(status.mount_point, lazy || dead ? UnmountMode::kLazy : UnmountMode::kNormal);
      !done) {
    if (done.error().code() != EBUSY) return done;
    return Busy(container, status.mount_point, mount ? UsersOf(*mount, table) : "");
  }
  if (end && !lazy && end->Wait() == MountEnd::Outcome::kHeld) {
    return MakeError("container " + container.name + " is unmounted at " + status.mount_point +
                         ", but still in use by " + end->holders() +
                         "; what was written is saved when that ends",
                     ExitCode::kInUse);
  }
  if (status.daemon && !lazy && !WaitUntilGone(*status.daemon, kDaemonPatience)) {
    LogWarning("veneerfs (pid " + std::to_string(status.daemon->pid) + ") has not ended yet");
    return {};
  }
  // Lazily unmounted, the daemon lives until the last file is closed, and its record with it.
  if (lazy && status.daemon && !WaitUntilGone(*status.daemon, kGoingPatience)) return {};
  return store.containers().SetMount(container.name, std::nullopt);
}

Result<void> DetachContainer(Store& store, const ContainerRecord& container) {
  VENEER_TRY_VOID(EndSessions(StubRecordOf(store, container)));
  const std::string source = store.layout().container(container.name);
  bool detached = false;
  VENEER_TRY(const std::vector<MountEntry> table, ReadMountTable());
  for (const MountEntry& entry : table) {
    if (!IsContainer(entry, source)) continue;
    VENEER_TRY_VOID(Unmount(entry.mount_point, UnmountMode::kLazy));
    detached = true;
  }
  if (!container.mount) return {};
  if (!detached || !WaitUntilUnserved(store, container.name, Clock::now() + kGoingPatience)) {
    // A daemon that is told to end unmounts its mount point, where something else may be mounted by
    // now.
    const bool session = container.mount->mount_point.empty();
    VENEER_TRY_VOID(EndDaemon(store, container, !session && !detached));
  }
  return store.containers().SetMount(container.name, std::nullopt);
}

bool IsForItsUserAlone(const MountStatus& status) {
  const auto table = ReadMountTable();
  const auto mount = table ? FindMountAt(*table, status.mount_point) : std::nullopt;
  return mount && mount->file_system_options.find("allow_other") == std::string::npos;
}

Result<void> SyncContainer(const MountStatus& status) {
  if (status.state != MountState::kMounted || status.elsewhere) return {};
  VENEER_TRY(const bool all,
             WriteBack(status.mount_point,
                       status.daemon ? std::optional(status.daemon->pid) : std::nullopt));
  if (!all) {
    LogWarning("programs work in " + status.mount_point +
               " all the time; what they last wrote through mappings may be missing");
  }
  return {};
}

}  // namespace veneer
