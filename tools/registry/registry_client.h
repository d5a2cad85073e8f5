// SPDX-License-Identifier: Apache-2.0
//
// RegistryClient: one repository of one registry, or the registry itself (OCI distribution-spec).
// Everything that comes is hostile until its digest is right: documents are bounded, and a secret
// goes to the registry and to its token service alone, never along with a redirection.
//
// Thread-safety: all methods may be called from several threads at once.
#ifndef VENEER_TOOLS_REGISTRY_REGISTRY_CLIENT_H_
#define VENEER_TOOLS_REGISTRY_REGISTRY_CLIENT_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "layerdb/base/blob_digest.h"
#include "layerdb/base/mutex.h"
#include "layerdb/base/result.h"
#include "layerdb/threads/cancellation.h"
#include "tools/format/json.h"
#include "tools/registry/authorizer.h"
#include "tools/registry/http_client.h"
#include "tools/registry/registries_config.h"
#include "tools/registry/retry.h"

namespace veneer {

class RegistryClient {
 public:
  struct Settings {
    std::optional<Credential> credential;
    Authorizer::TlsOf tls_of;
    RetryPolicy retry;
    const Cancellation* cancel = nullptr;
    bool for_login = false;  // a token service is asked for a refresh token
  };

  // `http` outlives it.
  RegistryClient(HttpClient& http, Endpoint endpoint, Settings settings);

  const Endpoint& endpoint() const { return endpoint_; }

  // Whether the registry speaks the protocol, and lets this user in.
  Result<void> Check();

  struct Manifest {
    std::string bytes;
    std::string media_type;  // as the server says
    Digest digest;           // of `bytes`
  };
  // By tag, or by "sha256:…", which is checked. All forms that can be read are asked for (R27).
  // kNotFound: there is none.
  Result<Manifest> GetManifest(const std::string& reference);

  // Tags of the repository, in the registry's order; at most `limit`.
  Result<std::vector<std::string>> ListTags(size_t limit = SIZE_MAX);

  // The pages of a list that begins at `path`, one document after another, until `take` gives
  // false. The next page is where the header Link leads, on the same server alone. Errors: no JSON;
  // a Link that leads elsewhere or back; a list without end. `what`: for errors.
  Result<void> ForEachPage(const std::string& path, const std::string& scopes,
                           const std::string& what,
                           const std::function<Result<bool>(const Json& page)>& take);

  // The token that the token service has given in the place of the password
  // (Settings::for_login); empty: none.
  std::string RefreshToken() { return authorizer_.RefreshToken(); }

  // A document that is a blob: a config. Its size and digest are checked.
  Result<std::string> GetDocument(const BlobDigest& digest, uint64_t size);

  // Whether the repository has a blob.
  Result<bool> HasBlob(const BlobDigest& digest);

  // Gives the repository a manifest under a tag. Errors: all that the registry says; kAccessDenied
  // where it takes nothing from this user.
  Result<void> PutManifest(const std::string& tag, const std::string& media_type,
                           const std::string& bytes);

  // The bytes of a blob from `from` on, in order, to its end; what breaks off goes on from there.
  // `size`: of the whole. The digest is the caller's to check. Errors of `sink` end it.
  Result<void> GetBlob(const BlobDigest& digest, uint64_t size, uint64_t from,
                       const std::function<Result<void>(std::string_view)>& sink);

  // --- for what is a conversation of several requests (blob_upload.h) ---
  struct Request {
    HttpRequest http;  // without URL, user and TLS
    std::string path;  // behind the registry's address: "/v2/…"
    std::string url;   // in place of `path`: where an answer led to
    std::string scopes;
  };
  // "/v2/team/app"
  std::string RepositoryPath() const;
  // "registry.example:5000/team/app": for errors.
  std::string RepositoryName() const;
  std::string ScopeToPush() const;
  // One answer that is no 401, unless no more is known that would help, and no redirection.
  Result<HttpResponse> Send(const Request& request);
  // The same, tried again where that may help; other statuses than 200 to 299 are errors. `what`:
  // for errors.
  Result<HttpResponse> SendPatiently(const Request& request, const std::string& what);
  // Waits before the next try; the failure is `error` where there is none. `response` may be null.
  Result<void> WaitToRetry(int tried, Error error, const HttpResponse* response);
  // Where the header Location of an answer to `request` leads.
  Result<std::string> LocationOf(const Request& request, const HttpResponse& response);
  // Whether the registry takes a blob in several requests, as far as is known.
  bool takes_chunks() const { return takes_chunks_; }
  void TakesNoChunks() { takes_chunks_ = false; }
  // Whether an address is that of the registry, or of the mirror that stands for it.
  bool IsAtHome(const std::string& url);
  // RegistryError(), which gives nothing of the credential back, and says where it is that a user
  // is not let in.
  tl::unexpected<Error> Refusal(const std::string& what, const HttpResponse& response) const;

 private:
  // Where the page behind `response` is; empty: it is the last one.
  Result<std::string> NextAddress(const Request& request, const HttpResponse& response,
                                  const std::string& what);
  std::string ScopeToPull() const;
  Result<HttpResponse> SendTo(const std::string& base, const Request& request);
  // The addresses to be tried, the right one alone once it is known.
  std::vector<std::string> Bases();
  void Settle(const std::string& base);

  HttpClient& http_;
  const Endpoint endpoint_;
  const Settings settings_;
  Authorizer authorizer_;
  std::atomic<bool> takes_chunks_ = true;
  Mutex mutex_;
  std::string base_ GUARDED_BY(mutex_);  // "https://example.org:5000/mirror"; empty: not known yet
};

}  // namespace veneer

#endif  // VENEER_TOOLS_REGISTRY_REGISTRY_CLIENT_H_
