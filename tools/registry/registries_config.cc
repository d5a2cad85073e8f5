// SPDX-License-Identifier: Apache-2.0
#include "tools/registry/registries_config.h"

#include <algorithm>
#include <utility>

#include "layerdb/base/printable.h"
#include "tools/registry/certificates.h"
#include "tools/registry/host_address.h"
#include "tools/registry/short_name.h"

namespace veneer {

namespace {

// The name by which [[registry]] tables are chosen: without tag and digest.
std::string NameOf(const Reference& reference) { return reference.domain + "/" + reference.path; }

bool Used(const RegistryMirror& mirror, const Reference& reference) {
  switch (mirror.use) {
    case RegistryMirror::Use::kAll: return true;
    case RegistryMirror::Use::kDigestOnly: return reference.digest.has_value();
    case RegistryMirror::Use::kTagOnly: return !reference.digest.has_value();
  }
  return true;
}

// The name with `location` in the place of the part that the table's prefix covers.
Result<Reference> Moved(const RegistryEntry& entry, const std::string& name,
                        const std::string& location) {
  const std::string moved = location + name.substr(CoveredByPrefix(entry.prefix, name));
  Result<Reference> reference = ParseReference(moved);
  if (!reference || ParseShortName(moved)) {
    return MakeError(entry.where + ": the location " + location + " makes " + name + " into " +
                     moved + ", which is not HOST/NAME");
  }
  return reference;
}

std::string Joined(const std::vector<std::string>& texts) {
  std::string joined;
  for (const std::string& text : texts) joined += (joined.empty() ? "" : ", ") + text;
  return joined;
}

}  // namespace

Result<RegistriesConfig> RegistriesConfig::Read(ConfigPlaces places) {
  RegistriesConfig config;
  VENEER_TRY(config.conf_, RegistriesConf::Read(places));
  VENEER_TRY(config.docker_, DockerDaemonConfig::Read(places));
  config.places_ = std::move(places);
  return config;
}

Result<std::vector<Reference>> RegistriesConfig::Candidates(const std::string& name) const {
  VENEER_TRY(Reference written, ParseReference(name));
  const std::optional<ShortName> short_name = ParseShortName(name);
  std::vector<Reference> candidates;
  if (!short_name) {
    candidates.push_back(std::move(written));
    return candidates;
  }
  if (const std::optional<std::string> alias = conf_.Alias(short_name->name)) {
    VENEER_TRY(Reference aliased, ParseReference(*alias + short_name->suffix));
    candidates.push_back(std::move(aliased));
    return candidates;
  }
  const std::vector<std::string>& search = conf_.search();
  if (search.size() > 1 && conf_.short_name_mode() == ShortNameMode::kEnforcing) {
    return MakeError("'" + name + "' may be an image of " + Joined(search) +
                         ", and short-name-mode is enforcing: write the registry in front",
                     ExitCode::kUsage);
  }
  for (const std::string& registry : search) {
    VENEER_TRY(Reference found, ParseReference(registry + "/" + name));
    candidates.push_back(std::move(found));
  }
  if (candidates.empty()) candidates.push_back(std::move(written));
  return candidates;
}

Result<void> RegistriesConfig::CheckNotBlocked(const std::string& name) const {
  const RegistryEntry* const entry = conf_.Find(name);
  if (entry == nullptr || !entry->blocked) return {};
  return MakeError(name + ": " + entry->prefix + " is blocked by " + entry->where);
}

Result<Endpoint> RegistriesConfig::At(const std::string& host, const std::string& repository,
                                      std::optional<bool> insecure) const {
  const RegistryEntry* const entry =
      conf_.Find(repository.empty() ? host : host + "/" + repository);
  Endpoint endpoint;
  if (insecure || entry != nullptr) {
    endpoint.insecure = insecure.value_or(false) || (entry != nullptr && entry->insecure);
  } else {
    // Docker Hub is never insecure for Docker.
    endpoint.insecure = host != kDefaultDomain && docker_.IsInsecure(host);
  }
  endpoint.plain_http = endpoint.insecure || IsLoopback(host);
  endpoint.repository = repository;
  VENEER_TRY(endpoint.tls, TlsSettingsOf(places_, host));
  endpoint.tls.verify = !endpoint.insecure;
  endpoint.host = host == kDefaultDomain ? kHubServer : host;
  return endpoint;
}

Result<std::vector<Endpoint>> RegistriesConfig::PullEndpoints(const Reference& reference) const {
  const std::string name = NameOf(reference);
  VENEER_TRY_VOID(CheckNotBlocked(name));
  std::vector<Endpoint> endpoints;
  const RegistryEntry* const entry = conf_.Find(name);
  if (entry != nullptr) {
    for (const RegistryMirror& mirror : entry->mirrors) {
      if (!Used(mirror, reference)) continue;
      VENEER_TRY(const Reference moved, Moved(*entry, name, mirror.location));
      if (!CheckNotBlocked(NameOf(moved))) continue;
      VENEER_TRY(Endpoint endpoint, At(moved.domain, moved.path, mirror.insecure));
      endpoint.mirror = true;
      endpoints.push_back(std::move(endpoint));
    }
    if (!entry->location.empty()) {
      VENEER_TRY(const Reference moved, Moved(*entry, name, entry->location));
      VENEER_TRY_VOID(CheckNotBlocked(NameOf(moved)));
      VENEER_TRY(Endpoint endpoint, At(moved.domain, moved.path, entry->insecure));
      endpoints.push_back(std::move(endpoint));
      return endpoints;
    }
  } else if (reference.domain == kDefaultDomain) {
    for (const HubMirror& mirror : docker_.mirrors()) {
      VENEER_TRY(Endpoint endpoint, At(mirror.host, reference.path, std::nullopt));
      endpoint.prefix = mirror.path;
      endpoint.mirror = true;
      endpoint.only_http = mirror.http;
      endpoint.plain_http |= mirror.http;
      endpoints.push_back(std::move(endpoint));
    }
  }
  VENEER_TRY(Endpoint endpoint, At(reference.domain, reference.path, std::nullopt));
  endpoints.push_back(std::move(endpoint));
  return endpoints;
}

Result<Endpoint> RegistriesConfig::PushEndpoint(const Reference& reference) const {
  VENEER_TRY_VOID(CheckNotBlocked(NameOf(reference)));
  return At(reference.domain, reference.path, std::nullopt);
}

Result<Endpoint> RegistriesConfig::EndpointOf(const std::string& host) const {
  const std::string name =
      host == "index.docker.io" || host == kHubServer ? std::string(kDefaultDomain) : host;
  // The host becomes part of a path (certs.d).
  if (!IsRegistryHost(name)) {
    return MakeError("'" + PrintablePath(host) + "' is not the host of a registry: HOST[:PORT]",
                     ExitCode::kUsage);
  }
  VENEER_TRY_VOID(CheckNotBlocked(name));
  return At(name, "", std::nullopt);
}

std::vector<std::string> RegistriesConfig::Mirrors() const {
  std::vector<std::string> mirrors;
  for (const RegistryEntry& entry : conf_.registries()) {
    if (CoveredByPrefix(kDefaultDomain, entry.prefix) == 0) continue;
    for (const RegistryMirror& mirror : entry.mirrors) {
      if (std::ranges::find(mirrors, mirror.location) == mirrors.end()) {
        mirrors.push_back(mirror.location);
      }
    }
  }
  if (!mirrors.empty() || conf_.Find(kDefaultDomain) != nullptr) return mirrors;
  for (const HubMirror& mirror : docker_.mirrors()) mirrors.push_back(mirror.url);
  return mirrors;
}

}  // namespace veneer
