// SPDX-License-Identifier: Apache-2.0
//
// IndexReader: a sealed index, open for reading for as long as one likes. It is a memory map; a
// record that was found once stays where it is, so a position is a lasting name for it and reading
// it again costs no search.
//
// Opening verifies the whole file (seal, checksum, and the structure of every page), which takes
// well under a millisecond per megabyte: LMDB itself trusts its pages and would crash on damaged
// ones. Whatever is wrong is an Error that names the file and says `veneer fsck`.
//
// Thread-safety: all methods may be called from several threads at once.
#ifndef VENEER_LAYERDB_INDEX_INDEX_READER_H_
#define VENEER_LAYERDB_INDEX_INDEX_READER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "layerdb/base/function_ref.h"
#include "layerdb/base/result.h"
#include "layerdb/index/records.h"
#include "layerdb/index/seal.h"

namespace veneer {

class IndexReader {
 public:
  // A record and where it is. Valid as long as the reader lives.
  struct Record {
    uint64_t position = 0;
    EntryView entry;
  };
  // The name of an object: the directory that holds it, and the name there.
  struct NameOf {
    uint64_t dir = 0;
    std::string_view name;
  };

  static Result<std::shared_ptr<IndexReader>> Open(const std::string& path);
  ~IndexReader();
  IndexReader(const IndexReader&) = delete;
  IndexReader& operator=(const IndexReader&) = delete;

  const std::string& path() const;
  const IndexSummary& summary() const;
  // Of a layer: what its regular files and the targets of its symlinks hold, each hard link once;
  // this is what Docker counts as the size of a layer.
  uint64_t CountBytes() const;
  // True when nothing in the index speaks of layers below it: no whiteouts, no opaque directories.
  bool is_tree() const { return summary().whiteouts == 0 && summary().opaques == 0; }

  Record Root() const;
  // One name of a directory; nullopt: none. EIO: the index is damaged.
  Sys<std::optional<Record>> Find(uint64_t dir, std::string_view name) const;
  // The record at a position that Find or List gave. EIO for any other position that holds no
  // record.
  Sys<EntryView> At(uint64_t position) const;
  // All names of a directory in byte order. The names stay valid as long as the reader lives.
  // `sink` returns false to stop.
  Sys<void> List(uint64_t dir,
                 FunctionRef<bool(std::string_view name, const Record& found)> sink) const;
  // Every entry of the index, the root first with dir 0 and an empty name.
  Sys<void> ForEach(
      FunctionRef<bool(uint64_t dir, std::string_view name, const Record& found)> sink) const;

  // The names of a directory (one), or of a file with several links (all); empty for other inode
  // numbers.
  Sys<std::vector<NameOf>> NamesOf(uint64_t ino) const;
  // The path of a directory from the root, without a leading slash; "" for the root. ENOENT: no
  // such directory.
  Sys<std::string> PathOfDirectory(uint64_t ino) const;

 private:
  struct State;
  explicit IndexReader(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace veneer

#endif  // VENEER_LAYERDB_INDEX_INDEX_READER_H_
