// SPDX-License-Identifier: Apache-2.0
//
// One file in the format of containers-registries.conf(5), from its text to values. Its place is
// here because toml++ stays in one source file. Pure.
#ifndef VENEER_TOOLS_REGISTRY_REGISTRIES_TOML_H_
#define VENEER_TOOLS_REGISTRY_REGISTRIES_TOML_H_

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "layerdb/base/result.h"

namespace veneer {

struct RegistryMirror {
  // `mirror-by-digest-only` of the registry, or `pull-from-mirror` of the mirror.
  enum class Use { kAll, kDigestOnly, kTagOnly };

  std::string location;  // "example.org:5000/team", without a slash at the end
  bool insecure = false;
  Use use = Use::kAll;
};

// A table [[registry]].
struct RegistryEntry {
  std::string prefix;    // of the names that the table is about; may begin with "*."
  std::string location;  // stands in the place of the prefix; empty: the name stays
  bool insecure = false;
  bool blocked = false;
  std::vector<RegistryMirror> mirrors;
  std::string where;  // "FILE:LINE", for messages
};

enum class ShortNameMode { kPermissive, kEnforcing, kDisabled };

// nullopt: the file does not say.
struct RegistriesFile {
  std::vector<RegistryEntry> registries;
  std::optional<std::vector<std::string>> search;  // unqualified-search-registries
  std::optional<std::vector<std::string>> credential_helpers;
  std::optional<ShortNameMode> short_name_mode;
  std::map<std::string, std::string> aliases;  // an empty value takes an alias away
};

// kMain: version 1 of the format ([registries.search] and so on) is read too. kDropIn: it is
// refused, as the containers tools do.
enum class RegistriesFileKind { kMain, kDropIn };

// Reads `text`. Keys that nobody knows are passed over. Every error begins with "PATH:LINE: ":
// syntax, the type of a value, a location that is none, both versions in one file.
Result<RegistriesFile> ParseRegistriesFile(std::string_view text, const std::string& path,
                                           RegistriesFileKind kind);

}  // namespace veneer

#endif  // VENEER_TOOLS_REGISTRY_REGISTRIES_TOML_H_
