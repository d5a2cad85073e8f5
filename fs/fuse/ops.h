// SPDX-License-Identifier: Apache-2.0
//
// The table of requests: which handler serves what. Handlers translate, UnionFs decides and acts.
// One function per kind of request fills in its part; a request without a handler is answered
// ENOSYS by libfuse.
#ifndef VENEER_FS_FUSE_OPS_H_
#define VENEER_FS_FUSE_OPS_H_

#include "fs/fuse/fuse_api.h"

namespace veneer {

void AddNameOps(fuse_lowlevel_ops& ops);       // ops_names.cc
void AddAttributeOps(fuse_lowlevel_ops& ops);  // ops_attributes.cc
void AddXattrOps(fuse_lowlevel_ops& ops);      // ops_xattrs.cc
void AddContentOps(fuse_lowlevel_ops& ops);    // ops_contents.cc
void AddDirectoryOps(fuse_lowlevel_ops& ops);  // ops_directories.cc

}  // namespace veneer

#endif  // VENEER_FS_FUSE_OPS_H_
