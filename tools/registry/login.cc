// SPDX-License-Identifier: Apache-2.0
#include "tools/registry/login.h"

#include <memory>
#include <utility>

#include "layerdb/model/reference.h"
#include "tools/registry/auth_file.h"

namespace veneer {

std::string RegistryHostOf(const std::string& written) {
  return written.empty() ? std::string(kDefaultDomain) : NormalAuthKey(written);
}

std::string ServerAddressOf(const std::string& host) {
  return host == kDefaultDomain ? "https://index.docker.io/v1/" : host;
}

Result<Credential> VerifyLogin(RegistryAccess& access, const std::string& host,
                               const Credential& credential) {
  VENEER_TRY(Endpoint endpoint, access.config().EndpointOf(host));
  const std::unique_ptr<RegistryClient> client =
      access.ClientToLogIn(std::move(endpoint), credential);
  Result<void> let_in = client->Check();
  if (!let_in) {
    // Whoever is not let in with this password need not be told to log in.
    Error error = std::move(let_in).error().Context("login");
    if (error.reason() != Reason::kAccessDenied) return tl::unexpected(std::move(error));
    return tl::unexpected(std::move(error).Because(Reason::kOther));
  }
  Credential kept = credential;
  if (std::string token = client->RefreshToken(); !token.empty()) {
    kept.identity_token = std::move(token);
    kept.password.clear();
  }
  return kept;
}

}  // namespace veneer
