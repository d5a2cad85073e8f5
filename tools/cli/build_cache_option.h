// SPDX-License-Identifier: Apache-2.0
//
// --cache-from and --cache-to of `veneer build`, in the words of `docker buildx build`.
#ifndef VENEER_TOOLS_CLI_BUILD_CACHE_OPTION_H_
#define VENEER_TOOLS_CLI_BUILD_CACHE_OPTION_H_

#include <optional>
#include <string>
#include <vector>

#include "layerdb/base/result.h"
#include "layerdb/model/reference.h"
#include "layerdb/tar/compressor.h"

namespace veneer {

// A cache at a registry that a build gives its steps to.
struct CacheDestination {
  Reference reference;
  bool all = false;  // mode=max: the steps of all stages
  std::optional<Compression> compression;
  bool ignore_error = false;
};

struct CacheDestinations {
  std::vector<CacheDestination> registries;
  bool in_image = false;  // type=inline
};

// The names of images and caches: NAME, or type=registry,ref=NAME. Usage error: another type or
// field.
Result<std::vector<std::string>> ReadCacheSources(const std::vector<std::string>& given);
// NAME, type=registry,ref=NAME[,mode=min|max][,compression=gzip|zstd], or type=inline. Usage
// errors: as above, a name with a digest.
Result<CacheDestinations> ReadCacheDestinations(const std::vector<std::string>& given);

}  // namespace veneer

#endif  // VENEER_TOOLS_CLI_BUILD_CACHE_OPTION_H_
