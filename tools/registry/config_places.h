// SPDX-License-Identifier: Apache-2.0
//
// ConfigPlaces: where the files that configure registries lie. One value, so that a test reads a
// configuration of its own instead of the machine's.
#ifndef VENEER_TOOLS_REGISTRY_CONFIG_PLACES_H_
#define VENEER_TOOLS_REGISTRY_CONFIG_PLACES_H_

#include <cstddef>
#include <string>

namespace veneer {

// The largest file that is read. Debian's list of aliases has 10 KB.
inline constexpr size_t kMaxConfigFile = size_t{1} << 20;

struct ConfigPlaces {
  // Holds containers/ and docker/.
  std::string system = "/etc";
  // The user's containers/, $HOME/.config. Empty: there is none. The containers tools take no
  // $XDG_CONFIG_HOME here (containers-registries.conf(5)).
  std::string user;
  // The docker/ of a user who is not root, in $XDG_CONFIG_HOME or $HOME/.config, where Docker's
  // rootless mode reads it. Empty: there is none.
  std::string rootless_docker;
  // $CONTAINERS_REGISTRIES_CONF: read in place of every other registries.conf. Empty: not set.
  std::string registries_conf;
  // The aliases that podman has recorded, short-name-aliases.conf.
  std::string recorded_aliases;

  // Those of this process, by its environment and its user.
  static ConfigPlaces OfThisProcess();
};

}  // namespace veneer

#endif  // VENEER_TOOLS_REGISTRY_CONFIG_PLACES_H_
