// SPDX-License-Identifier: Apache-2.0
//
// TarStream: the archive of a tree, entry by entry, directories before what is in them: headers,
// marks, hard links, sparse maps, contents, padding and the end. TarHeaders is the part of it for
// who writes contents elsewhere too.
//
// Thread-safety: none.
#ifndef VENEER_LAYERDB_TRANSFER_TAR_STREAM_H_
#define VENEER_LAYERDB_TRANSFER_TAR_STREAM_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "layerdb/base/function_ref.h"
#include "layerdb/base/result.h"
#include "layerdb/tar/block.h"
#include "layerdb/tar/writer.h"

namespace veneer {

// Tells a file that may have several names from all others: what it is in, and its inode number
// there.
using TarLinkKey = std::pair<uint64_t, uint64_t>;

class TarHeaders {
 public:
  // The headers of `entry`, with its sparse map. An entry of the same key is from now on a hard
  // link to this one. An ACL that readers would let it inherit is undone (InheritedAcls).
  std::string Header(TarOutput entry, const std::optional<TarLinkKey>& key = std::nullopt);
  // The header of `entry` as a hard link; nullopt: no entry had this key.
  std::optional<std::string> HardLink(TarOutput entry, const std::optional<TarLinkKey>& key) const;
  // An entry without contents, whose name says something of the layers below (WhiteoutPath,
  // OpaquePath).
  static std::string Mark(std::string_view path);
  // The path of the first entry of this key; null: none had it.
  const std::string* FirstName(const TarLinkKey& key) const;

 private:
  InheritedAcls acls_;
  std::map<TarLinkKey, std::string> first_names_;
};

class TarStream {
 public:
  // Fills all of `out` with what the content has at `offset`.
  using ReadContent = FunctionRef<Result<void>(uint64_t offset, std::span<char> out)>;

  // `sink` gets pieces of up to 1 MiB, and must outlive this.
  explicit TarStream(TarSink sink);

  Result<void> Mark(std::string_view path) { return Raw(TarHeaders::Mark(path)); }
  // True when `entry` was written as a hard link to one of the same key.
  Result<bool> HardLink(const TarOutput& entry, const std::optional<TarLinkKey>& key);
  // Anything but a regular file with contents.
  Result<void> Entry(const TarOutput& entry, const std::optional<TarLinkKey>& key = std::nullopt);
  // A regular file of entry.attr.size bytes: all of them, or where entry.sparse is set its extents.
  Result<void> File(const TarOutput& entry, const std::optional<TarLinkKey>& key, ReadContent read);
  // Ends the archive; gives its size.
  Result<uint64_t> Finish();

 private:
  Result<void> Raw(std::string_view bytes);
  Result<void> Flush();

  TarSink sink_;
  TarHeaders headers_;
  std::string buffer_;
  uint64_t size_ = 0;
};

// Collects the runs of zeros of a content that comes in pieces from its start: those of at least
// kSparseRun bytes, in multiples of 4 KiB. They depend on the contents only.
class ZeroRuns {
 public:
  // All pieces but the last are multiples of 4 KiB.
  void Update(std::string_view piece);
  // Goes on at `offset`, a multiple of 4 KiB; all before it that was not given is zeros.
  void SkipTo(uint64_t offset) { at_ = offset; }
  // The runs of the first `size` bytes.
  std::vector<SparseExtent> Finish(uint64_t size);

 private:
  void EndRun(uint64_t end);

  uint64_t at_ = 0;
  uint64_t zeros_from_ = 0;  // the zeros that end at at_ begin here
  std::vector<SparseExtent> runs_;
};

// The pieces of a file of `size` bytes that hold data, when it is worth writing it sparse
// (DataExtents); nullopt: write it whole. Holes are not read.
Result<std::optional<std::vector<SparseExtent>>> SparseExtentsOf(int fd, uint64_t size);

}  // namespace veneer

#endif  // VENEER_LAYERDB_TRANSFER_TAR_STREAM_H_
