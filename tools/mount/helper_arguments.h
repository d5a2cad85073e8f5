// SPDX-License-Identifier: Apache-2.0
//
// The command lines with which mount(8) and umount(8) call their helpers ("External helpers"
// there), as values. Pure.
#ifndef VENEER_TOOLS_MOUNT_HELPER_ARGUMENTS_H_
#define VENEER_TOOLS_MOUNT_HELPER_ARGUMENTS_H_

#include <string>
#include <string_view>
#include <vector>

#include "layerdb/base/mount_table.h"
#include "layerdb/base/result.h"

namespace veneer {

// mount.TYPE SOURCE DIR [-sfnv] [-N NAMESPACE] [-t TYPE] [-o OPTIONS]
struct MountCall {
  std::string source;
  std::string directory;
  std::string options;  // of all -o, joined by commas
  bool fake = false;    // -f: all but the mounting itself
  bool remount = false;
};
Result<MountCall> ParseMountCall(const std::vector<std::string>& arguments);

// umount.TYPE DIR [-flnrv] [-N NAMESPACE] [-t TYPE]
struct UnmountCall {
  std::string directory;
  bool force = false;
  bool lazy = false;
  bool read_only = false;  // -r: where it is in use, at least that
};
Result<UnmountCall> ParseUnmountCall(const std::vector<std::string>& arguments);

// The mount flags (MS_* of mount(2)) of a mount that is remounted with `options`: those of the
// mount and of its file system that these do not speak of stay. The last of two contrary words
// counts; words that are no flags are left out.
unsigned long RemountFlags(const MountEntry& present, std::string_view options);

}  // namespace veneer

#endif  // VENEER_TOOLS_MOUNT_HELPER_ARGUMENTS_H_
