// SPDX-License-Identifier: Apache-2.0
//
// PartialBlob: a blob on its way into the store, whose bytes outlast the process that fetches them,
// so that another goes on where that one stopped. One process at a time has it (lease.h); what
// nobody has, prune removes.
//
// Not thread-safe.
#ifndef VENEER_LAYERDB_CATALOG_PARTIAL_BLOB_H_
#define VENEER_LAYERDB_CATALOG_PARTIAL_BLOB_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "layerdb/base/blob_digest.h"
#include "layerdb/base/fd.h"
#include "layerdb/base/result.h"
#include "layerdb/threads/cancellation.h"

namespace veneer {

class StoreLayout;

class PartialBlob {
 public:
  // Takes it, or waits until the process that has it is done with it. ECANCELED.
  static Result<std::unique_ptr<PartialBlob>> Take(const StoreLayout& layout,
                                                   const BlobDigest& digest,
                                                   const Cancellation* cancel);
  // What has come stays, unless Remove() was called.
  ~PartialBlob() = default;
  PartialBlob(const PartialBlob&) = delete;
  PartialBlob& operator=(const PartialBlob&) = delete;

  // Open for reading and writing.
  int fd() const { return file_.get(); }
  std::string path() const { return dir_ + "/bytes"; }
  // The bytes that have come so far. Nothing vouches for them but the digest of the whole.
  Result<uint64_t> Size() const;
  // It begins anew: what has come is of no use.
  Result<void> Clear();
  // Nobody needs it any more. What cannot be removed is left for prune.
  void Remove();

 private:
  PartialBlob(std::string dir, Fd lease) : dir_(std::move(dir)), lease_(std::move(lease)) {}

  const std::string dir_;
  const Fd lease_;
  Fd file_;
};

}  // namespace veneer

#endif  // VENEER_LAYERDB_CATALOG_PARTIAL_BLOB_H_
