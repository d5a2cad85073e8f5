// SPDX-License-Identifier: Apache-2.0
#include "layerdb/index/lmdb_util.h"

#include <sys/statvfs.h>

namespace veneer {

tl::unexpected<Error> MdbError(int code, std::string_view what) {
  if (code > 0) return MakeError(Errno{code}, what);
  return MakeError(std::string(what) + ": " + mdb_strerror(code));
}

int CommitError(int code, const std::string& path) {
  constexpr uint64_t kFull = uint64_t{1} << 20;  // more than LMDB writes with one call
  struct statvfs fs;
  if (code == EIO && statvfs(path.c_str(), &fs) == 0 && fs.f_bavail * fs.f_frsize < kFull) {
    return ENOSPC;
  }
  return code;
}

Result<MdbEnv> OpenMdbEnv(const std::string& path, unsigned flags, size_t map_size) {
  MDB_env* raw = nullptr;
  if (const int rc = mdb_env_create(&raw); rc != 0) return MdbError(rc, path);
  MdbEnv env(raw);
  if (const int rc = mdb_env_set_mapsize(raw, map_size); rc != 0) return MdbError(rc, path);
  const unsigned all = flags | MDB_NOSUBDIR | MDB_NOLOCK;
  if (const int rc = mdb_env_open(raw, path.c_str(), all, 0600); rc != 0) {
    return MdbError(rc, path);
  }
  return env;
}

}  // namespace veneer
