// SPDX-License-Identifier: Apache-2.0
//
// Load: the images of an archive that `docker save`, podman, skopeo, buildah or umoci wrote, into
// the store, under their names and with the ids that those tools show.
//
// An archive is not trusted: nothing is written before all its documents have been checked, and no
// layer and no name shows before all layers have been read and have the digests that the documents
// promise. Then layers, documents and, in one commit, the images appear. After a failure the store
// is as it was.
#ifndef VENEER_TOOLS_ARCHIVE_LOAD_H_
#define VENEER_TOOLS_ARCHIVE_LOAD_H_

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "layerdb/base/digest.h"
#include "layerdb/base/result.h"
#include "layerdb/store/store.h"
#include "layerdb/threads/cancellation.h"
#include "layerdb/transfer/import.h"
#include "tools/oci/platform.h"

namespace veneer {

struct LoadOptions {
  // Only images for it. nullopt: where there is a choice, the host's.
  std::optional<Platform> platform;
  // Counts the bytes of a compressed archive first, then those of the layers.
  ProgressFunction progress;
  const Cancellation* cancel = nullptr;  // asked, the load ends with an error of code ECANCELED
};

struct LoadedImage {
  Digest id;
  std::vector<std::string> tags;  // "name:tag"; empty: it has none
  // Of these, those that another image had, and which.
  std::vector<std::pair<std::string, Digest>> taken;
};

// `source`: the path of an archive (tar, plain or compressed with what ImportLayer() knows) or of a
// directory with an OCI image layout; or "-" for standard input. What was loaded, in the order of
// the archive. Errors are one line that begins with the source's name. kNotFound: there is no such
// file, or no image for the platform.
Result<std::vector<LoadedImage>> LoadImages(Store& store, const std::string& source,
                                            const LoadOptions& options);

}  // namespace veneer

#endif  // VENEER_TOOLS_ARCHIVE_LOAD_H_
