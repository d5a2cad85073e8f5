// SPDX-License-Identifier: Apache-2.0
//
// Changing a file with credentials: the file is replaced as a whole, so that a reader sees one
// state of it, and a power cut leaves one.
#ifndef VENEER_TOOLS_REGISTRY_AUTH_FILE_CHANGE_H_
#define VENEER_TOOLS_REGISTRY_AUTH_FILE_CHANGE_H_

#include <string>

#include "layerdb/base/function_ref.h"
#include "layerdb/base/result.h"
#include "tools/registry/auth_file.h"

namespace veneer {

// Reads `path`, lets `change` change it, and writes it with the mode 0600. A file that is not there
// is made, and its directories with the mode 0700. A symlink stays one; its target is replaced. The
// owner stays.
//
// A lock on the file PATH.lock, which stays, is held for all of it, so that other callers lose
// nothing. Docker and the containers tools take no lock: theirs and this one's last write counts.
//
// Failure: of `change`, or one line with the path: the file is damaged, is no regular file, or
// cannot be written; somebody has the lock for 10 s. Then the file is as it was.
Result<void> ChangeAuthFile(const std::string& path, FunctionRef<Result<void>(AuthFile*)> change);

}  // namespace veneer

#endif  // VENEER_TOOLS_REGISTRY_AUTH_FILE_CHANGE_H_
