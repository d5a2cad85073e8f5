// SPDX-License-Identifier: Apache-2.0
//
// The seal: 128 bytes at the end of an index file, after LMDB's last page (LMDB does not look
// there). It says what the file holds without a search, and its checksum covers every byte before
// it, so that a file cut short or damaged is told from a good one before LMDB, which trusts its
// pages, reads it.
//
//    0  8 bytes "VNRINDEX"            64  u64 directories among the entries
//    8  u32 format version, 1         72  u64 bytes of all regular files (each inode once)
//   12  u32 size of an LMDB page      80  u64 names of regular files with several names
//   16  u64 bytes before the seal     88  u64 bytes of the targets of symlinks (each inode once)
//   24  u64 next inode number        104  u64 XXH3-64 of bytes 0..103 of the seal
//   32  u64 entries (not whiteouts)  112  16 bytes XXH3-128 of everything before the seal
//   40  u64 whiteouts
//   48  u64 opaque directories
//   56  u64 regular files (names)     96  zero, reserved
#ifndef VENEER_LAYERDB_INDEX_SEAL_H_
#define VENEER_LAYERDB_INDEX_SEAL_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "layerdb/base/hash.h"
#include "layerdb/base/result.h"

namespace veneer {

inline constexpr size_t kSealSize = 128;
inline constexpr uint32_t kIndexFormat = 1;

struct IndexSummary {
  uint64_t next_ino = 2;  // all inode numbers in the index are below
  uint64_t entries = 0;   // names that exist, the root included
  uint64_t whiteouts = 0;
  uint64_t opaques = 0;
  uint64_t files = 0;  // names of regular files
  uint64_t directories = 0;
  uint64_t bytes = 0;       // of regular files, each inode once
  uint64_t hard_links = 0;  // names of files that have several
  // Of symlinks' targets, each inode once. Kept for layers alone, and 0 also of a layer that an
  // older program made.
  uint64_t target_bytes = 0;
};

struct Seal {
  uint32_t page_size = 0;
  uint64_t data_size = 0;
  IndexSummary summary;
  Hash128 checksum{};
};

// The 128 bytes.
std::string EncodeSeal(const Seal& seal);
// `bytes`: the last kSealSize bytes of a file of `file_size` bytes. The message is what is wrong,
// without the file's name.
Result<Seal> DecodeSeal(std::string_view bytes, uint64_t file_size);

}  // namespace veneer

#endif  // VENEER_LAYERDB_INDEX_SEAL_H_
