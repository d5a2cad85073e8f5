// SPDX-License-Identifier: Apache-2.0
//
// Looking at files and directories that somebody may have put others in the place of.
//
// Thread-safe.
#ifndef VENEER_LAYERDB_BASE_FILES_H_
#define VENEER_LAYERDB_BASE_FILES_H_

#include <fcntl.h>

#include <string>
#include <vector>

#include "layerdb/base/fd.h"
#include "layerdb/base/result.h"

namespace veneer {

// A regular file for reading; `path` is below the directory `at`. What is something else is not waited for, as a fifo
// would be, nor followed: EISDIR, ELOOP for a symlink, EIO for the rest.
Sys<Fd> OpenRegularFile(const std::string& path, int at = AT_FDCWD);

// The names in a directory, in no order; none when there is no such directory. Never throws for what it meets.
Sys<std::vector<std::string>> NamesIn(const std::string& path);

}  // namespace veneer

#endif  // VENEER_LAYERDB_BASE_FILES_H_
