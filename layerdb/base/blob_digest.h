// SPDX-License-Identifier: Apache-2.0
//
// BlobDigest: what a document of OCI calls a blob by: SHA-256 or SHA-512, the algorithms that the
// image-spec registers (descriptor.md, "Digests"). Everything that the store keeps has a Digest.
#ifndef VENEER_LAYERDB_BASE_BLOB_DIGEST_H_
#define VENEER_LAYERDB_BASE_BLOB_DIGEST_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "layerdb/base/digest.h"

namespace veneer {

class BlobDigest {
 public:
  enum class Algorithm { kSha256, kSha512 };

  // "sha256:<64 hex>" or "sha512:<128 hex>", lower-case; nullopt for anything else.
  static std::optional<BlobDigest> Parse(std::string_view text);
  static BlobDigest OfBytes(Algorithm algorithm, std::string_view data);
  BlobDigest(const Digest& digest) : hex_(digest.hex()) {}  // NOLINT: a Digest is one

  Algorithm algorithm() const { return algorithm_; }
  std::string ToString() const;
  // Where an image layout keeps it: "blobs/sha256/HEX".
  std::string Path() const;
  friend bool operator==(const BlobDigest&, const BlobDigest&) = default;

 private:
  friend class BlobHash;
  BlobDigest(Algorithm algorithm, std::string hex)
      : algorithm_(algorithm), hex_(std::move(hex)) {}
  Algorithm algorithm_ = Algorithm::kSha256;
  std::string hex_;
};

// The digest of bytes that come in pieces. Not thread-safe.
class BlobHash {
 public:
  explicit BlobHash(BlobDigest::Algorithm algorithm);
  ~BlobHash();
  void Update(std::string_view data);
  // Call once.
  BlobDigest Finish();

 private:
  struct State;
  const BlobDigest::Algorithm algorithm_;
  std::unique_ptr<State> state_;
};

}  // namespace veneer

#endif  // VENEER_LAYERDB_BASE_BLOB_DIGEST_H_
