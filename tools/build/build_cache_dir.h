// SPDX-License-Identifier: Apache-2.0
//
// The directories of RUN --mount=type=cache. They lie in the store and outlast builds. A lock on
// each tells who uses it; it ends with its process.
#ifndef VENEER_TOOLS_BUILD_BUILD_CACHE_DIR_H_
#define VENEER_TOOLS_BUILD_BUILD_CACHE_DIR_H_

#include <cstdint>
#include <string>
#include <vector>

#include "layerdb/base/fd.h"
#include "layerdb/base/result.h"
#include "layerdb/store/store.h"
#include "layerdb/threads/cancellation.h"
#include "tools/dockerfile/run_mount.h"

namespace veneer {

struct OpenCacheDir {
  std::string path;   // of the directory to be mounted
  bool made = false;  // it is new, and empty
  Fd lock;
};

// The directory of `mount`, made with its owner and mode where there is none. `fresh`: empty, what
// was there is thrown away, unless another step uses it at this moment. Waits while another step
// has it to itself (sharing=locked); a private one that is in use is another directory each time.
// ECANCELED.
Result<OpenCacheDir> OpenBuildCache(const Store& store, const RunMount& mount, bool fresh,
                                    const Cancellation* cancel);

struct CacheDirUsage {
  std::string id;      // as people wrote it, or the target
  std::string name;    // of its directory in the store
  uint64_t bytes = 0;  // on disk
  int64_t used = 0;    // when it was last opened, in seconds since 1970
  bool in_use = false;
};
Result<std::vector<CacheDirUsage>> ListBuildCaches(const Store& store);
// False: it is in use, and stays.
Result<bool> RemoveBuildCache(const Store& store, const std::string& name);

}  // namespace veneer

#endif  // VENEER_TOOLS_BUILD_BUILD_CACHE_DIR_H_
