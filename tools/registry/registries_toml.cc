// SPDX-License-Identifier: Apache-2.0
#include "tools/registry/registries_toml.h"

// The parser then gives its errors as values.
#define TOML_EXCEPTIONS 0
#define TOML_HEADER_ONLY 1
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

#include <algorithm>
#include <utility>

#include "layerdb/base/printable.h"
#include "layerdb/model/reference.h"
#include "tools/registry/short_name.h"

namespace veneer {

namespace {

std::string InQuotes(std::string_view text) { return "'" + PrintablePath(text) + "'"; }

class Reader {
 public:
  Reader(const std::string& path, RegistriesFileKind kind) : path_(path), kind_(kind) {}

  Result<RegistriesFile> Read(std::string_view text);

 private:
  std::string Where(const toml::source_region& source) const {
    return path_ + ":" + std::to_string(source.begin.line);
  }
  tl::unexpected<Error> Bad(const toml::node& node, const std::string& why) const {
    return MakeError(Where(node.source()) + ": " + why);
  }

  // A member by its type. Absent: false, "", null.
  Result<bool> Flag(const toml::table& table, std::string_view key) const;
  Result<std::string> Text(const toml::table& table, std::string_view key) const;
  Result<const toml::table*> Table(const toml::table& table, std::string_view key) const;
  Result<std::vector<const toml::table*>> Tables(const toml::table& table,
                                                 std::string_view key) const;
  // A list of hosts or locations; nullopt: absent.
  Result<std::optional<std::vector<std::string>>> Locations(const toml::table& table,
                                                            std::string_view key) const;

  // credential-helpers: ends of names of programs, or the files (containers-registries.conf(5)).
  Result<void> ReadHelpers(const toml::table& root);

  // A location or prefix as it is compared: without slashes at the end.
  Result<std::string> Location(const toml::node& node, std::string text) const;
  Result<void> CheckHosts(const toml::node& node, const std::vector<std::string>& hosts) const;

  Result<RegistryEntry> Registry(const toml::table& table) const;
  Result<RegistryMirror> Mirror(const toml::table& table, bool by_digest_only) const;
  Result<void> ReadAliases(const toml::table& table);
  Result<void> ReadMode(const toml::table& table);
  Result<void> ReadVersion1(const toml::table& root);

  const std::string& path_;
  const RegistriesFileKind kind_;
  RegistriesFile file_;
};

Result<bool> Reader::Flag(const toml::table& table, std::string_view key) const {
  const toml::node* const node = table.get(key);
  if (node == nullptr) return false;
  if (!node->is_boolean()) return Bad(*node, InQuotes(key) + " is neither true nor false");
  return node->as_boolean()->get();
}

Result<std::string> Reader::Text(const toml::table& table, std::string_view key) const {
  const toml::node* const node = table.get(key);
  if (node == nullptr) return std::string();
  if (!node->is_string()) return Bad(*node, InQuotes(key) + " is not a string");
  return node->as_string()->get();
}

Result<const toml::table*> Reader::Table(const toml::table& table, std::string_view key) const {
  const toml::node* const node = table.get(key);
  if (node == nullptr) return nullptr;
  if (!node->is_table()) return Bad(*node, InQuotes(key) + " is not a table");
  return node->as_table();
}

Result<std::vector<const toml::table*>> Reader::Tables(const toml::table& table,
                                                       std::string_view key) const {
  std::vector<const toml::table*> tables;
  const toml::node* const node = table.get(key);
  if (node == nullptr) return tables;
  if (!node->is_array()) return Bad(*node, InQuotes(key) + " is not an array of tables");
  for (const toml::node& element : *node->as_array()) {
    if (!element.is_table()) return Bad(element, InQuotes(key) + " is not an array of tables");
    tables.push_back(element.as_table());
  }
  return tables;
}

Result<std::optional<std::vector<std::string>>> Reader::Locations(const toml::table& table,
                                                                  std::string_view key) const {
  const toml::node* const node = table.get(key);
  if (node == nullptr) return std::nullopt;
  if (!node->is_array()) return Bad(*node, InQuotes(key) + " is not an array of strings");
  std::vector<std::string> texts;
  for (const toml::node& element : *node->as_array()) {
    if (!element.is_string()) return Bad(element, InQuotes(key) + " is not an array of strings");
    VENEER_TRY(std::string text, Location(element, element.as_string()->get()));
    texts.push_back(std::move(text));
  }
  return texts;
}

Result<void> Reader::ReadHelpers(const toml::table& root) {
  const toml::node* const node = root.get("credential-helpers");
  if (node == nullptr) return {};
  if (!node->is_array()) return Bad(*node, "'credential-helpers' is not an array of strings");
  std::vector<std::string> helpers;
  for (const toml::node& element : *node->as_array()) {
    if (!element.is_string()) {
      return Bad(element, "'credential-helpers' is not an array of strings");
    }
    std::string name = element.as_string()->get();
    if (name.empty() || name.find_first_of(std::string_view("/\0", 2)) != std::string::npos) {
      return Bad(element, InQuotes(name) + " is not the end of the name of a credential helper");
    }
    helpers.push_back(std::move(name));
  }
  // None is what the containers tools have without the key.
  if (!helpers.empty()) file_.credential_helpers = std::move(helpers);
  return {};
}

Result<std::string> Reader::Location(const toml::node& node, std::string text) const {
  while (text.ends_with('/')) text.pop_back();
  if (text.empty()) return Bad(node, "a location is empty");
  if (text.find("://") != std::string::npos) {
    return Bad(node, InQuotes(text) + ": a location is HOST[:PORT][/PATH], without a scheme");
  }
  return text;
}

Result<void> Reader::CheckHosts(const toml::node& node,
                                const std::vector<std::string>& hosts) const {
  for (const std::string& host : hosts) {
    if (!IsRegistryHost(host)) return Bad(node, InQuotes(host) + " is not HOST[:PORT]");
  }
  return {};
}

Result<RegistryMirror> Reader::Mirror(const toml::table& table, bool by_digest_only) const {
  RegistryMirror mirror;
  VENEER_TRY(std::string location, Text(table, "location"));
  VENEER_TRY(mirror.location, Location(table, std::move(location)));
  VENEER_TRY(mirror.insecure, Flag(table, "insecure"));
  VENEER_TRY(const std::string use, Text(table, "pull-from-mirror"));
  if (by_digest_only && !use.empty()) {
    return Bad(*table.get("pull-from-mirror"),
               "'pull-from-mirror' and 'mirror-by-digest-only' exclude each other");
  }
  if (by_digest_only || use == "digest-only") {
    mirror.use = RegistryMirror::Use::kDigestOnly;
  } else if (use == "tag-only") {
    mirror.use = RegistryMirror::Use::kTagOnly;
  } else if (!use.empty() && use != "all") {
    return Bad(*table.get("pull-from-mirror"),
               InQuotes(use) + ": 'pull-from-mirror' is all, digest-only or tag-only");
  }
  return mirror;
}

Result<RegistryEntry> Reader::Registry(const toml::table& table) const {
  RegistryEntry entry;
  entry.where = Where(table.source());
  VENEER_TRY(entry.location, Text(table, "location"));
  VENEER_TRY(entry.prefix, Text(table, "prefix"));
  if (entry.prefix.empty()) entry.prefix = entry.location;
  VENEER_TRY(entry.prefix, Location(table, std::move(entry.prefix)));
  const bool wildcard = entry.prefix.starts_with("*.");
  if (entry.prefix.find('*', wildcard ? 1 : 0) != std::string::npos) {
    return Bad(table,
               InQuotes(entry.prefix) + ": '*' stands only at the front, as in *.example.org");
  }
  if (!entry.location.empty() || !wildcard) {
    VENEER_TRY(entry.location, Location(table, std::move(entry.location)));
  }
  VENEER_TRY(entry.insecure, Flag(table, "insecure"));
  VENEER_TRY(entry.blocked, Flag(table, "blocked"));
  if (const toml::node* const use = table.get("pull-from-mirror"); use != nullptr) {
    return Bad(*use, "'pull-from-mirror' belongs in [[registry.mirror]]");
  }
  VENEER_TRY(const bool by_digest_only, Flag(table, "mirror-by-digest-only"));
  VENEER_TRY(const auto mirrors, Tables(table, "mirror"));
  for (const toml::table* const mirror : mirrors) {
    VENEER_TRY(RegistryMirror read, Mirror(*mirror, by_digest_only));
    entry.mirrors.push_back(std::move(read));
  }
  return entry;
}

Result<void> Reader::ReadAliases(const toml::table& table) {
  for (const auto& [key, node] : table) {
    const std::string name(key.str());
    const std::optional<ShortName> short_name = ParseShortName(name);
    if (!short_name || !short_name->suffix.empty()) {
      return Bad(node, InQuotes(name) + ": an alias is a name without host, tag and digest");
    }
    VENEER_TRY(std::string value, Text(table, name));
    if (!value.empty()) {
      const Result<Reference> target = ParseReference(value);
      if (!target || ParseShortName(value) || target->tag || target->digest) {
        return Bad(node,
                   InQuotes(value) + ": an alias stands for HOST/NAME without tag and digest");
      }
    }
    file_.aliases.emplace(name, std::move(value));
  }
  return {};
}

Result<void> Reader::ReadMode(const toml::table& table) {
  VENEER_TRY(const std::string mode, Text(table, "short-name-mode"));
  if (mode == "permissive") {
    file_.short_name_mode = ShortNameMode::kPermissive;
  } else if (mode == "enforcing") {
    file_.short_name_mode = ShortNameMode::kEnforcing;
  } else if (mode == "disabled") {
    file_.short_name_mode = ShortNameMode::kDisabled;
  } else if (!mode.empty()) {
    return Bad(*table.get("short-name-mode"),
               InQuotes(mode) + ": 'short-name-mode' is enforcing, permissive or disabled");
  }
  return {};
}

Result<void> Reader::ReadVersion1(const toml::table& root) {
  VENEER_TRY(const toml::table* const registries, Table(root, "registries"));
  if (registries == nullptr) return {};
  std::vector<std::string> lists[3];
  const char* const names[3] = {"search", "insecure", "block"};
  for (int i = 0; i < 3; ++i) {
    VENEER_TRY(const toml::table* const table, Table(*registries, names[i]));
    if (table == nullptr) continue;
    VENEER_TRY(auto list, Locations(*table, "registries"));
    if (list) lists[i] = *std::move(list);
  }
  const auto& [search, insecure, blocked] = lists;
  if (search.empty() && insecure.empty() && blocked.empty()) return {};
  if (kind_ == RegistriesFileKind::kDropIn) {
    return Bad(*registries,
               "[registries] is version 1 of the format, which only registries.conf may have");
  }
  if (!file_.registries.empty() || (file_.search && !file_.search->empty())) {
    return Bad(*registries, "[registries] is version 1 of the format, and the rest is version 2");
  }
  VENEER_TRY_VOID(CheckHosts(*registries, search));
  file_.search = search;
  const auto entry = [&](const std::string& location) -> RegistryEntry& {
    const auto known = std::ranges::find(file_.registries, location, &RegistryEntry::location);
    if (known != file_.registries.end()) return *known;
    RegistryEntry added;
    added.prefix = added.location = location;
    added.where = Where(registries->source());
    return file_.registries.emplace_back(std::move(added));
  };
  for (const std::string& location : insecure) entry(location).insecure = true;
  for (const std::string& location : blocked) entry(location).blocked = true;
  return {};
}

Result<RegistriesFile> Reader::Read(std::string_view text) {
  const toml::parse_result parsed = toml::parse(text, path_);
  if (!parsed) {
    const toml::parse_error& error = parsed.error();
    return MakeError(Where(error.source()) + ": " + Printable(error.description()));
  }
  const toml::table& root = parsed.table();
  VENEER_TRY(file_.search, Locations(root, "unqualified-search-registries"));
  if (file_.search) {
    VENEER_TRY_VOID(CheckHosts(*root.get("unqualified-search-registries"), *file_.search));
  }
  VENEER_TRY_VOID(ReadMode(root));
  VENEER_TRY_VOID(ReadHelpers(root));
  VENEER_TRY(const auto registries, Tables(root, "registry"));
  for (const toml::table* const table : registries) {
    VENEER_TRY(RegistryEntry entry, Registry(*table));
    file_.registries.push_back(std::move(entry));
  }
  VENEER_TRY(const toml::table* const aliases, Table(root, "aliases"));
  if (aliases != nullptr) VENEER_TRY_VOID(ReadAliases(*aliases));
  VENEER_TRY_VOID(ReadVersion1(root));
  return std::move(file_);
}

}  // namespace

Result<RegistriesFile> ParseRegistriesFile(std::string_view text, const std::string& path,
                                           RegistriesFileKind kind) {
  return Reader(path, kind).Read(text);
}

}  // namespace veneer
