// SPDX-License-Identifier: Apache-2.0
//
// RegistriesConf: the configuration of the containers tools as a whole: registries.conf and the
// files beside it, each over the one before, and the table that is chosen for a name.
// Immutable after reading, and so thread-safe.
#ifndef VENEER_TOOLS_REGISTRY_REGISTRIES_CONF_H_
#define VENEER_TOOLS_REGISTRY_REGISTRIES_CONF_H_

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "layerdb/base/result.h"
#include "tools/registry/config_places.h"
#include "tools/registry/registries_toml.h"

namespace veneer {

class RegistriesConf {
 public:
  // Reads, in this order (containers-registries.conf(5), containers-registries.conf.d(5)):
  //   1. the user's registries.conf, or else the system's; $CONTAINERS_REGISTRIES_CONF goes before
  //      both, and must be there;
  //   2. *.conf of the system's registries.conf.d, by name, unless 1 was the user's;
  //   3. *.conf of the user's registries.conf.d, by name;
  //   4. the aliases that podman has recorded.
  // A later file replaces the search list, the mode, tables of the same prefix and aliases of the
  // same name. Files that are not there say nothing. Error: a file that cannot be read or is
  // damaged, as "FILE:LINE: why"; two tables that contradict each other on one location.
  static Result<RegistriesConf> Read(const ConfigPlaces& places);

  // The table whose prefix fits most of `name`, "example.org:5000/team/app" or a host alone.
  // nullptr: none fits. Valid as long as this object.
  const RegistryEntry* Find(std::string_view name) const;

  const std::vector<RegistryEntry>& registries() const { return registries_; }
  // unqualified-search-registries; empty: none are set.
  const std::vector<std::string>& search() const { return search_; }
  ShortNameMode short_name_mode() const { return mode_; }
  // credential-helpers; empty: none are set, so that the files alone have credentials.
  const std::vector<std::string>& credential_helpers() const { return helpers_; }
  // For a short name without tag and digest.
  std::optional<std::string> Alias(const std::string& name) const;

 private:
  void Apply(RegistriesFile file);
  Result<void> CheckConflicts() const;

  std::vector<RegistryEntry> registries_;
  std::vector<std::string> search_;
  std::vector<std::string> helpers_;
  ShortNameMode mode_ = ShortNameMode::kPermissive;
  std::map<std::string, std::string> aliases_;
};

// How many bytes at the front of `name` the prefix of a [[registry]] covers; 0: it does not fit.
// "*.example.org" fits "a.example.org/x" and not "example.org/x". A host without a port fits every
// port of the host, as in the containers tools. Pure.
size_t CoveredByPrefix(std::string_view prefix, std::string_view name);

}  // namespace veneer

#endif  // VENEER_TOOLS_REGISTRY_REGISTRIES_CONF_H_
