// SPDX-License-Identifier: Apache-2.0
//
// What is to be sent of an image, found in the store before a registry is asked.
#ifndef VENEER_TOOLS_REGISTRY_PUSH_PLAN_H_
#define VENEER_TOOLS_REGISTRY_PUSH_PLAN_H_

#include <optional>
#include <string>
#include <vector>

#include "layerdb/base/digest.h"
#include "layerdb/base/result.h"
#include "layerdb/catalog/images.h"
#include "layerdb/catalog/layer_blobs.h"
#include "layerdb/model/reference.h"
#include "layerdb/store/store.h"
#include "layerdb/tar/compressor.h"
#include "tools/oci/documents.h"

namespace veneer {

// Where nothing else is said, as Docker and podman have it. The level is the fastest one, since
// nothing else is slower: with it a push needs half of podman's time, and sends 2 % more.
inline constexpr Compression kPushCompression{CompressionKind::kGzip, 1};

// A blob that a layer may be pushed as.
struct LayerForm {
  LayerBlob blob;
  // Not only a manifest says that it is the layer.
  bool proven = false;
};

struct LayerToPush {
  Digest diff_id;
  std::vector<LayerForm> forms;  // those to be asked for, the best one first
};

// A manifest that the image came with.
struct OriginalManifest {
  std::string bytes;
  ImageManifest parsed;
};

struct ImageToPush {
  ImageRecord record;
  std::string config;  // the bytes whose digest is the id
  std::vector<OriginalManifest> originals;
  std::vector<LayerToPush> layers;  // each once, the top one first, as Docker names them
};

// `compression`: that layers must have; nullopt: what they came as, or else gzip. Errors:
// kNotFound; a config that is damaged; a layer that must not be distributed ("foreign").
Result<ImageToPush> PlanPush(Store& store, const Reference& reference,
                             const std::optional<Compression>& compression);

// Adds a layer, unless it is there, with the forms that nothing but the store says.
Result<void> PlanLayer(Store& store, const Digest& diff_id,
                       const std::optional<Compression>& compression, ImageToPush* image);

// The manifest to be pushed with these blobs, bottom first: an original one to the byte where it
// has them; else the first of them with these in place of its own; else one of OCI. Pure.
std::string ManifestFor(const ImageToPush& image, const std::vector<Descriptor>& blobs);

}  // namespace veneer

#endif  // VENEER_TOOLS_REGISTRY_PUSH_PLAN_H_
