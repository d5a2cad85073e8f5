// SPDX-License-Identifier: Apache-2.0
//
// RemoteCache: the caches at registries of one build: those that it looks into, and those that it
// gives its steps to.
#ifndef VENEER_TOOLS_CLI_REMOTE_CACHE_H_
#define VENEER_TOOLS_CLI_REMOTE_CACHE_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "layerdb/base/result.h"
#include "layerdb/store/store.h"
#include "layerdb/store/store_writer.h"
#include "layerdb/threads/cancellation.h"
#include "tools/build/build_progress.h"
#include "tools/build/stage_image.h"
#include "tools/build/used_steps.h"
#include "tools/cli/build_cache_option.h"
#include "tools/cli/registry_options.h"
#include "tools/oci/platform.h"
#include "tools/registry/registry_access.h"
#include "tools/registry/step_cache.h"

namespace veneer {

class RemoteCache {
 public:
  // All outlive it. Registries are asked as `options` says; `cancel` ends all that they do.
  RemoteCache(Store& store, BuildProgress& progress, const RegistryOptions& options,
              const Cancellation* cancel)
      : store_(store), progress_(progress), options_(options), cancel_(cancel) {}

  // Reads which steps the caches have, in their order. One that cannot be read is told of, and the
  // build goes on without it. Errors: ECANCELED.
  Result<void> Import(const std::vector<std::string>& names, const Platform& platform);
  bool empty() const { return sources_.empty(); }
  // BuildEnvironment::find_elsewhere. Thread-safe behind Import(). Errors: ECANCELED.
  Result<std::optional<StepResult>> Find(const Digest& key, StoreWriter& writer,
                                         const Cancellation* cancel) const;

  // Gives the steps to the caches. REQUIRES: a StoreWriter lives since before the build.
  Result<void> Export(const std::vector<CacheDestination>& destinations, const UsedSteps& used,
                      const StageImage& image);

 private:
  struct Source {
    std::string name;
    std::unique_ptr<RegistryClient> client;
    RemoteSteps steps;
  };

  Result<RegistryAccess*> Access();
  Result<Source> Read(const std::string& name, const Platform& platform);
  Result<void> Write(const CacheDestination& destination, const UsedSteps& used,
                     const StageImage& image, size_t step);

  Store& store_;
  BuildProgress& progress_;
  const RegistryOptions& options_;
  const Cancellation* const cancel_;
  std::unique_ptr<RegistryAccess> access_;
  std::vector<Source> sources_;
};

}  // namespace veneer

#endif  // VENEER_TOOLS_CLI_REMOTE_CACHE_H_
