// SPDX-License-Identifier: Apache-2.0
//
// Pulling an image by the name that a person wrote: for `pull`, and for commands that need an image
// that is not here.
#ifndef VENEER_TOOLS_CLI_PULL_IMAGE_H_
#define VENEER_TOOLS_CLI_PULL_IMAGE_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "layerdb/base/result.h"
#include "layerdb/model/reference.h"
#include "layerdb/store/store.h"
#include "tools/registry/pull.h"
#include "tools/registry/registry_access.h"

namespace veneer {

struct PulledByName {
  Reference reference;  // what the name stood for
  PulledImage image;
};

// Tries what the name may stand for, and for each its mirrors and then the registry itself.
// Errors: of the last one that was tried.
Result<PulledByName> PullByName(Store& store, RegistryAccess& access, const std::string& name,
                                const PullOptions& options);

// The same for every tag that the repository has, one after another. `end`: is told of each image
// that is here. REQUIRES: the name has neither tag nor digest.
Result<std::vector<PulledByName>> PullAllTags(Store& store, RegistryAccess& access,
                                              const std::string& name, const PullOptions& options,
                                              const std::function<void(const PulledByName&)>& end);

// What commands do that read at the registry alone: `ask` at each address in turn until it
// succeeds. The client that it succeeded with. Errors: of the last one.
Result<std::unique_ptr<RegistryClient>> AskRegistries(
    RegistryAccess& access, const std::string& name,
    const std::function<Result<void>(const Reference& reference, RegistryClient& client)>& ask);

// The tag or the digest that is asked for, "latest" where the reference says neither.
std::string TagOrDigest(const Reference& reference);
// "docker.io/library/debian:latest"
std::string CanonicalName(const Reference& reference);
// "latest: Pulling from library/debian"
std::string PullingFrom(const Reference& reference);
// "Digest: sha256:…"
std::string DigestLine(const PulledByName& pulled);
// "Status: Downloaded newer image for debian:latest"
std::string StatusLine(const PulledByName& pulled);

}  // namespace veneer

#endif  // VENEER_TOOLS_CLI_PULL_IMAGE_H_
