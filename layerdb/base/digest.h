// SPDX-License-Identifier: Apache-2.0
//
// Digest: an OCI content digest, "sha256:" and 64 lower-case hex digits (OCI image-spec,
// descriptor.md, "Digests"). A Digest that exists is valid, so its hex part may be used as a file
// name (CVE-2024-3727 was a digest used as a path without this check).
#ifndef VENEER_LAYERDB_BASE_DIGEST_H_
#define VENEER_LAYERDB_BASE_DIGEST_H_

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace veneer {

class Digest {
 public:
  // "sha256:<64 hex>"; nullopt for anything else.
  static std::optional<Digest> Parse(std::string_view text);
  // 64 lower-case hex digits; nullopt for anything else.
  static std::optional<Digest> FromHex(std::string_view hex);
  static Digest OfBytes(std::string_view data);

  const std::string& hex() const { return hex_; }
  std::string ToString() const { return "sha256:" + hex_; }
  friend bool operator==(const Digest&, const Digest&) = default;
  friend auto operator<=>(const Digest&, const Digest&) = default;

 private:
  explicit Digest(std::string hex) : hex_(std::move(hex)) {}
  std::string hex_;
};

// OCI image-spec, config.md, "Layer ChainID": the identity of a stack of layers, bottom first.
// `parent` is nullopt for the first layer.
Digest ChainId(const std::optional<Digest>& parent, const Digest& diff_id);

// The chain id of layers, bottom first. Of none: the digest of nothing, by which their empty tree
// is kept.
Digest ChainIdOf(std::span<const Digest> diff_ids);

}  // namespace veneer

#endif  // VENEER_LAYERDB_BASE_DIGEST_H_
