// SPDX-License-Identifier: Apache-2.0
#include "layerdb/catalog/partial_blob.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <optional>

#include "layerdb/base/files.h"
#include "layerdb/base/log.h"
#include "layerdb/base/sys.h"
#include "layerdb/base/walk.h"
#include "layerdb/catalog/layout.h"
#include "layerdb/catalog/lease.h"

namespace veneer {

Result<std::unique_ptr<PartialBlob>> PartialBlob::Take(const StoreLayout& layout,
                                                       const BlobDigest& digest,
                                                       const Cancellation* cancel) {
  constexpr std::chrono::milliseconds kPatience{100};
  std::string name = digest.ToString();
  std::ranges::replace(name, ':', '-');
  const std::string dir = layout.staging() + "/blob-" + name;
  for (;;) {
    VENEER_TRY_VOID(Cancellation::Check(cancel));
    VENEER_TRY_CTX_VOID(EnsureDir(dir, 0700), dir);
    Sys<std::optional<Fd>> lease = TakeLease(dir, kPatience);
    if (!lease && lease.error().code == ENOENT) continue;
    if (!lease) return MakeError(lease.error(), dir);
    if (!*lease) continue;
    // Whoever had it before may have removed it.
    VENEER_TRY_CTX(const struct stat st, sys::Stat({(*lease)->get()}), dir);
    if (st.st_nlink == 0) continue;
    std::unique_ptr<PartialBlob> blob(new PartialBlob(dir, **std::move(lease)));
    VENEER_TRY_CTX(blob->file_, sys::Open({blob->lease_.get(), "bytes"}, O_RDWR | O_CREAT, 0600),
                   blob->path());
    return blob;
  }
}

Result<uint64_t> PartialBlob::Size() const {
  VENEER_TRY_CTX(const struct stat st, sys::Stat({file_.get()}), path());
  return static_cast<uint64_t>(st.st_size);
}

Result<void> PartialBlob::Clear() {
  VENEER_TRY_CTX_VOID(sys::Truncate(file_.get(), 0), path());
  return {};
}

void PartialBlob::Remove() {
  if (const Sys<uint64_t> removed = RemoveTree(dir_); !removed) {
    LogWarning("left for prune: " + dir_ + ": " + ErrnoText(removed.error().code));
  }
}

}  // namespace veneer
