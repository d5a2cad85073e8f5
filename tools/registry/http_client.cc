// SPDX-License-Identifier: Apache-2.0
#include "tools/registry/http_client.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include "layerdb/base/printable.h"
#include "tools/registry/authorities.h"
#include "tools/registry/url.h"

namespace veneer {

namespace {

constexpr long kConnectSeconds = 30;
constexpr long kSilentSeconds = 60;  // without a byte
constexpr long kBuffer = 256 << 10;
constexpr uint64_t kMaxHeaders = uint64_t{256} << 10;

std::string_view Trim(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

// The errno of HttpClient::Exchange().
int ErrnoOfCurl(CURLcode code) {
  switch (code) {
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT: return ECONNREFUSED;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR: return EKEYREJECTED;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_ENGINE_NOTFOUND:
    case CURLE_SSL_CIPHER:
    case CURLE_USE_SSL_FAILED:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
    case CURLE_WEIRD_SERVER_REPLY: return EPROTO;
    case CURLE_OUT_OF_MEMORY: return ENOMEM;
    default: return ECONNRESET;
  }
}

}  // namespace

struct HttpClient::Transfer {
  Transfer(const Curl& with, const HttpRequest& what, const Cancellation* end)
      : curl(with), request(what), cancel(end) {}
  ~Transfer() { curl.slist_free_all(headers); }

  const Curl& curl;
  const HttpRequest& request;
  const Cancellation* cancel;
  curl_slist* headers = nullptr;
  HttpResponse response;
  uint64_t header_bytes = 0;
  Result<void> own;         // what the sink or the source says
  std::string_view unsent;  // of a piece of the source
  std::array<char, CURL_ERROR_SIZE> text{};

  // One call for each line. A new status line begins the headers of another answer ("100
  // Continue").
  static size_t OnHeader(char* bytes, size_t size, size_t count, void* self) {
    auto& transfer = *static_cast<Transfer*>(self);
    const std::string_view line(bytes, size * count);
    if (line.starts_with("HTTP/")) {
      transfer.response.headers.clear();
      transfer.header_bytes = 0;
    }
    transfer.header_bytes += line.size();
    if (transfer.header_bytes > kMaxHeaders) {
      transfer.own = MakeError(Errno{EMSGSIZE}, PrintableUrl(transfer.request.url) + ": headers");
      return 0;
    }
    const size_t colon = line.find(':');
    if (colon != std::string_view::npos) {
      transfer.response.headers.emplace_back(LowerCase(Trim(line.substr(0, colon))),
                                             Trim(line.substr(colon + 1)));
    }
    return line.size();
  }

  static size_t OnBody(char* bytes, size_t size, size_t count, void* self) {
    auto& transfer = *static_cast<Transfer*>(self);
    const std::string_view piece(bytes, size * count);
    HttpResponse& response = transfer.response;
    if (response.status == 0) {
      transfer.curl.easy_getinfo(transfer.handle, CURLINFO_RESPONSE_CODE, &response.status);
    }
    if (transfer.request.sink && response.ok()) {
      transfer.own = transfer.request.sink(response, piece);
      return transfer.own ? piece.size() : 0;
    }
    if (response.body.size() + piece.size() > transfer.request.max_body) {
      transfer.own = MakeError(PrintableUrl(transfer.request.url) + ": more than " +
                               std::to_string(transfer.request.max_body) + " bytes");
      return 0;
    }
    response.body += piece;
    return piece.size();
  }

  static size_t OnRead(char* buffer, size_t size, size_t count, void* self) {
    auto& transfer = *static_cast<Transfer*>(self);
    if (transfer.unsent.empty()) {
      Result<std::string_view> next = transfer.request.source();
      if (!next) {
        transfer.own = tl::unexpected(std::move(next).error());
        return CURL_READFUNC_ABORT;
      }
      transfer.unsent = *next;
    }
    const size_t given = transfer.unsent.copy(buffer, size * count);
    transfer.unsent.remove_prefix(given);
    return given;
  }

  static int OnProgress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t sent) {
    const auto& transfer = *static_cast<Transfer*>(self);
    if (transfer.request.sent) transfer.request.sent(static_cast<uint64_t>(sent));
    return transfer.cancel != nullptr && transfer.cancel->requested() ? 1 : 0;
  }

  template <class T>
  void Set(CURLoption option, T value) {
    if (code == CURLE_OK) code = curl.easy_setopt(handle, option, value);
  }

  void SetTls(const TlsSettings& tls) {
    Set(CURLOPT_SSL_VERIFYPEER, tls.verify ? 1L : 0L);
    Set(CURLOPT_SSL_VERIFYHOST, tls.verify ? 2L : 0L);
    if (!tls.client_cert.empty()) {
      Set(CURLOPT_SSLCERT, tls.client_cert.c_str());
      if (!tls.client_key.empty()) Set(CURLOPT_SSLKEY, tls.client_key.c_str());
    }
    if (!authorities.empty()) {
      curl_blob blob{authorities.data(), authorities.size(), CURL_BLOB_COPY};
      Set(CURLOPT_CAINFO_BLOB, &blob);
    }
  }

  void SetBody() {
    const std::string_view body =
        request.borrowed_body.empty() ? std::string_view(request.body) : request.borrowed_body;
    if (request.source) {
      Set(CURLOPT_UPLOAD, 1L);
      Set(CURLOPT_READFUNCTION, &Transfer::OnRead);
      Set(CURLOPT_READDATA, this);
    } else if (!body.empty() || request.method == "POST" || request.method == "PUT" ||
               request.method == "PATCH") {
      Set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
      Set(CURLOPT_POSTFIELDS, body.data() == nullptr ? "" : body.data());
    }
    if (request.method == "HEAD") {
      Set(CURLOPT_NOBODY, 1L);
    } else {
      Set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
    }
  }

  CURLcode Prepare() {
    for (const std::string& header : request.headers) {
      headers = curl.slist_append(headers, header.c_str());
    }
    // A server need not say that it waits for the body.
    headers = curl.slist_append(headers, "Expect:");
    Set(CURLOPT_URL, request.url.c_str());
    // libcurl before 7.85 has these as bits.
    if (curl.easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https") != CURLE_OK) {
      constexpr auto kOldProtocols = static_cast<CURLoption>(181);
      Set(kOldProtocols, 3L);
    }
    Set(CURLOPT_HTTPHEADER, headers);
    Set(CURLOPT_NOSIGNAL, 1L);
    Set(CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
    Set(CURLOPT_LOW_SPEED_LIMIT, 1L);
    Set(CURLOPT_LOW_SPEED_TIME, kSilentSeconds);
    Set(CURLOPT_BUFFERSIZE, kBuffer);
    Set(CURLOPT_USERAGENT, "veneer");
    Set(CURLOPT_ERRORBUFFER, text.data());
    Set(CURLOPT_HEADERFUNCTION, &Transfer::OnHeader);
    Set(CURLOPT_HEADERDATA, this);
    Set(CURLOPT_WRITEFUNCTION, &Transfer::OnBody);
    Set(CURLOPT_WRITEDATA, this);
    Set(CURLOPT_XFERINFOFUNCTION, &Transfer::OnProgress);
    Set(CURLOPT_XFERINFODATA, this);
    Set(CURLOPT_NOPROGRESS, 0L);
    if (!request.user.empty()) {
      Set(CURLOPT_HTTPAUTH, static_cast<long>(CURLAUTH_BASIC));
      Set(CURLOPT_USERNAME, request.user.c_str());
      Set(CURLOPT_PASSWORD, request.password.c_str());
    }
    // What is on this machine is asked by no other one, whatever the variables of the proxies say.
    if (const Result<UrlParts> parts = ParseUrl(request.url); parts && parts->loopback) {
      Set(CURLOPT_PROXY, "");
    }
    SetTls(request.tls);
    SetBody();
    return code;
  }

  CURL* handle = nullptr;
  std::string authorities;  // PEM, those of the system included
  CURLcode code = CURLE_OK;
};

std::optional<std::string_view> HttpResponse::Header(std::string_view name) const {
  std::optional<std::string_view> found;
  for (const auto& [key, value] : headers) {
    if (key == name) found = value;
  }
  return found;
}

Result<std::unique_ptr<HttpClient>> HttpClient::Make(const Cancellation* cancel,
                                                     std::string_view why) {
  VENEER_TRY(const Curl* const curl, Curl::Load(why));
  return std::unique_ptr<HttpClient>(new HttpClient(*curl, cancel));
}

HttpClient::~HttpClient() {
  const MutexLock lock(mutex_);
  for (CURL* const handle : idle_) curl_.easy_cleanup(handle);
}

CURL* HttpClient::TakeHandle() {
  {
    const MutexLock lock(mutex_);
    if (!idle_.empty()) {
      CURL* const handle = idle_.back();
      idle_.pop_back();
      return handle;
    }
  }
  return curl_.easy_init();
}

Result<HttpResponse> HttpClient::Exchange(const HttpRequest& request) {
  VENEER_TRY_VOID(Cancellation::Check(cancel_));
  Transfer transfer(curl_, request, cancel_);
  for (const std::string& header : request.headers) {
    if (std::ranges::all_of(header, [](char c) { return c == '\t' || (c >= ' ' && c != 127); })) {
      continue;
    }
    return MakeError(Errno{EINVAL}, PrintableUrl(request.url) + ": a header that is no text");
  }
  VENEER_TRY(transfer.authorities, ReadAuthorities(request.tls));
  transfer.handle = TakeHandle();
  if (transfer.handle == nullptr) return MakeError(Errno{ENOMEM}, PrintableUrl(request.url));
  CURLcode code = transfer.Prepare();
  if (code == CURLE_OK) code = curl_.easy_perform(transfer.handle);
  curl_.easy_getinfo(transfer.handle, CURLINFO_RESPONSE_CODE, &transfer.response.status);
  // A connection is used again; what was set for this exchange is not.
  curl_.easy_reset(transfer.handle);
  {
    const MutexLock lock(mutex_);
    idle_.push_back(transfer.handle);
  }
  if (!transfer.own) return tl::unexpected(std::move(transfer.own).error());
  if (code == CURLE_OK) return std::move(transfer.response);
  VENEER_TRY_VOID(Cancellation::Check(cancel_));
  const std::string_view why =
      transfer.text[0] != '\0' ? transfer.text.data() : curl_.easy_strerror(code);
  return tl::unexpected(Error(PrintableUrl(request.url) + ": " + PrintablePath(why),
                              ExitCode::kFailed, ErrnoOfCurl(code)));
}

}  // namespace veneer
