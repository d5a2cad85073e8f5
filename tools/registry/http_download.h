// SPDX-License-Identifier: Apache-2.0
//
// HttpDownload: a file of a web server, read as a stream from a pipe while it comes. A thread of
// its own runs libcurl, which is loaded at the first use.
#ifndef VENEER_TOOLS_REGISTRY_HTTP_DOWNLOAD_H_
#define VENEER_TOOLS_REGISTRY_HTTP_DOWNLOAD_H_

#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "layerdb/base/fd.h"
#include "layerdb/base/result.h"
#include "layerdb/threads/cancellation.h"

namespace veneer {

// True for what begins with http:// or https://.
bool IsHttpUrl(std::string_view text);

// The URL as it may be shown and kept: without a user and password.
std::string WithoutPassword(std::string_view url);

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
  struct Transfer;
  HttpDownload(std::unique_ptr<Transfer> transfer, Fd out);

  std::unique_ptr<Transfer> transfer_;
  Fd out_;
  std::thread thread_;
};

}  // namespace veneer

#endif  // VENEER_TOOLS_REGISTRY_HTTP_DOWNLOAD_H_
