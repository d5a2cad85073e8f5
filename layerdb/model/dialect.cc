// SPDX-License-Identifier: Apache-2.0
#include "layerdb/model/dialect.h"

#include <array>
#include <charconv>
#include <cstdio>

namespace veneer {

namespace {

constexpr std::string_view kEscape = "overlay.";

// The namespace that makes `name` private; empty: it is data.
std::string_view PrivateSpace(std::string_view name, const PrivateNames& privates) {
  auto in = [&](std::string_view space) { return name.starts_with(space); };
  if (privates.trusted && in(kTrustedOverlay)) return kTrustedOverlay;
  if (privates.user && in(kUserOverlay)) return kUserOverlay;
  if (privates.fuse_overlayfs && in(kFuseOverlay)) return kFuseOverlay;
  if (privates.override_stat == nullptr) return {};
  std::string_view space = privates.override_stat;
  space.remove_suffix(space.size() - space.rfind('.') - 1);
  return in(space) ? space : std::string_view();
}

bool TakeNumber(std::string_view& text, uint32_t& value, int base) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end == text.data()) return false;
  text.remove_prefix(end - text.data());
  return true;
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
  if (!rest.starts_with(kEscape)) return std::nullopt;
  return std::string(space).append(rest.substr(kEscape.size()));
}

std::optional<OverrideStat> ParseOverrideStat(std::string_view text) {
  OverrideStat out;
  if (!TakeNumber(text, out.uid, 10) || !TakeColon(text) || !TakeNumber(text, out.gid, 10) ||
      !TakeColon(text) || !TakeNumber(text, out.mode, 8)) {
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
