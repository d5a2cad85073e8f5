// SPDX-License-Identifier: Apache-2.0
//
// The command line of veneerfs, parsed into a plain struct by a pure function: no file is looked at
// and nothing is printed. Callers of fuse-overlayfs (containers/storage, buildah, apptainer, the
// containerd snapshotter) find every option they pass.
#ifndef VENEER_FS_OPTIONS_OPTIONS_H_
#define VENEER_FS_OPTIONS_OPTIONS_H_

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "fs/options/id_map.h"
#include "fs/options/optimizations.h"
#include "layerdb/base/result.h"

namespace veneer {

// How the contents of files travel. kAuto is kCached: bench/README.md has the figures.
enum class IoMode { kAuto, kCached, kPassthrough };

struct MountOptions {
  // What is merged, as it was given: relative paths are relative to the directory of the caller.
  std::vector<std::string> lowerdirs;  // top first; a directory, or the file of a sealed index
  std::string upperdir;                // empty: a read-only mount
  std::string workdir;                 // not empty when upperdir is not
  std::string objects;                 // where the contents of sealed indexes are
  std::string mount_point;

  // How it is mounted.
  std::string fsname =
      "veneerfs";  // "source" in mountinfo; a word before the mount point sets it too
  std::string subtype = "veneerfs";  // the type in mountinfo is "fuse." and this
  std::string context;               // SELinux label of every file; empty: none
  bool read_only = false;            // "ro" was given last
  std::optional<bool> allow_other;   // nullopt: as root yes, as another user no
  bool allow_root = false;
  // suid, nosuid, dev and their like, in the order given: the last of each pair counts.
  std::vector<std::string> flags;

  // What the file system does.
  bool is_volatile = false;
  bool acl = true;
  bool xattrs = true;  // false: no extended attribute can be read or set, and so no ACL
  bool fsync = true;   // false: fsync(2) returns at once
  bool redirect_dir = true;
  bool metacopy = true;
  int xattr_permissions = 0;
  bool static_nlink = false;  // every directory has one link
  bool xino = true;           // numbers of several file systems are joined: see InoNumbers
  double timeout = kForever;  // seconds the kernel may keep names and attributes
  IoMode io = IoMode::kAuto;
  Optimizations optimizations;
  IdMaps ids;  // squashing included
  std::optional<uint32_t> squash_uid, squash_gid;
  bool squash_to_root = false;

  // How the program runs.
  bool foreground = false;
  bool debug = false;
  bool show_help = false;
  bool show_version = false;

  // One line each, for standard error: options that mean nothing here.
  std::vector<std::string> warnings;

  static constexpr double kForever = 1e9;
};

// `args`: the command line without the program's name. When show_help or show_version is set in the
// answer, nothing else was checked. Fails with one line: a value that is none, no mount point, no
// lowerdir, an upperdir without a workdir. A word that is no option gives a warning.
Result<MountOptions> ParseOptions(std::span<const std::string> args);

}  // namespace veneer

#endif  // VENEER_FS_OPTIONS_OPTIONS_H_
