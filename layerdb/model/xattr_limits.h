// SPDX-License-Identifier: Apache-2.0
//
// Which extended attributes a file can have at all. An archive may name others; a file that had
// them could never be copied up, because setxattr(2) would refuse them each time. Pure.
#ifndef VENEER_LAYERDB_MODEL_XATTR_LIMITS_H_
#define VENEER_LAYERDB_MODEL_XATTR_LIMITS_H_

#include <string_view>

#include "layerdb/base/result.h"
#include "layerdb/model/entry.h"

namespace veneer {

// The error names the attribute, and what is wrong with it: a name that is none, or has no
// namespace; names or a value larger than the kernel takes (xattr(7)); an ACL that is none, or a
// default ACL of anything but a directory. A namespace that this system does not know
// ("com.apple.") is no error: such attributes are left out where they cannot be set.
Result<void> CheckXattrs(const XattrList& xattrs, FileType type);

// False for names that Linux keeps for no object of this type (xattr(7)): "user." is for regular
// files and directories, a symlink has no ACL, and only a directory has a default one.
bool CanHaveXattr(FileType type, std::string_view name);

// True for attributes that are of the machine and not of the image, and go into no layer: SELinux
// labels, and what network file systems make up.
bool IsHostXattr(std::string_view name);

}  // namespace veneer

#endif  // VENEER_LAYERDB_MODEL_XATTR_LIMITS_H_
