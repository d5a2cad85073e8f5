// SPDX-License-Identifier: Apache-2.0
//
// OpenFiles: with io=passthrough, which files are open and how. With io=cached there is nothing to
// know: the kernel opens files without a word.
//
// The kernel reads and writes a file either through its own page cache of this mount, with requests
// (cached), or through a backing file, without (passed). Never both at one time for one node, and
// all that pass it have one backing file. So:
//
// - A node whose contents are those of a layer is opened cached. The file of a layer never becomes
//   a backing file: whoever wrote to it would write into the layer, and even a reader would mark
//   the time of access.
// - It stays cached as long as somebody has it open, also when it is copied up meanwhile. A mapping
//   counts as open. So everybody sees what is written, through the one page cache, as with
//   io=cached.
// - A node whose contents are in the upper is passed, whenever nobody has it open cached. It is
//   never cached again: a mapping of the backing file lives on after the file was closed, and
//   nobody tells us when it ends. Contents that are in the upper never leave it, so the rule needs
//   no memory.
//
// Thread-safe. Locking: a shard's mutex is outer to all locks of UnionFs; nothing is locked while
// replying.
#ifndef VENEER_FS_FUSE_OPEN_FILES_H_
#define VENEER_FS_FUSE_OPEN_FILES_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <unordered_map>

#include "layerdb/base/fd.h"
#include "layerdb/base/function_ref.h"
#include "layerdb/base/mutex.h"
#include "layerdb/base/result.h"

namespace veneer {

// The kernel's table of backing files.
class Backings {
 public:
  virtual ~Backings() = default;
  // The kernel holds the file from here on; `fd` stays the caller's and may be closed. ELOOP,
  // EOPNOTSUPP, EINVAL, EPERM: this file cannot be one.
  virtual Sys<int32_t> Register(int fd) = 0;
  // No new open will name it. Those that have it keep it.
  virtual void Unregister(int32_t id) = 0;
};

class OpenFiles {
 public:
  // Whether the kernel passes files at all. Until that is known they are opened cached.
  enum class Passing { kUnknown, kAllowed, kRefused };

  struct Opened {
    int32_t backing_id = 0;  // 0: cached
    // From now on the node's attributes change without a request; the kernel must not keep those it
    // has.
    bool attributes_move_now = false;
  };
  // Opens the file of the upper that holds a node's contents, with these flags; an empty Fd while
  // they are a layer's.
  using OpenUpper = FunctionRef<Sys<Fd>(int flags)>;

  // `backings` must outlive this.
  explicit OpenFiles(Backings& backings) : backings_(backings) {}
  OpenFiles(const OpenFiles&) = delete;
  OpenFiles& operator=(const OpenFiles&) = delete;

  void Decide(Passing passing) { passing_ = passing; }
  Passing passing() const { return passing_; }

  // open(2) with `flags`. Counted unless it fails, and taken back by Release() with the same flags.
  // `open_upper` is called for every writer, because the kernel does not ask whether a backing file
  // may be written. Errors: what the upper says (EPERM for a file that cannot be changed).
  Sys<Opened> Open(uint64_t node, int flags, OpenUpper open_upper);
  void Release(uint64_t node, int flags);
  // The kernel does not know the node any more.
  void Forget(uint64_t node);

  // True when the file was passed to somebody who could map it and write: such writes mark the
  // times of the file, and no request tells of them.
  bool AttributesMove(uint64_t node);
  // True while somebody has the file open for writing without requests.
  bool HasPassedWriter(uint64_t node);

 private:
  struct File {
    uint32_t cached = 0;  // open files; one of these two is 0
    uint32_t passed = 0;
    uint32_t passed_writers = 0;
    int32_t backing_id = 0;  // not 0 while `passed` is not
    bool attributes_move = false;
  };
  struct Shard {
    Mutex mutex;
    std::unordered_map<uint64_t, File> files
        GUARDED_BY(mutex);  // those that are open or whose attributes move
  };
  Shard& ShardOf(uint64_t node) { return shards_[node % shards_.size()]; }
  // The id of the backing file for one more open of `file`; 0: it cannot be passed.
  Sys<int32_t> BackingFor(const File& file, int flags, OpenUpper open_upper);

  Backings& backings_;
  std::atomic<Passing> passing_{Passing::kUnknown};
  std::atomic<uint64_t> moving_{0};  // files whose attributes move
  std::array<Shard, 16> shards_;
};

}  // namespace veneer

#endif  // VENEER_FS_FUSE_OPEN_FILES_H_
