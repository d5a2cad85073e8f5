// SPDX-License-Identifier: Apache-2.0
#include "layerdb/transfer/layer_sink.h"

#include <cerrno>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "layerdb/model/xattr_limits.h"
#include "layerdb/tar/mapping.h"
#include "layerdb/tar/names.h"
#include "layerdb/tar/writer.h"

namespace veneer {

LayerSink::LayerSink(Store& store, StoreWriter& store_writer, LayerAssembler& layer,
                     ReadingProgress& progress)
    : layer_(layer), progress_(progress), pipeline_(store, store_writer, layer, progress) {}

Result<void> LayerSink::Mark(const std::string& path) {
  empty_ = false;
  return pipeline_.Raw(TarHeaders::Mark(path));
}

Result<void> LayerSink::Whiteout(std::string_view path) {
  VENEER_TRY_VOID(progress_.Add(0));
  VENEER_TRY_VOID(Mark(WhiteoutPath(path)));
  VENEER_TRY(const TreePath name, ParseTarPath(path, kMaxName));
  return layer_.tree().AddWhiteout(name);
}

Result<void> LayerSink::Opaque(std::string_view path) {
  VENEER_TRY_VOID(Mark(OpaquePath(path)));
  VENEER_TRY(const TreePath directory, ParseTarPath(path, kMaxName));
  return layer_.tree().MakeOpaque(directory);
}

Result<void> LayerSink::Add(const SourceEntry& entry, OpenContent open_content) {
  VENEER_TRY_VOID(progress_.Add(0));
  VENEER_TRY(const TreePath path, ParseTarPath(entry.path, kMaxName));
  if (!path.empty() && IsReservedInLayers(path.back())) {
    return MakeError(entry.Shown() +
                     ": an image layer cannot hold this name, it would be read as a deletion; "
                     "rename the file");
  }
  empty_ = false;
  const FileType type = entry.attr.type;
  if (entry.key && type != FileType::kSocket) {
    if (const auto header = headers_.HardLink(entry.Output(), entry.key)) {
      VENEER_TRY_VOID(pipeline_.Raw(*header));
      VENEER_TRY(const TreePath target, ParseTarPath(*headers_.FirstName(*entry.key), kMaxName));
      return layer_.tree().AddHardLink(path, target);
    }
  }
  if (type == FileType::kRegular) return AddFile(entry, open_content, path);
  // No archive can hold a socket; the layer does. What was in its place must not come back for who
  // reads the archive.
  if (type != FileType::kSocket) {
    VENEER_TRY_VOID(pipeline_.Raw(headers_.Header(entry.Output(), entry.key)));
  } else if (entry.replaces) {
    VENEER_TRY_VOID(Mark(WhiteoutPath(entry.path)));
  }
  VENEER_TRY_VOID(layer_.tree().Add(path, {entry.attr, entry.target, entry.xattrs}));
  return {};
}

Result<void> LayerSink::AddFile(const SourceEntry& entry, OpenContent open_content,
                                const TreePath& path) {
  SourceContent source;
  if (entry.attr.size > 0) {
    VENEER_TRY(std::optional<SourceContent> opened, open_content());
    if (!opened) return {};
    source = *std::move(opened);
    if (source.stored && source.fd() < 0 && source.content.bytes.size() != entry.attr.size) {
      return source.Failed(entry, Errno{EIO});
    }
  }
  const auto headers = [&](uint64_t size, const std::vector<SparseExtent>* sparse) {
    TarOutput sized = entry.Output();
    sized.attr.size = size;
    sized.sparse = sparse;
    return headers_.Header(sized, entry.key);
  };
  Result<LayerPipeline::File> file = pipeline_.AddFile(source, headers);
  if (!file) return tl::unexpected(std::move(file).error().Context(entry.Shown()));
  TreeBuilder::Object object{entry.attr, {}, entry.xattrs};
  object.attr.size = file->size;
  if (file->content) object.content = *file->content;
  VENEER_TRY(const TreeBuilder::Node node, layer_.tree().Add(path, object));
  if (file->content) layer_.SetOwner(*file->content, node);
  return {};
}

Result<LayerArchive> LayerSink::Finish() {
  VENEER_TRY_VOID(progress_.Add(0));
  VENEER_TRY_VOID(pipeline_.Raw(TarEndMark()));
  VENEER_TRY(const Digest diff_id, pipeline_.Finish());
  return LayerArchive{diff_id, layer_.tar_split().archive_size(), empty_};
}

Result<LayerArchive> TakeIntoLayer(Store& store, StoreWriter& store_writer, LayerAssembler& layer,
                                   EntrySource& source, ReadingProgress& progress) {
  try {
    LayerSink sink(store, store_writer, layer, progress);
    VENEER_TRY_VOID(source.Run(sink));
    VENEER_TRY(LayerArchive archive, sink.Finish());
    progress.End();
    return archive;
  } catch (const std::system_error& e) {
    return MakeError(Errno{e.code().value()}, "start a thread");
  }
}

}  // namespace veneer
