// SPDX-License-Identifier: Apache-2.0
//
// Commit: what a container's writable layer changed becomes one new layer of the store, in time
// that depends on the change and not on the image. Redirects and metadata-only copies are expanded
// through the merged view (OCI layers have neither): a renamed directory of the image is there with
// all its entries, and its contents are the objects that the image has already. Every directory
// above an entry is an entry too, with all its attributes, up to the root: readers differ in what
// they make of one that is only implied.
//
// The archive of the layer is sorted, carries no access times and no user names, and depends on
// nothing but the tree, so that the same tree gives the same diff id.
#ifndef VENEER_LAYERDB_TRANSFER_COMMIT_H_
#define VENEER_LAYERDB_TRANSFER_COMMIT_H_

#include <cstdint>
#include <optional>
#include <string>

#include "layerdb/base/digest.h"
#include "layerdb/base/result.h"
#include "layerdb/catalog/containers.h"
#include "layerdb/index/seal.h"
#include "layerdb/store/store.h"
#include "layerdb/store/store_writer.h"
#include "layerdb/threads/cancellation.h"
#include "layerdb/transfer/change_walk.h"
#include "layerdb/transfer/entry_source.h"
#include "layerdb/transfer/reading_progress.h"

namespace veneer {

struct CommitOptions {
  // Lets the files of the writable layer become the store's instead of copying them
  // (StoreWriter::LinkObject). Only for a container that is unmounted, and that the caller removes
  // when it publishes, with store_writer.PublishLinked(). The writable layer stays as it is until
  // then; if anything fails before, it is used on as if nothing had happened.
  bool move = false;
  // SOURCE_DATE_EPOCH: times after it are clamped to it, those of whiteouts included.
  std::optional<int64_t> source_date_epoch;
  ProgressFunction progress;
  const Cancellation* cancel = nullptr;  // asked, the commit ends with ECANCELED
  uint64_t max_entries = 20'000'000;     // as ImportOptions::max_entries
  UpperRecords records;                  // CommitContainer() fills it in
};

struct CommittedLayer {
  Digest diff_id;
  uint64_t tar_bytes = 0;
  uint64_t content_bytes = 0;  // IndexReader::CountBytes()
  bool existed = false;
  bool empty = false;  // nothing changed: an archive without entries
  IndexSummary summary;
};

// Makes the change of `container` a layer, published in `store_writer`. REQUIRES: the container's
// lock; when it is mounted, its file system was synced and nobody writes meanwhile (else a file may
// be half old). Errors: ENOSPC, ECANCELED (the store is as before); a changed file whose name is
// reserved in image layers (`.wh.x`).
Result<CommittedLayer> CommitContainer(Store& store, StoreWriter& store_writer,
                                       const ContainerRecord& container,
                                       const CommitOptions& options);

// The same for any writable layer over any merged tree: `upper` and `work` directories (contracts
// of fs/upper; an empty `work` means no link index), `tree` a merged index of this store or empty
// for nothing below.
Result<CommittedLayer> CommitUpper(Store& store, StoreWriter& store_writer,
                                   const std::string& upper, const std::string& work,
                                   const std::string& tree, const CommitOptions& options);

// The same for the entries of any source, as the COPY of a build is one. Of `options` those count
// that are not of a writable layer: progress, cancel, max_entries.
Result<CommittedLayer> CommitEntries(Store& store, StoreWriter& store_writer, EntrySource& source,
                                     const CommitOptions& options);

}  // namespace veneer

#endif  // VENEER_LAYERDB_TRANSFER_COMMIT_H_
