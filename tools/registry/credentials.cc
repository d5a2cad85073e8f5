// SPDX-License-Identifier: Apache-2.0
#include "tools/registry/credentials.h"

#include <unistd.h>

#include <filesystem>

#include "layerdb/base/files.h"
#include "layerdb/base/log.h"
#include "tools/registry/auth_file.h"
#include "tools/registry/auth_file_change.h"
#include "tools/registry/credential_helper.h"

namespace veneer {

namespace {

// In the place of a helper (containers-registries.conf(5)).
constexpr const char* kFiles = "containers-auth.json";

template <class T>
Result<T> InFile(const std::string& path, Result<T> result) {
  if (result) return result;
  return tl::unexpected(std::move(result).error().Context(path));
}

// Whether the file is there and can be replaced.
bool CanBeReplaced(const std::string& path) {
  std::error_code failed;
  const std::filesystem::path real = std::filesystem::canonical(path, failed);
  return !failed && ::access(real.c_str(), W_OK) == 0 &&
         ::access(real.parent_path().c_str(), W_OK) == 0;
}

Result<std::optional<Credential>> FindInFile(const std::string& path, const std::string& host,
                                             const std::string& repository) {
  VENEER_TRY(const AuthFile file, AuthFile::Read(path));
  const std::optional<CredentialHelper> helper = file.HelperOf(host);
  return InFile(path, helper ? GetFromHelper(*helper) : file.Find(host, repository));
}

CredentialHelper HelperNamed(const std::string& suffix, const std::string& host) {
  return {kHelperPrefix + suffix, host};
}

// False: it has none.
Result<bool> EraseIn(const CredentialHelper& helper) {
  VENEER_TRY(const std::optional<Credential> found, GetFromHelper(helper));
  if (found) VENEER_TRY_VOID(EraseFromHelper(helper));
  return found.has_value();
}

Result<bool> EraseAllIn(CredentialHelper helper) {
  VENEER_TRY(const std::vector<std::string> servers, ListOfHelper(helper));
  for (const std::string& server : servers) {
    helper.server = server;
    VENEER_TRY_VOID(EraseFromHelper(helper));
  }
  return !servers.empty();
}

Result<bool> EraseAllInFile(const std::string& path) {
  VENEER_TRY(const AuthFile file, AuthFile::Read(path));
  bool erased = false;
  for (const CredentialHelper& helper : file.HostHelpers()) {
    VENEER_TRY(const bool here, InFile(path, EraseIn(helper)));
    erased = erased || here;
  }
  if (const std::optional<CredentialHelper> common = file.CommonHelper(); common) {
    VENEER_TRY(const bool here, InFile(path, EraseAllIn(*common)));
    erased = erased || here;
  }
  if (!AuthFile(file).EraseAll()) return erased;
  VENEER_TRY_VOID(ChangeAuthFile(path, [](AuthFile* changed) {
    changed->EraseAll();
    return Result<void>();
  }));
  return true;
}

Result<bool> EraseInFile(const std::string& path, const std::string& host) {
  VENEER_TRY(const AuthFile file, AuthFile::Read(path));
  bool erased = false;
  if (const std::optional<CredentialHelper> helper = file.HelperOf(host); helper) {
    VENEER_TRY(erased, InFile(path, EraseIn(*helper)));
  }
  if (!file.Has(host)) return erased;
  VENEER_TRY_VOID(ChangeAuthFile(path, [&](AuthFile* changed) {
    erased = changed->Erase(host) || erased;
    return Result<void>();
  }));
  return erased;
}

}  // namespace

CredentialStore::CredentialStore(AuthPlaces places, std::vector<std::string> helpers)
    : places_(std::move(places)), helpers_(std::move(helpers)) {
  if (helpers_.empty()) helpers_.emplace_back(kFiles);
}

Result<CredentialStore> CredentialStore::Open(const std::optional<std::string>& authfile,
                                              std::vector<std::string> helpers) {
  if (authfile && authfile->empty()) {
    return MakeError("the path of the file with credentials is empty", ExitCode::kUsage);
  }
  if (authfile) helpers.clear();
  return CredentialStore(AuthPlacesOfProcess(authfile), std::move(helpers));
}

Result<std::optional<Credential>> CredentialStore::FindInFiles(
    const std::string& host, const std::string& repository) const {
  for (const std::string& path : places_.files) {
    VENEER_TRY(std::optional<Credential> found, FindInFile(path, host, repository));
    if (!found) continue;
    LogDebug("the credential of " + host + " is that of " + path);
    return found;
  }
  return std::optional<Credential>();
}

Result<std::optional<Credential>> CredentialStore::Find(const std::string& host,
                                                        const std::string& repository) const {
  std::optional<Error> failure;
  for (const std::string& helper : helpers_) {
    Result<std::optional<Credential>> found =
        helper == kFiles ? FindInFiles(host, repository) : GetFromHelper(HelperNamed(helper, host));
    if (found && *found) return found;
    if (!found && !failure) failure = std::move(found).error();
  }
  if (failure) return tl::unexpected(*std::move(failure));
  return std::optional<Credential>();
}

std::string CredentialStore::PlaceToWrite() const {
  if (places_.given) return *places_.given;
  for (const std::string& path : places_.files) {
    if (CanBeReplaced(path)) return path;
  }
  return places_.fresh;
}

Result<std::string> CredentialStore::PutInFile(const std::string& host,
                                               const Credential& credential) const {
  const std::string path = PlaceToWrite();
  if (path.empty()) {
    return MakeError("no place for credentials: neither XDG_RUNTIME_DIR nor HOME is set");
  }
  VENEER_TRY(const AuthFile file, AuthFile::Read(path));
  const std::optional<CredentialHelper> helper = file.HelperOf(host);
  if (helper) {
    VENEER_TRY_VOID(InFile(path, StoreInHelper(*helper, credential)));
  }
  const std::optional<Credential> in_file = helper ? std::nullopt : std::optional(credential);
  VENEER_TRY_VOID(ChangeAuthFile(
      path, [&](AuthFile* changed) { return InFile(path, changed->Put(host, in_file)); }));
  return helper ? helper->program : path;
}

Result<std::string> CredentialStore::Put(const std::string& host, const Credential& credential) {
  std::optional<Error> failure;
  for (const std::string& name : helpers_) {
    const CredentialHelper helper = HelperNamed(name, host);
    Result<std::string> done = helper.program;
    if (name == kFiles) {
      done = PutInFile(host, credential);
    } else if (Result<void> stored = StoreInHelper(helper, credential); !stored) {
      done = tl::unexpected(std::move(stored).error());
    }
    if (done) return done;
    if (!failure) failure = std::move(done).error();
  }
  return tl::unexpected(*std::move(failure));
}

Result<bool> CredentialStore::Erase(const std::string& host) {
  bool erased = false;
  for (const std::string& helper : helpers_) {
    if (helper != kFiles) {
      VENEER_TRY(const bool here, EraseIn(HelperNamed(helper, host)));
      erased = erased || here;
      continue;
    }
    for (const std::string& path : places_.files) {
      VENEER_TRY(const bool here, EraseInFile(path, host));
      erased = erased || here;
    }
  }
  return erased;
}

Result<bool> CredentialStore::EraseAll() {
  bool erased = false;
  for (const std::string& helper : helpers_) {
    if (helper != kFiles) {
      VENEER_TRY(const bool here, EraseAllIn(HelperNamed(helper, "")));
      erased = erased || here;
      continue;
    }
    for (const std::string& path : places_.files) {
      VENEER_TRY(const bool here, EraseAllInFile(path));
      erased = erased || here;
    }
  }
  return erased;
}

}  // namespace veneer
