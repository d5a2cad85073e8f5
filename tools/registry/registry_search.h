// SPDX-License-Identifier: Apache-2.0
//
// Looking for repositories at a registry: by the search that Docker Hub has, and else by the
// catalogue of all repositories.
#ifndef VENEER_TOOLS_REGISTRY_REGISTRY_SEARCH_H_
#define VENEER_TOOLS_REGISTRY_REGISTRY_SEARCH_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "layerdb/base/result.h"
#include "tools/registry/registry_client.h"

namespace veneer {

// Where Docker Hub answers to a search; its images are at kHubServer.
inline constexpr std::string_view kHubSearchServer = "index.docker.io";

// As the registry writes it: not fit to be shown.
struct FoundRepository {
  std::string name;
  std::string description;
  int64_t stars = 0;
  bool official = false;
  bool automated = false;
};

// At most `limit` repositories for which `wanted` is true, in the registry's order. A registry
// without a search of Docker Hub's form gives those of its catalogue whose names hold `term`, page
// after page; a registry of which `has_catalogue` is false is not asked for one. Errors: of the
// registry, or an answer that is no list.
Result<std::vector<FoundRepository>> SearchRegistry(
    RegistryClient& client, const std::string& term, size_t limit, bool has_catalogue,
    const std::function<bool(const FoundRepository&)>& wanted);

}  // namespace veneer

#endif  // VENEER_TOOLS_REGISTRY_REGISTRY_SEARCH_H_
