// SPDX-License-Identifier: Apache-2.0
//
// The 512-byte header block of a tar archive, decoded and encoded: v7, ustar (POSIX.1-1988) and old
// GNU. Pure values; the stream around the blocks is in parser.h, the meaning of names in
// mapping.h.
//
// The project reads and writes these blocks itself and leaves only decompression to libarchive, for
// three reasons: libarchive does not say where in the stream a payload lies (the tar-split of a
// layer needs it); it does not say what it left out or guessed at; and the digest of a committed
// layer must not change with the version of a library. Of the 900 archives of
// TarDifferentialTest.RandomArchives with their 4,904 entries, libarchive 3.6.2 reads so:
//
//   times before 1970 with a fraction: up to two seconds wrong   170 entries
//   '%' and '=' in names of extended attributes: left escaped    423 attributes
//   the mode: taken from the ACL instead of the header           243 entries
//   records of a global PAX header: not heeded                   all
//
// bench/tar_bench measures both.
#ifndef VENEER_LAYERDB_TAR_BLOCK_H_
#define VENEER_LAYERDB_TAR_BLOCK_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "layerdb/base/function_ref.h"
#include "layerdb/base/result.h"

namespace veneer {

// Takes an archive piece by piece; an error ends the writing and is returned.
using TarSink = FunctionRef<Result<void>(std::string_view bytes)>;

inline constexpr size_t kTarBlock = 512;

// The bytes that fill a payload up to a whole block.
inline uint64_t TarPadding(uint64_t size) { return (kTarBlock - size % kTarBlock) % kTarBlock; }

// Files whose holes are smaller are written whole: Docker and containers/storage take a layer with
// a sparse file in, and then can neither save nor push the image, since what they keep of the layer
// (tar-split) does not tell its holes. A larger one is worth that.
inline constexpr uint64_t kMinHoles = uint64_t{1} << 30;

// A piece of data in a sparse file; what lies between the pieces is a hole.
struct SparseExtent {
  uint64_t offset = 0;
  uint64_t size = 0;
  friend bool operator==(const SparseExtent&, const SparseExtent&) = default;
};

enum class TarMagic : uint8_t { kV7, kUstar, kGnu };

// One header block as it stands there, before PAX records change it.
struct TarBlock {
  TarMagic magic = TarMagic::kV7;
  char type = '0';
  std::string name;  // ustar: the prefix is joined
  std::string link;
  std::string user;
  std::string group;
  uint32_t mode = 0;  // permission bits only
  uint64_t uid = 0;
  uint64_t gid = 0;
  uint64_t size = 0;
  int64_t mtime = 0;
  uint64_t major = 0;
  uint64_t minor = 0;
  // Type 'S' (old GNU sparse) only.
  std::vector<SparseExtent> sparse;
  bool sparse_continues = false;  // a block of DecodeGnuSparseBlock() follows
  uint64_t real_size = 0;
};

// True when the checksum fits (sums of signed bytes, as some old writers made them, included).
// REQUIRES: block.size() == kTarBlock, as everywhere below.
bool HasTarChecksum(std::string_view block);
// REQUIRES: HasTarChecksum(block). Errors: a numeric field that is none, or negative where it
// cannot be.
Result<TarBlock> DecodeTarBlock(std::string_view block);
// The blocks that follow an old GNU sparse header: appends the extents; true when another one
// follows.
Result<bool> DecodeGnuSparseBlock(std::string_view block, std::vector<SparseExtent>* extents);

// What a ustar header written here holds. Everything must fit (FitsOctal); PAX records carry the
// rest.
struct TarBlockFields {
  char type = '0';
  std::string_view prefix;  // up to 155 bytes
  std::string_view name;    // up to 100 bytes
  std::string_view link;    // up to 100 bytes
  uint32_t mode = 0;
  uint64_t uid = 0;
  uint64_t gid = 0;
  uint64_t size = 0;
  uint64_t mtime = 0;
  uint64_t major = 0;
  uint64_t minor = 0;
};
// True when `value` fits a field of `width` bytes (width - 1 octal digits).
bool FitsOctal(uint64_t value, size_t width);
// The 512 bytes, POSIX ustar with checksum; no user or group name.
std::string EncodeTarBlock(const TarBlockFields& fields);

}  // namespace veneer

#endif  // VENEER_LAYERDB_TAR_BLOCK_H_
