// SPDX-License-Identifier: Apache-2.0
#include "tools/registry/pull.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "layerdb/base/log.h"
#include "layerdb/base/mutex.h"
#include "layerdb/catalog/images.h"
#include "layerdb/catalog/layer_blobs.h"
#include "layerdb/catalog/partial_blob.h"
#include "layerdb/threads/at_once.h"
#include "layerdb/transfer/import.h"
#include "tools/format/time_format.h"
#include "tools/registry/layer_download.h"

namespace veneer {

namespace {

constexpr size_t kShortDigest = 12;

std::string LayerLabel(const BlobDigest& digest) {
  const std::string text = digest.ToString();
  return text.substr(text.find(':') + 1, kShortDigest);
}

// Fetches layers.
class LayerPuller {
 public:
  // `wanted`: bottom first. `was_here`: the image, so that nothing is told of layers that are here.
  LayerPuller(Store& store, StoreWriter& writer, RegistryClient& client,
              const std::vector<RemoteLayer>& wanted, const PullOptions& options, bool was_here)
      : store_(store),
        writer_(writer),
        client_(client),
        wanted_(wanted),
        options_(options),
        was_here_(was_here),
        stop_(options.cancel) {}

  // Returns the bytes of all files of all layers.
  Result<uint64_t> PullAll();
  // The digests of the layers that were kept as they travelled.
  std::vector<Digest> kept() const;
  // The blobs of the layers of which it is certain that they are those of the documents.
  Result<std::vector<LayerBlobs::Learnt>> Learnt() const;

 private:
  Result<void> PullOne(const RemoteLayer& layer);
  // Into the store, and anew where what an earlier pull left of it is damaged.
  Result<void> Fetch(const RemoteLayer& layer, PartialBlob& partial);
  // `useless`: whether what has come of it is.
  Result<void> FetchOnce(const RemoteLayer& layer, PartialBlob& partial, bool* useless);
  Result<bool> TakeExisting(const RemoteLayer& layer);
  void Tell(const RemoteLayer& layer, LayerStep step, uint64_t done = 0);

  Store& store_;
  StoreWriter& writer_;
  RegistryClient& client_;
  const std::vector<RemoteLayer>& wanted_;
  const PullOptions& options_;
  const bool was_here_;
  Cancellation stop_;
  std::vector<const RemoteLayer*> layers_;  // each once
  mutable Mutex mutex_;
  std::map<Digest, uint64_t> content_bytes_ GUARDED_BY(mutex_);
  std::set<Digest> kept_ GUARDED_BY(mutex_);
  std::set<Digest> fetched_ GUARDED_BY(mutex_);  // diff ids
};

void LayerPuller::Tell(const RemoteLayer& layer, LayerStep step, uint64_t done) {
  if (!options_.event || (was_here_ && step == LayerStep::kAlreadyExists)) return;
  const MutexLock lock(mutex_);
  options_.event({LayerLabel(layer.blob.digest), step, done, layer.blob.size});
}

std::vector<Digest> LayerPuller::kept() const {
  const MutexLock lock(mutex_);
  return {kept_.begin(), kept_.end()};
}

Result<std::vector<LayerBlobs::Learnt>> LayerPuller::Learnt() const {
  std::vector<LayerBlobs::Learnt> learnt;
  const std::string repository = client_.RepositoryName();
  const MutexLock lock(mutex_);
  for (const RemoteLayer* const layer : layers_) {
    const std::optional<Digest> digest = Digest::Parse(layer->blob.digest.ToString());
    if (!digest) continue;
    // That a layer which was here is this blob is what the documents say, and nobody has looked.
    bool proven = fetched_.contains(layer->diff_id);
    bool known = false;
    VENEER_TRY(const std::vector<LayerBlob> blobs, store_.layer_blobs().Find(layer->diff_id));
    for (const LayerBlob& blob : blobs) {
      if (blob.digest != *digest || !blob.compression.empty()) continue;
      proven = true;
      known = known || std::ranges::find(blob.repositories, repository) != blob.repositories.end();
    }
    if (!proven || known) continue;
    LayerBlob blob{*digest, layer->blob.size, layer->blob.media_type, {}, {repository}};
    learnt.push_back({layer->diff_id, std::move(blob)});
  }
  return learnt;
}

Result<uint64_t> LayerPuller::PullAll() {
  std::set<Digest> seen;
  std::vector<const RemoteLayer*> lacking;
  size_t not_kept = 0;
  for (const RemoteLayer& layer : wanted_) {
    if (!seen.insert(layer.diff_id).second) continue;
    layers_.push_back(&layer);
    VENEER_TRY(const bool exists, TakeExisting(layer));
    Tell(layer, exists ? LayerStep::kAlreadyExists : LayerStep::kPullingFsLayer);
    if (!exists) lacking.push_back(&layer);
    const std::optional<Digest> blob = Digest::Parse(layer.blob.digest.ToString());
    if (exists && options_.keep_compressed && !(blob && store_.HasBlob(*blob))) ++not_kept;
  }
  if (not_kept > 0) {
    LogWarning(
        std::to_string(not_kept) +
        " of the layers are here already, without the compressed bytes, which are not fetched");
  }
  for (size_t i = options_.at_once; i < lacking.size(); ++i) {
    Tell(*lacking[i], LayerStep::kWaiting);
  }
  VENEER_TRY_VOID(RunAtOnce(lacking.size(), options_.at_once, stop_,
                            [&](size_t i) { return PullOne(*lacking[i]); }));
  uint64_t size = 0;
  const MutexLock lock(mutex_);
  for (const RemoteLayer& layer : wanted_) size += content_bytes_[layer.diff_id];
  return size;
}

Result<bool> LayerPuller::TakeExisting(const RemoteLayer& layer) {
  VENEER_TRY(const std::optional<ImportedLayer> there,
             ExistingLayer(store_, writer_, layer.diff_id));
  if (!there) return false;
  const MutexLock lock(mutex_);
  content_bytes_[layer.diff_id] = there->content_bytes;
  return true;
}

Result<void> LayerPuller::PullOne(const RemoteLayer& layer) {
  VENEER_TRY(const std::unique_ptr<PartialBlob> partial,
             PartialBlob::Take(store_.layout(), layer.blob.digest, &stop_));
  // Another process may have fetched it while this one waited.
  VENEER_TRY(const bool exists, TakeExisting(layer));
  if (exists) {
    partial->Remove();
    Tell(layer, LayerStep::kAlreadyExists);
    return {};
  }
  VENEER_TRY_VOID(Fetch(layer, *partial));
  Tell(layer, LayerStep::kPullComplete);
  return {};
}

Result<void> LayerPuller::Fetch(const RemoteLayer& layer, PartialBlob& partial) {
  VENEER_TRY(const uint64_t kept, partial.Size());
  bool useless = false;
  Result<void> fetched = FetchOnce(layer, partial, &useless);
  if (useless && kept > 0) {
    // A power cut may have left zeros where the server's bytes were.
    VENEER_TRY_VOID(partial.Clear());
    fetched = FetchOnce(layer, partial, &useless);
  }
  if (useless) partial.Remove();
  return fetched;
}

Result<void> LayerPuller::FetchOnce(const RemoteLayer& layer, PartialBlob& partial, bool* useless) {
  *useless = false;
  const std::string what = client_.RepositoryName() + "@" + layer.blob.digest.ToString();
  VENEER_TRY(const std::unique_ptr<LayerDownload> download,
             LayerDownload::Start(client_, layer.blob, partial, [&](uint64_t done) {
               Tell(
                   layer,
                   done == layer.blob.size ? LayerStep::kDownloadComplete : LayerStep::kDownloading,
                   done);
             }));
  ImportOptions reading;
  reading.cancel = &stop_;
  reading.expected_diff_id = layer.diff_id;
  reading.publish = false;
  const Result<ImportedLayer> imported =
      ImportLayerFrom(store_, writer_, download->fd(), what, std::nullopt, reading);
  VENEER_TRY(const std::optional<BlobDigest> digest, download->Finish());
  if (digest && *digest != layer.blob.digest) {
    *useless = true;
    return MakeError(what + ": the server sends a layer with another digest, " +
                     digest->ToString());
  }
  if (!imported) {
    // A failure of the system is none of the bytes, and the next pull needs them.
    *useless = imported.error().code() == 0;
    return tl::unexpected(imported.error());
  }
  if (!digest) return MakeError(what + ": not all of it was read");
  if (!imported->staged.empty()) {
    VENEER_TRY_VOID(writer_.PublishLayer(imported->staged, layer.diff_id));
  }
  const bool keep =
      options_.keep_compressed && layer.blob.digest.algorithm() == BlobDigest::Algorithm::kSha256;
  const std::optional<Digest> blob = Digest::Parse(layer.blob.digest.ToString());
  if (keep && blob) VENEER_TRY_VOID(writer_.PublishBlob(partial.path(), *blob));
  partial.Remove();
  const MutexLock lock(mutex_);
  content_bytes_[layer.diff_id] = imported->content_bytes;
  fetched_.insert(layer.diff_id);
  if (keep && blob) kept_.insert(*blob);
  return {};
}

// True where the store has this image under this name, as of this digest.
bool IsHere(Store& store, const Reference& reference, const RemoteImage& image) {
  const Result<FoundImage> there = store.images().Find(reference.ToString());
  const std::string named = reference.Repository() + "@" + image.digest.ToString();
  return there && there->image.id == image.id &&
         std::ranges::find(there->image.repo_digests, named) != there->image.repo_digests.end();
}

}  // namespace

Result<uint64_t> PullLayers(Store& store, StoreWriter& writer, RegistryClient& client,
                            const std::vector<RemoteLayer>& layers, const PullOptions& options) {
  LayerPuller puller(store, writer, client, layers, options, false);
  VENEER_TRY(const uint64_t size, puller.PullAll());
  VENEER_TRY(const std::vector<LayerBlobs::Learnt> learnt, puller.Learnt());
  VENEER_TRY_VOID(store.layer_blobs().Learn(learnt));
  return size;
}

Result<PulledImage> PullImage(Store& store, RegistryClient& client, const Reference& reference,
                              const PullOptions& options) {
  const std::string wanted = reference.digest ? reference.digest->ToString()
                                              : reference.tag.value_or(std::string(kDefaultTag));
  VENEER_TRY(const RemoteImage image, PlanPull(store, client, wanted, options.platform));
  const bool was_here = IsHere(store, reference, image);
  if (options.begin) options.begin(reference);
  VENEER_TRY(const std::unique_ptr<StoreWriter> writer, store.Begin());
  LayerPuller puller(store, *writer, client, image.layers, options, was_here);
  VENEER_TRY(const uint64_t size, puller.PullAll());
  VENEER_TRY_VOID(Cancellation::Check(options.cancel));
  std::vector<Digest> diff_ids;
  for (const RemoteLayer& layer : image.layers) diff_ids.push_back(layer.diff_id);
  ImageRecord record{
      image.id, diff_ids, ChainIdOf(diff_ids), image.parsed.created.value_or(kNoTime), size, {}};
  VENEER_TRY_VOID(writer->PutBlob(image.config));
  // The manifest itself first: it is the one that `save` and `inspect` look for.
  for (auto document = image.documents.rbegin(); document != image.documents.rend(); ++document) {
    VENEER_TRY(const Digest digest, writer->PutBlob(*document));
    record.blobs.push_back(digest);
  }
  for (const Digest& blob : puller.kept()) record.blobs.push_back(blob);
  record.repo_digests = {reference.Repository() + "@" + image.digest.ToString()};
  std::vector<std::string> tags;
  if (!reference.digest) tags.push_back(reference.TagName());
  VENEER_TRY_VOID(store.images().Put(record, tags));
  VENEER_TRY(const std::vector<LayerBlobs::Learnt> learnt, puller.Learnt());
  VENEER_TRY_VOID(store.layer_blobs().Learn(learnt));
  return PulledImage{image.id, image.digest, was_here};
}

}  // namespace veneer
