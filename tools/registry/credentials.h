// SPDX-License-Identifier: Apache-2.0
//
// CredentialStore: the credentials that this user has for registries, in the files and helper
// programs of Docker and of the containers tools, so that a login of one tool is one of all.
//
// Files are read at each call, so that a call sees what any tool has written before it. No error
// and no line of the log has a secret. Thread-safe; several processes may write at once.
#ifndef VENEER_TOOLS_REGISTRY_CREDENTIALS_H_
#define VENEER_TOOLS_REGISTRY_CREDENTIALS_H_

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "layerdb/base/result.h"
#include "tools/registry/auth_places.h"
#include "tools/registry/credential.h"

namespace veneer {

// `host` is "example.org:5000"; Docker Hub is "docker.io", and its other names are the same.
//
// Every method fails with one line that names the file or the program, for a file that cannot be
// read or is damaged, and for a helper program that is missing, fails, does not answer within a
// minute, or gives no credential of the form of docker-credential-helpers.
class CredentialStore {
 public:
  // The files of the process's environment (auth_places.h), or `authfile` (--authfile) alone. None
  // of them needs to be there. `helpers`: credential-helpers of containers-registries.conf(5), the
  // ends of names of programs, and "containers-auth.json" for the files; empty: the files. They are
  // asked in this order, and not with `authfile`. Failure: `authfile` is empty.
  static Result<CredentialStore> Open(const std::optional<std::string>& authfile,
                                      std::vector<std::string> helpers = {});
  explicit CredentialStore(AuthPlaces places, std::vector<std::string> helpers = {});

  // For the repository "team/app" of `host`; "" is the host itself. The first file that has an
  // entry decides, and in that file the most specific entry: HOST/team/app, HOST/team, HOST
  // (containers-auth.json(5)). A helper of `helpers` that fails is an error only where no other has
  // a credential. Where a file names a helper for `host`, the helper stands for all
  // entries of that file. nullopt: none.
  Result<std::optional<Credential>> Find(const std::string& host,
                                         const std::string& repository) const;

  // Replaces the credential of `host` itself. It goes to --authfile or $REGISTRY_AUTH_FILE where
  // one is given, else to the first file in the order of reading that is there and can be written,
  // else to a new auth.json of the containers tools (AuthPlaces::fresh). Where that file names a
  // helper for `host`, the helper gets the credential, and the file an entry without one, as Docker
  // does. The first of `helpers` that takes the credential gets it in place of a file. Gives the
  // path of the file or the name of the helper, which begins with kHelperPrefix. Further failures:
  // the file cannot be written; `credential` has a user name that the form of the file cannot hold.
  Result<std::string> Put(const std::string& host, const Credential& credential);

  // Removes the credential of `host` from every file and helper that has one, so that Find() finds
  // none but those of single repositories. False: there was none. The first failure ends it.
  Result<bool> Erase(const std::string& host);
  // The same for all hosts and repositories: what the helper programs list, too.
  Result<bool> EraseAll();

 private:
  std::string PlaceToWrite() const;
  Result<std::optional<Credential>> FindInFiles(const std::string& host,
                                                const std::string& repository) const;
  Result<std::string> PutInFile(const std::string& host, const Credential& credential) const;

  AuthPlaces places_;
  std::vector<std::string> helpers_;  // at least one
};

}  // namespace veneer

#endif  // VENEER_TOOLS_REGISTRY_CREDENTIALS_H_
