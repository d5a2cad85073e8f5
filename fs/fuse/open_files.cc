// SPDX-License-Identifier: Apache-2.0
#include "fs/fuse/open_files.h"

#include <fcntl.h>

#include <utility>

namespace veneer {
namespace {

bool Writes(int flags) { return (flags & O_ACCMODE) != O_RDONLY; }

// Only such an open file can be mapped shared and written.
bool CanMapAndWrite(int flags) { return (flags & O_ACCMODE) == O_RDWR; }

// The file can be no backing file, today and later; other errors are of the moment.
bool CannotBack(int code) {
  return code == ELOOP || code == EOPNOTSUPP || code == EINVAL || code == EPERM;
}

}  // namespace

Sys<int32_t> OpenFiles::BackingFor(const File& file, int flags, OpenUpper open_upper) {
  if (passing_ != Passing::kAllowed || file.cached != 0) return 0;
  // What the kernel does not find out when it opens the backing file, or would call EIO.
  const int tested = flags & (O_ACCMODE | O_APPEND | O_DIRECT);
  if (file.backing_id != 0 && tested == O_RDONLY) return file.backing_id;
  VENEER_TRY(const Fd fd, open_upper(tested));
  if (!fd) return 0;
  if (file.backing_id != 0) return file.backing_id;
  Sys<int32_t> id = backings_.Register(fd.get());
  if (!id && CannotBack(id.error().code)) return 0;
  return id;
}

Sys<OpenFiles::Opened> OpenFiles::Open(uint64_t node, int flags, OpenUpper open_upper) {
  Shard& shard = ShardOf(node);
  const MutexLock lock(shard.mutex);
  const auto found = shard.files.find(node);
  const bool known = found != shard.files.end();
  VENEER_TRY(const int32_t backing_id,
             BackingFor(known ? found->second : File(), flags, open_upper));
  File& file = known ? found->second : shard.files[node];
  if (backing_id == 0) {
    ++file.cached;
    return Opened();
  }
  file.backing_id = backing_id;
  ++file.passed;
  if (Writes(flags)) ++file.passed_writers;
  const bool move_now = CanMapAndWrite(flags) && !file.attributes_move;
  if (move_now) {
    file.attributes_move = true;
    ++moving_;
  }
  return Opened{backing_id, move_now};
}

void OpenFiles::Release(uint64_t node, int flags) {
  Shard& shard = ShardOf(node);
  int32_t unused = 0;
  {
    const MutexLock lock(shard.mutex);
    const auto found = shard.files.find(node);
    if (found == shard.files.end()) return;
    File& file = found->second;
    if (file.cached != 0) {
      --file.cached;
    } else if (file.passed != 0) {
      if (Writes(flags)) --file.passed_writers;
      if (--file.passed == 0) unused = std::exchange(file.backing_id, 0);
    }
    if (file.cached == 0 && file.passed == 0 && !file.attributes_move) shard.files.erase(found);
  }
  if (unused != 0) backings_.Unregister(unused);
}

void OpenFiles::Forget(uint64_t node) {
  if (moving_ == 0) return;
  Shard& shard = ShardOf(node);
  const MutexLock lock(shard.mutex);
  const auto found = shard.files.find(node);
  if (found == shard.files.end() || !found->second.attributes_move) return;
  --moving_;
  shard.files.erase(found);
}

bool OpenFiles::AttributesMove(uint64_t node) {
  if (moving_ == 0) return false;
  Shard& shard = ShardOf(node);
  const MutexLock lock(shard.mutex);
  const auto found = shard.files.find(node);
  return found != shard.files.end() && found->second.attributes_move;
}

bool OpenFiles::HasPassedWriter(uint64_t node) {
  Shard& shard = ShardOf(node);
  const MutexLock lock(shard.mutex);
  const auto found = shard.files.find(node);
  return found != shard.files.end() && found->second.passed_writers != 0;
}

}  // namespace veneer
