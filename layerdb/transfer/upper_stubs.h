// SPDX-License-Identifier: Apache-2.0
//
// UpperStubs: which objects of a writable layer are stubs that a running session has made to mount
// on (model/mount_stub.h), and nothing else. They are no change of the container.
//
// Thread-safety: none.
#ifndef VENEER_LAYERDB_TRANSFER_UPPER_STUBS_H_
#define VENEER_LAYERDB_TRANSFER_UPPER_STUBS_H_

#include <sys/types.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "layerdb/base/result.h"
#include "layerdb/layer/dir_layer.h"
#include "layerdb/model/mount_stub.h"

namespace veneer {

class UpperStubs {
 public:
  // `upper` must outlive it.
  explicit UpperStubs(const DirLayer& upper) : upper_(upper) {}
  // Reads the record of the stubs, which may be missing.
  Result<void> Read(const std::string& record);

  // True when `path` (no slash in front), whose directory is `parent`, is a stub that the session
  // removes at its end, or is gone already. So it is as if it were not there.
  Result<bool> IsStubOnly(const LayerRef& parent, const std::string& path) const;
  // Of the directory `path`, as it is when the session has ended.
  Result<Timestamp> MtimeWithoutStubs(const std::string& path, const LayerObject& directory) const;

 private:
  const DirLayer& upper_;
  std::map<std::string, Stub> stubs_;    // by path, no slash in front
  std::pair<uid_t, gid_t> stubs_owner_;  // that of the record
  // By the directory that they were made in, in the order of their making.
  std::map<std::string, std::vector<Stub>> stubs_in_;
};

}  // namespace veneer

#endif  // VENEER_LAYERDB_TRANSFER_UPPER_STUBS_H_
