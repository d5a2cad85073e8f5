// SPDX-License-Identifier: Apache-2.0
#include "tools/registry/push.h"

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "layerdb/base/mutex.h"
#include "layerdb/catalog/images.h"
#include "layerdb/catalog/layer_blobs.h"
#include "layerdb/store/store_writer.h"
#include "layerdb/threads/at_once.h"
#include "layerdb/transfer/layer_tar.h"
#include "tools/oci/compose.h"
#include "tools/registry/blob_upload.h"
#include "tools/registry/layer_bytes.h"

namespace veneer {

namespace {

constexpr size_t kShortDiffId = 12;
// Of one layer. Where none of them helps, asking on costs more than sending.
constexpr int kMaxMounts = 3;

// Sends the layers of one image.
class LayerPusher {
 public:
  LayerPusher(Store& store, RegistryClient& client, const Reference& reference,
              const ImageToPush& image, const PushOptions& options)
      : store_(store),
        client_(client),
        reference_(reference),
        image_(image),
        options_(options),
        compression_(options.compression.value_or(kPushCompression)),
        stop_(options.cancel) {}

  // The blobs that the registry has of the image's layers, bottom first.
  Result<std::vector<Descriptor>> PushAll();

 private:
  Result<void> PushOne(const LayerToPush& layer);
  Result<bool> Mount(const LayerToPush& layer, BlobUpload* upload);
  Result<void> Send(const LayerToPush& layer, uint64_t tar_size, BlobUpload* upload);
  // The repositories of this registry that are said to have a blob.
  std::vector<std::string> SourcesOf(const LayerForm& form) const;
  // The registry has the layer as this.
  Result<void> Settle(const LayerToPush& layer, LayerForm form);
  void Tell(const LayerToPush& layer, LayerEvent event) const;

  Store& store_;
  RegistryClient& client_;
  const Reference& reference_;
  const ImageToPush& image_;
  const PushOptions& options_;
  const Compression compression_;
  Cancellation stop_;
  mutable Mutex mutex_;
  std::map<Digest, Descriptor> settled_ GUARDED_BY(mutex_);  // by diff id
};

void LayerPusher::Tell(const LayerToPush& layer, LayerEvent event) const {
  if (!options_.event) return;
  event.layer = layer.diff_id.hex().substr(0, kShortDiffId);
  const MutexLock lock(mutex_);
  options_.event(event);
}

Result<std::vector<Descriptor>> LayerPusher::PushAll() {
  for (const LayerToPush& layer : image_.layers) Tell(layer, {{}, LayerStep::kPreparing});
  for (size_t i = options_.at_once; i < image_.layers.size(); ++i) {
    Tell(image_.layers[i], {{}, LayerStep::kWaiting});
  }
  VENEER_TRY_VOID(RunAtOnce(image_.layers.size(), options_.at_once, stop_,
                            [this](size_t i) { return PushOne(image_.layers[i]); }));
  std::vector<Descriptor> blobs;
  const MutexLock lock(mutex_);
  for (const Digest& diff_id : image_.record.diff_ids) blobs.push_back(settled_.at(diff_id));
  return blobs;
}

Result<void> LayerPusher::PushOne(const LayerToPush& layer) {
  for (const LayerForm& form : layer.forms) {
    VENEER_TRY(const bool there, client_.HasBlob(form.blob.digest));
    if (!there) continue;
    VENEER_TRY_VOID(Settle(layer, form));
    Tell(layer, {{}, LayerStep::kLayerAlreadyExists});
    return {};
  }
  VENEER_TRY(const uint64_t tar_size, LayerTarSize(store_, layer.diff_id));
  BlobUpload upload(client_, {{}, [&] {
                                Tell(layer, {{}, LayerStep::kPushingAnew, 0, tar_size});
                              }});
  VENEER_TRY(const bool mounted, Mount(layer, &upload));
  return mounted ? Result<void>() : Send(layer, tar_size, &upload);
}

std::vector<std::string> LayerPusher::SourcesOf(const LayerForm& form) const {
  std::vector<std::string> sources;
  const auto add = [&](const std::string& path) {
    if (path == client_.endpoint().repository) return;
    if (std::ranges::find(sources, path) == sources.end()) sources.push_back(path);
  };
  const std::string host = client_.endpoint().host + "/";
  for (const std::string& repository : form.blob.repositories) {
    if (repository.starts_with(host)) add(repository.substr(host.size()));
  }
  if (form.proven) return sources;
  // A blob that the image's manifest names is where the image is.
  for (const std::string& name : image_.record.repo_digests) {
    const Result<Reference> of = ParseReference(name);
    if (of && of->domain == reference_.domain) add(of->path);
  }
  return sources;
}

Result<bool> LayerPusher::Mount(const LayerToPush& layer, BlobUpload* upload) {
  int tried = 0;
  for (const LayerForm& form : layer.forms) {
    for (const std::string& from : SourcesOf(form)) {
      if (tried++ == kMaxMounts) return false;
      VENEER_TRY(const bool mounted, upload->Mount(form.blob.digest, from));
      if (!mounted) continue;
      VENEER_TRY_VOID(Settle(layer, form));
      Tell(layer, {{}, LayerStep::kMounted, 0, 0, from});
      return true;
    }
  }
  return false;
}

Result<void> LayerPusher::Send(const LayerToPush& layer, uint64_t tar_size, BlobUpload* upload) {
  const auto kept = std::ranges::find_if(layer.forms, [&](const LayerForm& form) {
    // A blob that a stranger's manifest calls a layer may be anything of this store.
    return form.proven && (form.blob.digest == layer.diff_id || store_.HasBlob(form.blob.digest));
  });
  uint64_t total = tar_size;
  const LayerBytes::Progress progress = [&](uint64_t done) {
    Tell(layer, {{}, LayerStep::kPushing, done, total});
  };
  if (kept != layer.forms.end()) total = kept->blob.size;
  const LayerBytes bytes(store_, layer.diff_id, &stop_, progress);
  VENEER_TRY(const StreamedBlob sent, upload->Send([&](const BlobSink& sink) {
    if (kept == layer.forms.end()) return bytes.WriteCompressed(compression_, sink);
    return kept->blob.digest == layer.diff_id ? bytes.WriteArchive(sink)
                                              : bytes.WriteBlob(kept->blob.digest, sink);
  }));
  if (kept != layer.forms.end()) {
    VENEER_TRY_VOID(Settle(layer, *kept));
  } else {
    const std::string type = std::string(kOciLayerType) +
                             (compression_.kind == CompressionKind::kGzip ? "+gzip" : "+zstd");
    VENEER_TRY_VOID(
        Settle(layer, {{sent.digest, sent.size, type, CompressionName(compression_)}, true}));
  }
  Tell(layer, {{}, LayerStep::kPushed});
  return {};
}

Result<void> LayerPusher::Settle(const LayerToPush& layer, LayerForm form) {
  {
    const MutexLock lock(mutex_);
    settled_.insert_or_assign(layer.diff_id,
                              Descriptor{form.blob.media_type, form.blob.digest, form.blob.size});
  }
  const std::string repository = client_.RepositoryName();
  std::vector<std::string>& known = form.blob.repositories;
  // At once: a push that is cut off later need not compress this layer again.
  if (!form.proven || std::ranges::find(known, repository) != known.end()) return {};
  known.insert(known.begin(), repository);
  return store_.layer_blobs().Learn({{layer.diff_id, std::move(form.blob)}});
}

}  // namespace

Result<std::vector<Descriptor>> PushLayers(Store& store, RegistryClient& client,
                                           const Reference& reference, const ImageToPush& image,
                                           const PushOptions& options) {
  return LayerPusher(store, client, reference, image, options).PushAll();
}

Result<void> PushDocument(RegistryClient& client, const std::string& text) {
  VENEER_TRY(const bool there, client.HasBlob(Digest::OfBytes(text)));
  if (there) return {};
  BlobUpload upload(client, {});
  VENEER_TRY_VOID(upload.Send([&](const BlobSink& sink) { return sink(text); }));
  return {};
}

Result<PushedImage> PushImage(Store& store, RegistryClient& client, const Reference& reference,
                              const PushOptions& options) {
  // Keeps prune away from what is being read.
  VENEER_TRY(const std::unique_ptr<StoreWriter> session, store.Begin());
  VENEER_TRY(const ImageToPush image, PlanPush(store, reference, options.compression));
  VENEER_TRY(const std::vector<Descriptor> blobs,
             PushLayers(store, client, reference, image, options));
  VENEER_TRY_VOID(PushDocument(client, image.config));
  const std::string manifest = ManifestFor(image, blobs);
  const std::string tag = reference.tag.value_or(std::string(kDefaultTag));
  VENEER_TRY_VOID(client.PutManifest(tag, ManifestTypeOf(manifest), manifest));
  const Digest digest = Digest::OfBytes(manifest);
  VENEER_TRY_VOID(store.images().AddRepoDigest(image.record.id,
                                               reference.Repository() + "@" + digest.ToString()));
  return PushedImage{digest, manifest.size()};
}

}  // namespace veneer
