// SPDX-License-Identifier: Apache-2.0
//
// LayerAssembler: a layer in the making, whatever it is made from: the tree of its entries, where
// their contents are, and the tar-split of its archive. Finish() writes index and tar-split and
// publishes the layer.
//
// Contents have numbers in the order of NewContent(), which must be the order in which the
// tar-split gets them. SetObject() may be called from any thread, everything else from one.
#ifndef VENEER_LAYERDB_TRANSFER_LAYER_ASSEMBLER_H_
#define VENEER_LAYERDB_TRANSFER_LAYER_ASSEMBLER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "layerdb/base/digest.h"
#include "layerdb/base/mutex.h"
#include "layerdb/base/result.h"
#include "layerdb/index/index_writer.h"
#include "layerdb/objects/pack_writer.h"
#include "layerdb/store/store.h"
#include "layerdb/store/store_writer.h"
#include "layerdb/tar/tar_split.h"
#include "layerdb/tar/tree_builder.h"
#include "layerdb/transfer/content_spool.h"

namespace veneer {

// Where the contents of a regular file are.
struct StoredContent {
  uint64_t size = 0;
  uint64_t blocks = 0;              // of 512 bytes
  std::optional<ObjectRef> object;  // nullopt: in the index, or in the pack until that is ended
  std::optional<uint64_t> slice;    // a part of the object, from here
  std::optional<uint32_t> packed;   // its number in the pack
  uint64_t spooled_at = 0;          // for the index: here until that is written
};

struct FinishedLayer {
  IndexSummary summary;
  bool existed = false;
  std::string staged;  // the directory for StoreWriter::PublishLayer(), when that is still to come
};

class LayerAssembler {
 public:
  static Result<std::unique_ptr<LayerAssembler>> Create(Store& store, StoreWriter& store_writer,
                                                        const TreeBuilder::Limits& limits);

  TreeBuilder& tree() { return tree_; }
  TarSplitWriter& tar_split() { return *tar_split_; }

  // A content of `size` bytes, which is not zero. Tells the tar-split that it begins.
  Result<uint32_t> NewContent(uint64_t size);
  // The node that has it.
  void SetOwner(uint32_t content, TreeBuilder::Node node);
  // Where it went: into an object of its own; or, at most StoreWriter::kPackLimit bytes, into the
  // index or beside others.
  void SetObject(uint32_t content, const ObjectRef& object, uint64_t blocks);
  Result<void> SetSmall(uint32_t content, std::string_view bytes);

  // Writes and publishes, or (`publish` false) leaves it to the caller to publish. All contents
  // must be set. Call once.
  Result<FinishedLayer> Finish(const Digest& diff_id, bool publish = true);

 private:
  LayerAssembler(Store& store, StoreWriter& store_writer, const TreeBuilder::Limits& limits,
                 std::string dir, ContentSpool spool);
  Result<void> EndPack(std::vector<StoredContent>* contents);
  Result<IndexSummary> WriteIndex(const std::vector<StoredContent>& contents);
  Result<void> WriteTarSplit(const std::vector<StoredContent>& contents);
  Result<TarSplitContent> SpillContent(const StoredContent& content);

  Store& store_;
  StoreWriter& store_writer_;
  const std::string dir_;
  TreeBuilder tree_;
  ContentSpool spool_;
  PackWriter pack_;
  std::unique_ptr<TarSplitWriter> tar_split_;

  Mutex mutex_;
  std::vector<StoredContent> contents_ GUARDED_BY(mutex_);
  std::vector<TreeBuilder::Node> owners_;
};

}  // namespace veneer

#endif  // VENEER_LAYERDB_TRANSFER_LAYER_ASSEMBLER_H_
