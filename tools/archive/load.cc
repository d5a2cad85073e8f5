// SPDX-License-Identifier: Apache-2.0
#include "tools/archive/load.h"

#include <unistd.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include "layerdb/catalog/images.h"
#include "layerdb/store/store_writer.h"
#include "layerdb/threads/worker.h"
#include "tools/archive/load_plan.h"
#include "tools/format/time_format.h"

namespace veneer {

namespace {

// Reads the layers of the planned images, each once, and publishes everything at the end.
class Loader {
 public:
  Loader(Store& store, StoreWriter& session, ImageSource& source, const LoadOptions& options)
      : store_(store), session_(session), source_(source), options_(options) {}

  Result<std::vector<LoadedImage>> Load(std::vector<PlannedImage> plan);

 private:
  struct Finished {
    NewImage image;
    std::string config;
    std::vector<std::string> blobs;
  };

  Result<void> CountBytes(const std::vector<PlannedImage>& plan);
  Result<ImportedLayer> ReadLayer(const PlannedLayer& layer);
  Result<ImportedLayer> Import(const PlannedLayer& layer, const SourceFile& file);
  Result<void> SyncBehind();
  Result<void> EndSync();
  Result<void> CheckDigest(const PlannedLayer& layer, const SourceFile& file);
  Result<void> ReadImage(PlannedImage planned);
  Result<std::vector<std::pair<std::string, Digest>>> TakenFromOthers(
      const Finished& finished) const;
  Result<void> Publish();

  Store& store_;
  StoreWriter& session_;
  ImageSource& source_;
  const LoadOptions& options_;
  uint64_t total_ = 0;
  uint64_t done_ = 0;
  std::map<Digest, ImportedLayer> read_;      // by diff id
  std::map<std::string, Digest> undeclared_;  // by file: layers whose diff id only reading tells
  std::set<std::string> checked_;             // files whose digest is right
  std::vector<Finished> finished_;            // each image once
  std::optional<Worker> syncing_;             // last: it uses the session
};

// A plain layer has one digest, which the import checks.
bool HasOwnDigest(const PlannedLayer& layer) {
  return layer.blob && !(layer.diff_id && *layer.blob == BlobDigest(*layer.diff_id));
}

tl::unexpected<Error> OtherDigest(const PlannedLayer& layer, const BlobDigest& digest) {
  return MakeError(layer.name + " has another digest, " + digest.ToString());
}

Result<void> Loader::CountBytes(const std::vector<PlannedImage>& plan) {
  std::set<std::string> seen;
  for (const PlannedImage& image : plan) {
    for (const PlannedLayer& layer : image.layers) {
      if (!seen.insert(layer.name).second) continue;
      VENEER_TRY(const SourceFile file, source_.Open(layer.name));
      total_ += file.size;
    }
  }
  return {};
}

Result<ImportedLayer> Loader::Import(const PlannedLayer& layer, const SourceFile& file) {
  ImportOptions reading;
  reading.cancel = options_.cancel;
  reading.expected_diff_id = layer.diff_id;
  reading.publish = false;
  if (options_.progress) {
    reading.progress = [&](uint64_t done, uint64_t) { options_.progress(done_ + done, total_); };
  }
  std::optional<BlobDigest> digest;
  std::optional<Worker> hasher;
  if (HasOwnDigest(layer)) {
    hasher.emplace([&]() -> Result<void> {
      VENEER_TRY(digest, HashFile(file, layer.blob->algorithm(), options_.cancel));
      return {};
    });
  }
  if (::lseek(file.fd, static_cast<off_t>(file.offset), SEEK_SET) < 0) {
    return MakeError(Errno{errno}, layer.name);
  }
  Result<ImportedLayer> imported =
      ImportLayerFrom(store_, session_, file.fd, layer.name, file.size, reading);
  if (hasher) {
    const Result<void> hashed = hasher->Join();
    if (!hashed && imported) return tl::unexpected(hashed.error());
    // The cause of whatever the import met.
    if (hashed && digest != layer.blob) return OtherDigest(layer, *digest);
    checked_.insert(layer.name);
  }
  return imported;
}

// What was written goes to the disk while the next layer is read and hashed; publishing waits for
// it.
Result<void> Loader::SyncBehind() {
  VENEER_TRY_VOID(EndSync());
  syncing_.emplace([this] { return session_.Sync(); });
  return {};
}

Result<void> Loader::EndSync() {
  if (!syncing_) return {};
  Result<void> synced = syncing_->Join();
  syncing_.reset();
  return synced;
}

// A layer that is known need not be read again, but a blob is what it is called by.
Result<void> Loader::CheckDigest(const PlannedLayer& layer, const SourceFile& file) {
  if (!HasOwnDigest(layer) || !checked_.insert(layer.name).second) return {};
  VENEER_TRY(const BlobDigest digest, HashFile(file, layer.blob->algorithm(), options_.cancel));
  return digest == *layer.blob ? Result<void>() : OtherDigest(layer, digest);
}

Result<ImportedLayer> Loader::ReadLayer(const PlannedLayer& layer) {
  const auto undeclared = undeclared_.find(layer.name);
  const auto known = layer.diff_id                     ? read_.find(*layer.diff_id)
                     : undeclared == undeclared_.end() ? read_.end()
                                                       : read_.find(undeclared->second);
  VENEER_TRY(const SourceFile file, source_.Open(layer.name));
  if (known != read_.end()) {
    VENEER_TRY_VOID(CheckDigest(layer, file));
    return known->second;
  }
  VENEER_TRY(ImportedLayer imported, Import(layer, file));
  VENEER_TRY_VOID(SyncBehind());
  done_ += file.size;
  if (!layer.diff_id) undeclared_.emplace(layer.name, imported.diff_id);
  // Two files of an old archive may hold the same layer.
  return read_.try_emplace(imported.diff_id, imported).first->second;
}

Result<void> Loader::ReadImage(PlannedImage planned) {
  std::vector<Digest> diff_ids;
  uint64_t size = 0;
  for (const PlannedLayer& layer : planned.layers) {
    VENEER_TRY(const ImportedLayer imported, ReadLayer(layer));
    diff_ids.push_back(imported.diff_id);
    size += imported.content_bytes;
  }
  if (planned.config.empty()) {
    Result<std::string> config = ComposeFromLegacy(planned.legacy, diff_ids);
    if (!config) return tl::unexpected(std::move(config).error().Context(planned.config_name));
    VENEER_TRY_VOID(TakeConfig(*std::move(config), &planned));
  }
  const Digest id = Digest::OfBytes(planned.config);
  const auto there = std::ranges::find_if(
      finished_, [&](const Finished& finished) { return finished.image.image.id == id; });
  if (there != finished_.end()) {
    std::vector<std::string>& tags = there->image.tags;
    for (std::string& tag : planned.tags) {
      if (std::ranges::find(tags, tag) == tags.end()) tags.push_back(std::move(tag));
    }
    return {};
  }
  ImageRecord record{id,   diff_ids, ChainIdOf(diff_ids), planned.parsed.created.value_or(kNoTime),
                     size, {}};
  finished_.push_back({{std::move(record), std::move(planned.tags)},
                       std::move(planned.config),
                       std::move(planned.blobs)});
  return {};
}

// The names of the image that another one has now.
Result<std::vector<std::pair<std::string, Digest>>> Loader::TakenFromOthers(
    const Finished& finished) const {
  std::vector<std::pair<std::string, Digest>> taken;
  for (const std::string& tag : finished.image.tags) {
    const Result<FoundImage> there = store_.images().Find(tag);
    if (!there && there.error().exit() != ExitCode::kNotFound) {
      return tl::unexpected(there.error());
    }
    if (there && there->tag == tag && there->image.id != finished.image.image.id) {
      taken.emplace_back(tag, there->image.id);
    }
  }
  return taken;
}

Result<void> Loader::Publish() {
  VENEER_TRY_VOID(EndSync());
  VENEER_TRY_VOID(Cancellation::Check(options_.cancel));
  for (const auto& [diff_id, layer] : read_) {
    if (!layer.staged.empty()) VENEER_TRY_VOID(session_.PublishLayer(layer.staged, diff_id));
  }
  std::vector<NewImage> images;
  for (Finished& finished : finished_) {
    ImageRecord& record = finished.image.image;
    VENEER_TRY(const Digest id, session_.PutBlob(finished.config));
    for (const std::string& blob : finished.blobs) {
      VENEER_TRY(const Digest digest, session_.PutBlob(blob));
      record.blobs.push_back(digest);
    }
    images.push_back(finished.image);
  }
  return store_.images().PutAll(images);
}

Result<std::vector<LoadedImage>> Loader::Load(std::vector<PlannedImage> plan) {
  VENEER_TRY_VOID(CountBytes(plan));
  for (PlannedImage& planned : plan) VENEER_TRY_VOID(ReadImage(std::move(planned)));
  std::vector<LoadedImage> loaded;
  for (const Finished& finished : finished_) {
    VENEER_TRY(auto taken, TakenFromOthers(finished));
    loaded.push_back({finished.image.image.id, finished.image.tags, std::move(taken)});
  }
  VENEER_TRY_VOID(Publish());
  return loaded;
}

Result<std::vector<LoadedImage>> LoadFrom(Store& store, const std::string& source,
                                          const LoadOptions& options) {
  VENEER_TRY(const std::unique_ptr<StoreWriter> session, store.Begin());
  VENEER_TRY(const std::unique_ptr<ImageSource> opened,
             OpenImageSource(source, *session, {options.progress, options.cancel}));
  const PlatformWish wish{options.platform.value_or(HostPlatform()), options.platform.has_value()};
  VENEER_TRY(std::vector<PlannedImage> plan, PlanLoad(*opened, wish));
  return Loader(store, *session, *opened, options).Load(std::move(plan));
}

}  // namespace

Result<std::vector<LoadedImage>> LoadImages(Store& store, const std::string& source,
                                            const LoadOptions& options) {
  Result<std::vector<LoadedImage>> loaded = LoadFrom(store, source, options);
  if (loaded) return loaded;
  return tl::unexpected(
      std::move(loaded).error().Context(source == "-" ? "standard input" : source));
}

}  // namespace veneer
