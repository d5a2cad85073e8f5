// SPDX-License-Identifier: Apache-2.0
#include "tools/registry/http_download.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "tools/registry/registry_error.h"
#include "tools/registry/url.h"

namespace veneer {

HttpDownload::HttpDownload(std::unique_ptr<HttpClient> client, std::string url, Fd out, Fd in)
    : client_(std::move(client)),
      url_(std::move(url)),
      out_(std::move(out)),
      in_(std::move(in)),
      thread_(std::make_unique<Worker>([this] { return Run(); })) {}

HttpDownload::~HttpDownload() { IgnoreError(Finish(), "whoever wants to know has asked"); }

Result<std::unique_ptr<HttpDownload>> HttpDownload::Start(const std::string& url,
                                                          const Cancellation* cancel) {
  VENEER_TRY(std::unique_ptr<HttpClient> client, HttpClient::Make(cancel, WithoutPassword(url)));
  std::array<int, 2> ends;
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return MakeError(Errno{errno}, "make a pipe");
  return std::unique_ptr<HttpDownload>(
      new HttpDownload(std::move(client), url, Fd(ends[0]), Fd(ends[1])));
}

Result<void> HttpDownload::Pass(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(in_.get(), bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      reader_left_ = errno == EPIPE;
      return MakeError(Errno{errno}, WithoutPassword(url_));
    }
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return {};
}

Result<void> HttpDownload::Run() {
  // A reader that leaves is an error of write(2) here, and signals are the main thread's.
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
  const auto read = [&]() -> Result<void> {
    HttpRequest request;
    request.url = url_;
    request.sink = [&](const HttpResponse&, std::string_view bytes) { return Pass(bytes); };
    for (int redirections = 0; redirections <= kMaxRedirections; ++redirections) {
      VENEER_TRY(const HttpResponse response, client_->Exchange(request));
      if (response.ok()) return {};
      const auto location = response.Header("location");
      if (!response.redirects() || !location) {
        return RegistryError(WithoutPassword(url_), response);
      }
      VENEER_TRY(request.url, ResolveUrl(request.url, *location));
    }
    return MakeError(WithoutPassword(url_) + ": too many redirections");
  };
  Result<void> done = read();
  in_.Reset();
  return done;
}

Result<void> HttpDownload::Finish() {
  out_.Reset();
  if (thread_ == nullptr) return {};
  Result<void> ran = thread_->Join();
  thread_.reset();
  return reader_left_ ? Result<void>() : ran;
}

}  // namespace veneer
