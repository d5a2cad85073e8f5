// SPDX-License-Identifier: Apache-2.0
#include "tools/run/container_mount.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "layerdb/base/log.h"
#include "layerdb/base/sys.h"
#include "tools/run/fuse_mount.h"
#include "tools/run/holders.h"
#include "tools/run/mount_stubs.h"
#include "tools/run/mount_table.h"
#include "tools/run/user_namespace.h"

namespace veneer {

namespace {

// How long an unmounted daemon may take to write everything to disk.
constexpr std::chrono::seconds kDaemonPatience{120};
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
  return MakeError(
      "container " + container.name + " is mounted at " + status.mount_point + Pid(status.daemon),
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
  return MakeError(
      "container " + container.name + " is in use at " + mount_point +
          (users.empty() ? " by processes that root can see with `fuser -vm`" : " by " + users) +
          "; --lazy unmounts all the same",
      ExitCode::kInUse);
}

// True when the daemon's own mount namespace has the container mounted, which this one has not.
bool MountedElsewhere(const ProcessId& daemon, const std::string& source) {
  const auto table = ReadMountTable(daemon.pid);
  return table && std::ranges::any_of(
                      *table, [&](const MountEntry& entry) { return IsContainer(entry, source); });
}

Result<void> EndDaemon(const ProcessId& daemon, bool at_once) {
  // glibc 2.36 declares pidfd_open(2) for C only.
  const std::string what = "veneerfs (pid " + std::to_string(daemon.pid) + ")";
  const Fd process(static_cast<int>(::syscall(SYS_pidfd_open, daemon.pid, 0)));
  const auto signal = [&](int number) {
    return ::syscall(SYS_pidfd_send_signal, process.get(), number, nullptr, 0);
  };
  if (!process || !daemon.IsAlive()) return {};
  if (!at_once && signal(SIGTERM) == 0 && WaitUntilGone(daemon, kEndPatience)) {
    return {};
  }
  if (signal(SIGKILL) < 0 && errno != ESRCH) return MakeError(Errno{errno}, "end " + what);
  if (!WaitUntilGone(daemon, kEndPatience)) return MakeError(what + " does not end");
  return {};
}

bool Names(const std::vector<std::string>& options, std::string_view yes, std::string_view no) {
  return std::ranges::any_of(options, [&](const std::string& option) {
    return ("," + option + ",").find("," + std::string(yes) + ",") != std::string::npos ||
           ("," + option + ",").find("," + std::string(no) + ",") != std::string::npos;
  });
}

// The mount point as an absolute path of a directory that exists.
Result<std::string> PrepareMountPoint(const Store& store, const ContainerRecord& container,
                                      const std::string& wanted) {
  VENEER_TRY(std::string path,
             AbsolutePath(wanted.empty() ? DefaultMountPoint(store, container) : wanted));
  if (::mkdir(path.c_str(), 0755) < 0 && errno != EEXIST)
    return MakeError(Errno{errno}, "mount point " + path);
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

// An ordinary user's mount belongs to the first user namespace, the daemon lives in the user's own: what it keeps as
// id 0 is shown as the user, and so on.
Result<ProcessId> StartThroughHelper(DaemonSpec spec, const std::string& mount_point,
                                     bool read_only) {
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
  return store.layout().container(container.name) + "/stubs";
}

std::string DefaultMountPoint(const Store& store, const ContainerRecord& container) {
  return store.layout().container(container.name) + "/merged";
}

Result<MountStatus> StatusOf(Store& store, const ContainerRecord& container) {
  MountStatus status;
  const bool daemon_lives = container.mount && container.mount->daemon.IsAlive();
  if (daemon_lives) status.daemon = container.mount->daemon;
  VENEER_TRY(const std::vector<MountEntry> table, ReadMountTable());
  const std::string source = store.layout().container(container.name);
  for (const MountEntry& entry : table) {
    if (!IsContainer(entry, source)) continue;
    status.mount_point = entry.mount_point;
    status.state = IsDead(entry.mount_point) ? MountState::kDead : MountState::kMounted;
    if (status.state == MountState::kMounted) return status;
  }
  if (status.state == MountState::kDead) return status;
  // A daemon whose mount was just taken away by hand is on its way out.
  const bool going = daemon_lives && !container.mount->mount_point.empty() &&
                     WaitUntilGone(container.mount->daemon, kGoingPatience);
  if (going) status.daemon.reset();
  if (daemon_lives && !going) {
    // Not in this mount namespace: in a session's, in another one where somebody mounted it, or in none.
    const bool session = container.mount->mount_point.empty();
    status.unmounting = !session && !MountedElsewhere(*status.daemon, source);
    status.state = session || status.unmounting ? MountState::kSession : MountState::kMounted;
    if (!status.unmounting) status.mount_point = container.mount->mount_point;
  }
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
  if (!MountStubs::Listed(record)) return;
  const std::string tree = status.state == MountState::kMounted
                               ? status.mount_point
                               : store.layout().upper(container.name);
  const Fd root(::open(tree.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (root && status.state != MountState::kSession) MountStubs::RemoveStale(record, root.get());
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
  VENEER_TRY(const std::string mount_point,
             PrepareMountPoint(store, container, request.mount_point));
  // An image is not trusted: on the host its set-user-ID programs and devices work only if one says so.
  if (!Names(request.options, "suid", "nosuid")) spec.options.emplace_back("nosuid");
  if (!Names(request.options, "dev", "nodev")) spec.options.emplace_back("nodev");
  if (request.read_only) spec.options.emplace_back("ro");
  spec.options.insert(spec.options.end(), request.options.begin(), request.options.end());
  ContainerMount mount;
  mount.mount_point = mount_point;
  mount.read_only = request.read_only;
  VENEER_TRY(mount.daemon, IsOrdinaryUser()
                               ? StartThroughHelper(spec, mount_point, request.read_only)
                               : StartDaemonAt(spec, mount_point));
  VENEER_TRY_VOID(store.containers().SetMount(container.name, mount));
  return mount_point;
}

Result<void> UnmountContainer(Store& store, const ContainerRecord& container, bool lazy) {
  VENEER_TRY(const MountStatus status, StatusOf(store, container));
  if (status.state == MountState::kNone)
    return MakeError("container " + container.name + " is not mounted");
  if (status.unmounting && lazy) return {};
  if (status.state == MountState::kSession) return InUse(container, status);
  const bool dead = status.state == MountState::kDead;
  VENEER_TRY(const std::vector<MountEntry> table, ReadMountTable());
  const auto mount = FindMountAt(table, status.mount_point);
  // The kernel would not mind a session in this container, whose end the daemon would wait for.
  if (mount && !lazy && !dead) {
    if (const std::string users = UsersOf(*mount, table); !users.empty())
      return Busy(container, status.mount_point, users);
  }
  if (auto done =
          Unmount(status.mount_point, lazy || dead ? UnmountMode::kLazy : UnmountMode::kNormal);
      !done) {
    if (done.error().code() != EBUSY) return done;
    return Busy(container, status.mount_point, mount ? UsersOf(*mount, table) : "");
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
  const std::string source = store.layout().container(container.name);
  bool detached = false;
  VENEER_TRY(const std::vector<MountEntry> table, ReadMountTable());
  for (const MountEntry& entry : table) {
    if (!IsContainer(entry, source)) continue;
    VENEER_TRY_VOID(Unmount(entry.mount_point, UnmountMode::kLazy));
    detached = true;
  }
  if (!container.mount) return {};
  if (const ProcessId& daemon = container.mount->daemon;
      !detached || !WaitUntilGone(daemon, kGoingPatience)) {
    // A daemon that is told to end unmounts its mount point, where something else may be mounted by now.
    const bool session = container.mount->mount_point.empty();
    VENEER_TRY_VOID(EndDaemon(daemon, !session && !detached));
  }
  return store.containers().SetMount(container.name, std::nullopt);
}

Result<void> SyncContainer(const MountStatus& status) {
  if (status.state != MountState::kMounted) return {};
  const Fd root(::open(status.mount_point.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!root) return MakeError(Errno{errno}, status.mount_point);
  VENEER_TRY_CTX_VOID(sys::SyncFs(root.get()), "sync " + status.mount_point);
  return {};
}

}  // namespace veneer
