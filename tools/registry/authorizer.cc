// SPDX-License-Identifier: Apache-2.0
#include "tools/registry/authorizer.h"

#include <algorithm>
#include <cerrno>

#include "tools/format/json.h"
#include "tools/registry/registry_error.h"
#include "tools/registry/url.h"

namespace veneer {

namespace {

// The specification's own default where a service does not say.
constexpr size_t kLongestToken = size_t{64} << 10;
constexpr std::chrono::seconds kUsualLife{60};
// A token is not used in its last moments.
constexpr std::chrono::seconds kMargin{10};
constexpr std::chrono::seconds kLongestLife{24 * 3600};
// Of everything that was applied: what is sent is user and password.
constexpr uint64_t kBasic = UINT64_MAX;

const Challenge* Find(const std::vector<Challenge>& challenges, std::string_view scheme) {
  const auto at = std::ranges::find_if(
      challenges, [&](const Challenge& challenge) { return challenge.scheme == scheme; });
  return at == challenges.end() ? nullptr : &*at;
}

std::string ValueOf(const Challenge& challenge, const char* name) {
  const auto at = challenge.values.find(name);
  return at == challenge.values.end() ? std::string() : at->second;
}

// "scope=A&scope=B" of the words of `scopes`.
std::string ScopeFields(const std::string& scopes, std::string_view separator, bool as_one) {
  if (as_one) return "scope=" + EscapeForUrl(scopes);
  std::string fields;
  for (size_t at = 0; at < scopes.size();) {
    const size_t end = std::min(scopes.find(' ', at), scopes.size());
    if (end > at) {
      if (!fields.empty()) fields += separator;
      fields += "scope=" + EscapeForUrl(scopes.substr(at, end - at), ":/,");
    }
    at = end + 1;
  }
  return fields;
}

}  // namespace

uint64_t Authorizer::Apply(const std::string& scopes, HttpRequest* request) {
  const MutexLock lock(mutex_);
  if (basic_) {
    request->user = credential_->username;
    request->password = credential_->password;
    return kBasic;
  }
  const auto token = tokens_.find(scopes);
  if (token == tokens_.end() || token->second.end <= std::chrono::steady_clock::now()) return 0;
  request->headers.push_back("Authorization: Bearer " + token->second.value);
  return token->second.number;
}

Result<bool> Authorizer::Learn(const HttpResponse& response, const std::string& scopes,
                               uint64_t applied) {
  std::vector<Challenge> challenges;
  for (const auto& [name, value] : response.headers) {
    if (name != "www-authenticate") continue;
    for (Challenge& challenge : ParseChallenges(value)) challenges.push_back(std::move(challenge));
  }
  const MutexLock lock(mutex_);
  if (const Challenge* const bearer = Find(challenges, "bearer"); bearer != nullptr) {
    const std::string asked = scopes.empty() ? ValueOf(*bearer, "scope") : scopes;
    const auto known = tokens_.find(scopes);
    // Another thread has got one meanwhile.
    if (known != tokens_.end() && known->second.number != applied) return true;
    VENEER_TRY(Token token, FetchToken(*bearer, asked));
    token.number = ++fetched_;
    if (!token.refresh.empty()) refresh_token_ = std::move(token.refresh);
    tokens_.insert_or_assign(scopes, std::move(token));
    return true;
  }
  const bool has_password = credential_ && !credential_->username.empty();
  if (Find(challenges, "basic") == nullptr || !has_password || applied == kBasic) return false;
  basic_ = true;
  return true;
}

std::string Authorizer::RefreshToken() {
  const MutexLock lock(mutex_);
  return refresh_token_;
}

Result<Authorizer::Token> Authorizer::FetchToken(const Challenge& challenge,
                                                 const std::string& scopes) const {
  std::string realm = ValueOf(challenge, "realm");
  realm.resize(std::min(realm.find('#'), realm.size()));  // nobody sends a fragment
  const std::string service = ValueOf(challenge, "service");
  Result<UrlParts> parts = ParseUrl(realm);
  if (!parts) return tl::unexpected(std::move(parts).error().Context("token service"));
  const std::string name = "token service " + PrintableUrl(realm);
  if (parts->scheme != "https" && !parts->loopback) {
    return tl::unexpected(
        Error(name + ": not encrypted, so nothing is sent to it", ExitCode::kFailed, EACCES));
  }
  HttpRequest request;
  VENEER_TRY(request.tls, tls_of_(parts->host));
  const std::string wanted = service.empty() ? "" : "service=" + EscapeForUrl(service);
  if (credential_ && !credential_->identity_token.empty()) {
    request.method = "POST";
    request.url = realm;
    request.headers.emplace_back("Content-Type: application/x-www-form-urlencoded");
    request.body = "grant_type=refresh_token&client_id=veneer&" + wanted + "&" +
                   ScopeFields(scopes, "&", true) +
                   "&refresh_token=" + EscapeForUrl(credential_->identity_token);
  } else {
    std::string query = wanted;
    const std::string fields = ScopeFields(scopes, "&", false);
    if (!fields.empty()) query += (query.empty() ? "" : "&") + fields;
    if (credential_ && !credential_->username.empty()) {
      query += (query.empty() ? "" : "&") + ("account=" + EscapeForUrl(credential_->username));
      if (for_login_) query += "&client_id=veneer&offline_token=true";
      request.user = credential_->username;
      request.password = credential_->password;
    }
    request.url = realm + (realm.find('?') == std::string::npos ? "?" : "&") + query;
  }
  VENEER_TRY(const HttpResponse response, client_.Exchange(request));
  if (!response.ok()) {
    Error error = RegistryError(name, WithoutSecret(response, credential_)).value();
    if (error.code() != EACCES) return tl::unexpected(std::move(error));
    return tl::unexpected(std::move(error).Because(Reason::kAccessDenied));
  }
  const Result<Json> document = ParseJson(response.body);
  if (!document) return MakeError(name + ": its answer is no JSON");
  Token token;
  for (const char* member : {"access_token", "token"}) {
    const auto value = GetString(*document, member).value_or(std::nullopt);
    if (value && !value->empty()) token.value = *value;
  }
  const bool printable =
      std::ranges::all_of(token.value, [](char c) { return c > ' ' && c < 127; });
  if (token.value.empty() || token.value.size() > kLongestToken || !printable) {
    return MakeError(name + ": its answer has no token");
  }
  if (for_login_) {
    token.refresh = GetString(*document, "refresh_token").value_or(std::nullopt).value_or("");
  }
  std::chrono::seconds life = kUsualLife;
  if (const auto at = document->find("expires_in"); at != document->end() && at->is_number()) {
    life = std::chrono::seconds(
        static_cast<int64_t>(std::clamp(at->get<double>(), 0.0, double{kLongestLife.count()})));
  }
  token.end = std::chrono::steady_clock::now() + std::max(life - kMargin, life / 2);
  return token;
}

}  // namespace veneer
