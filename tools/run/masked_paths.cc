// SPDX-License-Identifier: Apache-2.0
#include "tools/run/masked_paths.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <string>

#include "layerdb/base/sys.h"
#include "tools/run/mount_api.h"

namespace veneer {

namespace {

using mounts::Attach;
using mounts::CloneMount;
using mounts::Depth;
using mounts::NewMount;

Sys<Fd> EmptyDirectory() {
  return NewMount("tmpfs", {{"mode", "0555"}, {"size", "4k"}},
                  MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
}

// A file in place of the device would be one that programs inside can fill (CVE-2025-31133).
Sys<Fd> NullDevice() {
  VENEER_TRY(Fd mount, CloneMount(AT_FDCWD, "/dev/null", Depth::kOne));
  VENEER_TRY(const struct stat st, sys::Stat({mount.get()}));
  if (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(1, 3)) return Fail(ENODEV);
  // It is the host's: its mode and owner are not for those inside.
  VENEER_TRY_VOID(mounts::SetAttributes(mount.get(), MOUNT_ATTR_RDONLY, 0, Depth::kOne));
  return mount;
}

Sys<void> Mask(int root, const std::string& path) {
  const Sys<Fd> target = mounts::OpenInRoot(root, path, O_PATH | O_NOFOLLOW);
  if (!target && target.error().code == ENOENT) return {};
  if (!target) return Fail(target.error());
  VENEER_TRY(const struct stat st, sys::Stat({target->get()}));
  VENEER_TRY(const Fd mask, S_ISDIR(st.st_mode) ? EmptyDirectory() : NullDevice());
  return Attach(mask.get(), target->get());
}

Sys<void> MakeReadOnly(int root, const std::string& path) {
  const Sys<Fd> target = mounts::OpenInRoot(root, path, O_PATH | O_NOFOLLOW);
  if (!target && target.error().code == ENOENT) return {};
  if (!target) return Fail(target.error());
  VENEER_TRY(const Fd copy, CloneMount(target->get(), "", Depth::kTree));
  VENEER_TRY_VOID(mounts::SetAttributes(copy.get(), MOUNT_ATTR_RDONLY, 0, Depth::kTree));
  return Attach(copy.get(), target->get());
}

}  // namespace

Result<void> MaskProc(int proc) {
  for (const char* path : {"asound", "acpi", "kcore", "keys", "latency_stats", "timer_list",
                           "timer_stats", "sched_debug", "scsi"}) {
    VENEER_TRY_CTX_VOID(Mask(proc, path), "hide /proc/" + std::string(path));
  }
  for (const char* path : {"bus", "fs", "irq", "sys", "sysrq-trigger"}) {
    VENEER_TRY_CTX_VOID(MakeReadOnly(proc, path), "make /proc/" + std::string(path) + " read-only");
  }
  return {};
}

Result<void> MaskSys(int sys) {
  for (const char* path : {"firmware", "devices/virtual/powercap"}) {
    VENEER_TRY_CTX_VOID(Mask(sys, path), "hide /sys/" + std::string(path));
  }
  return {};
}

}  // namespace veneer
