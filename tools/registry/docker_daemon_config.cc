// SPDX-License-Identifier: Apache-2.0
#include "tools/registry/docker_daemon_config.h"

#include <algorithm>
#include <cerrno>
#include <optional>
#include <utility>

#include "layerdb/base/files.h"
#include "layerdb/base/printable.h"
#include "tools/format/json.h"
#include "tools/registry/short_name.h"

namespace veneer {

namespace {

// What Docker takes: a scheme, a host, and a path or none.
Result<HubMirror> ParseMirror(std::string_view url) {
  const auto bad = [](const std::string& why) { return MakeError("\"registry-mirrors\": " + why); };
  HubMirror mirror;
  std::string_view rest = url;
  if (rest.starts_with("http://")) {
    mirror.http = true;
    rest.remove_prefix(7);
  } else if (rest.starts_with("https://")) {
    rest.remove_prefix(8);
  } else {
    return bad(PrintablePath(url) + " begins with neither https:// nor http://");
  }
  // A password must not be shown.
  if (rest.find('@') != std::string_view::npos) {
    return bad("a URL has a user or a password; log in to the mirror instead");
  }
  if (rest.find_first_of("?#") != std::string_view::npos) {
    return bad(PrintablePath(url) + " has a query or a fragment");
  }
  while (rest.ends_with('/')) rest.remove_suffix(1);
  const size_t slash = std::min(rest.find('/'), rest.size());
  mirror.host = rest.substr(0, slash);
  mirror.path = rest.substr(slash);
  // A URL has a host also where it has no dot.
  if (!IsRegistryHost(mirror.host) && !IsRegistryHost(mirror.host + ":443")) {
    return bad(PrintablePath(url) + " has no host");
  }
  mirror.url = (mirror.http ? "http://" : "https://") + std::string(rest) + "/";
  return mirror;
}

std::string WithoutScheme(std::string text) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (text.starts_with(scheme)) text.erase(0, scheme.size());
  }
  return text == "index.docker.io" ? "docker.io" : text;
}

}  // namespace

Result<DockerDaemonConfig> DockerDaemonConfig::Read(const ConfigPlaces& places) {
  std::string path = places.rootless_docker + "/docker/daemon.json";
  if (places.rootless_docker.empty() || !Exists(path)) path = places.system + "/docker/daemon.json";
  const Sys<std::string> text = ReadFile(path, kMaxConfigFile + 1);
  if (!text) {
    const int code = text.error().code;
    if (code == ENOENT || code == ENOTDIR || code == EACCES) return DockerDaemonConfig();
    return MakeError(text.error(), "read " + path);
  }
  if (text->size() > kMaxConfigFile) return MakeError(path + ": larger than 1 MiB");
  return Parse(*text, path);
}

Result<DockerDaemonConfig> DockerDaemonConfig::Parse(std::string_view text,
                                                     const std::string& path) {
  const auto read = [&]() -> Result<DockerDaemonConfig> {
    DockerDaemonConfig config;
    VENEER_TRY(const Json document, ParseJson(text));
    VENEER_TRY(const auto mirrors, GetStrings(document, "registry-mirrors"));
    VENEER_TRY(const auto insecure, GetStrings(document, "insecure-registries"));
    for (const std::string& url : mirrors.value_or(std::vector<std::string>())) {
      VENEER_TRY(HubMirror mirror, ParseMirror(url));
      config.mirrors_.push_back(std::move(mirror));
    }
    for (const std::string& host : insecure.value_or(std::vector<std::string>())) {
      if (const std::optional<IpRange> range = IpRange::Parse(host)) {
        config.insecure_ranges_.push_back(*range);
      } else {
        config.insecure_hosts_.push_back(WithoutScheme(host));
      }
    }
    return config;
  };
  Result<DockerDaemonConfig> config = read();
  if (!config) return tl::unexpected(std::move(config).error().Context(path));
  return config;
}

bool DockerDaemonConfig::IsInsecure(const std::string& host) const {
  if (std::ranges::find(insecure_hosts_, host) != insecure_hosts_.end()) return true;
  if (insecure_ranges_.empty()) return false;
  const std::vector<IpAddress> addresses = AddressesOf(std::string(HostWithoutPort(host)));
  return std::ranges::any_of(insecure_ranges_, [&](const IpRange& range) {
    return std::ranges::any_of(addresses,
                               [&](const IpAddress& address) { return range.Contains(address); });
  });
}

}  // namespace veneer
