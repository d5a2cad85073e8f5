// SPDX-License-Identifier: Apache-2.0
#include "layerdb/base/hash.h"

#include <openssl/evp.h>
#include <xxhash.h>

#include <cstring>
#include <new>

namespace veneer {

namespace {
Hash128 Canonical(XXH128_hash_t value) {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, value);
  Hash128 out;
  std::memcpy(out.data(), canonical.digest, out.size());
  return out;
}
}  // namespace

Hash128 Xxh128(std::string_view data) { return Canonical(XXH3_128bits(data.data(), data.size())); }

uint64_t Xxh64(std::string_view data, uint64_t seed) {
  return XXH3_64bits_withSeed(data.data(), data.size(), seed);
}

struct Xxh128Stream::State {
  XXH3_state_t* xxh = XXH3_createState();
  State() {
    if (xxh == nullptr) throw std::bad_alloc();
  }
  ~State() { XXH3_freeState(xxh); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
};

Xxh128Stream::Xxh128Stream() : state_(std::make_unique<State>()) { Reset(); }
Xxh128Stream::~Xxh128Stream() = default;
Xxh128Stream::Xxh128Stream(Xxh128Stream&&) noexcept = default;
Xxh128Stream& Xxh128Stream::operator=(Xxh128Stream&&) noexcept = default;
void Xxh128Stream::Reset() { XXH3_128bits_reset(state_->xxh); }
void Xxh128Stream::Update(std::string_view data) {
  XXH3_128bits_update(state_->xxh, data.data(), data.size());
}
Hash128 Xxh128Stream::Finish() const { return Canonical(XXH3_128bits_digest(state_->xxh)); }

struct Sha256Stream::State {
  EVP_MD_CTX* ctx = EVP_MD_CTX_new();
  State() {
    if (ctx == nullptr || EVP_DigestInit_ex(ctx, EVP_sha256(), nullptr) != 1)
      throw std::bad_alloc();
  }
  ~State() { EVP_MD_CTX_free(ctx); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
};

Sha256Stream::Sha256Stream() : state_(std::make_unique<State>()) {}
Sha256Stream::~Sha256Stream() = default;
Sha256Stream::Sha256Stream(Sha256Stream&&) noexcept = default;
Sha256Stream& Sha256Stream::operator=(Sha256Stream&&) noexcept = default;
void Sha256Stream::Update(std::string_view data) {
  EVP_DigestUpdate(state_->ctx, data.data(), data.size());
}
Sha256Stream Sha256Stream::Copy() const {
  Sha256Stream copy;
  if (EVP_MD_CTX_copy_ex(copy.state_->ctx, state_->ctx) != 1) throw std::bad_alloc();
  return copy;
}
std::string Sha256Stream::FinishHex() {
  std::array<uint8_t, EVP_MAX_MD_SIZE> digest;
  unsigned size = 0;
  EVP_DigestFinal_ex(state_->ctx, digest.data(), &size);
  return ToHex(digest.data(), size);
}

std::string Sha256Hex(std::string_view data) {
  Sha256Stream stream;
  stream.Update(data);
  return stream.FinishHex();
}

std::string ToHex(const uint8_t* data, size_t size) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out(size * 2, '0');
  for (size_t i = 0; i < size; ++i) {
    out[2 * i] = kDigits[data[i] >> 4];
    out[2 * i + 1] = kDigits[data[i] & 15];
  }
  return out;
}

bool FromHex(std::string_view hex, uint8_t* out, size_t size) {
  if (hex.size() != size * 2) return false;
  auto value = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
  };
  for (size_t i = 0; i < size; ++i) {
    const int high = value(hex[2 * i]);
    const int low = value(hex[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    out[i] = static_cast<uint8_t>(high << 4 | low);
  }
  return true;
}

}  // namespace veneer
