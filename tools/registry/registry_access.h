// SPDX-License-Identifier: Apache-2.0
//
// RegistryAccess: how one command reaches registries: the configuration, who the user is, and the
// connections. Thread-safe once it is open.
#ifndef VENEER_TOOLS_REGISTRY_REGISTRY_ACCESS_H_
#define VENEER_TOOLS_REGISTRY_REGISTRY_ACCESS_H_

#include <memory>
#include <optional>
#include <string>

#include "layerdb/base/result.h"
#include "layerdb/threads/cancellation.h"
#include "tools/registry/credentials.h"
#include "tools/registry/http_client.h"
#include "tools/registry/registries_config.h"
#include "tools/registry/registry_client.h"
#include "tools/registry/retry.h"

namespace veneer {

class RegistryAccess {
 public:
  struct Options {
    std::optional<std::string> authfile;  // --authfile
    bool verify_tls = true;               // --tls-verify
    RetryPolicy retry;
    const Cancellation* cancel = nullptr;
  };

  // Errors: a configuration that cannot be read; libcurl is not there.
  static Result<std::unique_ptr<RegistryAccess>> Open(const Options& options);

  const RegistriesConfig& config() const { return config_; }

  // The credentials of this user.
  CredentialStore& credentials() { return credentials_; }

  // A client of one repository, as the user whom the credentials know there. It must not outlive
  // this.
  Result<std::unique_ptr<RegistryClient>> ClientOf(Endpoint endpoint);
  // The same as another user, whom it lets in or not: for login.
  std::unique_ptr<RegistryClient> ClientToLogIn(Endpoint endpoint, Credential credential);

 private:
  RegistryAccess(Options options, RegistriesConfig config, CredentialStore credentials,
                 std::unique_ptr<HttpClient> http)
      : options_(std::move(options)),
        config_(std::move(config)),
        credentials_(std::move(credentials)),
        http_(std::move(http)) {}

  RegistryClient::Settings SettingsOf(std::optional<Credential> credential);

  const Options options_;
  const RegistriesConfig config_;
  CredentialStore credentials_;
  const std::unique_ptr<HttpClient> http_;
};

}  // namespace veneer

#endif  // VENEER_TOOLS_REGISTRY_REGISTRY_ACCESS_H_
