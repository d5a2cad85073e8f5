// SPDX-License-Identifier: Apache-2.0
#include "layerdb/transfer/import.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <utility>

#include "layerdb/base/sys.h"
#include "layerdb/index/index_reader.h"
#include "layerdb/store/repair.h"
#include "layerdb/tar/block.h"
#include "layerdb/tar/mapping.h"
#include "layerdb/tar/stream_reader.h"
#include "layerdb/transfer/directory_archive.h"
#include "layerdb/transfer/import_pipeline.h"
#include "layerdb/transfer/layer_assembler.h"
#include "layerdb/transfer/layer_rewrite.h"
#include "layerdb/transfer/layer_tar.h"

namespace veneer {

namespace {

// Tells the caller how far the reading is, and notices that it wants to stop.
class Watcher {
 public:
  Watcher(const ImportOptions& options, uint64_t total) : options_(options), total_(total) {}

  Result<void> Seen(uint64_t done) {
    VENEER_TRY_VOID(Cancellation::Check(options_.cancel));
    done_ = done;
    const auto now = std::chrono::steady_clock::now();
    if (options_.progress && now - told_ >= std::chrono::milliseconds(100)) {
      told_ = now;
      options_.progress(done, total_);
    }
    return {};
  }
  void End() {
    if (options_.progress) options_.progress(done_, total_);
  }

 private:
  const ImportOptions& options_;
  const uint64_t total_;
  uint64_t done_ = 0;
  std::chrono::steady_clock::time_point told_{};
};

Result<ImportedLayer> Publish(LayerAssembler& layer, const ParsedArchive& read,
                              const ImportOptions& options) {
  if (options.expected_diff_id && *options.expected_diff_id != read.diff_id) {
    return MakeError("its contents have digest " + read.diff_id.ToString() + " and not " +
                     options.expected_diff_id->ToString());
  }
  VENEER_TRY_VOID(Cancellation::Check(options.cancel));
  ImportedLayer out{read.diff_id, read.tar_bytes, 0, false, {}, {}, {}};
  VENEER_TRY(FinishedLayer finished, layer.Finish(read.diff_id, options.publish));
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

// Publishes the tree that was read as the layer of another archive, which all readers take.
Result<ImportedLayer> Rewrite(Store& store, StoreWriter& store_writer, LayerAssembler& read_layer,
                              const ParsedArchive& read, const ImportOptions& options) {
  VENEER_TRY(const FinishedLayer finished, read_layer.Finish(read.diff_id, false));
  VENEER_TRY(const std::shared_ptr<IndexedLayer> source,
             IndexedLayer::Open(finished.staged + "/index", store.layout().objects()));
  VENEER_TRY(const std::unique_ptr<LayerAssembler> layer,
             LayerAssembler::Create(store, store_writer, LimitsOf(options)));
  VENEER_TRY(const ParsedArchive again, RunImport(store_writer, *layer, false, [&](TarSink sink) {
               return RewriteLayer(*source, options.cancel, sink);
             }));
  VENEER_TRY(ImportedLayer out, Publish(*layer, again, options));
  out.rewritten = read.peculiarity;
  return out;
}

Result<ImportedLayer> ImportArchive(Store& store, StoreWriter& store_writer, int fd,
                                    std::optional<uint64_t> size, const ImportOptions& options) {
  if (options.expected_diff_id && store_writer.HasSoundLayer(*options.expected_diff_id)) {
    Result<ImportedLayer> there = Existing(store, *options.expected_diff_id);
    if (there) return there;
    // How its archive is written is lost. It is read again, and takes the place of what is there.
    VENEER_TRY_VOID(MarkDamaged(store.layout(), *options.expected_diff_id));
  }
  VENEER_TRY(const std::unique_ptr<LayerAssembler> layer,
             LayerAssembler::Create(store, store_writer, LimitsOf(options)));
  // A digest that is promised says that nothing is right.
  const bool may_be_nothing = options.expected_diff_id == Digest::OfBytes({});
  Watcher watcher(options, size.value_or(0));
  VENEER_TRY(
      const ParsedArchive read, RunImport(store_writer, *layer, may_be_nothing, [&](TarSink sink) {
        return ReadUncompressed(
            fd, size, options.cancel, [&](uint64_t done) { return watcher.Seen(done); }, sink);
      }));
  watcher.End();
  if (!options.exact && !options.expected_diff_id && !read.peculiarity.empty()) {
    return Rewrite(store, store_writer, *layer, read, options);
  }
  return Publish(*layer, read, options);
}

Result<ImportedLayer> ImportDirectory(Store& store, StoreWriter& store_writer, const Fd& directory,
                                      const ImportOptions& options) {
  VENEER_TRY(const std::unique_ptr<LayerAssembler> layer,
             LayerAssembler::Create(store, store_writer, LimitsOf(options)));
  Watcher watcher(options, 0);
  std::vector<ArchivedSocket> sockets;
  VENEER_TRY(const ParsedArchive read, RunImport(store_writer, *layer, false, [&](TarSink sink) {
               uint64_t done = 0;
               return ArchiveDirectory(
                   directory.get(), options.source_date_epoch,
                   [&](std::string_view bytes) -> Result<void> {
                     VENEER_TRY_VOID(watcher.Seen(done += bytes.size()));
                     return sink(bytes);
                   },
                   &sockets);
             }));
  watcher.End();
  for (const ArchivedSocket& socket : sockets) {
    TreeBuilder::Object object;
    object.attr = socket.attr;
    object.xattrs = socket.xattrs;
    VENEER_TRY(const LayerName name, ParseLayerName(socket.path));
    if (name.kind != LayerName::Kind::kObject) continue;
    VENEER_TRY_VOID(layer->tree().Add(name.path, object));
  }
  return Publish(*layer, read, options);
}

Result<ImportedLayer> ImportOpen(Store& store, StoreWriter& store_writer, const Fd& fd,
                                 const ImportOptions& options) {
  VENEER_TRY_CTX(const struct stat st, sys::Stat({fd.get()}), "stat");
  if (S_ISDIR(st.st_mode)) return ImportDirectory(store, store_writer, fd, options);
  std::optional<uint64_t> size;
  if (S_ISREG(st.st_mode)) size = static_cast<uint64_t>(st.st_size);
  return ImportArchive(store, store_writer, fd.get(), size, options);
}

}  // namespace

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
