// SPDX-License-Identifier: Apache-2.0
//
// What a program expects to find in a root directory: /proc, /sys, /dev, /run, the resolver's
// configuration, and the caller's bind mounts. Everything is put there by descriptor (mount_api.h)
// in the private mount namespace of a session, and nothing of it is part of the tree.
#ifndef VENEER_TOOLS_RUN_ROOT_SETUP_H_
#define VENEER_TOOLS_RUN_ROOT_SETUP_H_

#include <vector>

#include "layerdb/base/fd.h"
#include "layerdb/base/result.h"
#include "tools/run/mount_stubs.h"
#include "tools/run/session_spec.h"

namespace veneer {

// Makes all mounts of this namespace private, so that nothing done here is seen outside.
Result<void> MakeMountsPrivate();

// The tree of `spec.directory` as a mount of its own, put on top of this namespace's root directory
// (which this process goes on seeing until EnterRoot()). Set-user-ID programs and devices work in
// it where the kernel lets us.
Result<Fd> MountDirectoryAsRoot(const std::string& directory);
// The same with a mount that exists already, detached.
Result<void> MountAsRoot(int mount);

// Mounts everything on `root`. `trees`: those of `spec`, attached nowhere yet. `stubs` makes what
// is missing. REQUIRES: to be in the pid namespace that /proc is to show. What the image does not
// let us mount on is an error, but for resolv.conf and hosts, which are best effort.
Result<void> PopulateRoot(int root, const SessionSpec& spec, const std::vector<Fd>& trees,
                          MountStubs* stubs);

// pivot_root(2) into `root`; the old root and everything below it is gone from this namespace
// afterwards. The current directory is the new root.
Result<void> EnterRoot(int root);

}  // namespace veneer

#endif  // VENEER_TOOLS_RUN_ROOT_SETUP_H_
