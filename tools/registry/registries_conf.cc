// SPDX-License-Identifier: Apache-2.0
#include "tools/registry/registries_conf.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "layerdb/base/files.h"

namespace veneer {

namespace {

Result<RegistriesFile> ReadConfigFile(const std::string& path, RegistriesFileKind kind) {
  VENEER_TRY_CTX(const std::string text, ReadFile(path, kMaxConfigFile + 1), "read " + path);
  if (text.size() > kMaxConfigFile) return MakeError(path + ": larger than 1 MiB");
  return ParseRegistriesFile(text, path, kind);
}

// The *.conf of a directory, by name. A directory that is not there has none.
Result<std::vector<std::string>> DropIns(const std::string& directory) {
  VENEER_TRY_CTX(std::vector<std::string> names, NamesIn(directory), "read " + directory);
  std::erase_if(names, [](const std::string& name) { return !name.ends_with(".conf"); });
  std::ranges::sort(names);
  for (std::string& name : names) name.insert(0, directory + "/");
  return names;
}

}  // namespace

size_t CoveredByPrefix(std::string_view prefix, std::string_view name) {
  size_t end = prefix.size();
  if (prefix.starts_with("*.")) {
    // The star stands for a part of the host; the first fit is the shortest.
    const std::string_view rest = prefix.substr(1);
    const size_t found = name.find(rest);
    if (found == std::string_view::npos || found == 0 || name.find('/') < found) return 0;
    end = found + rest.size();
  } else if (!name.starts_with(prefix)) {
    return 0;
  }
  const bool whole = end == name.size() || name[end] == ':' || name[end] == '/';
  return whole ? end : 0;
}

Result<RegistriesConf> RegistriesConf::Read(const ConfigPlaces& places) {
  const std::string system = places.system + "/containers/registries.conf";
  const std::string user = places.user + "/containers/registries.conf";
  const bool users_own = places.registries_conf.empty() && !places.user.empty() && Exists(user);
  std::string main = users_own ? user : system;
  if (!places.registries_conf.empty()) main = places.registries_conf;

  RegistriesConf conf;
  const auto apply = [&](const std::string& path, RegistriesFileKind kind) -> Result<void> {
    VENEER_TRY(RegistriesFile file, ReadConfigFile(path, kind));
    conf.Apply(std::move(file));
    return {};
  };
  if (!places.registries_conf.empty() || Exists(main)) {
    VENEER_TRY_VOID(apply(main, RegistriesFileKind::kMain));
  }
  std::vector<std::string> directories;
  if (!users_own) directories.push_back(system + ".d");
  if (!places.user.empty()) directories.push_back(user + ".d");
  for (const std::string& directory : directories) {
    VENEER_TRY(const std::vector<std::string> paths, DropIns(directory));
    for (const std::string& path : paths) {
      VENEER_TRY_VOID(apply(path, RegistriesFileKind::kDropIn));
    }
  }
  if (!places.recorded_aliases.empty() && Exists(places.recorded_aliases)) {
    VENEER_TRY_VOID(apply(places.recorded_aliases, RegistriesFileKind::kDropIn));
  }
  VENEER_TRY_VOID(conf.CheckConflicts());
  return conf;
}

void RegistriesConf::Apply(RegistriesFile file) {
  for (RegistryEntry& entry : file.registries) {
    const auto known = std::ranges::find(registries_, entry.prefix, &RegistryEntry::prefix);
    if (known != registries_.end()) {
      *known = std::move(entry);
    } else {
      registries_.push_back(std::move(entry));
    }
  }
  if (file.search) search_ = *std::move(file.search);
  if (file.credential_helpers) helpers_ = *std::move(file.credential_helpers);
  if (file.short_name_mode) mode_ = *file.short_name_mode;
  for (auto& [name, value] : file.aliases) aliases_.insert_or_assign(name, std::move(value));
}

Result<void> RegistriesConf::CheckConflicts() const {
  std::map<std::string, const RegistryEntry*> by_location;
  for (const RegistryEntry& entry : registries_) {
    const std::string& location = entry.location.empty() ? entry.prefix : entry.location;
    const auto [known, added] = by_location.emplace(location, &entry);
    const RegistryEntry& other = *known->second;
    if (added || (other.insecure == entry.insecure && other.blocked == entry.blocked)) continue;
    return MakeError(entry.where + ": " + location + " has another '" +
                     (other.insecure != entry.insecure ? "insecure" : "blocked") + "' in " +
                     other.where);
  }
  return {};
}

const RegistryEntry* RegistriesConf::Find(std::string_view name) const {
  const RegistryEntry* best = nullptr;
  for (const RegistryEntry& entry : registries_) {
    if (CoveredByPrefix(entry.prefix, name) == 0) continue;
    if (best == nullptr || entry.prefix.size() > best->prefix.size()) best = &entry;
  }
  return best;
}

std::optional<std::string> RegistriesConf::Alias(const std::string& name) const {
  const auto found = aliases_.find(name);
  if (found == aliases_.end() || found->second.empty()) return std::nullopt;
  return found->second;
}

}  // namespace veneer
