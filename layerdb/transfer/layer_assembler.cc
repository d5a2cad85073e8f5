// SPDX-License-Identifier: Apache-2.0
#include "layerdb/transfer/layer_assembler.h"

#include <sys/random.h>

#include <algorithm>
#include <utility>

#include "layerdb/base/sys.h"
#include "layerdb/objects/object_store.h"

namespace veneer {

namespace {

// Names of an untrusted archive must not be able to choose where they go in a hash table.
uint64_t RandomSeed() {
  uint64_t seed = 0;
  if (::getrandom(&seed, sizeof seed, GRND_NONBLOCK) != static_cast<ssize_t>(sizeof seed)) {
    // Early at boot: an address is what there is.
    seed = reinterpret_cast<uintptr_t>(&seed);
  }
  return seed;
}

}  // namespace

LayerAssembler::LayerAssembler(Store& store, StoreWriter& store_writer,
                               const TreeBuilder::Limits& limits, std::string dir,
                               ContentSpool spool)
    : store_(store),
      store_writer_(store_writer),
      dir_(std::move(dir)),
      tree_(limits, RandomSeed()),
      spool_(std::move(spool)),
      pack_(store.objects(), store.layout().slices(), store_writer) {}

Result<std::unique_ptr<LayerAssembler>> LayerAssembler::Create(Store& store,
                                                               StoreWriter& store_writer,
                                                               const TreeBuilder::Limits& limits) {
  VENEER_TRY(std::string dir, store_writer.NewLayerDir());
  VENEER_TRY(ContentSpool spool, ContentSpool::Create(store_writer.dir()));
  VENEER_TRY(std::unique_ptr<TarSplitWriter> tar_split,
             TarSplitWriter::Create(dir + StoreLayout::kTarSplitFile));
  std::unique_ptr<LayerAssembler> made(
      new LayerAssembler(store, store_writer, limits, std::move(dir), std::move(spool)));
  made->tar_split_ = std::move(tar_split);
  return made;
}

Result<uint32_t> LayerAssembler::NewContent(uint64_t size) {
  VENEER_TRY_VOID(tar_split_->NextContent());
  owners_.push_back(TreeBuilder::kNoNode);
  const MutexLock lock(mutex_);
  contents_.emplace_back().size = size;
  contents_.back().blocks = DenseBlocks(size);
  return static_cast<uint32_t>(contents_.size() - 1);
}

void LayerAssembler::SetOwner(uint32_t content, TreeBuilder::Node node) { owners_[content] = node; }

void LayerAssembler::SetObject(uint32_t content, const ObjectRef& object, uint64_t blocks) {
  const MutexLock lock(mutex_);
  contents_[content].object = object;
  contents_[content].blocks = blocks;
}

Result<void> LayerAssembler::SetSmall(uint32_t content, std::string_view bytes) {
  if (bytes.size() > StoreWriter::kInlineLimit) {
    VENEER_TRY(const uint32_t number, pack_.Put(bytes));
    const MutexLock lock(mutex_);
    contents_[content].packed = number;
    return {};
  }
  VENEER_TRY(const uint64_t offset, spool_.Append(bytes));
  const MutexLock lock(mutex_);
  contents_[content].spooled_at = offset;
  return {};
}

Result<void> LayerAssembler::EndPack(std::vector<StoredContent>* contents) {
  VENEER_TRY_VOID(pack_.Finish());
  for (StoredContent& content : *contents) {
    if (!content.packed) continue;
    const PackExtent slice = pack_.Where(*content.packed);
    content.object = slice.object;
    content.slice = slice.offset;
  }
  return {};
}

Result<IndexSummary> LayerAssembler::WriteIndex(const std::vector<StoredContent>& contents) {
  VENEER_TRY(const std::unique_ptr<IndexWriter> index, IndexWriter::Create(dir_ + "/index"));
  VENEER_TRY_VOID(tree_.Walk([&](const TreeBuilder::Visited& visited) -> Result<void> {
    IndexEntry entry;
    entry.whiteout = visited.whiteout;
    if (!visited.whiteout) {
      entry.attr = visited.attr;
      entry.opaque = visited.opaque;
      entry.implied = visited.implied;
      entry.xattrs = *visited.xattrs;
      entry.target = visited.target;
      if (visited.attr.type == FileType::kRegular && visited.attr.size > 0) {
        const StoredContent& content = contents[visited.content];
        entry.object = content.object;
        entry.slice = content.slice;
        entry.attr.blocks = content.blocks;
        if (!content.object) {
          VENEER_TRY(entry.inline_bytes, spool_.Read(content.spooled_at, content.size));
        }
      }
    }
    if (visited.dir == 0) return index->PutRoot(entry);
    return index->Put(visited.dir, visited.name, entry);
  }));
  return index->Seal(false);
}

Result<TarSplitContent> LayerAssembler::SpillContent(const StoredContent& content) {
  return tar_split_->Spill([&](FunctionRef<Result<void>(std::string_view)> sink) -> Result<void> {
    if (!content.object) {
      VENEER_TRY(const std::string bytes, spool_.Read(content.spooled_at, content.size));
      return sink(bytes);
    }
    VENEER_TRY_CTX(const Fd fd, store_.objects().OpenObject(*content.object),
                   ObjectPath(*content.object));
    std::string buffer(size_t{256} << 10, '\0');
    for (uint64_t at = 0; at < content.size;) {
      const auto want = static_cast<size_t>(std::min<uint64_t>(buffer.size(), content.size - at));
      VENEER_TRY_CTX(const size_t size,
                     sys::ReadAt(fd.get(), buffer.data(), want, content.slice.value_or(0) + at),
                     ObjectPath(*content.object));
      if (size == 0) return MakeError(ObjectPath(*content.object) + ": cut short");
      VENEER_TRY_VOID(sink({buffer.data(), size}));
      at += size;
    }
    return {};
  });
}

Result<void> LayerAssembler::WriteTarSplit(const std::vector<StoredContent>& contents) {
  VENEER_TRY_VOID(tar_split_->EndOperations());
  std::vector<TarSplitContent> table;
  table.reserve(contents.size());
  for (size_t i = 0; i < contents.size(); ++i) {
    TarSplitContent content{false, 0, contents[i].size};
    if (owners_[i] != TreeBuilder::kNoNode && tree_.IsAlive(owners_[i])) {
      content.where = tree_.InoOf(owners_[i]);
    } else {
      VENEER_TRY(content, SpillContent(contents[i]));
    }
    table.push_back(content);
  }
  return tar_split_->Finish(table);
}

Result<FinishedLayer> LayerAssembler::Finish(const Digest& diff_id, bool publish) {
  FinishedLayer out;
  std::vector<StoredContent> contents;
  {
    const MutexLock lock(mutex_);
    contents.swap(contents_);
  }
  VENEER_TRY_VOID(EndPack(&contents));
  VENEER_TRY(out.summary, WriteIndex(contents));
  VENEER_TRY_VOID(WriteTarSplit(contents));
  out.existed = store_.HasLayer(diff_id);
  if (publish) {
    VENEER_TRY_VOID(store_writer_.PublishLayer(dir_, diff_id));
  } else {
    out.staged = dir_;
  }
  pack_.Remember();
  return out;
}

}  // namespace veneer
