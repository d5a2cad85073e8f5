// SPDX-License-Identifier: Apache-2.0
#include "layerdb/model/dialect.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "layerdb/base/parse.h"

namespace veneer {

namespace {

constexpr std::string_view kEscape = "overlay.";

// The names at the root of a tree that say how all of it is written.
struct TreeName {
  std::string_view space;
  std::string_view rest;
};
constexpr std::array<TreeName, 5> kTreeNames = {{{"security.fuseoverlayfs.", "override_stat"},
                                                 {"user.containers.", "override_stat"},
                                                 {kFuseOverlay, "override_stat"},
                                                 {kTrustedOverlay, kMarkUpper},
                                                 {kUserOverlay, kMarkUpper}}};

// The namespace of such a name, escaped any number of times; empty for all others.
std::string_view SpaceOfTreeName(std::string_view name) {
  for (const TreeName& tree_name : kTreeNames) {
    if (!name.starts_with(tree_name.space)) continue;
    std::string_view rest = name.substr(tree_name.space.size());
    while (rest.starts_with(kEscape)) rest.remove_prefix(kEscape.size());
    if (rest == tree_name.rest) return tree_name.space;
  }
  return {};
}

// The namespace that makes `name` private; empty: it is data.
std::string_view PrivateSpace(std::string_view name, const PrivateNames& privates) {
  auto in = [&](std::string_view space) { return name.starts_with(space); };
  // At a root these would say that root wrote all of the tree.
  if ((privates.trusted || privates.own_upper) && in(kTrustedOverlay)) return kTrustedOverlay;
  if (privates.user && in(kUserOverlay)) return kUserOverlay;
  if (privates.fuse_overlayfs && in(kFuseOverlay)) return kFuseOverlay;
  const std::string_view space = SpaceOfTreeName(name);
  const bool counts = privates.override_stat != nullptr &&
                      std::string_view(privates.override_stat).starts_with(space);
  return privates.own_upper || counts ? space : std::string_view();
}

bool TakeColon(std::string_view& text) {
  if (!text.starts_with(':')) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

std::string EscapeXattr(std::string_view name, const PrivateNames& privates) {
  const std::string_view space = PrivateSpace(name, privates);
  if (space.empty()) return std::string(name);
  return std::string(space).append(kEscape).append(name.substr(space.size()));
}

std::optional<std::string> UnescapeXattr(std::string_view on_disk, const PrivateNames& privates) {
  const std::string_view space = PrivateSpace(on_disk, privates);
  if (space.empty()) return std::string(on_disk);
  const std::string_view rest = on_disk.substr(space.size());
  if (rest.starts_with(kEscape)) return std::string(space).append(rest.substr(kEscape.size()));
  if (MayBeUnescaped(on_disk, privates)) return std::string(on_disk);
  return std::nullopt;
}

bool MayBeUnescaped(std::string_view name, const PrivateNames& privates) {
  if (!privates.own_upper || (privates.fuse_overlayfs && name.starts_with(kFuseOverlay)))
    return false;
  if (!privates.trusted && name.starts_with(kTrustedOverlay)) return true;
  if (!privates.user && name.starts_with(kUserOverlay)) {
    return name.substr(kUserOverlay.size()) == kMarkUpper;
  }
  if (privates.override_stat != nullptr && name == privates.override_stat) return false;
  return std::find(kOverrideStats.begin(), kOverrideStats.end(), name) != kOverrideStats.end();
}

std::optional<OverrideStat> ParseOverrideStat(std::string_view text) {
  OverrideStat out;
  if (!TakeNumber(&text, &out.uid) || !TakeColon(text) || !TakeNumber(&text, &out.gid) ||
      !TakeColon(text) || !TakeNumber(&text, &out.mode, 8)) {
    return std::nullopt;
  }
  out.mode &= 07777;
  if (text.empty()) return out;
  if (!TakeColon(text)) return std::nullopt;
  out.type = text;
  return out;
}

std::string FormatOverrideStat(const OverrideStat& value) {
  std::array<char, 64> buffer;
  const int n =
      snprintf(buffer.data(), buffer.size(), "%u:%u:%04o", value.uid, value.gid, value.mode);
  std::string text(buffer.data(), n);
  if (!value.type.empty()) text.append(":").append(value.type);
  return text;
}

}  // namespace veneer
