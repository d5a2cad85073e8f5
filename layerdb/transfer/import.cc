// SPDX-License-Identifier: Apache-2.0
#include "layerdb/transfer/import.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>
#include <utility>

#include "layerdb/base/sys.h"
#include "layerdb/index/index_reader.h"
#include "layerdb/store/repair.h"
#include "layerdb/tar/block.h"
#include "layerdb/tar/stream_reader.h"
#include "layerdb/transfer/directory_source.h"
#include "layerdb/transfer/import_pipeline.h"
#include "layerdb/transfer/layer_assembler.h"
#include "layerdb/transfer/layer_sink.h"
#include "layerdb/transfer/layer_source.h"
#include "layerdb/transfer/layer_tar.h"

namespace veneer {

namespace {

Result<ImportedLayer> Publish(LayerAssembler& layer, const LayerArchive& archive,
                              const ImportOptions& options) {
  if (options.expected_diff_id && *options.expected_diff_id != archive.diff_id) {
    return MakeError("its contents have digest " + archive.diff_id.ToString() + " and not " +
                     options.expected_diff_id->ToString());
  }
  VENEER_TRY_VOID(Cancellation::Check(options.cancel));
  ImportedLayer out{archive.diff_id, archive.bytes, 0, false, {}, {}, {}};
  VENEER_TRY(FinishedLayer finished, layer.Finish(archive.diff_id, options.publish));
  out.staged = std::move(finished.staged);
  out.existed = finished.existed;
  out.summary = finished.summary;
  out.content_bytes = finished.summary.bytes + finished.summary.target_bytes;
  return out;
}

// A layer that need not be read, because it is known what it would be.
Result<ImportedLayer> Existing(const Store& store, const Digest& diff_id) {
  VENEER_TRY(const std::shared_ptr<IndexReader> index, store.OpenLayer(diff_id));
  VENEER_TRY(const uint64_t tar_bytes, LayerTarSize(store, diff_id));
  return ImportedLayer{diff_id, tar_bytes, index->CountBytes(), true, index->summary()};
}

TreeBuilder::Limits LimitsOf(const ImportOptions& options) {
  TreeBuilder::Limits limits;
  limits.entries = options.max_entries;
  return limits;
}

// Publishes the tree that `source` gives.
Result<ImportedLayer> ImportSource(Store& store, StoreWriter& store_writer, EntrySource& source,
                                   ReadingProgress& progress, const ImportOptions& options) {
  VENEER_TRY(const std::unique_ptr<LayerAssembler> layer,
             LayerAssembler::Create(store, store_writer, LimitsOf(options)));
  VENEER_TRY(const LayerArchive archive,
             TakeIntoLayer(store, store_writer, *layer, source, progress));
  return Publish(*layer, archive, options);
}

// Publishes the tree that was read as the layer of another archive, which all readers take.
Result<ImportedLayer> Rewrite(Store& store, StoreWriter& store_writer, LayerAssembler& read_layer,
                              const ParsedArchive& read, const ImportOptions& options) {
  VENEER_TRY(const FinishedLayer finished, read_layer.Finish(read.archive.diff_id, false));
  VENEER_TRY(const std::shared_ptr<IndexedLayer> layer,
             IndexedLayer::Open(finished.staged + "/index", store.layout().objects()));
  LayerSource source(*layer, store.objects(), options.cancel);
  ReadingProgress silent({}, options.cancel);
  VENEER_TRY(ImportedLayer out, ImportSource(store, store_writer, source, silent, options));
  out.rewritten = read.peculiarity;
  return out;
}

Result<ImportedLayer> ImportArchive(Store& store, StoreWriter& store_writer, int fd,
                                    std::optional<uint64_t> size, const ImportOptions& options) {
  if (options.expected_diff_id) {
    VENEER_TRY(std::optional<ImportedLayer> there,
               ExistingLayer(store, store_writer, *options.expected_diff_id));
    if (there) return *std::move(there);
  }
  VENEER_TRY(const std::unique_ptr<LayerAssembler> layer,
             LayerAssembler::Create(store, store_writer, LimitsOf(options)));
  // A digest that is promised says that nothing is right.
  const bool may_be_nothing = options.expected_diff_id == Digest::OfBytes({});
  ReadingProgress progress(options.progress, options.cancel, size.value_or(0));
  VENEER_TRY(
      const ParsedArchive read, RunImport(store_writer, *layer, may_be_nothing, [&](TarSink sink) {
        return ReadUncompressed(
            fd, size, options.cancel, [&](uint64_t done) { return progress.Set(done); }, sink);
      }));
  progress.End();
  if (!options.exact && !options.expected_diff_id && !read.peculiarity.empty()) {
    return Rewrite(store, store_writer, *layer, read, options);
  }
  return Publish(*layer, read.archive, options);
}

Result<ImportedLayer> ImportOpen(Store& store, StoreWriter& store_writer, const Fd& fd,
                                 const ImportOptions& options) {
  VENEER_TRY_CTX(const struct stat st, sys::Stat({fd.get()}), "stat");
  if (S_ISDIR(st.st_mode)) {
    DirectorySource source(fd.get(), options.source_date_epoch);
    ReadingProgress progress(options.progress, options.cancel);
    return ImportSource(store, store_writer, source, progress, options);
  }
  std::optional<uint64_t> size;
  if (S_ISREG(st.st_mode)) size = static_cast<uint64_t>(st.st_size);
  return ImportArchive(store, store_writer, fd.get(), size, options);
}

}  // namespace

Result<std::optional<ImportedLayer>> ExistingLayer(Store& store, StoreWriter& store_writer,
                                                   const Digest& diff_id) {
  if (!store_writer.HasSoundLayer(diff_id)) return std::optional<ImportedLayer>();
  Result<ImportedLayer> there = Existing(store, diff_id);
  if (there) return std::optional(*std::move(there));
  // How its archive is written is lost. It is read again, and takes the place of what is there.
  VENEER_TRY_VOID(MarkDamaged(store.layout(), diff_id));
  return std::optional<ImportedLayer>();
}

Result<ImportedLayer> ImportLayerFrom(Store& store, StoreWriter& store_writer, int fd,
                                      const std::string& what, std::optional<uint64_t> size,
                                      const ImportOptions& options) {
  Result<ImportedLayer> imported = ImportArchive(store, store_writer, fd, size, options);
  if (!imported) return tl::unexpected(std::move(imported).error().Context(what));
  return imported;
}

Result<ImportedLayer> ImportLayer(Store& store, StoreWriter& store_writer,
                                  const std::string& source, const ImportOptions& options) {
  if (source == "-") {
    return ImportLayerFrom(store, store_writer, STDIN_FILENO, "standard input", std::nullopt,
                           options);
  }
  const Sys<Fd> fd = sys::OpenFollowing(source, O_RDONLY | O_NOCTTY);
  if (!fd) {
    const int code = fd.error().code;
    return tl::unexpected(Error(source + ": " + ErrnoText(code),
                                code == ENOENT ? ExitCode::kNotFound : ExitCode::kFailed, code));
  }
  Result<ImportedLayer> imported = ImportOpen(store, store_writer, *fd, options);
  if (!imported) return tl::unexpected(std::move(imported).error().Context(source));
  return imported;
}

}  // namespace veneer
