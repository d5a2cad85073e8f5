// SPDX-License-Identifier: Apache-2.0
#include "layerdb/model/entry.h"

#include <array>

namespace veneer {

namespace {
// S_IFMT values (POSIX leaves them open; Linux has fixed them) indexed by FileType. DT_x is S_IFx
// >> 12.
constexpr std::array<uint32_t, 7> kTypeBits = {0100000, 0040000, 0120000, 0020000,
                                               0060000, 0010000, 0140000};
}  // namespace

uint32_t TypeBits(FileType type) { return kTypeBits[static_cast<size_t>(type)]; }

FileType TypeFromMode(uint32_t mode) {
  for (size_t i = 0; i < kTypeBits.size(); ++i) {
    if ((mode & 0170000) == kTypeBits[i]) return static_cast<FileType>(i);
  }
  return FileType::kRegular;
}

}  // namespace veneer
