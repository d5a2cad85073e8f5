// SPDX-License-Identifier: Apache-2.0
#include "layerdb/transfer/layer_tar.h"

#include <algorithm>
#include <string>
#include <vector>

#include "layerdb/base/hash.h"
#include "layerdb/base/sys.h"
#include "layerdb/index/index_reader.h"
#include "layerdb/objects/object_store.h"
#include "layerdb/tar/block.h"
#include "layerdb/tar/tar_split.h"

namespace veneer {

namespace {

constexpr size_t kReadSize = size_t{256} << 10;

Result<std::unique_ptr<TarSplitReader>> OpenTarSplit(const Store& store, const Digest& diff_id) {
  if (!store.HasLayer(diff_id)) {
    return MakeError("no layer " + diff_id.ToString() + " in the store", ExitCode::kNotFound);
  }
  return TarSplitReader::Open(store.layout().layer_tar_split(diff_id));
}

// Where a layer's contents are, by inode number.
class LayerContents {
 public:
  LayerContents(const Store& store, const IndexReader& index) : store_(store), index_(index) {}

  Result<void> ReadIndex() {
    positions_.assign(index_.summary().next_ino, 0);
    bool sound = true;
    VENEER_TRY_CTX_VOID(
        index_.ForEach([&](uint64_t, std::string_view, const IndexReader::Record& found) {
          if (found.entry.whiteout() || found.entry.type() != FileType::kRegular) return true;
          sound = found.entry.ino() < positions_.size();
          if (sound) positions_[found.entry.ino()] = found.position;
          return sound;
        }),
        index_.path());
    return sound ? Result<void>() : Damaged("an inode number");
  }

  // Gives a piece of a content to `sink`.
  Result<void> Read(uint64_t ino, uint64_t offset, uint64_t size, TarSink sink) {
    if (ino >= positions_.size() || positions_[ino] == 0) return Damaged("a file is missing");
    VENEER_TRY_CTX(const EntryView entry, index_.At(positions_[ino]), index_.path());
    if (offset > entry.size() || size > entry.size() - offset) return Damaged("a file's size");
    const std::optional<ObjectRef> object = entry.object();
    if (!object) return sink(entry.inline_bytes().substr(offset, size));
    if (!fd_ || *object != open_) {
      Sys<Fd> opened = store_.objects().OpenObject(*object);
      if (!opened) return Object(*object, opened.error());
      fd_ = *std::move(opened);
      open_ = *object;
    }
    offset += entry.slice().value_or(0);
    while (size > 0) {
      const auto want = static_cast<size_t>(std::min<uint64_t>(size, buffer_.size()));
      const Sys<size_t> got = sys::ReadAt(fd_.get(), buffer_.data(), want, offset);
      if (!got) return Object(*object, got.error());
      if (*got == 0) return Object(*object, Errno{ENODATA});
      VENEER_TRY_VOID(sink({buffer_.data(), *got}));
      offset += *got;
      size -= *got;
    }
    return {};
  }

 private:
  tl::unexpected<Error> Damaged(const char* what) const {
    return DamageError(index_.path() + ": does not fit its tar-split (" + what + ")");
  }
  tl::unexpected<Error> Object(const ObjectRef& ref, Errno e) const {
    return DamageError(store_.layout().objects() + "/" + ObjectPath(ref) + ": " +
                       (e.code == ENODATA ? "cut short" : ErrnoText(e.code)));
  }

  const Store& store_;
  const IndexReader& index_;
  std::vector<uint64_t> positions_;
  Fd fd_;
  ObjectRef open_;
  std::string buffer_ = std::string(kReadSize, '\0');
};

}  // namespace

Result<uint64_t> WriteLayerTar(const Store& store, const Digest& diff_id, TarSink sink) {
  VENEER_TRY(const std::unique_ptr<TarSplitReader> tar_split, OpenTarSplit(store, diff_id));
  VENEER_TRY(const std::shared_ptr<IndexReader> index, store.OpenLayer(diff_id));
  LayerContents contents(store, *index);
  VENEER_TRY_VOID(contents.ReadIndex());
  VENEER_TRY_VOID(
      tar_split->Run(sink, [&](size_t number, uint64_t offset, uint64_t size) -> Result<void> {
        const TarSplitContent& content = tar_split->contents()[number];
        if (!content.spilled) return contents.Read(content.where, offset, size, sink);
        uint64_t at = 0;
        return tar_split->ReadSpilled(content, [&](std::string_view bytes) -> Result<void> {
          // The part of these bytes that lies in [offset, offset + size).
          const uint64_t from = std::clamp<uint64_t>(offset, at, at + bytes.size());
          const uint64_t to = std::clamp<uint64_t>(offset + size, from, at + bytes.size());
          const std::string_view part = bytes.substr(from - at, to - from);
          at += bytes.size();
          return part.empty() ? Result<void>() : sink(part);
        });
      }));
  return tar_split->archive_size();
}

Result<uint64_t> LayerTarSize(const Store& store, const Digest& diff_id) {
  VENEER_TRY(const std::unique_ptr<TarSplitReader> tar_split, OpenTarSplit(store, diff_id));
  return tar_split->archive_size();
}

Result<void> VerifyLayer(const Store& store, const Digest& diff_id) {
  Sha256Stream sha;
  VENEER_TRY(const uint64_t size,
             WriteLayerTar(store, diff_id, [&](std::string_view bytes) -> Result<void> {
               sha.Update(bytes);
               return {};
             }));
  IgnoreError(Result<uint64_t>(size), "only the digest matters");
  if (sha.FinishHex() == diff_id.hex()) return {};
  return DamageError("layer " + diff_id.ToString() + " is damaged: its archive has another digest");
}

}  // namespace veneer
