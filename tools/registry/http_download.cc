// SPDX-License-Identifier: Apache-2.0
#include "tools/registry/http_download.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <utility>

namespace veneer {

namespace {

constexpr long kRedirections = 10;
constexpr long kConnectSeconds = 30;
constexpr long kSilentSeconds = 60;  // without a byte

// What is used of libcurl.
struct Curl {
  decltype(&::curl_global_init) global_init = nullptr;
  CURL* (*easy_init)() = nullptr;
  CURLcode (*easy_setopt)(CURL*, CURLoption, ...) = nullptr;
  CURLcode (*easy_perform)(CURL*) = nullptr;
  CURLcode (*easy_getinfo)(CURL*, CURLINFO, ...) = nullptr;
  void (*easy_cleanup)(CURL*) = nullptr;
  const char* (*easy_strerror)(CURLcode) = nullptr;

  template <class Function>
  bool Find(void* library, const char* name, Function* function) {
    *function = reinterpret_cast<Function>(dlsym(library, name));
    return *function != nullptr;
  }

  bool Load() {
    void* library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
    return library != nullptr && Find(library, "curl_global_init", &global_init) &&
           Find(library, "curl_easy_init", &easy_init) &&
           Find(library, "curl_easy_setopt", &easy_setopt) &&
           Find(library, "curl_easy_perform", &easy_perform) &&
           Find(library, "curl_easy_getinfo", &easy_getinfo) &&
           Find(library, "curl_easy_cleanup", &easy_cleanup) &&
           Find(library, "curl_easy_strerror", &easy_strerror) &&
           global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  }
};

// nullptr: not there.
const Curl* LoadedCurl() {
  static const std::unique_ptr<Curl> curl = [] {
    auto loaded = std::make_unique<Curl>();
    return loaded->Load() ? std::move(loaded) : nullptr;
  }();
  return curl.get();
}

}  // namespace

struct HttpDownload::Transfer {
  Transfer(const Curl& with, std::string from, const Cancellation* end, Fd to)
      : curl(with), url(std::move(from)), cancel(end), in(std::move(to)) {}

  const Curl& curl;
  std::string url;
  const Cancellation* cancel;
  Fd in;
  std::atomic<bool> left = false;  // nobody reads any more
  // Set when the thread has ended.
  CURLcode code = CURLE_OK;
  long status = 0;

  static size_t Write(char* bytes, size_t size, size_t count, void* self) {
    auto* transfer = static_cast<Transfer*>(self);
    for (size_t done = 0; done < size * count;) {
      const ssize_t n = ::write(transfer->in.get(), bytes + done, size * count - done);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return 0;
      done += static_cast<size_t>(n);
    }
    return size * count;
  }

  static int Progress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    const auto* transfer = static_cast<Transfer*>(self);
    const bool asked = transfer->cancel != nullptr && transfer->cancel->requested();
    return asked || transfer->left ? 1 : 0;
  }

  void Run() {
    // A reader that leaves is an error of write(2) here, and signals are the main thread's.
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, nullptr);
    CURL* handle = curl.easy_init();
    code = handle == nullptr ? CURLE_OUT_OF_MEMORY : Prepare(handle);
    if (code == CURLE_OK) {
      code = curl.easy_perform(handle);
      curl.easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
    }
    if (handle != nullptr) curl.easy_cleanup(handle);
    in.Reset();
  }

  // Sets all options; the first one that the library does not take is the error, and nothing is
  // read.
  CURLcode Prepare(CURL* handle) {
    CURLcode result = CURLE_OK;
    const auto set = [&](CURLoption option, auto value) {
      if (result == CURLE_OK) result = curl.easy_setopt(handle, option, value);
    };
    // libcurl before 7.85 has these as bits, by numbers that later headers call deprecated.
    const auto protocols = [&](CURLoption option, const char* names, int old, long bits) {
      if (curl.easy_setopt(handle, option, names) != CURLE_OK) {
        set(static_cast<CURLoption>(old), bits);
      }
    };
    constexpr int kOldProtocols = 181;
    constexpr int kOldRedirProtocols = 182;
    constexpr long kHttp = 1;
    constexpr long kHttps = 2;
    const bool secure = url.starts_with("https:");
    set(CURLOPT_URL, url.c_str());
    protocols(CURLOPT_PROTOCOLS_STR, "http,https", kOldProtocols, kHttp | kHttps);
    // What was asked of a server that proves who it is must not come from another.
    protocols(CURLOPT_REDIR_PROTOCOLS_STR, secure ? "https" : "http,https", kOldRedirProtocols,
              secure ? kHttps : kHttp | kHttps);
    set(CURLOPT_FOLLOWLOCATION, 1L);
    set(CURLOPT_MAXREDIRS, kRedirections);
    set(CURLOPT_FAILONERROR, 1L);
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
    set(CURLOPT_LOW_SPEED_LIMIT, 1L);
    set(CURLOPT_LOW_SPEED_TIME, kSilentSeconds);
    set(CURLOPT_USERAGENT, "veneer");
    set(CURLOPT_WRITEFUNCTION, &Transfer::Write);
    set(CURLOPT_WRITEDATA, this);
    set(CURLOPT_XFERINFOFUNCTION, &Transfer::Progress);
    set(CURLOPT_XFERINFODATA, this);
    set(CURLOPT_NOPROGRESS, 0L);
    return result;
  }
};

bool IsHttpUrl(std::string_view text) {
  return text.starts_with("http://") || text.starts_with("https://");
}

std::string WithoutPassword(std::string_view url) {
  const size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return std::string(url);
  const size_t host = scheme + 3;
  const size_t end = url.find_first_of("/?#", host);
  const size_t at = url.substr(0, end).rfind('@');
  if (at == std::string_view::npos || at < host) return std::string(url);
  return std::string(url.substr(0, host)) + std::string(url.substr(at + 1));
}

HttpDownload::HttpDownload(std::unique_ptr<Transfer> transfer, Fd out)
    : transfer_(std::move(transfer)), out_(std::move(out)) {
  thread_ = std::thread([this] { transfer_->Run(); });
}

HttpDownload::~HttpDownload() { IgnoreError(Finish(), "whoever wants to know has asked"); }

Result<std::unique_ptr<HttpDownload>> HttpDownload::Start(const std::string& url,
                                                          const Cancellation* cancel) {
  const Curl* curl = LoadedCurl();
  if (curl == nullptr) {
    return MakeError(WithoutPassword(url) +
                     ": libcurl.so.4 is missing, which reads from web servers (package libcurl4)");
  }
  std::array<int, 2> ends;
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return MakeError(Errno{errno}, "make a pipe");
  Fd out(ends[0]);
  auto transfer = std::make_unique<Transfer>(*curl, url, cancel, Fd(ends[1]));
  return std::unique_ptr<HttpDownload>(new HttpDownload(std::move(transfer), std::move(out)));
}

Result<void> HttpDownload::Finish() {
  // Whoever has read to the end was told of it when the transfer was over: this ends one that is
  // not.
  transfer_->left = true;
  out_.Reset();
  if (thread_.joinable()) thread_.join();
  const CURLcode code = transfer_->code;
  const bool asked = transfer_->cancel != nullptr && transfer_->cancel->requested();
  const bool ended = code == CURLE_ABORTED_BY_CALLBACK || code == CURLE_WRITE_ERROR;
  if (code == CURLE_OK || (ended && !asked)) return {};
  const std::string url = WithoutPassword(transfer_->url);
  if (code == CURLE_HTTP_RETURNED_ERROR) {
    constexpr long kGone = 404;
    return MakeError(url + ": the server answers with status " + std::to_string(transfer_->status),
                     transfer_->status == kGone ? ExitCode::kNotFound : ExitCode::kFailed);
  }
  if (ended) return MakeError(Errno{ECANCELED}, url);
  return MakeError(url + ": " + transfer_->curl.easy_strerror(code));
}

}  // namespace veneer
