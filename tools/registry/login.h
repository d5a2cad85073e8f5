// SPDX-License-Identifier: Apache-2.0
//
// Login: whether a registry lets a user in, and what is kept of the password.
#ifndef VENEER_TOOLS_REGISTRY_LOGIN_H_
#define VENEER_TOOLS_REGISTRY_LOGIN_H_

#include <string>

#include "layerdb/base/result.h"
#include "tools/registry/credential.h"
#include "tools/registry/registry_access.h"

namespace veneer {

// The name of a registry as it is in image names, from what a person writes: "" and
// "https://index.docker.io/v1/" are "docker.io".
std::string RegistryHostOf(const std::string& written);
// As Docker names it: "https://index.docker.io/v1/" for the Hub.
std::string ServerAddressOf(const std::string& host);

// Shows `credential` to the registry. Gives the one to be kept: where the token service gives a
// refresh token, that stands in the place of the password. Errors: EACCES, the registry does not
// let the user in; the registry cannot be reached; it is blocked, or no registry. None of them has
// a secret, whatever the registry answers.
Result<Credential> VerifyLogin(RegistryAccess& access, const std::string& host,
                               const Credential& credential);

}  // namespace veneer

#endif  // VENEER_TOOLS_REGISTRY_LOGIN_H_
