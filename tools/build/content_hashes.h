// SPDX-License-Identifier: Apache-2.0
//
// ContentHashes: the SHA-256 of files of build contexts, and whether they have extended attributes,
// remembered by what stat(2) says of them, so that a file that has not changed is not read again.
// Whatever changes either changes the time of the last change of the inode (ctime), which nobody
// can set back. A file that was changed in
// the second before it was read is not remembered: the clock of the file system is coarse, and it
// might be changed once more within the same tick.
//
// All of it may be lost. Thread-safe.
#ifndef VENEER_TOOLS_BUILD_CONTENT_HASHES_H_
#define VENEER_TOOLS_BUILD_CONTENT_HASHES_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "layerdb/base/mutex.h"
#include "layerdb/base/result.h"
#include "layerdb/index/kv.h"
#include "layerdb/model/entry.h"

namespace veneer {

// A regular file as it is now. `attr.ino`: the number in its file system.
struct FileState {
  uint64_t device = 0;
  Attr attr;
};

struct KnownContent {
  std::string hash;        // 64 hex digits
  bool has_xattrs = true;  // false: there are none
};

class ContentHashes {
 public:
  // `directory`: made when something is to be remembered. Its parent must be there.
  explicit ContentHashes(std::string directory) : directory_(std::move(directory)) {}

  // The files that are known as they are. Where the directory cannot be read, none is.
  std::vector<std::optional<KnownContent>> Find(std::span<const FileState> files);
  // Remembers files that were looked at before they were read, `read` being that time.
  // Failure is no harm.
  void Learn(std::span<const std::pair<FileState, KnownContent>> files, const Timestamp& read);

 private:
  enum class Missing { kCreate, kLeave };
  KvDatabase* Open(Missing missing) REQUIRES(mutex_);

  const std::string directory_;
  Mutex mutex_;
  std::unique_ptr<KvDatabase> database_ GUARDED_BY(mutex_);
  bool failed_ GUARDED_BY(mutex_) = false;
};

}  // namespace veneer

#endif  // VENEER_TOOLS_BUILD_CONTENT_HASHES_H_
