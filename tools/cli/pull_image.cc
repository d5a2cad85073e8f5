// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/pull_image.h"

#include <cerrno>
#include <utility>

#include "layerdb/base/log.h"
#include "layerdb/base/printable.h"

namespace veneer {

namespace {

using UseAddress = std::function<Result<void>(RegistryClient& client)>;

// The mirrors of an image, and then its registry, until `use` succeeds. `used`, where it is not
// null, gets the client of that one.
Result<void> TryEndpoints(RegistryAccess& access, const Reference& reference, const UseAddress& use,
                          std::unique_ptr<RegistryClient>* used = nullptr) {
  VENEER_TRY(const std::vector<Endpoint> endpoints, access.config().PullEndpoints(reference));
  for (size_t i = 0; i < endpoints.size(); ++i) {
    VENEER_TRY(std::unique_ptr<RegistryClient> client, access.ClientOf(endpoints[i]));
    Result<void> done = use(*client);
    if (done && used != nullptr) *used = std::move(client);
    if (done || done.error().code() == ECANCELED || i + 1 == endpoints.size()) return done;
    LogWarning(done.error().message() + "; the next address is tried");
  }
  return MakeError(reference.ToString() + ": the configuration has no address for it");
}

// Calls `pull` with what the name may stand for, one after another, until it succeeds.
Result<void> TryCandidates(RegistryAccess& access, const std::string& name,
                           const std::function<Result<void>(const Reference&)>& pull) {
  if (name == "scratch" || name.starts_with("scratch:")) {
    return MakeError("'scratch' is a reserved name, and no image", ExitCode::kUsage);
  }
  VENEER_TRY(const std::vector<Reference> candidates, access.config().Candidates(name));
  for (size_t i = 0; i < candidates.size(); ++i) {
    Result<void> pulled = pull(candidates[i]);
    if (pulled || pulled.error().code() == ECANCELED || i + 1 == candidates.size()) return pulled;
    LogWarning(pulled.error().message() + "; the next registry is tried");
  }
  return MakeError(name + ": it stands for no image");
}

}  // namespace

std::string TagOrDigest(const Reference& reference) {
  if (reference.digest) return reference.digest->ToString();
  return reference.tag.value_or(std::string(kDefaultTag));
}

Result<PulledByName> PullByName(Store& store, RegistryAccess& access, const std::string& name,
                                const PullOptions& options) {
  std::optional<PulledByName> done;
  VENEER_TRY_VOID(TryCandidates(access, name, [&](const Reference& reference) -> Result<void> {
    return TryEndpoints(access, reference, [&](RegistryClient& client) -> Result<void> {
      VENEER_TRY(PulledImage image, PullImage(store, client, reference, options));
      done = PulledByName{reference, std::move(image)};
      return {};
    });
  }));
  return *std::move(done);
}

Result<std::vector<PulledByName>> PullAllTags(Store& store, RegistryAccess& access,
                                              const std::string& name, const PullOptions& options,
                                              const std::function<void(const PulledByName&)>& end) {
  std::vector<PulledByName> done;
  VENEER_TRY_VOID(TryCandidates(access, name, [&](const Reference& reference) -> Result<void> {
    return TryEndpoints(access, reference, [&](RegistryClient& client) -> Result<void> {
      VENEER_TRY(const std::vector<std::string> tags, client.ListTags());
      if (tags.empty())
        return MakeError(CanonicalName(reference) + ": no tags", ExitCode::kNotFound);
      done.clear();
      std::optional<Error> unusable;
      for (const std::string& tag : tags) {
        // A tag comes from a stranger, and could be another name.
        if (!IsTag(tag)) {
          return MakeError(CanonicalName(reference) +
                           ": the server lists what is no tag: " + QuotedPath(tag));
        }
        Reference tagged = reference;
        tagged.tag = tag;
        tagged.digest.reset();
        Result<PulledImage> image = PullImage(store, client, tagged, options);
        // A signature or an attestation has a tag beside the images, which are pulled all the same.
        if (!image && image.error().code() == 0) {
          LogWarning(image.error().message() + "; the next tag is pulled");
          unusable = image.error();
          continue;
        }
        if (!image) return tl::unexpected(std::move(image).error());
        done.push_back({std::move(tagged), *std::move(image)});
        end(done.back());
      }
      if (unusable) return tl::unexpected(*unusable);
      return {};
    });
  }));
  return done;
}

Result<std::unique_ptr<RegistryClient>> AskRegistries(
    RegistryAccess& access, const std::string& name,
    const std::function<Result<void>(const Reference& reference, RegistryClient& client)>& ask) {
  std::unique_ptr<RegistryClient> answered;
  VENEER_TRY_VOID(TryCandidates(access, name, [&](const Reference& reference) {
    return TryEndpoints(
        access, reference, [&](RegistryClient& client) { return ask(reference, client); },
        &answered);
  }));
  return answered;
}

std::string CanonicalName(const Reference& reference) {
  return reference.domain + "/" + reference.path + (reference.digest ? "@" : ":") +
         TagOrDigest(reference);
}

std::string PullingFrom(const Reference& reference) {
  return (reference.digest ? CanonicalName(reference) : TagOrDigest(reference)) +
         ": Pulling from " + reference.path;
}

std::string DigestLine(const PulledByName& pulled) {
  return "Digest: " + pulled.image.digest.ToString();
}

std::string StatusLine(const PulledByName& pulled) {
  const Reference& reference = pulled.reference;
  return (pulled.image.was_here ? "Status: Image is up to date for "
                                : "Status: Downloaded newer image for ") +
         (reference.digest ? reference.Repository() + "@" + reference.digest->ToString()
                           : reference.TagName());
}

}  // namespace veneer
