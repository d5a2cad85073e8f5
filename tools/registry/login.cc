// SPDX-License-Identifier: Apache-2.0
#include "tools/registry/login.h"

#include <memory>
#include <utility>

#include "layerdb/base/base64.h"
#include "layerdb/model/reference.h"
#include "tools/registry/auth_file.h"

namespace veneer {

namespace {

// A registry may give back what it was told.
bool Tells(const std::string& text, const Credential& credential) {
  const std::string pair = credential.username + ":" + credential.password;
  for (const std::string& secret :
       {credential.password, Base64Encode(pair), credential.identity_token}) {
    if (!secret.empty() && text.find(secret) != std::string::npos) return true;
  }
  return false;
}

}  // namespace

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
    Error error = std::move(let_in).error();
    if (!Tells(error.message(), credential)) {
      return tl::unexpected(std::move(error).Context("login to " + host));
    }
    return tl::unexpected(
        Error("login to " + host + ": the registry refuses the user", error.exit(), error.code()));
  }
  Credential kept = credential;
  if (std::string token = client->RefreshToken(); !token.empty()) {
    kept.identity_token = std::move(token);
    kept.password.clear();
  }
  return kept;
}

}  // namespace veneer
