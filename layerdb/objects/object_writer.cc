// SPDX-License-Identifier: Apache-2.0
#include "layerdb/objects/object_writer.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "layerdb/base/sys.h"
#include "layerdb/base/zeros.h"

namespace veneer {

namespace {
// Zeros that become a hole, whole ones of this size that begin at a multiple of it.
constexpr size_t kHoleSize = size_t{64} << 10;
}  // namespace

ObjectWriter::ObjectWriter(ObjectStaging& staging, std::string path, Fd fd)
    : staging_(staging), path_(std::move(path)), fd_(std::move(fd)) {}

ObjectWriter::~ObjectWriter() {
  if (fd_) IgnoreError(sys::Unlink(sys::Path(path_)), "prune does the rest");
}

Result<void> ObjectWriter::Write(std::string_view bytes) {
  const uint64_t offset = hasher_.size();
  hasher_.Update(bytes);
  if (cloned_) return {};
  size_t begin = 0;  // of what is to be written next
  auto write_until = [&](size_t end) -> Result<void> {
    if (end == begin) return {};
    VENEER_TRY_CTX_VOID(sys::WriteAt(fd_.get(), bytes.substr(begin, end - begin), offset + begin),
                        path_);
    return {};
  };
  for (size_t at = (kHoleSize - offset % kHoleSize) % kHoleSize; at + kHoleSize <= bytes.size();
       at += kHoleSize) {
    if (!IsZero(bytes.substr(at, kHoleSize))) continue;
    VENEER_TRY_VOID(write_until(at));
    begin = at + kHoleSize;
  }
  return write_until(bytes.size());
}

bool ObjectWriter::Clone(int from) {
  cloned_ = sys::Clone(from, fd_.get()).has_value();
  return cloned_;
}

Sys<size_t> ObjectWriter::ReadAt(void* buffer, size_t size, uint64_t offset) const {
  return sys::ReadAt(fd_.get(), buffer, size, offset);
}

Result<void> ObjectWriter::Hole(uint64_t size) {
  // Larger than any file can be, and the size would wrap.
  if (size > uint64_t{INT64_MAX} - hasher_.size()) return MakeError(Errno{EFBIG}, path_);
  hasher_.Zeros(size);
  return {};
}

Result<ObjectRef> ObjectWriter::Finish() {
  // A hole at the end has not been made by a write behind it.
  VENEER_TRY_CTX_VOID(sys::Truncate(fd_.get(), hasher_.size()), path_);
  struct stat st;
  if (fstat(fd_.get(), &st) != 0) return MakeError(Errno{errno}, path_);
  blocks_ = static_cast<uint64_t>(st.st_blocks);
  VENEER_TRY(const ObjectRef ref, staging_.MoveStaged(path_, fd_.get(), hasher_.Finish()));
  fd_.Reset();
  return ref;
}

}  // namespace veneer
