// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/remote_cache.h"

#include <cerrno>
#include <utility>

#include "tools/build/step_export.h"
#include "tools/cli/pull_image.h"

namespace veneer {

Result<RegistryAccess*> RemoteCache::Access() {
  if (!access_) {
    VENEER_TRY(access_, OpenRegistries(options_, cancel_));
  }
  return access_.get();
}

Result<RemoteCache::Source> RemoteCache::Read(const std::string& name, const Platform& platform) {
  VENEER_TRY(RegistryAccess* const access, Access());
  Source source{name, nullptr, {}};
  VENEER_TRY(source.client,
             AskRegistries(*access, name,
                           [&](const Reference& reference, RegistryClient& client) -> Result<void> {
                             VENEER_TRY(
                                 source.steps,
                                 ReadStepCache(store_, client, TagOrDigest(reference), platform));
                             return {};
                           }));
  return source;
}

Result<void> RemoteCache::Import(const std::vector<std::string>& names, const Platform& platform) {
  for (const std::string& name : names) {
    const size_t step = progress_.Begin({"", 0, 0, "importing cache manifest from " + name, 0, 0});
    Result<Source> source = Read(name, platform);
    if (!source && source.error().code() == ECANCELED) {
      progress_.Fail(step, source.error());
      return tl::unexpected(std::move(source).error());
    }
    progress_.End(step, false, std::nullopt);
    if (!source) {
      progress_.Warn("the cache " + name + " cannot be read, and the build goes on without it: " +
                     source.error().message());
    } else if (!source->steps.empty()) {
      sources_.push_back(*std::move(source));
    }
  }
  return {};
}

Result<std::optional<StepResult>> RemoteCache::Find(const Digest& key, StoreWriter& writer,
                                                    const Cancellation* cancel) const {
  for (const Source& source : sources_) {
    const auto found = source.steps.find(key);
    if (found == source.steps.end()) continue;
    PullOptions options;
    options.cancel = cancel;
    Result<StepResult> fetched = FetchStep(store_, writer, *source.client, found->second, options);
    if (fetched) return std::optional<StepResult>(*std::move(fetched));
    if (fetched.error().code() == ECANCELED) return tl::unexpected(std::move(fetched).error());
    progress_.Warn("a layer of the cache " + source.name +
                   " cannot be fetched, and its step is made here: " + fetched.error().message());
  }
  return std::optional<StepResult>();
}

Result<void> RemoteCache::Write(const CacheDestination& destination, const UsedSteps& used,
                                const StageImage& image, size_t step) {
  VENEER_TRY(RegistryAccess* const access, Access());
  VENEER_TRY(Endpoint endpoint, access->config().PushEndpoint(destination.reference));
  VENEER_TRY(const std::unique_ptr<RegistryClient> client, access->ClientOf(std::move(endpoint)));
  PushOptions options;
  options.compression = destination.compression;
  options.cancel = cancel_;
  VENEER_TRY(const Digest digest,
             PushStepCache(store_, *client, destination.reference,
                           destination.all ? AllSteps(used) : StepsOfImage(used, image), options));
  progress_.Status(step, "writing cache manifest " + digest.ToString());
  return {};
}

Result<void> RemoteCache::Export(const std::vector<CacheDestination>& destinations,
                                 const UsedSteps& used, const StageImage& image) {
  for (const CacheDestination& destination : destinations) {
    const std::string name = destination.reference.TagName();
    const size_t step = progress_.Begin({"", 0, 0, "exporting cache to registry " + name, 0, 0});
    Result<void> written = Write(destination, used, image, step);
    const bool ignored =
        !written && destination.ignore_error && written.error().code() != ECANCELED;
    if (!written && !ignored) {
      progress_.Fail(step, written.error());
      return tl::unexpected(std::move(written).error().Context("export the cache to " + name));
    }
    progress_.End(step, false, std::nullopt);
    if (ignored) {
      progress_.Warn("the cache " + name + " is not written: " + written.error().message());
    }
  }
  return {};
}

}  // namespace veneer
