// SPDX-License-Identifier: Apache-2.0
#include "tools/registry/certificates.h"

#include <algorithm>
#include <cerrno>
#include <vector>

#include "layerdb/base/files.h"

namespace veneer {

namespace {

Result<TlsSettings> ReadDirectory(const std::string& directory, std::vector<std::string> names) {
  TlsSettings settings;
  std::ranges::sort(names);
  const auto has = [&](const std::string& name) { return std::ranges::binary_search(names, name); };
  const auto missing = [&](const std::string& name, const std::string& of) {
    return MakeError(directory + "/" + of + ": " + name + " is not beside it");
  };
  for (const std::string& name : names) {
    const size_t dot = name.rfind('.');
    if (dot == std::string::npos) continue;
    const std::string stem = name.substr(0, dot), extension = name.substr(dot);
    if (extension == ".crt") {
      settings.ca_files.push_back(directory + "/" + name);
    } else if (extension == ".cert") {
      if (!has(stem + ".key")) return missing(stem + ".key", name);
      if (!settings.client_cert.empty()) continue;
      settings.client_cert = directory + "/" + name;
      settings.client_key = directory + "/" + stem + ".key";
    } else if (extension == ".key") {
      if (!has(stem + ".cert")) return missing(stem + ".cert", name);
    }
  }
  return settings;
}

}  // namespace

Result<TlsSettings> TlsSettingsOf(const ConfigPlaces& places, const std::string& host) {
  std::vector<std::string> parents;
  if (!places.user.empty()) parents.push_back(places.user + "/containers");
  parents.push_back(places.system + "/containers");
  if (!places.rootless_docker.empty()) parents.push_back(places.rootless_docker + "/docker");
  parents.push_back(places.system + "/docker");
  for (const std::string& parent : parents) {
    const std::string directory = parent + "/certs.d/" + host;
    if (!Exists(directory)) continue;
    Sys<std::vector<std::string>> names = NamesIn(directory);
    if (!names && names.error().code == EACCES) continue;
    if (!names) return MakeError(names.error(), "read " + directory);
    return ReadDirectory(directory, *std::move(names));
  }
  return TlsSettings{};
}

}  // namespace veneer
