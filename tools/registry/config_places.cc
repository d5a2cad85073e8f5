// SPDX-License-Identifier: Apache-2.0
#include "tools/registry/config_places.h"

#include <unistd.h>

#include "tools/registry/environment.h"

namespace veneer {

ConfigPlaces ConfigPlaces::OfThisProcess() {
  ConfigPlaces places;
  const std::string home = Variable("HOME");
  const bool root = geteuid() == 0;
  if (!home.empty()) places.user = home + "/.config";
  if (!root) {
    const std::string xdg = Variable("XDG_CONFIG_HOME");
    places.rootless_docker = xdg.empty() ? places.user : xdg;
  }
  places.registries_conf = Variable("CONTAINERS_REGISTRIES_CONF");
  std::string cache = root ? "/var/cache" : Variable("XDG_CACHE_HOME");
  if (cache.empty() && !home.empty()) cache = home + "/.cache";
  if (!cache.empty()) places.recorded_aliases = cache + "/containers/short-name-aliases.conf";
  return places;
}

}  // namespace veneer
