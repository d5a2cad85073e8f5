// SPDX-License-Identifier: Apache-2.0
//
// The programs docker-credential-*, which keep credentials in a keychain: `get`, `store`,
// `erase` and `list`, with their input and answer by standard input and output
// (github.com/docker/docker-credential-helpers). The secret is never an argument, and not in the
// log.
//
// Every function fails with one line that begins with the name of the program. Thread-safe.
#ifndef VENEER_TOOLS_REGISTRY_CREDENTIAL_HELPER_H_
#define VENEER_TOOLS_REGISTRY_CREDENTIAL_HELPER_H_

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "layerdb/base/result.h"
#include "tools/registry/credential.h"

namespace veneer {

struct CredentialHelper {
  std::string program;  // "docker-credential-pass", looked up in PATH
  std::string server;   // what the helper knows the credential by
  // Long enough for a person who has to unlock the keychain.
  std::chrono::milliseconds time_limit = std::chrono::minutes(1);
};

inline constexpr const char* kHelperPrefix = "docker-credential-";

// nullopt: the helper has none.
Result<std::optional<Credential>> GetFromHelper(const CredentialHelper& helper);
// Further failure: a credential that is not UTF-8, which the protocol cannot hold.
Result<void> StoreInHelper(const CredentialHelper& helper, const Credential& credential);
// One that is not there is as good.
Result<void> EraseFromHelper(const CredentialHelper& helper);
// The servers that it has credentials of.
Result<std::vector<std::string>> ListOfHelper(const CredentialHelper& helper);

}  // namespace veneer

#endif  // VENEER_TOOLS_REGISTRY_CREDENTIAL_HELPER_H_
