// SPDX-License-Identifier: Apache-2.0
//
// Credential: what a registry is shown. A value only; nothing prints one.
#ifndef VENEER_TOOLS_REGISTRY_CREDENTIAL_H_
#define VENEER_TOOLS_REGISTRY_CREDENTIAL_H_

#include <string>

namespace veneer {

// Either a user with a password, or an identity token.
struct Credential {
  std::string username, password;
  // The refresh token of a token service: the "identitytoken" of Docker's config.json, and the
  // secret of the user "<token>" of a credential helper. Empty: none.
  std::string identity_token;
};

}  // namespace veneer

#endif  // VENEER_TOOLS_REGISTRY_CREDENTIAL_H_
