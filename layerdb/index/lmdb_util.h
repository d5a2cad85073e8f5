// SPDX-License-Identifier: Apache-2.0
//
// What the files of this module share of LMDB: owners of its handles, and its errors as ours. The
// only header that includes <lmdb.h>; nobody outside layerdb/index includes it.
#ifndef VENEER_LAYERDB_INDEX_LMDB_UTIL_H_
#define VENEER_LAYERDB_INDEX_LMDB_UTIL_H_

#include <lmdb.h>

#include <memory>
#include <string>
#include <string_view>

#include "layerdb/base/result.h"

namespace veneer {

struct MdbEnvCloser {
  void operator()(MDB_env* env) const { mdb_env_close(env); }
};
using MdbEnv = std::unique_ptr<MDB_env, MdbEnvCloser>;

struct MdbTxnAborter {
  void operator()(MDB_txn* txn) const { mdb_txn_abort(txn); }
};
using MdbTxn = std::unique_ptr<MDB_txn, MdbTxnAborter>;

struct MdbCursorCloser {
  void operator()(MDB_cursor* cursor) const { mdb_cursor_close(cursor); }
};
using MdbCursor = std::unique_ptr<MDB_cursor, MdbCursorCloser>;

inline MDB_val ToVal(std::string_view bytes) {
  // LMDB never writes through a key or value that it is given.
  return {bytes.size(), const_cast<char*>(bytes.data())};
}
inline std::string_view FromVal(const MDB_val& val) {
  return {static_cast<const char*>(val.mv_data), val.mv_size};
}

// `code` as LMDB returns it: an errno, or one of its own. REQUIRES: code != 0.
tl::unexpected<Error> MdbError(int code, std::string_view what);
// The errno that stands for it: LMDB's own codes mean a damaged file, EIO.
inline Errno MdbErrno(int code) { return Errno{code > 0 ? code : EIO}; }

// The result of a failed mdb_txn_commit of the file at `path`. LMDB answers a short write with EIO;
// on a full disk that is ENOSPC.
int CommitError(int code, const std::string& path);

// Opens the environment in `path` (one file, no lock file) with these further flags.
Result<MdbEnv> OpenMdbEnv(const std::string& path, unsigned flags, size_t map_size);

}  // namespace veneer

#endif  // VENEER_LAYERDB_INDEX_LMDB_UTIL_H_
