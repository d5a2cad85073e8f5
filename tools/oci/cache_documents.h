// SPDX-License-Identifier: Apache-2.0
//
// The documents in which a registry keeps a cache of builds, in the forms of BuildKit: a manifest
// whose config lists steps and whose layers are theirs (mode "registry"), or a member of an image's
// config that says which of its layers is of which step ("inline"). Keys of steps are Veneer's, so
// that BuildKit finds none of its own in them, and Veneer none in BuildKit's.
//
// Pure functions.
#ifndef VENEER_TOOLS_OCI_CACHE_DOCUMENTS_H_
#define VENEER_TOOLS_OCI_CACHE_DOCUMENTS_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "layerdb/base/digest.h"
#include "layerdb/base/result.h"
#include "layerdb/model/entry.h"
#include "tools/oci/config.h"
#include "tools/oci/types.h"

namespace veneer {

inline constexpr const char* kCacheConfigType = "application/vnd.buildkit.cacheconfig.v0";

// A step and the layer that it made.
struct CachedStep {
  Digest key;
  Timestamp created;
  Digest diff_id;
  Descriptor blob;  // its layer as it travels
};

// The config of a cache. Equal input, equal bytes.
std::string ComposeCacheConfig(const std::vector<CachedStep>& steps);
// The steps of the config of a cache. Those whose layers are not among `blobs`, which have the
// sizes, and those without exactly one layer, as BuildKit has them too, are left out. Errors: no
// bounded JSON, another type of a member, a layer that is not listed.
Result<std::vector<CachedStep>> ParseCacheConfig(std::string_view text,
                                                 const std::vector<Descriptor>& blobs);

// A step whose layer is one of an image.
struct InlineStep {
  Digest key;
  Timestamp created;
  size_t layer = 0;  // its number, from 0 at the bottom
};

// The config with the cache in it, in place of another one.
std::string WithInlineCache(const ImageConfig& config, const std::vector<InlineStep>& steps);
// Those that it has; without the member none. Errors: as above.
Result<std::vector<InlineStep>> InlineCacheOf(const ImageConfig& config);

}  // namespace veneer

#endif  // VENEER_TOOLS_OCI_CACHE_DOCUMENTS_H_
