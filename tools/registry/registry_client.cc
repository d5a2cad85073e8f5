// SPDX-License-Identifier: Apache-2.0
#include "tools/registry/registry_client.h"

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <set>
#include <utility>

#include "layerdb/base/log.h"
#include "layerdb/model/reference.h"
#include "tools/registry/registry_error.h"
#include "tools/registry/url.h"

namespace veneer {

namespace {

// A blob that comes in more parts than this does not come.
constexpr int kMaxBreaks = 1000;
constexpr uint64_t kGoodPart = uint64_t{256} << 10;
// Of a list. A server could lead on for ever.
constexpr int kMaxPages = 1000;
constexpr size_t kMaxListBytes = size_t{64} << 20;
constexpr long kPartial = 206;

// Whatever an image may be described by. A registry that is asked for less makes up another form,
// or has nothing (R27).
constexpr const char* kAcceptManifests =
    "Accept: application/vnd.oci.image.index.v1+json, "
    "application/vnd.oci.image.manifest.v1+json, "
    "application/vnd.docker.distribution.manifest.list.v2+json, "
    "application/vnd.docker.distribution.manifest.v2+json, "
    "application/vnd.docker.distribution.manifest.v1+prettyjws;q=0.5, "
    "application/vnd.docker.distribution.manifest.v1+json;q=0.5";

Error EarlyEnd(const std::string& what, uint64_t done, uint64_t size) {
  return Error(what + ": the server sends " + std::to_string(done) + " of " + std::to_string(size) +
                   " bytes",
               ExitCode::kFailed, ECONNRESET);
}

// Where the header Link leads: "<URL>; rel=\"next\"" (RFC 8288). Empty: nowhere.
std::string NextPage(const HttpResponse& response) {
  const std::string_view link = response.Header("link").value_or("");
  const size_t begin = link.find('<');
  const size_t end = link.find('>');
  const bool next = link.find("rel=\"next\"") != std::string_view::npos ||
                    link.find("rel=next") != std::string_view::npos;
  if (!next || begin == std::string_view::npos || end == std::string_view::npos || end < begin) {
    return {};
  }
  return std::string(link.substr(begin + 1, end - begin - 1));
}

}  // namespace

RegistryClient::RegistryClient(HttpClient& http, Endpoint endpoint, Settings settings)
    : http_(http),
      endpoint_(std::move(endpoint)),
      settings_(std::move(settings)),
      authorizer_(http, settings_.credential, settings_.tls_of, settings_.for_login) {}

std::string RegistryClient::RepositoryPath() const {
  return "/v2/" + EscapeForUrl(endpoint_.repository, "/");
}

std::string RegistryClient::RepositoryName() const {
  return endpoint_.host + "/" + endpoint_.repository;
}

std::string RegistryClient::ScopeToPull() const {
  return "repository:" + endpoint_.repository + ":pull";
}

std::string RegistryClient::ScopeToPush() const {
  return "repository:" + endpoint_.repository + ":pull,push";
}

tl::unexpected<Error> RegistryClient::Refusal(const std::string& what,
                                              const HttpResponse& answer) const {
  const HttpResponse response = WithoutSecret(answer, settings_.credential);
  const bool denied = RegistryError(what, response).value().code() == EACCES;
  if (!denied) return RegistryError(what, response);
  const std::string host =
      endpoint_.host == kHubServer ? std::string(kDefaultDomain) : endpoint_.host;
  return tl::unexpected(RegistryError(what + ": access denied", response)
                            .value()
                            .Because(Reason::kAccessDenied, host));
}

Result<std::string> RegistryClient::LocationOf(const Request& request,
                                               const HttpResponse& response) {
  const auto location = response.Header("location");
  if (!location) return MakeError(RepositoryName() + ": the server says no address for an upload");
  const std::vector<std::string> bases = Bases();
  return ResolveUrl(request.url.empty() ? bases.front() + request.path : request.url, *location);
}

bool RegistryClient::IsAtHome(const std::string& url) {
  const Result<UrlParts> home = ParseUrl(Bases().front());
  const Result<UrlParts> there = ParseUrl(url);
  return home && there && *home == *there;
}

std::vector<std::string> RegistryClient::Bases() {
  const MutexLock lock(mutex_);
  if (!base_.empty()) return {base_};
  const std::string rest = endpoint_.host + endpoint_.prefix;
  if (endpoint_.only_http) return {"http://" + rest};
  std::vector<std::string> bases = {"https://" + rest};
  if (endpoint_.plain_http || endpoint_.insecure) bases.push_back("http://" + rest);
  return bases;
}

void RegistryClient::Settle(const std::string& base) {
  const MutexLock lock(mutex_);
  base_ = base;
}

Result<HttpResponse> RegistryClient::SendTo(const std::string& base, const Request& request) {
  const std::string home = request.url.empty() ? base + request.path : request.url;
  VENEER_TRY(const UrlParts home_parts, ParseUrl(base));
  for (int unauthorized = 0;; ++unauthorized) {
    std::string url = home;
    uint64_t applied = 0;
    for (int redirections = 0;; ++redirections) {
      HttpRequest http = request.http;
      http.url = url;
      VENEER_TRY(const UrlParts parts, ParseUrl(url));
      // Another host, or the same one by another way, gets nothing that is the registry's.
      if (parts == home_parts) {
        http.tls = endpoint_.tls;
        if (endpoint_.insecure) http.tls.verify = false;
        applied = authorizer_.Apply(request.scopes, &http);
      } else {
        VENEER_TRY(http.tls, settings_.tls_of(parts.host));
      }
      VENEER_TRY(HttpResponse response, http_.Exchange(http));
      const auto location = response.Header("location");
      if (response.redirects() && location && http.method != "POST" && http.method != "PUT" &&
          http.method != "PATCH") {
        if (redirections == kMaxRedirections) {
          return MakeError(PrintableUrl(home) + ": too many redirections");
        }
        VENEER_TRY(url, ResolveUrl(url, *location));
        continue;
      }
      if (response.status != kUnauthorized || parts != home_parts || unauthorized > 1) {
        return response;
      }
      if (http.source) return response;  // it has given its bytes
      Result<bool> better = authorizer_.Learn(response, request.scopes, applied);
      if (!better && better.error().reason() == Reason::kAccessDenied) {
        return tl::unexpected(
            std::move(better).error().Because(Reason::kAccessDenied, endpoint_.host));
      }
      if (!better) return tl::unexpected(std::move(better).error());
      if (!*better) return response;
      break;
    }
  }
}

Result<HttpResponse> RegistryClient::Send(const Request& request) {
  const std::vector<std::string> bases = Bases();
  std::optional<Error> without_tls;
  for (size_t i = 0;; ++i) {
    Result<HttpResponse> response = SendTo(bases[i], request);
    // A server that wants TLS, and did not like this client's, answers plain HTTP with this status.
    constexpr long kBadRequest = 400;
    if (response && response->status == kBadRequest && without_tls) {
      return tl::unexpected(*without_tls);
    }
    if (response) Settle(bases[i]);
    const int code = response ? 0 : response.error().code();
    // Who speaks no TLS, or hangs up, may speak plain HTTP. What it then says counts.
    const bool no_tls = code == EPROTO || code == ECONNREFUSED || code == ECONNRESET;
    if (!no_tls || i + 1 == bases.size()) return response;
    without_tls = response.error();
  }
}

Result<void> RegistryClient::WaitToRetry(int tried, Error error, const HttpResponse* response) {
  if (tried > settings_.retry.tries_more || !IsWorthRetrying(error)) {
    return tl::unexpected(std::move(error));
  }
  std::optional<std::chrono::milliseconds> asked_for;
  if (response != nullptr) {
    if (const auto after = response->Header("retry-after"); after) {
      asked_for = ParseRetryAfter(*after, std::chrono::system_clock::now());
    }
  }
  LogDebug("again: " + error.message());
  return WaitFor(WaitBefore(settings_.retry, tried, asked_for), settings_.cancel);
}

Result<HttpResponse> RegistryClient::SendPatiently(const Request& request,
                                                   const std::string& what) {
  for (int tried = 1;; ++tried) {
    Result<HttpResponse> response = Send(request);
    if (response && response->ok()) return response;
    Error error = response ? Refusal(what, *response).value() : std::move(response).error();
    VENEER_TRY_VOID(WaitToRetry(tried, std::move(error), response ? &*response : nullptr));
  }
}

Result<void> RegistryClient::Check() {
  Request request;
  request.path = "/v2/";
  VENEER_TRY_VOID(SendPatiently(request, endpoint_.host));
  return {};
}

Result<RegistryClient::Manifest> RegistryClient::GetManifest(const std::string& reference) {
  Request request;
  request.path = RepositoryPath() + "/manifests/" + EscapeForUrl(reference, ":");
  request.scopes = ScopeToPull();
  request.http.headers.emplace_back(kAcceptManifests);
  const std::optional<Digest> digest = Digest::Parse(reference);
  const std::string what = RepositoryName() + (digest ? "@" : ":") + reference;
  VENEER_TRY(HttpResponse response, SendPatiently(request, what));
  std::string media_type(response.Header("content-type").value_or(""));
  media_type.resize(std::min(media_type.find(';'), media_type.size()));
  const Digest has = Digest::OfBytes(response.body);
  if (digest && has != *digest) {
    return MakeError(what + ": the server sends a manifest with another digest, " + has.ToString());
  }
  return Manifest{std::move(response.body), std::move(media_type), has};
}

Result<std::string> RegistryClient::NextAddress(const Request& request,
                                                const HttpResponse& response,
                                                const std::string& what) {
  std::string next = NextPage(response);
  if (next.empty()) return next;
  const std::string base = Bases().front();
  // A registry behind a proxy does not know the path that it has there.
  if (next.starts_with("/v2/")) next.insert(0, endpoint_.prefix);
  VENEER_TRY(std::string url,
             ResolveUrl(request.url.empty() ? base + request.path : request.url, next));
  VENEER_TRY(const UrlParts home, ParseUrl(base));
  VENEER_TRY(const UrlParts there, ParseUrl(url));
  if (there != home) {
    return MakeError(what + ": the next page is said to be at " + PrintableUrl(url) +
                     ", on another server");
  }
  return url;
}

Result<void> RegistryClient::ForEachPage(const std::string& path, const std::string& scopes,
                                         const std::string& what,
                                         const std::function<Result<bool>(const Json&)>& take) {
  Request request;
  request.path = path;
  request.scopes = scopes;
  std::set<std::string> seen;
  size_t bytes = 0;
  for (int page = 0; page < kMaxPages && bytes <= kMaxListBytes; ++page) {
    VENEER_TRY(const HttpResponse response, SendPatiently(request, what));
    bytes += response.body.size();
    const Result<Json> document = ParseJson(response.body);
    if (!document) {
      return MakeError(
          what + ": the answer is not the list that was asked for: " + document.error().message());
    }
    Result<bool> more = take(*document);
    if (!more) return tl::unexpected(std::move(more).error().Context(what));
    if (!*more) return {};
    VENEER_TRY(request.url, NextAddress(request, response, what));
    if (request.url.empty()) return {};
    if (!seen.insert(request.url).second) {
      return MakeError(what + ": the pages of the list lead back to " + PrintableUrl(request.url));
    }
  }
  return MakeError(what + ": the list does not end: more than " + std::to_string(kMaxPages) +
                   " pages or 64 MiB");
}

Result<std::vector<std::string>> RegistryClient::ListTags(size_t limit) {
  std::vector<std::string> tags;
  VENEER_TRY_VOID(ForEachPage(RepositoryPath() + "/tags/list", ScopeToPull(), RepositoryName(),
                              [&](const Json& page) -> Result<bool> {
                                VENEER_TRY(auto names, GetStrings(page, "tags"));
                                if (names) std::ranges::move(*names, std::back_inserter(tags));
                                return tags.size() < limit;
                              }));
  tags.resize(std::min(limit, tags.size()));
  return tags;
}

Result<std::string> RegistryClient::GetDocument(const BlobDigest& digest, uint64_t size) {
  const std::string what = RepositoryName() + "@" + digest.ToString();
  std::string bytes;
  if (size > HttpRequest().max_body) {
    return MakeError(what + ": a document of " + std::to_string(size) + " bytes is too large");
  }
  VENEER_TRY_VOID(GetBlob(digest, size, 0, [&](std::string_view piece) -> Result<void> {
    bytes += piece;
    return {};
  }));
  if (BlobDigest::OfBytes(digest.algorithm(), bytes) == digest) return bytes;
  return MakeError(what + ": the server sends other bytes");
}

Result<bool> RegistryClient::HasBlob(const BlobDigest& digest) {
  Request request;
  request.http.method = "HEAD";
  request.path = RepositoryPath() + "/blobs/" + digest.ToString();
  request.scopes = ScopeToPush();
  const Result<HttpResponse> response =
      SendPatiently(request, RepositoryName() + "@" + digest.ToString());
  if (response) return true;
  if (response.error().code() == ENOENT) return false;
  return tl::unexpected(response.error());
}

Result<void> RegistryClient::PutManifest(const std::string& tag, const std::string& media_type,
                                         const std::string& bytes) {
  Request request;
  request.http.method = "PUT";
  request.path = RepositoryPath() + "/manifests/" + EscapeForUrl(tag);
  request.scopes = ScopeToPush();
  request.http.headers.push_back("Content-Type: " + media_type);
  request.http.body = bytes;
  VENEER_TRY(const HttpResponse response, SendPatiently(request, RepositoryName() + ":" + tag));
  constexpr long kManifestCreated = 201;
  if (response.status == kManifestCreated) return {};
  return MakeError(RepositoryName() + ":" + tag + ": the server answers a manifest with status " +
                   std::to_string(response.status));
}

Result<void> RegistryClient::GetBlob(const BlobDigest& digest, uint64_t size, uint64_t from,
                                     const std::function<Result<void>(std::string_view)>& sink) {
  const std::string what = RepositoryName() + "@" + digest.ToString();
  uint64_t done = from;
  int tried = 0;
  for (int breaks = 0; breaks < kMaxBreaks; ++breaks) {
    const uint64_t begin = done;
    Request request;
    request.path = RepositoryPath() + "/blobs/" + digest.ToString();
    request.scopes = ScopeToPull();
    if (begin > 0) request.http.headers.push_back("Range: bytes=" + std::to_string(begin) + "-");
    std::optional<uint64_t> skip;  // of what the server sends
    request.http.sink = [&](const HttpResponse& head, std::string_view bytes) -> Result<void> {
      if (!skip) {
        // A server may send the whole all the same; another part is of no use.
        skip = head.status == kPartial ? 0 : begin;
        if (head.status == kPartial && !head.Header("content-range")
                                            .value_or("")
                                            .starts_with("bytes " + std::to_string(begin) + "-")) {
          return MakeError(what + ": the server sends another part than was asked for");
        }
      }
      const size_t passed = std::min<uint64_t>(*skip, bytes.size());
      *skip -= passed;
      bytes.remove_prefix(passed);
      if (bytes.size() > size - done) {
        return MakeError(what + ": the server sends more than " + std::to_string(size) + " bytes");
      }
      done += bytes.size();
      return bytes.empty() ? Result<void>() : sink(bytes);
    };
    Result<HttpResponse> response = Send(request);
    if (response && response->ok() && done == size) return {};
    Error error = EarlyEnd(what, done, size);
    if (!response) error = std::move(response).error();
    if (response && !response->ok()) error = Refusal(what, *response).value();
    // A server that sends a good part each time is getting on.
    tried = done - begin >= kGoodPart ? 1 : tried + 1;
    VENEER_TRY_VOID(WaitToRetry(tried, std::move(error), response ? &*response : nullptr));
  }
  return tl::unexpected(EarlyEnd(what, done, size));
}

}  // namespace veneer
