// SPDX-License-Identifier: Apache-2.0
//
// The documents of an OCI image layout beside the config (image-spec: descriptor.md, manifest.md,
// image-index.md, image-layout.md), and Docker's schema 2 of the same form: reading them strictly.
// A document that could be understood as two things is refused (CVE-2021-41190); so are digests
// that are none (CVE-2024-3727) and sizes that cannot be. Errors name the field.
//
// Pure functions.
#ifndef VENEER_TOOLS_OCI_DOCUMENTS_H_
#define VENEER_TOOLS_OCI_DOCUMENTS_H_

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "layerdb/base/result.h"
#include "tools/format/json.h"
#include "tools/oci/types.h"

namespace veneer {

struct ImageManifest {
  Descriptor config;
  std::vector<Descriptor> layers;  // bottom first
  // Why it is no image but an artifact, which a layout may hold beside images (image-spec,
  // manifest.md, "Guidelines for Artifact Usage"): a type of artifact, a config or a layer of
  // another kind, or that it speaks of another manifest. Empty: it is an image.
  std::string artifact = {};
  // It is an image as well: its config and its layers are those of one.
  bool runnable = true;
};

struct ImageIndex {
  std::vector<Descriptor> manifests;
};

using ImageDocument = std::variant<ImageManifest, ImageIndex>;

// What kind of document a media type promises.
enum class DocumentKind { kUnknown, kManifest, kIndex };
DocumentKind KindOfMediaType(std::string_view media_type);

// Reads a manifest or an index. `media_type` is what the descriptor said of it (empty: nothing);
// the document must be of that kind, and of the kind its own mediaType says.
Result<ImageDocument> ParseImageDocument(std::string_view text, std::string_view media_type);

// Reads the file oci-layout: a version that is known.
Result<void> CheckImageLayout(std::string_view text);

// True for an archive of a layer, in whatever compression, that can be read.
bool IsLayerMediaType(std::string_view media_type);
// Whether a layer of this type lies elsewhere and must not be distributed (image-spec,
// "Non-Distributable Layers"; Docker's "foreign").
bool IsForeignLayer(std::string_view media_type);

}  // namespace veneer

#endif  // VENEER_TOOLS_OCI_DOCUMENTS_H_
