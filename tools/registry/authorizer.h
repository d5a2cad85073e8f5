// SPDX-License-Identifier: Apache-2.0
//
// Authorizer: makes the requests to one registry somebody's, by Basic or by tokens (distribution,
// "Token Authentication Specification" and "OAuth2 token authentication"). It learns from the
// first answer of 401 which of the two; tokens are kept for their time.
//
// Thread-safety: all methods may be called from several threads at once; one of them gets a token,
// and the others wait for it.
#ifndef VENEER_TOOLS_REGISTRY_AUTHORIZER_H_
#define VENEER_TOOLS_REGISTRY_AUTHORIZER_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "layerdb/base/mutex.h"
#include "layerdb/base/result.h"
#include "tools/registry/challenge.h"
#include "tools/registry/credential.h"
#include "tools/registry/http_client.h"
#include "tools/registry/tls_settings.h"

namespace veneer {

class Authorizer {
 public:
  // How connections to a host are made sure of: a token service may be another host than the
  // registry.
  using TlsOf = std::function<Result<TlsSettings>(const std::string& host)>;

  // `client` outlives it. `credential`: nullopt is everybody. `for_login`: the token service is
  // asked for a refresh token too.
  Authorizer(HttpClient& client, std::optional<Credential> credential, TlsOf tls_of,
             bool for_login = false)
      : client_(client),
        credential_(std::move(credential)),
        tls_of_(std::move(tls_of)),
        for_login_(for_login) {}

  // Adds to the request what is known to be wanted for these scopes ("repository:a/b:pull"); gives
  // a number that Learn() takes.
  uint64_t Apply(const std::string& scopes, HttpRequest* request);
  // Learns from an answer of 401 to a request for which Apply() gave `applied`. False: there is
  // nothing better to be sent. Errors: of the token service, or it is not one that a secret may be
  // sent to.
  Result<bool> Learn(const HttpResponse& response, const std::string& scopes, uint64_t applied);
  // The refresh token that the service has given; empty: none.
  std::string RefreshToken();

 private:
  struct Token {
    std::string value;
    std::string refresh;
    std::chrono::steady_clock::time_point end;
    uint64_t number = 0;
  };

  Result<Token> FetchToken(const Challenge& challenge, const std::string& scopes) const;

  HttpClient& client_;
  const std::optional<Credential> credential_;
  const TlsOf tls_of_;
  const bool for_login_;
  Mutex mutex_;
  bool basic_ GUARDED_BY(mutex_) = false;
  uint64_t fetched_ GUARDED_BY(mutex_) = 0;
  std::string refresh_token_ GUARDED_BY(mutex_);
  std::map<std::string, Token> tokens_ GUARDED_BY(mutex_);  // by scopes
};

}  // namespace veneer

#endif  // VENEER_TOOLS_REGISTRY_AUTHORIZER_H_
