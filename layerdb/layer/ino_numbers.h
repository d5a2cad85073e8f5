// SPDX-License-Identifier: Apache-2.0
//
// InoNumbers: the st_ino of all that a mount shows. It has one st_dev, while what it is made of may
// lie on several file systems, whose numbers meet.
//
//   one file system        its own numbers, as kernel overlayfs has it
//   several, joined        its own number, and above it which file system it is; within 32 bits
//                          where both fit, because programs of 32 bits can stat nothing else
//   shared by layers       as if each layer were a file system of its own
//   several, not joined    hashes of 62 bits; a new object of the upper: its own number and bit 62
//
// A layer index is a file system of its own: its numbers count its entries. What does not fit into
// 32 bits is a hash with bit 61 set. All of this follows from the layers, so it is the same after a
// remount.
//
// Where layers share a file system, one file may have names in two of them (the snapshots of rsync
// --link-dest). Here these are two files, since one can be written to without the other, so their
// numbers must differ. All files of such layers are numbered by layer, because a listing does not
// tell how many names a file has, and must give the number that stat gives.
#ifndef VENEER_LAYERDB_LAYER_INO_NUMBERS_H_
#define VENEER_LAYERDB_LAYER_INO_NUMBERS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace veneer {

// Where an object of a layer comes from. Kept with what is copied up from it, so it must mean the
// same at each mount.
struct Origin {
  // Counted from the bottom, so that another one on top changes nothing; 0: there is only one.
  uint32_t layer = 0;
  uint64_t ino = 0;  // in that layer; 0: no origin

  // One number for both: what the upper's index of hard links goes by.
  uint64_t Identity() const;
  // The value of the xattr "veneer.origin": the identity, and what it was made of where it does not
  // say so itself.
  std::string ToText() const;
  // A value that tells the identity alone, as older versions wrote it, is an Origin of layer 0.
  static Origin FromText(std::string_view text);
};

class InoNumbers {
 public:
  // Several file systems, not joined.
  InoNumbers() = default;
  // `layers`: for each, from the bottom up, a number of the file system it is on; `upper` the same.
  // The numbers themselves do not matter, only which are equal.
  InoNumbers(const std::vector<uint64_t>& layers, std::optional<uint64_t> upper, bool join);

  uint64_t Of(const Origin& origin) const;
  uint64_t OfUpper(uint64_t ino) const;

 private:
  static constexpr uint64_t kUpperBit = uint64_t{1} << 62;
  static constexpr uint64_t kHashBit = uint64_t{1} << 61;

  // The number `ino` of space `space`; `otherwise` where it does not fit.
  uint64_t Small(uint64_t space, uint64_t ino, uint64_t otherwise) const;

  std::vector<uint32_t> spaces_;  // of the layers from the bottom up
  uint32_t upper_space_ = 0;
  bool one_space_ = false;
  unsigned shift_ = 0;  // bits for the file system's own numbers; 0: not joined
};

}  // namespace veneer

#endif  // VENEER_LAYERDB_LAYER_INO_NUMBERS_H_
