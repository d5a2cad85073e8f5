// SPDX-License-Identifier: Apache-2.0
//
// IndexWriter makes a new index file; IndexEditor changes a copy of one before it is published.
// Neither is thread-safe. The file is an ordinary unpublished file until Seal(); nobody else may
// have it open. A writer that is destroyed without Seal() removes its file.
#ifndef VENEER_LAYERDB_INDEX_INDEX_WRITER_H_
#define VENEER_LAYERDB_INDEX_INDEX_WRITER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "layerdb/base/function_ref.h"
#include "layerdb/base/result.h"
#include "layerdb/index/records.h"
#include "layerdb/index/seal.h"

namespace veneer {

// Address space that a writer begins with. The file grows with what is written, and the map too.
inline constexpr uint64_t kIndexInitialMap = uint64_t{1} << 30;

class IndexWriter {
 public:
  // Creates `path`, which must not exist.
  static Result<std::unique_ptr<IndexWriter>> Create(const std::string& path,
                                                     uint64_t initial_map = kIndexInitialMap);
  ~IndexWriter();
  IndexWriter(const IndexWriter&) = delete;
  IndexWriter& operator=(const IndexWriter&) = delete;

  // The root directory: exactly once, before anything else. Its inode number must be kIndexRootIno.
  Result<void> PutRoot(const IndexEntry& root);
  // One name of directory `dir`. Fastest when (dir, name) ascends from call to call; any order
  // works. A name that was put before is an error. All names of a hard-linked file carry the same
  // attributes, inode number and contents; nlink is corrected at Seal() where it is not the number
  // of names that were put. REQUIRES: entry.attr.ino is in (kIndexRootIno, kIndexMaxIno) unless it
  // is a whiteout; every directory named by `dir` is put as an entry before Seal().
  Result<void> Put(uint64_t dir, std::string_view name, const IndexEntry& entry);

  // Ends the file and makes it what IndexReader opens. `durable`: with fsync; false when the caller
  // makes a whole directory durable at once, or does not need it. Call once, last.
  Result<IndexSummary> Seal(bool durable);

 private:
  struct State;
  explicit IndexWriter(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

class IndexEditor {
 public:
  // Opens `path`, a copy of a sealed index that belongs to the caller alone. Checks it as
  // IndexReader does.
  static Result<std::unique_ptr<IndexEditor>> Open(const std::string& path);
  ~IndexEditor();
  IndexEditor(const IndexEditor&) = delete;
  IndexEditor& operator=(const IndexEditor&) = delete;

  uint64_t next_ino() const;
  // Inode numbers below `next` are taken from now on.
  void SetNextIno(uint64_t next);

  // The entry of a name, as it is now; nullopt when there is none. The root is (0, "").
  Result<std::optional<IndexEntry>> Get(uint64_t dir, std::string_view name) const;
  // All names of a directory with their entries. `sink` must not change the index.
  Result<void> List(uint64_t dir,
                    FunctionRef<void(std::string_view name, const EntryView& entry)> sink) const;
  // Adds a name or replaces what it says. A name that was a directory must be one still, with the
  // same inode number, or must have been erased first.
  Result<void> Put(uint64_t dir, std::string_view name, const IndexEntry& entry);
  // Removes a name; of a directory, with everything in it. Other names of a hard-linked file stay,
  // and their link counts are corrected at Seal(). ENOENT is not an error.
  Result<void> Erase(uint64_t dir, std::string_view name);

  Result<IndexSummary> Seal(bool durable);

 private:
  struct State;
  explicit IndexEditor(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace veneer

#endif  // VENEER_LAYERDB_INDEX_INDEX_WRITER_H_
