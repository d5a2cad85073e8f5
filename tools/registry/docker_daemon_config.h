// SPDX-License-Identifier: Apache-2.0
//
// DockerDaemonConfig: the two lists about registries in Docker's daemon.json, registry-mirrors and
// insecure-registries. Immutable after reading, and so thread-safe.
#ifndef VENEER_TOOLS_REGISTRY_DOCKER_DAEMON_CONFIG_H_
#define VENEER_TOOLS_REGISTRY_DOCKER_DAEMON_CONFIG_H_

#include <string>
#include <string_view>
#include <vector>

#include "layerdb/base/result.h"
#include "tools/registry/config_places.h"
#include "tools/registry/host_address.h"

namespace veneer {

// A mirror of Docker Hub.
struct HubMirror {
  std::string url;   // with a slash at the end, as `docker info` shows it
  std::string host;  // "example.org:5000"
  std::string path;  // in front of /v2/: "" or "/mirror"
  bool http = false;
};

class DockerDaemonConfig {
 public:
  // Reads the user's daemon.json where there is one, else the system's. A file that is not there,
  // or that this user may not read, says nothing: it is another program's. Error: a file that is
  // damaged, with its path and the reason.
  static Result<DockerDaemonConfig> Read(const ConfigPlaces& places);
  // The same for the text of the file `path`. Pure.
  static Result<DockerDaemonConfig> Parse(std::string_view text, const std::string& path);

  const std::vector<HubMirror>& mirrors() const { return mirrors_; }
  // Whether `host`, with its port if it is written, is in insecure-registries, by its name or by
  // one of its addresses. Asks the name server only if the list has ranges of addresses.
  bool IsInsecure(const std::string& host) const;

 private:
  std::vector<HubMirror> mirrors_;
  std::vector<std::string> insecure_hosts_;
  std::vector<IpRange> insecure_ranges_;
};

}  // namespace veneer

#endif  // VENEER_TOOLS_REGISTRY_DOCKER_DAEMON_CONFIG_H_
