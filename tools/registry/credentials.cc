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

Result<bool> EraseInFile(const std::string& path, const std::string& host) {
  VENEER_TRY(const AuthFile file, AuthFile::Read(path));
  bool erased = false;
  if (const std::optional<CredentialHelper> helper = file.HelperOf(host); helper) {
    VENEER_TRY(const std::optional<Credential> found, InFile(path, GetFromHelper(*helper)));
    if (found) {
      VENEER_TRY_VOID(InFile(path, EraseFromHelper(*helper)));
    }
    erased = found.has_value();
  }
  if (!file.Has(host)) return erased;
  VENEER_TRY_VOID(ChangeAuthFile(path, [&](AuthFile* changed) {
    erased = changed->Erase(host) || erased;
    return Result<void>();
  }));
  return erased;
}

}  // namespace

Result<CredentialStore> CredentialStore::Open(const std::optional<std::string>& authfile) {
  if (authfile && authfile->empty()) {
    return MakeError("the path of the file with credentials is empty", ExitCode::kUsage);
  }
  return CredentialStore(AuthPlacesOfProcess(authfile));
}

Result<std::optional<Credential>> CredentialStore::Find(const std::string& host,
                                                        const std::string& repository) const {
  for (const std::string& path : places_.files) {
    VENEER_TRY(std::optional<Credential> found, FindInFile(path, host, repository));
    if (!found) continue;
    LogDebug("the credential of " + host + " is that of " + path);
    return found;
  }
  return std::optional<Credential>();
}

std::string CredentialStore::PlaceToWrite() const {
  if (places_.given) return *places_.given;
  for (const std::string& path : places_.files) {
    if (CanBeReplaced(path)) return path;
  }
  return places_.fresh;
}

Result<std::string> CredentialStore::Put(const std::string& host, const Credential& credential) {
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

Result<bool> CredentialStore::Erase(const std::string& host) {
  bool erased = false;
  for (const std::string& path : places_.files) {
    VENEER_TRY(const bool here, EraseInFile(path, host));
    erased = erased || here;
  }
  return erased;
}

}  // namespace veneer
