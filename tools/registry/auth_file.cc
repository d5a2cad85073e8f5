// SPDX-License-Identifier: Apache-2.0
#include "tools/registry/auth_file.h"

#include <fcntl.h>

#include <algorithm>
#include <utility>

#include "layerdb/base/base64.h"
#include "layerdb/base/printable.h"
#include "layerdb/base/sys.h"
#include "layerdb/model/reference.h"

namespace veneer {

namespace {

constexpr const char* kDockersKeyOfHub = "https://index.docker.io/v1/";
constexpr size_t kMaxBytes = size_t{1} << 20;

std::string Quoted(std::string_view key) { return "\"" + PrintablePath(key) + "\""; }

// Go's readers take a null for a member that is not there.
bool IsEmpty(const Json& entry) { return entry.is_null() || entry.empty(); }

Result<void> CheckHelper(const std::string& suffix) {
  if (suffix.find_first_of(std::string_view("/\0", 2)) == std::string::npos) return {};
  return MakeError("the credential helper " + Quoted(suffix) + " is not the end of a name");
}

Result<void> CheckMembers(const Json& document) {
  VENEER_TRY(const Json* auths, GetObject(document, "auths"));
  if (auths != nullptr) {
    for (const auto& [key, entry] : auths->items()) {
      if (!entry.is_null() && !entry.is_object()) {
        return MakeError("the entry of " + Quoted(key) + " in \"auths\" is not an object");
      }
    }
  }
  VENEER_TRY(const Json* helpers, GetObject(document, "credHelpers"));
  if (helpers != nullptr) {
    for (const auto& [key, suffix] : helpers->items()) {
      if (!suffix.is_string()) {
        return MakeError("the entry of " + Quoted(key) + " in \"credHelpers\" is not a string");
      }
      VENEER_TRY_VOID(CheckHelper(suffix.get_ref<const std::string&>()));
    }
  }
  VENEER_TRY(const std::optional<std::string> store, GetString(document, "credsStore"));
  return store ? CheckHelper(*store) : Result<void>();
}

Result<std::optional<Credential>> CredentialOf(const Json& entry) {
  Credential credential;
  VENEER_TRY(const std::optional<std::string> auth, GetString(entry, "auth"));
  VENEER_TRY(const std::optional<std::string> username, GetString(entry, "username"));
  VENEER_TRY(const std::optional<std::string> password, GetString(entry, "password"));
  VENEER_TRY(const std::optional<std::string> token, GetString(entry, "identitytoken"));
  credential.identity_token = token.value_or("");
  if (auth && !auth->empty()) {
    const std::optional<std::string> pair = Base64Decode(*auth, Base64Form::kStrict);
    const size_t colon = pair ? pair->find(':') : std::string::npos;
    if (colon == std::string::npos) return MakeError("\"auth\" is not base64 of USER:PASSWORD");
    credential.username = pair->substr(0, colon);
    credential.password = pair->substr(colon + 1);
    // As Docker does, which has padded pairs with them.
    while (credential.password.ends_with('\0')) credential.password.pop_back();
  } else {
    credential.username = username.value_or("");
    credential.password = password.value_or("");
  }
  if (credential.username.empty() && credential.identity_token.empty()) {
    return std::optional<Credential>();
  }
  return std::optional<Credential>(std::move(credential));
}

// "example.org/team/app", "example.org/team", "example.org".
std::vector<std::string> KeysFor(const std::string& host, const std::string& repository) {
  std::string key = NormalAuthKey(host);
  const size_t end = key.size();
  if (!repository.empty()) key += '/' + repository;
  std::vector<std::string> keys{key};
  while (key.size() > end) {
    const size_t slash = key.rfind('/');
    if (slash < end) break;
    key.resize(slash);
    keys.push_back(key);
  }
  return keys;
}

}  // namespace

std::string NormalAuthKey(std::string_view key) {
  bool host_only = false;
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!key.starts_with(scheme)) continue;
    key.remove_prefix(scheme.size());
    host_only = true;
    break;
  }
  while (key.ends_with('/')) key.remove_suffix(1);
  const size_t slash = key.find('/');
  std::string host(key.substr(0, slash));
  const std::string_view path = slash == std::string_view::npos ? "" : key.substr(slash);
  if (host == "index.docker.io" || host == "registry-1.docker.io") host = kDefaultDomain;
  return host_only || path == "/v1" || path == "/v2" ? host : host + std::string(path);
}

Result<AuthFile> AuthFile::Parse(const std::string& path, std::string_view text) {
  const bool docker = path.substr(path.rfind('/') + 1) == "config.json";
  if (text.empty()) return AuthFile(docker, Json::object());
  JsonLimits limits;
  limits.bytes = kMaxBytes;
  VENEER_TRY(Json document, ParseJson(text, limits));
  VENEER_TRY_VOID(CheckMembers(document));
  return AuthFile(docker, std::move(document));
}

Result<AuthFile> AuthFile::Read(const std::string& path) {
  // A fifo in the way is not waited for.
  const Sys<Fd> fd = sys::OpenFollowing(path, O_RDONLY | O_NONBLOCK);
  if (!fd && (fd.error().code == ENOENT || fd.error().code == ENOTDIR)) return Parse(path, "");
  if (!fd) return MakeError(fd.error(), path);
  std::string text(kMaxBytes + 1, '\0');
  VENEER_TRY_CTX(const size_t size, sys::ReadAt(fd->get(), text.data(), text.size(), 0), path);
  text.resize(size);
  Result<AuthFile> file = Parse(path, text);
  if (!file) return tl::unexpected(std::move(file).error().Context(path));
  return file;
}

const Json* AuthFile::Member(const char* name) const {
  const auto it = document_.find(name);
  return it == document_.end() || it->is_null() ? nullptr : &*it;
}

std::string AuthFile::KeyOf(const std::string& host) const {
  std::string key = NormalAuthKey(host);
  return docker_ && key == kDefaultDomain ? kDockersKeyOfHub : key;
}

std::vector<CredentialHelper> AuthFile::HostHelpers() const {
  std::vector<CredentialHelper> all;
  if (const Json* helpers = Member("credHelpers"); helpers != nullptr) {
    for (const auto& [key, value] : helpers->items()) {
      const auto& suffix = value.get_ref<const std::string&>();
      // Who wrote the key calls the helper with it.
      if (!suffix.empty()) all.push_back({kHelperPrefix + suffix, key});
    }
  }
  return all;
}

std::optional<CredentialHelper> AuthFile::CommonHelper() const {
  const auto store = document_.find("credsStore");
  if (store == document_.end() || !store->is_string()) return std::nullopt;
  const auto& suffix = store->get_ref<const std::string&>();
  if (suffix.empty()) return std::nullopt;
  return CredentialHelper{kHelperPrefix + suffix, ""};
}

std::optional<CredentialHelper> AuthFile::HelperOf(const std::string& host) const {
  std::optional<CredentialHelper> found = CommonHelper();
  if (found) found->server = KeyOf(host);
  const std::string wanted = NormalAuthKey(host);
  if (const Json* helpers = Member("credHelpers"); helpers != nullptr) {
    for (const auto& [key, value] : helpers->items()) {
      // One without a name says that the file itself has the credential.
      if (NormalAuthKey(key) == wanted) found.reset();
    }
  }
  for (CredentialHelper& helper : HostHelpers()) {
    if (NormalAuthKey(helper.server) == wanted) found = std::move(helper);
  }
  return found;
}

Result<std::optional<Credential>> AuthFile::Find(const std::string& host,
                                                 const std::string& repository) const {
  const Json* auths = Member("auths");
  if (auths == nullptr) return std::optional<Credential>();
  for (const std::string& wanted : KeysFor(host, repository)) {
    // Of several keys of one host the plain one counts.
    for (const bool plain : {true, false}) {
      for (const auto& [key, entry] : auths->items()) {
        if (IsEmpty(entry) || (key == wanted) != plain || NormalAuthKey(key) != wanted) continue;
        Result<std::optional<Credential>> found = CredentialOf(entry);
        if (!found) {
          return tl::unexpected(std::move(found).error().Context("the entry of " + Quoted(key)));
        }
        if (*found) return found;
      }
    }
  }
  return std::optional<Credential>();
}

Result<void> AuthFile::Put(const std::string& host, const std::optional<Credential>& credential) {
  Json entry = Json::object();
  if (credential) {
    if (credential->username.find(':') != std::string::npos) {
      return MakeError("a user name with a colon cannot be kept in a file");
    }
    if (!credential->username.empty()) {
      entry["auth"] = Base64Encode(credential->username + ":" + credential->password);
    }
    if (!credential->identity_token.empty()) entry["identitytoken"] = credential->identity_token;
  }
  Erase(host);
  if (Member("auths") == nullptr) document_["auths"] = Json::object();
  document_["auths"][KeyOf(host)] = std::move(entry);
  return {};
}

bool AuthFile::Erase(const std::string& host) {
  if (Member("auths") == nullptr) return false;
  const std::string wanted = NormalAuthKey(host);
  bool had_credential = false;
  Json& auths = document_["auths"];
  for (auto it = auths.begin(); it != auths.end();) {
    if (NormalAuthKey(it.key()) != wanted) {
      ++it;
      continue;
    }
    had_credential = had_credential || !IsEmpty(*it);
    it = auths.erase(it);
  }
  return had_credential;
}

bool AuthFile::EraseAll() {
  const Json* const auths = Member("auths");
  if (auths == nullptr) return false;
  const bool had_credential =
      std::ranges::any_of(*auths, [](const Json& entry) { return !IsEmpty(entry); });
  document_["auths"] = Json::object();
  return had_credential;
}

bool AuthFile::Has(const std::string& host) const {
  const Json* auths = Member("auths");
  if (auths == nullptr) return false;
  const std::string wanted = NormalAuthKey(host);
  for (const auto& [key, entry] : auths->items()) {
    if (NormalAuthKey(key) == wanted) return true;
  }
  return false;
}

std::string AuthFile::Text() const {
  return document_.dump(1, '\t', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace veneer
