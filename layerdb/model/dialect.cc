// SPDX-License-Identifier: Apache-2.0
#include "layerdb/model/dialect.h"

#include <array>
#include <charconv>
#include <cstdio>

namespace veneer {

namespace {

constexpr std::string_view kEscape = "overlay.";
constexpr std::array<std::string_view, 2> kOverlaySpaces = {kTrustedOverlay, kUserOverlay};
constexpr std::array<std::string_view, 2> kOtherPrivate = {"user.fuseoverlayfs.",
                                                           "user.containers."};

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

bool IsPrivateXattr(std::string_view name) {
  for (const auto space : kOverlaySpaces) {
    if (name.starts_with(space)) return true;
  }
  for (const auto space : kOtherPrivate) {
    if (name.starts_with(space)) return true;
  }
  return false;
}

std::string EscapeXattr(std::string_view name) {
  for (const auto space : kOverlaySpaces) {
    if (name.starts_with(space)) {
      return std::string(space).append(kEscape).append(name.substr(space.size()));
    }
  }
  return std::string(name);
}

std::optional<std::string> UnescapeXattr(std::string_view on_disk) {
  for (const auto space : kOverlaySpaces) {
    if (!on_disk.starts_with(space)) continue;
    const std::string_view rest = on_disk.substr(space.size());
    if (!rest.starts_with(kEscape)) return std::nullopt;
    return std::string(space).append(rest.substr(kEscape.size()));
  }
  for (const auto space : kOtherPrivate) {
    if (on_disk.starts_with(space)) return std::nullopt;
  }
  return std::string(on_disk);
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
