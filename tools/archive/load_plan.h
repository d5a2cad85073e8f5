// SPDX-License-Identifier: Apache-2.0
//
// What an image archive holds, found out and checked before anything is written: one PlannedImage
// for each image to be loaded. One function for each kind of archive; all read documents only.
//
// Errors are one line that names the file in the archive and the field.
#ifndef VENEER_TOOLS_ARCHIVE_LOAD_PLAN_H_
#define VENEER_TOOLS_ARCHIVE_LOAD_PLAN_H_

#include <optional>
#include <string>
#include <vector>

#include "layerdb/base/blob_digest.h"
#include "layerdb/base/digest.h"
#include "layerdb/base/result.h"
#include "tools/archive/image_source.h"
#include "tools/oci/config.h"
#include "tools/oci/docker_documents.h"
#include "tools/oci/platform.h"

namespace veneer {

struct PlannedLayer {
  std::string name;  // the file in the archive
  // What the archive says its uncompressed bytes have; nullopt: it says nothing (before 2016).
  std::optional<Digest> diff_id;
  // What its bytes as they are there have; nullopt: nothing is said.
  std::optional<BlobDigest> blob;
};

struct PlannedImage {
  std::string config_name;  // the file in the archive
  std::string config;       // its bytes. Empty: made from `legacy` when the diff ids are known
  ImageConfig parsed;       // of `config`, without its document
  std::vector<LegacyLayerPtr> legacy;  // bottom first
  std::vector<PlannedLayer> layers;    // bottom first
  std::vector<std::string> tags;       // "name:tag", as the store keeps them
  std::vector<std::string> blobs;      // further documents to keep: the manifest
};

// Which of several images is wanted.
struct PlatformWish {
  Platform platform;
  bool asked = false;  // by a person: then nothing else will do
};

// Finds out what kind of archive it is: one with a manifest.json (Docker since 1.10, podman), an
// OCI image layout, or one of Docker before 1.10. Of the images only those that `wish` asks for; at
// least one.
Result<std::vector<PlannedImage>> PlanLoad(ImageSource& source, const PlatformWish& wish);

// --- the kinds ---
Result<std::vector<PlannedImage>> PlanDockerArchive(ImageSource& source);
Result<std::vector<PlannedImage>> PlanLegacyArchive(ImageSource& source);
Result<std::vector<PlannedImage>> PlanOciLayout(ImageSource& source, const PlatformWish& wish);

// --- what they share ---
// Sets `config` and what is read from it, and gives the layers their diff ids. Errors: no config,
// or another number of them than `image.layers` has. REQUIRES: config_name and layers are set.
Result<void> TakeConfig(std::string config, PlannedImage* image);
// What a config says of its platform; what is absent is empty.
Platform PlatformOf(const ImageConfig& config);

}  // namespace veneer

#endif  // VENEER_TOOLS_ARCHIVE_LOAD_PLAN_H_
