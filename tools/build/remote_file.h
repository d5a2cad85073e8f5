// SPDX-License-Identifier: Apache-2.0
//
// ADD of a file that a web server has (statement B28 about Docker's behaviour): it is fetched into
// a directory of its own, with the name, mode and time that it has in the image, so that it is
// copied from there like any other file, as root's.
//
// Proxies are those of libcurl's variables. Thread-safe.
#ifndef VENEER_TOOLS_BUILD_REMOTE_FILE_H_
#define VENEER_TOOLS_BUILD_REMOTE_FILE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "layerdb/base/digest.h"
#include "layerdb/base/result.h"
#include "layerdb/threads/cancellation.h"
#include "tools/build/temporary_dir.h"

namespace veneer {

struct RemoteFileRequest {
  std::string url;        // http:// or https://
  std::string directory;  // where the one of the file is made: StoreWriter::dir()
  // What the file must be: "sha256:" and 64 digits. nullopt: anything.
  std::optional<std::string> checksum;
  // The destination is a directory, so that a file without a name of its own is an error.
  bool needs_name = false;
  const Cancellation* cancel = nullptr;  // outlives the call
};

struct RemoteFile {
  // Holds the file and nothing else: "*" is a pattern for it, whatever its name is.
  TemporaryDir directory;
  std::string name;  // "download" where it has none of its own
  Digest digest;
  uint64_t size = 0;
};

// Fetches a file: mode 0600, its time that of Last-Modified, else the beginning of 1970. Usage
// errors: the checksum is none; no name is to be had. Other errors begin with the URL: what the
// server or the way to it says; another checksum; from the system.
Result<RemoteFile> FetchRemoteFile(const RemoteFileRequest& request);

// The name of a file by Docker's rule: the last component of the URL's path; where that ends with a
// slash, what Content-Disposition says. nullopt: neither is a name. Pure.
std::optional<std::string> RemoteFileName(std::string_view url,
                                          std::optional<std::string_view> disposition);

}  // namespace veneer

#endif  // VENEER_TOOLS_BUILD_REMOTE_FILE_H_
