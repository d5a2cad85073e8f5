// SPDX-License-Identifier: Apache-2.0
#include "layerdb/objects/object_writer.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "layerdb/base/sys.h"
#include "layerdb/base/zeros.h"

namespace veneer {

namespace {
constexpr size_t kBlock = 4096;
// The disk writes a large object while the rest of it is read.
constexpr uint64_t kWriteBackStep = uint64_t{8} << 20;
// A smaller object is written faster than it would be read from the disk again.
constexpr uint64_t kDirectSize = uint64_t{256} << 20;
constexpr uint64_t kMinHole = uint64_t{64} << 10;  // shorter runs of zeros are written
}  // namespace

ObjectWriter::ObjectWriter(ObjectStaging& staging, std::string path, Fd fd, uint64_t size)
    : staging_(staging),
      path_(std::move(path)),
      fd_(std::move(fd)),
      direct_size_(size >= kDirectSize ? size : 0) {}

ObjectWriter::~ObjectWriter() {
  if (fd_) IgnoreError(sys::Unlink(sys::Path(path_)), "prune does the rest");
}

Result<void> ObjectWriter::WriteAt(std::string_view bytes, uint64_t offset) {
  if (bytes.empty()) return {};
  if (direct_size_ > 0) direct_ = DirectWriter::Begin(fd_.get(), std::exchange(direct_size_, 0));
  if (direct_ != nullptr) return direct_->Write(bytes, offset);
  VENEER_TRY_CTX_VOID(sys::WriteAt(fd_.get(), bytes, offset), path_);
  const uint64_t end = offset + bytes.size();
  if (end - begun_ >= kWriteBackStep) {
    sys::BeginWriteBack(fd_.get(), begun_, end - begun_);
    begun_ = end;
  }
  return {};
}

Result<void> ObjectWriter::Write(std::string_view bytes) {
  const uint64_t offset = hasher_.size();
  hasher_.Update(bytes);
  if (cloned_) return {};
  size_t begin = 0;  // what is in front of it is written, or zeros that wait
  size_t at = 0;
  while (at < bytes.size()) {
    const size_t end = std::min(bytes.size(), at + kBlock - (offset + at) % kBlock);
    // A run begins with a block; a call may end within one.
    const bool zero =
        ((offset + at) % kBlock == 0 || waiting_zeros_ > 0) && IsZero(bytes.substr(at, end - at));
    if (zero && waiting_zeros_ == 0) {
      VENEER_TRY_VOID(WriteAt(bytes.substr(begin, at - begin), offset + begin));
      begin = at;
    }
    if (zero) {
      waiting_zeros_ += end - at;
    } else if (waiting_zeros_ >= kMinHole) {
      waiting_zeros_ = 0;
      begin = at;
    } else if (waiting_zeros_ > 0) {
      // Those of an earlier call are not in `bytes`.
      const uint64_t earlier = waiting_zeros_ - std::min<uint64_t>(waiting_zeros_, at);
      VENEER_TRY_VOID(WriteAt(std::string(earlier, '\0'), offset - earlier));
      waiting_zeros_ = 0;
    }
    at = end;
  }
  if (waiting_zeros_ == 0) VENEER_TRY_VOID(WriteAt(bytes.substr(begin), offset + begin));
  return {};
}

bool ObjectWriter::Clone(int from) {
  cloned_ = sys::Clone(from, fd_.get()).has_value();
  return cloned_;
}

Sys<size_t> ObjectWriter::ReadAt(void* buffer, size_t size, uint64_t offset) const {
  VENEER_TRY(const size_t got, sys::ReadAt(fd_.get(), buffer, size, offset));
  // Zeros that wait, and a hole at the end, are not in the file yet.
  const uint64_t written = hasher_.size() - std::min(offset, hasher_.size());
  const auto end = static_cast<size_t>(std::min<uint64_t>(size, written));
  if (got < end) std::memset(static_cast<char*>(buffer) + got, 0, end - got);
  return end;
}

Result<void> ObjectWriter::Hole(uint64_t size) {
  // Larger than any file can be, and the size would wrap.
  if (size > uint64_t{INT64_MAX} - hasher_.size()) return MakeError(Errno{EFBIG}, path_);
  hasher_.Zeros(size);
  waiting_zeros_ = 0;
  return {};
}

Result<ObjectRef> ObjectWriter::Finish() {
  if (direct_ != nullptr) {
    VENEER_TRY_VOID(direct_->Finish(hasher_.size()));
  } else {
    // A hole at the end has not been made by a write behind it.
    VENEER_TRY_CTX_VOID(sys::Truncate(fd_.get(), hasher_.size()), path_);
  }
  VENEER_TRY_CTX(const struct stat st, sys::Stat({fd_.get()}), path_);
  blocks_ = static_cast<uint64_t>(st.st_blocks);
  VENEER_TRY(const ObjectRef ref, staging_.MoveStaged(path_, fd_.get(), hasher_.Finish()));
  fd_.Reset();
  return ref;
}

}  // namespace veneer
