// SPDX-License-Identifier: Apache-2.0
#include "layerdb/base/digest.h"

#include <array>
#include <cstdint>

#include "layerdb/base/hash.h"

namespace veneer {

std::optional<Digest> Digest::Parse(std::string_view text) {
  constexpr std::string_view kPrefix = "sha256:";
  if (!text.starts_with(kPrefix)) return std::nullopt;
  return FromHex(text.substr(kPrefix.size()));
}

std::optional<Digest> Digest::FromHex(std::string_view hex) {
  std::array<uint8_t, 32> bytes;
  if (!veneer::FromHex(hex, bytes.data(), bytes.size())) return std::nullopt;
  return Digest(std::string(hex));
}

Digest Digest::OfBytes(std::string_view data) { return Digest(Sha256Hex(data)); }

Digest ChainId(const std::optional<Digest>& parent, const Digest& diff_id) {
  if (!parent) return diff_id;
  return Digest::OfBytes(parent->ToString() + " " + diff_id.ToString());
}

Digest ChainIdOf(std::span<const Digest> diff_ids) {
  std::optional<Digest> chain;
  for (const Digest& diff_id : diff_ids) chain = ChainId(chain, diff_id);
  return chain ? *chain : Digest::OfBytes({});
}

}  // namespace veneer
