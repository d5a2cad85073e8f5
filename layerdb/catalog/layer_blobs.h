// SPDX-License-Identifier: Apache-2.0
//
// LayerBlobs: the blobs that registries have of a layer, as far as they are known: those that it
// was pulled as, and those that it was compressed to. A push asks a registry for them, and
// compresses nothing that is there. All of it may be lost: it is learnt again.
//
// Thread-safety: all methods may be called from several threads at once.
#ifndef VENEER_LAYERDB_CATALOG_LAYER_BLOBS_H_
#define VENEER_LAYERDB_CATALOG_LAYER_BLOBS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "layerdb/base/digest.h"
#include "layerdb/base/result.h"

namespace veneer {

class KvDatabase;

struct LayerBlob {
  Digest digest;
  uint64_t size = 0;
  std::string media_type;  // "application/vnd.oci.image.layer.v1.tar+gzip"
  // How it was made here ("gzip", "zstd:3"); empty: it came from a registry so.
  std::string compression = {};
  // Where it is: host and repository, "registry.example:5000/team/app", the last one first.
  std::vector<std::string> repositories = {};
};

class LayerBlobs {
 public:
  // Of a layer so many blobs are known, and so many repositories of each.
  static constexpr size_t kMaxBlobs = 8;
  static constexpr size_t kMaxRepositories = 8;

  explicit LayerBlobs(KvDatabase& catalog) : catalog_(catalog) {}

  // Those of a layer, the last one that was learnt first. A record that is damaged is none.
  Result<std::vector<LayerBlob>> Find(const Digest& diff_id) const;

  struct Learnt {
    Digest diff_id;
    LayerBlob blob;
  };
  // Adds what was learnt to what is known, in one commit. What was made in a certain way takes the
  // place of what was made so before. REQUIRES: the blobs are the layers, beyond doubt.
  Result<void> Learn(const std::vector<Learnt>& learnt);

 private:
  KvDatabase& catalog_;
};

}  // namespace veneer

#endif  // VENEER_LAYERDB_CATALOG_LAYER_BLOBS_H_
