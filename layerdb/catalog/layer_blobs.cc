// SPDX-License-Identifier: Apache-2.0
#include "layerdb/catalog/layer_blobs.h"

#include <algorithm>
#include <utility>

#include "layerdb/catalog/records.h"
#include "layerdb/index/kv.h"

namespace veneer {

namespace {

std::vector<LayerBlob> Decoded(const std::optional<std::string_view>& bytes) {
  return bytes ? DecodeLayerBlobs(*bytes).value_or(std::vector<LayerBlob>())
               : std::vector<LayerBlob>();
}

void Add(std::vector<LayerBlob>* blobs, LayerBlob blob) {
  const auto same = std::ranges::find_if(*blobs, [&](const LayerBlob& known) {
    return known.digest == blob.digest && known.compression == blob.compression;
  });
  if (same != blobs->end()) {
    for (std::string& repository : same->repositories) {
      if (std::ranges::find(blob.repositories, repository) == blob.repositories.end()) {
        blob.repositories.push_back(std::move(repository));
      }
    }
  }
  std::erase_if(*blobs, [&](const LayerBlob& known) {
    if (known.compression != blob.compression) return false;
    return known.digest == blob.digest || !blob.compression.empty();
  });
  if (blob.repositories.size() > LayerBlobs::kMaxRepositories) {
    blob.repositories.resize(LayerBlobs::kMaxRepositories);
  }
  blobs->insert(blobs->begin(), std::move(blob));
  while (blobs->size() > LayerBlobs::kMaxBlobs) blobs->pop_back();
}

}  // namespace

Result<std::vector<LayerBlob>> LayerBlobs::Find(const Digest& diff_id) const {
  std::vector<LayerBlob> blobs;
  VENEER_TRY_VOID(catalog_.Read([&](const KvTxn& txn) -> Result<void> {
    VENEER_TRY(const auto bytes, txn.Get(LayerBlobsKey(diff_id)));
    blobs = Decoded(bytes);
    return {};
  }));
  return blobs;
}

Result<void> LayerBlobs::Learn(const std::vector<Learnt>& learnt) {
  if (learnt.empty()) return {};
  return catalog_.Write([&](KvTxn& txn) -> Result<void> {
    for (const Learnt& one : learnt) {
      const std::string key = LayerBlobsKey(one.diff_id);
      VENEER_TRY(const auto bytes, txn.Get(key));
      std::vector<LayerBlob> blobs = Decoded(bytes);
      Add(&blobs, one.blob);
      VENEER_TRY_VOID(txn.Put(key, EncodeLayerBlobs(blobs)));
    }
    return {};
  });
}

}  // namespace veneer
