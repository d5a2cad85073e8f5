// SPDX-License-Identifier: Apache-2.0
//
// A file that a web server has, piece by piece or as a stream.
#ifndef VENEER_TOOLS_REGISTRY_HTTP_DOWNLOAD_H_
#define VENEER_TOOLS_REGISTRY_HTTP_DOWNLOAD_H_

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "layerdb/base/result.h"
#include "layerdb/threads/cancellation.h"
#include "layerdb/threads/pipe_feeder.h"
#include "tools/registry/http_client.h"

namespace veneer {

// Gives the file to `sink`, whose failure ends it, and returns the answer that brought it. The rest
// as below.
Result<HttpResponse> HttpDownload(const std::string& url, const Cancellation* cancel,
                                  const std::function<Result<void>(std::string_view)>& sink);

// Begins. Redirections are followed, from https only to https. `cancel`, which may be null and
// outlives it, ends it. Failure: libcurl is not there. That of the feeder: not everything came, and
// why, for example a status of the server's.
Result<std::unique_ptr<PipeFeeder>> StartHttpDownload(const std::string& url,
                                                      const Cancellation* cancel);

}  // namespace veneer

#endif  // VENEER_TOOLS_REGISTRY_HTTP_DOWNLOAD_H_
