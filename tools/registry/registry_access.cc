// SPDX-License-Identifier: Apache-2.0
#include "tools/registry/registry_access.h"

#include <utility>

#include "layerdb/model/reference.h"

namespace veneer {

Result<std::unique_ptr<RegistryAccess>> RegistryAccess::Open(const Options& options) {
  VENEER_TRY(RegistriesConfig config, RegistriesConfig::Read());
  VENEER_TRY(CredentialStore credentials,
             CredentialStore::Open(options.authfile, config.CredentialHelpers()));
  VENEER_TRY(std::unique_ptr<HttpClient> http, HttpClient::Make(options.cancel, "registries"));
  return std::unique_ptr<RegistryAccess>(
      new RegistryAccess(options, std::move(config), std::move(credentials), std::move(http)));
}

RegistryClient::Settings RegistryAccess::SettingsOf(std::optional<Credential> credential) {
  RegistryClient::Settings settings;
  settings.credential = std::move(credential);
  settings.tls_of = [this](const std::string& of) -> Result<TlsSettings> {
    VENEER_TRY(const Endpoint other, config_.EndpointOf(of));
    TlsSettings tls = other.tls;
    if (!options_.verify_tls) tls.verify = false;
    return tls;
  };
  settings.retry = options_.retry;
  settings.cancel = options_.cancel;
  return settings;
}

Result<std::unique_ptr<RegistryClient>> RegistryAccess::ClientOf(Endpoint endpoint) {
  if (!options_.verify_tls) endpoint.insecure = true;
  // Credentials are those of the Hub, whatever server it has.
  const std::string host =
      endpoint.host == kHubServer ? std::string(kDefaultDomain) : endpoint.host;
  VENEER_TRY(std::optional<Credential> credential, credentials_.Find(host, endpoint.repository));
  return std::make_unique<RegistryClient>(*http_, std::move(endpoint),
                                          SettingsOf(std::move(credential)));
}

std::unique_ptr<RegistryClient> RegistryAccess::ClientToLogIn(Endpoint endpoint,
                                                              Credential credential) {
  if (!options_.verify_tls) endpoint.insecure = true;
  RegistryClient::Settings settings = SettingsOf(std::move(credential));
  settings.for_login = true;
  return std::make_unique<RegistryClient>(*http_, std::move(endpoint), std::move(settings));
}

}  // namespace veneer
