// SPDX-License-Identifier: Apache-2.0
#include "tools/registry/auth_places.h"

#include <unistd.h>

#include "tools/registry/environment.h"

namespace veneer {

namespace {

constexpr const char* kContainersFile = "/containers/auth.json";

// The directory that a variable names, else one in the home directory; empty: neither is known.
std::string DirectoryOf(const std::string& variable, const std::string& home, const char* in_home) {
  if (!variable.empty()) return variable;
  return home.empty() ? std::string() : home + in_home;
}

}  // namespace

AuthPlaces PlacesOf(const AuthEnvironment& environment,
                    const std::optional<std::string>& authfile) {
  if (authfile) return {{*authfile}, *authfile, *authfile};
  AuthPlaces places;
  if (!environment.registry_auth_file.empty()) {
    places.given = environment.registry_auth_file;
    places.files.push_back(environment.registry_auth_file);
  }
  const bool has_runtime_dir = !environment.xdg_runtime_dir.empty();
  places.files.push_back(has_runtime_dir
                             ? environment.xdg_runtime_dir + kContainersFile
                             : "/run/containers/" + std::to_string(environment.uid) + "/auth.json");
  if (has_runtime_dir || environment.uid == 0) places.fresh = places.files.back();
  const std::string config = DirectoryOf(environment.xdg_config_home, environment.home, "/.config");
  if (!config.empty()) {
    places.files.push_back(config + kContainersFile);
    if (places.fresh.empty()) places.fresh = places.files.back();
  }
  const std::string docker = DirectoryOf(environment.docker_config, environment.home, "/.docker");
  if (!docker.empty()) places.files.push_back(docker + "/config.json");
  return places;
}

AuthPlaces AuthPlacesOfProcess(const std::optional<std::string>& authfile) {
  return PlacesOf(
      {Variable("REGISTRY_AUTH_FILE"), Variable("XDG_RUNTIME_DIR"), Variable("XDG_CONFIG_HOME"),
       Variable("DOCKER_CONFIG"), Variable("HOME"), ::geteuid()},
      authfile);
}

}  // namespace veneer
