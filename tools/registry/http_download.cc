// SPDX-License-Identifier: Apache-2.0
#include "tools/registry/http_download.h"

#include <utility>

#include "tools/registry/http_client.h"
#include "tools/registry/registry_error.h"
#include "tools/registry/url.h"

namespace veneer {

namespace {

using Give = std::function<Result<void>(std::string_view)>;

Result<HttpResponse> Fetch(HttpClient& client, const std::string& url, const Give& give) {
  HttpRequest request;
  request.url = url;
  request.sink = [&](const HttpResponse&, std::string_view bytes) { return give(bytes); };
  for (int redirections = 0; redirections <= kMaxRedirections; ++redirections) {
    VENEER_TRY(HttpResponse response, client.Exchange(request));
    if (response.ok()) return response;
    const auto location = response.Header("location");
    if (!response.redirects() || !location) return RegistryError(WithoutPassword(url), response);
    VENEER_TRY(request.url, ResolveUrl(request.url, *location));
  }
  return MakeError(WithoutPassword(url) + ": too many redirections");
}

}  // namespace

Result<HttpResponse> HttpDownload(const std::string& url, const Cancellation* cancel,
                                  const Give& sink) {
  VENEER_TRY(const std::unique_ptr<HttpClient> client,
             HttpClient::Make(cancel, WithoutPassword(url)));
  return Fetch(*client, url, sink);
}

Result<std::unique_ptr<PipeFeeder>> StartHttpDownload(const std::string& url,
                                                      const Cancellation* cancel) {
  VENEER_TRY(std::unique_ptr<HttpClient> made, HttpClient::Make(cancel, WithoutPassword(url)));
  return PipeFeeder::Start([url, client = std::shared_ptr<HttpClient>(std::move(made))](
                               const PipeFeeder::Give& give) -> Result<void> {
    VENEER_TRY_VOID(Fetch(*client, url, give));
    return {};
  });
}

}  // namespace veneer
