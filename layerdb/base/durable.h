// SPDX-License-Identifier: Apache-2.0
//
// Making files and names outlast a power cut: what was written to a file is on the disk after the file was synced, and
// the names in a directory after the directory was, whatever was synced below. Whoever acknowledges a change does both
// first, from the inside out.
//
// Thread-safe.
#ifndef VENEER_LAYERDB_BASE_DURABLE_H_
#define VENEER_LAYERDB_BASE_DURABLE_H_

#include <string>

#include "layerdb/base/result.h"

namespace veneer {

// A file with its attributes, or a directory with its own and its names. The last component is never followed. The error
// names the path.
Result<void> SyncPath(const std::string& path);

// A directory as SyncPath() does, after each file in it. What is deeper is not touched.
Result<void> SyncDirectoryOfFiles(const std::string& path);

}  // namespace veneer

#endif  // VENEER_LAYERDB_BASE_DURABLE_H_
