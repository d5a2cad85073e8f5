// SPDX-License-Identifier: Apache-2.0
//
// HttpDownload: a file of a web server, read as a stream from a pipe while it comes, in a thread of
// its own.
#ifndef VENEER_TOOLS_REGISTRY_HTTP_DOWNLOAD_H_
#define VENEER_TOOLS_REGISTRY_HTTP_DOWNLOAD_H_

#include <atomic>
#include <memory>
#include <string>

#include "layerdb/base/fd.h"
#include "layerdb/base/result.h"
#include "layerdb/threads/cancellation.h"
#include "layerdb/threads/worker.h"
#include "tools/registry/http_client.h"

namespace veneer {

// Not thread-safe.
class HttpDownload {
 public:
  // Begins. Redirections are followed, from https only to https. `cancel`, which may be null, ends
  // it. Failure: libcurl is not there.
  static Result<std::unique_ptr<HttpDownload>> Start(const std::string& url,
                                                     const Cancellation* cancel);
  ~HttpDownload();  // ends it
  HttpDownload(const HttpDownload&) = delete;
  HttpDownload& operator=(const HttpDownload&) = delete;

  // What comes. Its end says nothing of whether that is all: Finish() does.
  int fd() const { return out_.get(); }
  // Waits for the end; nothing can be read any more. Failure: not everything came, and why, for
  // example a status of the server's; an end that the reader brought about is none.
  Result<void> Finish();

 private:
  HttpDownload(std::unique_ptr<HttpClient> client, std::string url, Fd out, Fd in);
  Result<void> Run();
  Result<void> Pass(std::string_view bytes);

  const std::unique_ptr<HttpClient> client_;
  const std::string url_;
  Fd out_;
  Fd in_;
  std::atomic<bool> reader_left_ = false;
  std::unique_ptr<Worker> thread_;  // last: it uses the others
};

}  // namespace veneer

#endif  // VENEER_TOOLS_REGISTRY_HTTP_DOWNLOAD_H_
