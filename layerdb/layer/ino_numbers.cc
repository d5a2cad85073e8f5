// SPDX-License-Identifier: Apache-2.0
#include "layerdb/layer/ino_numbers.h"

#include <algorithm>
#include <bit>

#include "layerdb/base/hash.h"
#include "layerdb/base/parse.h"

namespace veneer {

namespace {

constexpr unsigned kSmallBits = 32;

// Takes a decimal number and the blank before it off the front of `text`.
bool TakeNext(std::string_view& text, uint64_t& number) {
  if (text.starts_with(' ')) text.remove_prefix(1);
  return TakeNumber(&text, &number);
}

}  // namespace

uint64_t Origin::Identity() const {
  if (layer == 0) return ino;
  // Bits 62 and 63 are left to what stands above (new files of an upper).
  const uint64_t pair[2] = {layer, ino};
  const uint64_t mixed = Xxh64({reinterpret_cast<const char*>(pair), sizeof pair}) >> 2;
  return mixed < 2 ? mixed + 2 : mixed;
}

std::string Origin::ToText() const {
  std::string text = std::to_string(Identity());
  if (layer != 0) text += " " + std::to_string(layer) + " " + std::to_string(ino);
  return text;
}

Origin Origin::FromText(std::string_view text) {
  uint64_t identity = 0;
  uint64_t layer = 0;
  Origin origin;
  if (!TakeNext(text, identity)) return origin;
  if (TakeNext(text, layer) && TakeNext(text, origin.ino)) {
    origin.layer = static_cast<uint32_t>(layer);
    if (origin.layer == layer && origin.Identity() == identity) return origin;
  }
  return Origin{0, identity};
}

InoNumbers::InoNumbers(const std::vector<uint64_t>& layers, std::optional<uint64_t> upper,
                       bool join) {
  std::vector<uint64_t> known;
  const auto space_of = [&](uint64_t file_system) {
    const auto it = std::find(known.begin(), known.end(), file_system);
    if (it != known.end()) return static_cast<uint32_t>(it - known.begin());
    known.push_back(file_system);
    return static_cast<uint32_t>(known.size() - 1);
  };
  for (const uint64_t layer : layers) spaces_.push_back(space_of(layer));
  const bool shared = known.size() < layers.size();
  if (upper) upper_space_ = space_of(*upper);
  if (!join && known.size() > 1) return;
  size_t spaces = known.size();
  if (shared) {
    // The upper is 0, so that its numbers are its own.
    upper_space_ = 0;
    for (size_t i = 0; i < layers.size(); ++i) spaces_[i] = static_cast<uint32_t>(i + 1);
    spaces = layers.size() + 1;
  }
  one_space_ = spaces == 1;
  shift_ = kSmallBits - std::bit_width(spaces - 1);
}

uint64_t InoNumbers::Small(uint64_t space, uint64_t ino, uint64_t otherwise) const {
  if (ino >> shift_ == 0) return space << shift_ | ino;
  return one_space_ && ino >> kSmallBits != 0 ? ino : otherwise;
}

uint64_t InoNumbers::Of(const Origin& origin) const {
  if (origin.layer == 0) return origin.ino;
  if (shift_ == 0) return origin.Identity();
  const uint64_t space = origin.layer <= spaces_.size() ? spaces_[origin.layer - 1] : 0;
  return Small(space, origin.ino, origin.Identity() | kHashBit);
}

uint64_t InoNumbers::OfUpper(uint64_t ino) const {
  if (shift_ == 0) return ino | kUpperBit;
  return Small(upper_space_, ino, ino | kUpperBit);
}

}  // namespace veneer
