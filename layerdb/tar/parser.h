// SPDX-License-Identifier: Apache-2.0
//
// TarParser: the entries of a tar stream that comes in pieces of any size. v7, ustar, PAX, old GNU
// with long names and all four sparse formats. It is the only parser of archives in the project:
// what is scanned, written and recorded in the tar-split is one reading of the bytes.
//
// Where common readers (GNU tar, libarchive, Go, Python) would see other entries, names or
// contents, an archive is refused rather than guessed at:
//
//   extended headers   two of a kind, or a global one, in front of one entry; a PAX name beside a
//                      different long name; one without an entry; a body of a volume label; type A
//   PAX records        malformed ones, NULs behind them or in a name; an empty or negative size;
//                      SUN.holesdata; in a global header, records of a single file
//   numbers            that are none, with digits behind a NUL, out of range, a negative size or
//                      owner; a size no file can have
//   entries            a size in the PAX header of what has no contents; a directory (by its slash)
//                      with contents; a hard link to nothing, or with contents and a target that
//                      is not in its own header; a part of several volumes
//   sparse files       a map in a header of another type, or without the magic of GNU; records of
//                      one without a map or on what is no regular file; two sizes; pieces that
//                      overlap, lie outside, or are not all that is stored
//
// TarDifferentialTest holds it to this, beside libarchive. One thing is guessed at: what follows a
// hard link with a size is a header when it looks like one. The size in a PAX header counts for the
// entry only, never for a header in between. Not thread-safe; no system call, no allocation that
// the stream does not pay for.
#ifndef VENEER_LAYERDB_TAR_PARSER_H_
#define VENEER_LAYERDB_TAR_PARSER_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "layerdb/base/result.h"
#include "layerdb/model/entry.h"
#include "layerdb/tar/block.h"
#include "layerdb/tar/pax.h"

namespace veneer {

struct TarEntry {
  std::string path;  // as the archive spells it
  std::string link;  // target of a symlink or hard link
  bool hard_link = false;
  Attr attr;  // type, mode, uid, gid, rdev, size, mtime
  std::string user;
  std::string group;
  XattrList xattrs;
  std::optional<std::string> acl_access;  // text
  std::optional<std::string> acl_default;
  // A sparse file: where its data lies, ascending. Otherwise the data is all of it.
  bool sparse = false;
  std::vector<SparseExtent> extents;
};

class TarParser {
 public:
  // The longest body of a PAX or long-name header, and the most pieces of a sparse file: beyond
  // that an archive is refused.
  static constexpr uint64_t kMaxHeaderBody = uint64_t{16} << 20;
  static constexpr uint64_t kMaxGlobalBody = uint64_t{64} << 10;
  static constexpr size_t kMaxExtents = 1 << 20;
  // The most extended headers in front of one entry.
  static constexpr int kMaxHeadersInARow = 64;

  enum class Event {
    kNeedInput,  // all of the input was taken
    kEntry,      // entry() is complete; its data follows
    kData,       // data() is the last part of what was taken from the input
    kEntryEnd,   // all data of the entry was given
    kEnd,        // the end mark; everything after it is taken and ignored
  };

  // Takes bytes from the front of `*input` up to the next event.
  Result<Event> Next(std::string_view* input);
  // Right after kEntry: the data of the entry will not be given. How many bytes of the stream the
  // caller leaves out before it goes on, so that a reader of headers can seek over contents.
  uint64_t SkipData();
  // The stream has ended. An error when it ended within an entry or before the first one.
  Result<void> Finish() const;

  // What of the entries so far the readers of image layers (Docker, podman, umoci) refuse, in words
  // for a person; empty: nothing.
  const std::string& peculiarity() const { return peculiarity_; }

  const TarEntry& entry() const { return entry_; }
  TarEntry& entry() { return entry_; }
  std::string_view data() const { return data_; }
  uint64_t data_offset() const { return data_offset_; }
  // Bytes taken so far.
  uint64_t position() const { return position_; }

 private:
  enum class State {
    kHeader,
    kSpecialBody,
    kMoreSparse,  // old GNU: further blocks of extents
    kSparseMap,   // PAX 1.0: the map at the start of the payload
    kAfterLink,   // a hard link that says it has data
    kPayload,
    kSkip,
    kDone,
  };

  void Consume(std::string_view* input, size_t size);
  bool FillBlock(std::string_view* input);
  std::string_view Block() const { return {block_.data(), block_.size()}; }
  tl::unexpected<Error> Damaged(std::string_view what) const;

  Result<std::optional<Event>> OnHeader();
  Result<void> OnSpecialBody();
  Result<std::optional<Event>> OnEntryHeader(TarBlock block);
  Result<void> ApplyPax(const PaxAttributes& pax, TarBlock* block);
  Result<std::optional<Event>> OnSparseMapBlock();
  Result<std::optional<Event>> StartSparse();
  Result<void> CheckExtents() const;
  Event StartPayload();
  Event OnPayload(std::string_view* input);

  State state_ = State::kHeader;
  std::array<char, kTarBlock> block_{};
  size_t block_fill_ = 0;
  bool block_kept_ = false;  // block_ is a header that was read ahead
  uint64_t position_ = 0;
  bool any_header_ = false;

  // Extended headers in front of the entry that comes.
  int headers_in_a_row_ = 0;
  char special_type_ = 0;
  uint64_t special_left_ = 0;
  std::string special_body_;
  PaxAttributes global_;
  std::optional<PaxAttributes> pax_;
  std::optional<std::string> long_name_;
  std::optional<std::string> long_link_;

  std::string peculiarity_;
  TarEntry entry_;
  uint64_t stored_left_ = 0;   // bytes of the payload that the stream still holds
  uint64_t skip_left_ = 0;     // padding, or a payload nobody wants
  bool only_padding_ = false;  // of a file whose contents are whole
  size_t extent_ = 0;
  uint64_t extent_done_ = 0;
  std::string sparse_text_;
  uint64_t sparse_lines_ = 0;
  std::string_view data_;
  uint64_t data_offset_ = 0;
};

}  // namespace veneer

#endif  // VENEER_LAYERDB_TAR_PARSER_H_
