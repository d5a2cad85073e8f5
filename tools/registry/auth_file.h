// SPDX-License-Identifier: Apache-2.0
//
// AuthFile: the document of Docker's config.json and of the containers tools' auth.json
// (containers-auth.json(5)), which is one form:
//
//   {"auths": {KEY: {"auth": base64 of USER:PASSWORD, "identitytoken": TOKEN}},
//    "credHelpers": {KEY: SUFFIX}, "credsStore": SUFFIX}
//
// KEY is HOST or HOST/REPOSITORY. With http:// or https:// in front, and with the path /v1/ or
// /v2/ behind, it is that HOST, as Docker has it. SUFFIX is of a program docker-credential-SUFFIX.
// An entry may have "username" and "password" in place of "auth". The member "registrytoken" is not
// read: an access token, which ends within minutes, is nothing that a login leaves in a file.
//
// Thread-safety: as any value.
#ifndef VENEER_TOOLS_REGISTRY_AUTH_FILE_H_
#define VENEER_TOOLS_REGISTRY_AUTH_FILE_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "layerdb/base/result.h"
#include "tools/format/json.h"
#include "tools/registry/credential.h"
#include "tools/registry/credential_helper.h"

namespace veneer {

// "docker.io" for all names of Docker Hub, the host for a key with a scheme or an API version, else
// the key without a slash at its end.
std::string NormalAuthKey(std::string_view key);

class AuthFile {
 public:
  // A text without bytes is a file without entries. `path` tells which of the two tools the file
  // belongs to: Docker's is named config.json, and has a key of its own for Docker Hub. Failure:
  // the text is not such a document; the error has no text from it but keys.
  static Result<AuthFile> Parse(const std::string& path, std::string_view text);
  // The file `path`; one that is not there has no entries. The error begins with the path.
  static Result<AuthFile> Read(const std::string& path);

  // The helper that has the credential of `host`: of credHelpers, else of credsStore.
  std::optional<CredentialHelper> HelperOf(const std::string& host) const;
  // The most specific entry that has a credential. Failure: that entry is damaged.
  Result<std::optional<Credential>> Find(const std::string& host,
                                         const std::string& repository) const;

  // Replaces the entries of `host`. Without a credential: by one that says that a helper has it.
  // Failure: a user name with a colon.
  Result<void> Put(const std::string& host, const std::optional<Credential>& credential);
  // Removes the entries of `host`; false: none of them had a credential.
  bool Erase(const std::string& host);
  // Removes all entries; false: none of them had a credential.
  bool EraseAll();
  // The helpers of credHelpers, each with the server that it is for.
  std::vector<CredentialHelper> HostHelpers() const;
  // The helper of credsStore, for no server.
  std::optional<CredentialHelper> CommonHelper() const;
  // Whether there is an entry of `host`, with a credential or without.
  bool Has(const std::string& host) const;

  // The document with all members that were read, in their order.
  std::string Text() const;

 private:
  AuthFile(bool docker, Json document) : docker_(docker), document_(std::move(document)) {}
  // Of "auths" and "credHelpers": an object, or nullptr.
  const Json* Member(const char* name) const;
  std::string KeyOf(const std::string& host) const;

  bool docker_;
  Json document_;
};

}  // namespace veneer

#endif  // VENEER_TOOLS_REGISTRY_AUTH_FILE_H_
