// SPDX-License-Identifier: Apache-2.0
//
// AuthPlaces: the paths of the files with credentials, from the environment. Pure but for
// AuthPlacesOfProcess().
#ifndef VENEER_TOOLS_REGISTRY_AUTH_PLACES_H_
#define VENEER_TOOLS_REGISTRY_AUTH_PLACES_H_

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace veneer {

// Variables that are not set are empty.
struct AuthEnvironment {
  std::string registry_auth_file;  // $REGISTRY_AUTH_FILE
  std::string xdg_runtime_dir;     // $XDG_RUNTIME_DIR
  std::string xdg_config_home;     // $XDG_CONFIG_HOME
  std::string docker_config;       // $DOCKER_CONFIG
  std::string home;                // $HOME
  uid_t uid = 0;
};

struct AuthPlaces {
  std::vector<std::string> files;    // in the order of reading
  std::optional<std::string> given;  // one of them: the user wants it to be written
  // Where a first credential goes: the auth.json that `podman login` would make. For a user other
  // than root without $XDG_RUNTIME_DIR, who cannot write to /run, that of $XDG_CONFIG_HOME. Empty:
  // the environment names no place.
  std::string fresh;
};

// `authfile` alone; else $REGISTRY_AUTH_FILE; $XDG_RUNTIME_DIR/containers/auth.json or, without
// that variable, /run/containers/UID/auth.json; $XDG_CONFIG_HOME/containers/auth.json (~/.config);
// $DOCKER_CONFIG/config.json (~/.docker).
AuthPlaces PlacesOf(const AuthEnvironment& environment, const std::optional<std::string>& authfile);
AuthPlaces AuthPlacesOfProcess(const std::optional<std::string>& authfile);

}  // namespace veneer

#endif  // VENEER_TOOLS_REGISTRY_AUTH_PLACES_H_
