// SPDX-License-Identifier: Apache-2.0
#include "layerdb/base/blob_digest.h"

#include <openssl/evp.h>

#include <array>
#include <cstdint>
#include <new>
#include <utility>

#include "layerdb/base/hash.h"

namespace veneer {

namespace {

const char* NameOf(BlobDigest::Algorithm algorithm) {
  return algorithm == BlobDigest::Algorithm::kSha512 ? "sha512" : "sha256";
}

}  // namespace

std::optional<BlobDigest> BlobDigest::Parse(std::string_view text) {
  if (const std::optional<Digest> digest = Digest::Parse(text)) return BlobDigest(*digest);
  constexpr std::string_view kSha512 = "sha512:";
  if (!text.starts_with(kSha512)) return std::nullopt;
  text.remove_prefix(kSha512.size());
  std::array<uint8_t, 64> bytes;
  if (!FromHex(text, bytes.data(), bytes.size())) return std::nullopt;
  return BlobDigest(Algorithm::kSha512, std::string(text));
}

BlobDigest BlobDigest::OfBytes(Algorithm algorithm, std::string_view data) {
  BlobHash hash(algorithm);
  hash.Update(data);
  return hash.Finish();
}

std::string BlobDigest::ToString() const { return std::string(NameOf(algorithm_)) + ":" + hex_; }

std::string BlobDigest::Path() const {
  return std::string("blobs/") + NameOf(algorithm_) + "/" + hex_;
}

struct BlobHash::State {
  explicit State(const EVP_MD* kind) : context(EVP_MD_CTX_new()) {
    if (context == nullptr || EVP_DigestInit_ex(context, kind, nullptr) != 1) throw std::bad_alloc();
  }
  ~State() { EVP_MD_CTX_free(context); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  EVP_MD_CTX* context;
};

BlobHash::BlobHash(BlobDigest::Algorithm algorithm)
    : algorithm_(algorithm),
      state_(std::make_unique<State>(
          algorithm == BlobDigest::Algorithm::kSha512 ? EVP_sha512() : EVP_sha256())) {}

BlobHash::~BlobHash() = default;

void BlobHash::Update(std::string_view data) {
  EVP_DigestUpdate(state_->context, data.data(), data.size());
}

BlobDigest BlobHash::Finish() {
  std::array<uint8_t, EVP_MAX_MD_SIZE> digest;
  unsigned size = 0;
  EVP_DigestFinal_ex(state_->context, digest.data(), &size);
  return BlobDigest(algorithm_, ToHex(digest.data(), size));
}

}  // namespace veneer
