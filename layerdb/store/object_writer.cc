// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "layerdb/base/sys.h"
#include "layerdb/store/object_store.h"
#include "layerdb/store/session.h"

namespace veneer {

ObjectWriter::ObjectWriter(WriteSession& session, std::string path, Fd fd)
    : session_(session), path_(std::move(path)), fd_(std::move(fd)) {}

ObjectWriter::~ObjectWriter() {
  if (fd_) unlink(path_.c_str());
}

Result<void> ObjectWriter::Write(std::string_view bytes) {
  VENEER_TRY_CTX_VOID(sys::WriteAt(fd_.get(), bytes, hasher_.size()), path_);
  hasher_.Update(bytes);
  return {};
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
  VENEER_TRY(const ObjectRef ref, session_.MoveStaged(path_, fd_.get(), hasher_.Finish()));
  fd_.Reset();
  return ref;
}

}  // namespace veneer
