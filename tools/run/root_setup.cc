// SPDX-License-Identifier: Apache-2.0
#include "tools/run/root_setup.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>

#include "layerdb/base/sys.h"
#include "tools/run/masked_paths.h"
#include "tools/run/mount_api.h"

namespace veneer {

namespace {

using mounts::Attach;
using mounts::CloneMount;
using mounts::Depth;
using mounts::NewMount;

constexpr uint64_t kPlain = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;

Result<void> AttachAt(int root, const std::string& path, bool directory, int mount,
                      MountStubs* stubs) {
  VENEER_TRY_CTX(const Fd target, stubs->Target(root, path, directory), "mount on " + path);
  VENEER_TRY_CTX_VOID(Attach(mount, target.get()), "mount on " + path);
  return {};
}

bool IsConfined(const SessionSpec& spec) { return spec.confinement && !spec.confinement->insecure; }

Result<void> MountProc(int root, const SessionSpec& spec, MountStubs* stubs) {
  VENEER_TRY_CTX(const Fd proc, NewMount("proc", {}, kPlain), "mount /proc");
  VENEER_TRY_VOID(AttachAt(root, "/proc", true, proc.get(), stubs));
  if (IsConfined(spec)) return MaskProc(proc.get());
  return {};
}

// A new sysfs shows the session's own network; where that is not allowed (a user namespace with the
// host's network), the host's tree is shown. Read-only both: nothing in an image should set up the
// machine, unless it is insecure by the caller's own word.
Result<void> MountSys(int root, const SessionSpec& spec, MountStubs* stubs) {
  const bool writable = spec.confinement && spec.confinement->insecure;
  auto sysfs = NewMount("sysfs", {}, kPlain | (writable ? 0 : MOUNT_ATTR_RDONLY));
  if (!sysfs) {
    sysfs = CloneMount(AT_FDCWD, "/sys", Depth::kTree);
    if (!sysfs) return MakeError(sysfs.error(), "mount /sys");
    VENEER_TRY_CTX_VOID(
        mounts::SetAttributes(sysfs->get(), kPlain | MOUNT_ATTR_RDONLY, 0, Depth::kTree),
        "make /sys read-only");
  }
  VENEER_TRY_VOID(AttachAt(root, "/sys", true, sysfs->get(), stubs));
  if (IsConfined(spec)) return MaskSys(sysfs->get());
  return {};
}

// An empty file in a file system of our own, to bind something on.
Sys<Fd> NewFile(int dir, const char* name) {
  return sys::Open({dir, name}, O_RDWR | O_CREAT | O_EXCL, 0644);
}

// Read-only, so that nobody inside changes mode or owner of the host's device; it is read and
// written all the same.
Result<void> BindDevice(int dev, const char* name, const std::string& source) {
  const std::string what = "/dev/" + std::string(name);
  VENEER_TRY_CTX(const Fd device, CloneMount(AT_FDCWD, source.c_str(), Depth::kOne), what);
  VENEER_TRY_CTX_VOID(mounts::SetAttributes(device.get(), MOUNT_ATTR_RDONLY, 0, Depth::kOne), what);
  VENEER_TRY_CTX(const Fd target, NewFile(dev, name), what);
  VENEER_TRY_CTX_VOID(Attach(device.get(), target.get()), what);
  return {};
}

Result<void> MountInDev(int dev, const char* name, const Sys<Fd>& mount) {
  const std::string what = "/dev/" + std::string(name);
  if (!mount) return MakeError(mount.error(), "mount " + what);
  VENEER_TRY_CTX_VOID(sys::MakeDir({dev, name}, 0755), what);
  VENEER_TRY_CTX(const Fd target, sys::Open({dev, name}, O_PATH), what);
  VENEER_TRY_CTX_VOID(Attach(mount->get(), target.get()), what);
  return {};
}

Sys<Fd> NewDevPts() {
  // Group 5 is tty in every distribution; in a user namespace it may have no meaning.
  auto pts = NewMount("devpts",
                      {{"newinstance", ""}, {"ptmxmode", "0666"}, {"mode", "0620"}, {"gid", "5"}},
                      MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
  if (pts) return pts;
  return NewMount("devpts", {{"newinstance", ""}, {"ptmxmode", "0666"}, {"mode", "0620"}},
                  MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
}

// The caller's terminal as /dev/console: by that name ttyname(3) finds it, although its pts is not
// in here.
Result<void> BindTerminal(int dev) {
  std::array<char, PATH_MAX> name;
  if (::isatty(STDIN_FILENO) == 0 || ::ttyname_r(STDIN_FILENO, name.data(), name.size()) != 0)
    return {};
  return BindDevice(dev, "console", name.data());
}

// Bytes of a tmpfs; empty: as many as the kernel lets it have.
std::vector<mounts::Parameter> TmpfsParameters(mode_t mode, uint64_t size) {
  std::array<char, 16> octal;
  snprintf(octal.data(), octal.size(), "%04o", mode & 07777);
  std::vector<mounts::Parameter> parameters = {{"mode", octal.data()}};
  if (size != 0) parameters.push_back({"size", std::to_string(size)});
  return parameters;
}

Result<void> MountDev(int root, const SessionSpec& spec, MountStubs* stubs) {
  VENEER_TRY_CTX(const Fd dev,
                 NewMount("tmpfs", {{"mode", "0755"}, {"size", "64k"}},
                          MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_STRICTATIME),
                 "mount /dev");
  VENEER_TRY_VOID(AttachAt(root, "/dev", true, dev.get(), stubs));
  for (const char* name : {"null", "zero", "full", "random", "urandom", "tty"}) {
    VENEER_TRY_VOID(BindDevice(dev.get(), name, "/dev/" + std::string(name)));
  }
  struct Link {
    const char* name;
    const char* target;
  };
  for (const Link& link : {Link{"fd", "/proc/self/fd"}, Link{"stdin", "/proc/self/fd/0"},
                           Link{"stdout", "/proc/self/fd/1"}, Link{"stderr", "/proc/self/fd/2"},
                           Link{"ptmx", "pts/ptmx"}}) {
    VENEER_TRY_CTX_VOID(sys::Symlink(link.target, {dev.get(), link.name}), "fill /dev");
  }
  VENEER_TRY_VOID(MountInDev(dev.get(), "pts", NewDevPts()));
  VENEER_TRY_VOID(MountInDev(dev.get(), "shm",
                             NewMount("tmpfs", TmpfsParameters(01777, spec.shm_size),
                                      MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV)));
  IgnoreError(MountInDev(dev.get(), "mqueue", NewMount("mqueue", {}, kPlain)),
              "a kernel may have no POSIX message queues");
  if (!spec.UsesTerminal()) return {};
  IgnoreError(BindTerminal(dev.get()),
              "a terminal without a name in this namespace works all the same");
  return {};
}

Result<void> MountRun(int root, MountStubs* stubs) {
  VENEER_TRY_CTX(const Fd run,
                 NewMount("tmpfs", {{"mode", "0755"}}, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV),
                 "mount /run");
  VENEER_TRY_VOID(AttachAt(root, "/run", true, run.get(), stubs));
  VENEER_TRY_CTX_VOID(sys::MakeDir({run.get(), "lock"}, 0755), "fill /run");
  VENEER_TRY_CTX_VOID(sys::Chmod({run.get(), "lock"}, 01777), "fill /run");
  return {};
}

// The temporary file system of ShowHostFiles() holds no more.
constexpr off_t kMaxHostFile = 1 << 20;

Sys<std::string> ReadHostFile(const std::string& path) {
  VENEER_TRY(const Fd file, sys::OpenFollowing(path, O_RDONLY | O_NONBLOCK));
  VENEER_TRY(const struct stat st, sys::Stat({file.get()}));
  if (!S_ISREG(st.st_mode)) return Fail(EINVAL);
  if (st.st_size > kMaxHostFile) return Fail(EFBIG);
  std::string text(static_cast<size_t>(st.st_size), '\0');
  VENEER_TRY(const size_t size, sys::ReadAt(file.get(), text.data(), text.size(), 0));
  text.resize(size);
  return text;
}

// A mount of one file, which is a copy of the host's file as it is now. It belongs to the session:
// what is written to it inside changes neither the host nor the container.
Sys<Fd> MountText(int scratch, const char* name, const Sys<std::string>& text) {
  if (!text) return Fail(text.error());
  VENEER_TRY(const Fd copy, NewFile(scratch, name));
  VENEER_TRY_VOID(sys::WriteAt(copy.get(), *text, 0));
  return CloneMount(scratch, name, Depth::kOne);
}

Sys<std::string> HostsOfSession(const SessionSpec& spec) {
  Sys<std::string> hosts = ReadHostFile("/etc/hosts");
  const bool adds = !spec.hostname.empty() || !spec.extra_hosts.empty();
  if (!hosts && !adds) return hosts;
  return HostsText(hosts.value_or(""), spec);
}

// In a confined session it is read-only, as with BuildKit: what is written to it would be lost.
Sys<void> ShowFile(int root, const char* name, const Sys<Fd>& mount, bool read_only,
                   MountStubs* stubs) {
  if (!mount) return Fail(mount.error());
  if (read_only) {
    VENEER_TRY_VOID(mounts::SetAttributes(mount->get(), MOUNT_ATTR_RDONLY, 0, Depth::kOne));
  }
  const auto target = stubs->Target(root, "/etc/" + std::string(name), false);
  if (!target) return Fail(target.error());
  return Attach(mount->get(), target->get());
}

// Has a mount in this namespace while it lives, so that parts of it can be cloned: it lies over
// /run, and the clones outlive it.
class AttachedMount {
 public:
  static Result<AttachedMount> Over(int root, int mount) {
    VENEER_TRY_CTX(const Fd place, mounts::OpenInRoot(root, "/run", O_PATH | O_DIRECTORY), "/run");
    VENEER_TRY_CTX_VOID(Attach(mount, place.get()), "mount a file system for a moment");
    return AttachedMount(mount);
  }
  // Call once.
  Result<void> Detach() const {
    if (::fchdir(mount_) < 0 || ::umount2(".", MNT_DETACH) < 0 || ::chdir("/") < 0) {
      return MakeError(Errno{errno}, "unmount a temporary file system");
    }
    return {};
  }

 private:
  explicit AttachedMount(int mount) : mount_(mount) {}
  int mount_;
};

// The copies are files of a temporary file system, which lives on in the clones.
Result<void> ShowHostFiles(int root, const SessionSpec& spec, MountStubs* stubs) {
  VENEER_TRY_CTX(const Fd scratch, NewMount("tmpfs", {{"mode", "0755"}, {"size", "1m"}}, kPlain),
                 "mount a temporary file system");
  VENEER_TRY(const AttachedMount attached, AttachedMount::Over(root, scratch.get()));
  const auto hosts = MountText(scratch.get(), "hosts", HostsOfSession(spec));
  const auto resolver = MountText(scratch.get(), "resolv.conf", ReadHostFile("/etc/resolv.conf"));
  VENEER_TRY_VOID(attached.Detach());
  IgnoreError(ShowFile(root, "hosts", hosts, spec.confinement.has_value(), stubs),
              "a host or image without the file does without it");
  if (spec.network == Network::kNone) return {};
  IgnoreError(ShowFile(root, "resolv.conf", resolver, spec.confinement.has_value(), stubs),
              "as above");
  return {};
}

// --- what the caller asked for ---

// A mount on its way to its place.
struct WantedMount {
  std::string destination;
  Fd mount;
  std::string what;  // for errors
};

size_t DepthOf(const std::string& path) {
  size_t depth = 0;
  for (size_t i = 0; i < path.size(); ++i) {
    if (path[i] != '/' && (i == 0 || path[i - 1] == '/')) ++depth;
  }
  return depth;
}

Result<WantedMount> NewTmpfs(const TmpfsMount& tmpfs) {
  VENEER_TRY_CTX(Fd mount,
                 NewMount("tmpfs", TmpfsParameters(tmpfs.mode, tmpfs.size),
                          MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV),
                 "mount a temporary file system on " + tmpfs.destination);
  return WantedMount{tmpfs.destination, std::move(mount), tmpfs.destination};
}

// Each file is one of a temporary file system that is never swapped to a disk where the kernel
// knows how.
Result<void> MakeFiles(int root, const std::vector<SessionFile>& files,
                       std::vector<WantedMount>* wanted) {
  if (files.empty()) return {};
  constexpr uint64_t kAttributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
  const std::vector<mounts::Parameter> parameters = {{"mode", "0700"}};
  auto scratch = NewMount("tmpfs", {{"mode", "0700"}, {"noswap", ""}}, kAttributes);
  if (!scratch) scratch = NewMount("tmpfs", parameters, kAttributes);
  if (!scratch) return MakeError(scratch.error(), "mount a temporary file system");
  VENEER_TRY(const AttachedMount attached, AttachedMount::Over(root, scratch->get()));
  for (const SessionFile& file : files) {
    const std::string name = std::to_string(wanted->size());
    const std::string what = "make " + file.destination;
    VENEER_TRY_CTX(const Fd copy, NewFile(scratch->get(), name.c_str()), what);
    VENEER_TRY_CTX_VOID(sys::WriteAt(copy.get(), file.content, 0), what);
    VENEER_TRY_CTX_VOID(sys::Chown({copy.get()}, file.uid, file.gid), what);
    VENEER_TRY_CTX_VOID(sys::Chmod({copy.get()}, file.mode), what);
    VENEER_TRY_CTX(Fd mount, CloneMount(scratch->get(), name.c_str(), Depth::kOne), what);
    VENEER_TRY_CTX_VOID(mounts::SetAttributes(mount.get(), MOUNT_ATTR_RDONLY, 0, Depth::kOne),
                        what);
    wanted->push_back({file.destination, std::move(mount), file.destination});
  }
  return attached.Detach();
}

Result<WantedMount> PartOfTree(int root, const TreeMount& tree, int mount) {
  const std::string what = "/" + tree.source + " of " + tree.daemon.source;
  VENEER_TRY(const AttachedMount attached, AttachedMount::Over(root, mount));
  VENEER_TRY_CTX(const Fd part,
                 mounts::OpenInRoot(mount, tree.source.empty() ? "." : tree.source, O_PATH), what);
  VENEER_TRY_CTX(Fd clone, CloneMount(part.get(), "", Depth::kOne), what);
  VENEER_TRY_VOID(attached.Detach());
  return WantedMount{tree.destination, std::move(clone), what};
}

Result<WantedMount> BindOf(const BindMount& bind, Fd source) {
  if (bind.read_only) {
    VENEER_TRY_CTX_VOID(mounts::SetAttributes(source.get(), MOUNT_ATTR_RDONLY, 0, Depth::kTree),
                        "make " + bind.source + " read-only");
  }
  return WantedMount{bind.destination, std::move(source), bind.source};
}

// `sources` are those of the binds, in their order.
Result<void> AddCallersMounts(int root, const SessionSpec& spec, std::vector<Fd> sources,
                              const std::vector<Fd>& trees, MountStubs* stubs) {
  std::vector<WantedMount> wanted;
  for (const TmpfsMount& tmpfs : spec.tmpfs) {
    VENEER_TRY(WantedMount mount, NewTmpfs(tmpfs));
    wanted.push_back(std::move(mount));
  }
  VENEER_TRY_VOID(MakeFiles(root, spec.files, &wanted));
  for (size_t i = 0; i < spec.trees.size(); ++i) {
    VENEER_TRY(WantedMount mount, PartOfTree(root, spec.trees[i], trees[i].get()));
    wanted.push_back(std::move(mount));
  }
  const bool sorted = spec.confinement.has_value() || !wanted.empty();
  for (size_t i = 0; i < spec.binds.size(); ++i) {
    VENEER_TRY(WantedMount mount, BindOf(spec.binds[i], std::move(sources[i])));
    wanted.push_back(std::move(mount));
  }
  if (sorted) {
    std::ranges::stable_sort(wanted, {},
                             [](const WantedMount& mount) { return DepthOf(mount.destination); });
  }
  for (const WantedMount& one : wanted) {
    VENEER_TRY_CTX(const struct stat st, sys::Stat({one.mount.get()}), one.what);
    VENEER_TRY_VOID(AttachAt(root, one.destination, S_ISDIR(st.st_mode), one.mount.get(), stubs));
  }
  return {};
}

}  // namespace

Result<void> MakeMountsPrivate() {
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) < 0) {
    // The root of a plain chroot(2) is a directory within a mount that cannot be reached from
    // there.
    if (errno == EINVAL) {
      return MakeError(
          "make the mounts private: / is no mount point here; before the chroot, `mount --bind DIR "
          "DIR` makes it one");
    }
    return MakeError(Errno{errno}, "make the mounts private");
  }
  return {};
}

Result<void> MountAsRoot(int mount) {
  VENEER_TRY_CTX(const Fd place, sys::OpenFollowing("/", O_PATH | O_DIRECTORY), "/");
  VENEER_TRY_CTX_VOID(Attach(mount, place.get()), "mount the root directory");
  return {};
}

Result<Fd> MountDirectoryAsRoot(const std::string& directory) {
  auto tree = CloneMount(AT_FDCWD, directory.c_str(), Depth::kTree);
  if (!tree) return MakeError(tree.error(), directory);
  IgnoreError(
      mounts::SetAttributes(tree->get(), 0, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, Depth::kOne),
      "in a user namespace the flags of an outer mount stay");
  VENEER_TRY_VOID(MountAsRoot(tree->get()));
  return std::move(*tree);
}

Result<void> PopulateRoot(int root, const SessionSpec& spec, const std::vector<Fd>& trees,
                          MountStubs* stubs) {
  // The sources of binds are taken first: what is mounted below must not be what a caller's path
  // finds.
  std::vector<Fd> sources;
  for (const BindMount& bind : spec.binds) {
    auto source = CloneMount(AT_FDCWD, bind.source.c_str(), Depth::kTree);
    if (!source) return MakeError(source.error(), bind.source);
    sources.push_back(std::move(*source));
  }
  VENEER_TRY_VOID(MountProc(root, spec, stubs));
  VENEER_TRY_VOID(MountSys(root, spec, stubs));
  VENEER_TRY_VOID(MountDev(root, spec, stubs));
  VENEER_TRY_VOID(MountRun(root, stubs));
  VENEER_TRY_VOID(ShowHostFiles(root, spec, stubs));
  VENEER_TRY_VOID(AddCallersMounts(root, spec, std::move(sources), trees, stubs));
  if (spec.process.make_working_dir) {
    MountStubs lasting;  // the image promises the directory, so it is part of the container
    IgnoreError(lasting.Target(root, spec.process.working_dir, true),
                "chdir(2) will say what is wrong");
  }
  if (spec.read_only) {
    VENEER_TRY_CTX_VOID(mounts::SetAttributes(root, MOUNT_ATTR_RDONLY, 0, Depth::kOne),
                        "make the root read-only");
  }
  return {};
}

Result<void> EnterRoot(int root) {
  // Both arguments "." (pivot_root(2), NOTES): the old root ends up on top of the new one, and is
  // taken off.
  if (::fchdir(root) < 0 || ::syscall(SYS_pivot_root, ".", ".") < 0 ||
      ::umount2(".", MNT_DETACH) < 0 || ::chdir("/") < 0) {
    return MakeError(Errno{errno}, "enter the new root");
  }
  return {};
}

}  // namespace veneer
