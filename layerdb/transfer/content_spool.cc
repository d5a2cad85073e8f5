// SPDX-License-Identifier: Apache-2.0
#include "layerdb/transfer/content_spool.h"

#include <fcntl.h>

#include "layerdb/base/sys.h"

namespace veneer {

namespace {
constexpr size_t kFlushAt = size_t{1} << 20;
}

Result<ContentSpool> ContentSpool::Create(const std::string& dir) {
  Sys<Fd> fd = sys::Open(sys::Path(dir), O_TMPFILE | O_RDWR, 0600);
  if (fd) return ContentSpool(*std::move(fd));
  // A file system without O_TMPFILE.
  const std::string path = dir + "/tmp-spool";
  VENEER_TRY_CTX(Fd named, sys::Open(sys::Path(path), O_RDWR | O_CREAT | O_EXCL, 0600), path);
  VENEER_TRY_CTX_VOID(sys::Unlink(sys::Path(path)), path);
  return ContentSpool(std::move(named));
}

Result<uint64_t> ContentSpool::Append(std::string_view bytes) {
  const uint64_t offset = flushed_ + pending_.size();
  pending_ += bytes;
  if (pending_.size() >= kFlushAt) {
    VENEER_TRY_CTX_VOID(sys::WriteAt(fd_.get(), pending_, flushed_), "write to the store");
    flushed_ += pending_.size();
    pending_.clear();
  }
  return offset;
}

Result<std::string> ContentSpool::Read(uint64_t offset, uint64_t size) {
  if (offset >= flushed_) return pending_.substr(offset - flushed_, size);
  std::string bytes(size, '\0');
  size_t done = 0;
  while (done < size) {
    VENEER_TRY_CTX(const size_t more,
                   sys::ReadAt(fd_.get(), bytes.data() + done, size - done, offset + done),
                   "read from the store");
    if (more == 0) return MakeError("a temporary file of the store was cut short");
    done += more;
  }
  return bytes;
}

}  // namespace veneer
