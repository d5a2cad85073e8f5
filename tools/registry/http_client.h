// SPDX-License-Identifier: Apache-2.0
//
// HttpClient: single exchanges with web servers. Redirections are answers like others: whoever
// follows one decides what goes along (registry_client.h).
//
// Thread-safety: all methods may be called from several threads at once. Connections are used
// again.
#ifndef VENEER_TOOLS_REGISTRY_HTTP_CLIENT_H_
#define VENEER_TOOLS_REGISTRY_HTTP_CLIENT_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "layerdb/base/mutex.h"
#include "layerdb/base/result.h"
#include "layerdb/threads/cancellation.h"
#include "tools/registry/curl.h"
#include "tools/registry/tls_settings.h"

namespace veneer {

inline constexpr long kUnauthorized = 401;  // RFC 9110, 15.5.2

struct HttpResponse {
  long status = 0;
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  std::string body;                                          // as far as no sink has got it

  // The last header of this name, in lower case.
  std::optional<std::string_view> Header(std::string_view name) const;
  bool ok() const { return status >= 200 && status < 300; }
  // To what the header Location says.
  bool redirects() const {
    return (status >= 301 && status <= 303) || status == 307 || status == 308;
  }
};

// So many redirections are followed, and no more.
inline constexpr int kMaxRedirections = 10;

struct HttpRequest {
  std::string method = "GET";
  std::string url;                   // http:// or https://
  std::vector<std::string> headers;  // "Name: value"
  // User and password, sent at once (RFC 7617); empty: none.
  std::string user;
  std::string password;
  TlsSettings tls;
  // What is sent: `body`, or bytes that outlive the exchange.
  std::string body;
  std::string_view borrowed_body;
  // In place of them: gives a body whose length is not known, piece by piece, and an empty piece
  // at its end. A piece is good until the next call. Its failure ends the exchange and is that of
  // Exchange(). What it gave cannot be sent twice.
  std::function<Result<std::string_view>()> source;
  // Told how many bytes of it are sent; may be empty.
  std::function<void(uint64_t bytes)> sent;
  // Gets what an answer with a status of 200 to 299 brings. Its failure ends the exchange and is
  // that of Exchange().
  std::function<Result<void>(const HttpResponse& head, std::string_view bytes)> sink;
  // An answer that brings more without a sink is refused.
  uint64_t max_body = uint64_t{4} << 20;
};

class HttpClient {
 public:
  // Failure: libcurl is not there. `cancel`, which may be null and outlives the client, ends every
  // exchange with ECANCELED. `why`: what it is wanted for.
  static Result<std::unique_ptr<HttpClient>> Make(const Cancellation* cancel, std::string_view why);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // Any status is an answer. Failure: the exchange was not ended. The error begins with the URL,
  // without password and query; its code is ECANCELED; ECONNREFUSED where there was no connection;
  // EKEYREJECTED where a certificate is not to be trusted; EPROTO where the other end speaks no
  // TLS, or no HTTP; ECONNRESET where it broke, so that
  // another try may succeed; or that of `sink`.
  Result<HttpResponse> Exchange(const HttpRequest& request);

 private:
  struct Transfer;
  HttpClient(const Curl& curl, const Cancellation* cancel) : curl_(curl), cancel_(cancel) {}
  CURL* TakeHandle();

  const Curl& curl_;
  const Cancellation* const cancel_;
  Mutex mutex_;
  std::vector<CURL*> idle_ GUARDED_BY(mutex_);  // with their connections
};

}  // namespace veneer

#endif  // VENEER_TOOLS_REGISTRY_HTTP_CLIENT_H_
