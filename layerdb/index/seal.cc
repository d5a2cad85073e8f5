// SPDX-License-Identifier: Apache-2.0
#include "layerdb/index/seal.h"

#include <cstring>

#include "layerdb/index/load_value.h"

namespace veneer {
namespace {

constexpr std::string_view kSealMagic = "VNRINDEX";
constexpr size_t kSelfHashAt = 104;
constexpr size_t kChecksumAt = 112;

template <class T>
void Store(std::string* out, size_t at, T value) {
  std::memcpy(out->data() + at, &value, sizeof value);
}

}  // namespace

std::string EncodeSeal(const Seal& seal) {
  std::string out(kSealSize, '\0');
  kSealMagic.copy(out.data(), kSealMagic.size());
  Store<uint32_t>(&out, 8, kIndexFormat);
  Store<uint32_t>(&out, 12, seal.page_size);
  Store<uint64_t>(&out, 16, seal.data_size);
  Store<uint64_t>(&out, 24, seal.summary.next_ino);
  Store<uint64_t>(&out, 32, seal.summary.entries);
  Store<uint64_t>(&out, 40, seal.summary.whiteouts);
  Store<uint64_t>(&out, 48, seal.summary.opaques);
  Store<uint64_t>(&out, 56, seal.summary.files);
  Store<uint64_t>(&out, 64, seal.summary.directories);
  Store<uint64_t>(&out, 72, seal.summary.bytes);
  Store<uint64_t>(&out, 80, seal.summary.hard_links);
  Store<uint64_t>(&out, 88, seal.summary.target_bytes);
  Store<uint64_t>(&out, kSelfHashAt, Xxh64(std::string_view(out).substr(0, kSelfHashAt)));
  std::memcpy(out.data() + kChecksumAt, seal.checksum.data(), seal.checksum.size());
  return out;
}

Result<Seal> DecodeSeal(std::string_view bytes, uint64_t file_size) {
  if (bytes.size() != kSealSize || bytes.substr(0, kSealMagic.size()) != kSealMagic) {
    return MakeError("no seal at its end; it is cut short, or no index at all");
  }
  if (LoadValue<uint64_t>(bytes, kSelfHashAt) != Xxh64(bytes.substr(0, kSelfHashAt))) {
    return MakeError("its seal is damaged");
  }
  const auto format = LoadValue<uint32_t>(bytes, 8);
  if (format != kIndexFormat) {
    return MakeError("it has format " + std::to_string(format) + ", this program reads format " +
                     std::to_string(kIndexFormat));
  }
  Seal seal;
  seal.page_size = LoadValue<uint32_t>(bytes, 12);
  seal.data_size = LoadValue<uint64_t>(bytes, 16);
  seal.summary.next_ino = LoadValue<uint64_t>(bytes, 24);
  seal.summary.entries = LoadValue<uint64_t>(bytes, 32);
  seal.summary.whiteouts = LoadValue<uint64_t>(bytes, 40);
  seal.summary.opaques = LoadValue<uint64_t>(bytes, 48);
  seal.summary.files = LoadValue<uint64_t>(bytes, 56);
  seal.summary.directories = LoadValue<uint64_t>(bytes, 64);
  seal.summary.bytes = LoadValue<uint64_t>(bytes, 72);
  seal.summary.hard_links = LoadValue<uint64_t>(bytes, 80);
  seal.summary.target_bytes = LoadValue<uint64_t>(bytes, 88);
  std::memcpy(seal.checksum.data(), bytes.data() + kChecksumAt, seal.checksum.size());
  const bool power_of_two = (seal.page_size & (seal.page_size - 1)) == 0;
  if (!power_of_two || seal.page_size < 512 || seal.page_size > 65536 ||
      seal.data_size != file_size - kSealSize || seal.data_size % seal.page_size != 0 ||
      seal.data_size < uint64_t{3} * seal.page_size) {
    return MakeError("its size is not what its seal says");
  }
  return seal;
}

}  // namespace veneer
