// SPDX-License-Identifier: Apache-2.0
#include "layerdb/objects/direct_writer.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <system_error>
#include <utility>

#include "layerdb/base/sys.h"

namespace veneer {

namespace {
// No disk has larger logical blocks.
constexpr uint64_t kDirectAlignment = 4096;
constexpr size_t kPiece = size_t{4} << 20;
constexpr size_t kInFlight = 2;
// A write into blocks that the file has already does not wait for the file system to find some.
constexpr uint64_t kAllocate = uint64_t{64} << 20;
}  // namespace

std::unique_ptr<DirectWriter> DirectWriter::Begin(int fd, uint64_t size) {
  if (!sys::SetDirect(fd, true)) return nullptr;
  try {
    return std::unique_ptr<DirectWriter>(new DirectWriter(fd, size));
  } catch (const std::system_error&) {
    IgnoreError(sys::SetDirect(fd, false), "a write that is not aligned tells");
    return nullptr;
  }
}

DirectWriter::DirectWriter(int fd, uint64_t size)
    : fd_(fd),
      size_(size),
      buffers_(kPiece),
      queue_(kInFlight),
      thread_(std::make_unique<Worker>([this] { return WriteQueued(); })) {}

DirectWriter::~DirectWriter() { queue_.Abandon(); }

Result<void> DirectWriter::WriteQueued() {
  while (const std::optional<Piece> piece = queue_.Pop()) {
    Result<void> written = WriteNow(piece->view(), piece->offset);
    if (written) continue;
    queue_.Abandon();
    return written;
  }
  return {};
}

Result<void> DirectWriter::WriteNow(std::string_view bytes, uint64_t offset) {
  const uint64_t hole = std::exchange(written_, offset + bytes.size());
  if (written_ > allocated_) {
    allocated_ = std::clamp(size_, written_, written_ + kAllocate);
    sys::Preallocate(fd_, offset, allocated_ - offset);
  }
  Sys<void> written = sys::WriteAt(fd_, bytes, offset);
  if (!written && written.error().code == EINVAL && sys::SetDirect(fd_, false)) {
    // The file system tells only now that it cannot.
    written = sys::WriteAt(fd_, bytes, offset);
  }
  if (!written) return MakeError(written.error(), "write to the store");
  // The file must have the size before: ext4 frees nothing beyond it.
  FreeHole(hole, offset);
  return {};
}

void DirectWriter::FreeHole(uint64_t from, uint64_t to) const {
  to = std::min(to, allocated_);
  if (to <= from) return;
  IgnoreError(sys::PunchHole(fd_, from, to - from), "blocks without contents read as zeros too");
}

Result<void> DirectWriter::Write(std::string_view bytes, uint64_t offset) {
  if (thread_ != nullptr && offset != gathering_.end()) {
    if (offset % kDirectAlignment == 0 && gathering_.size % kDirectAlignment == 0) {
      VENEER_TRY_VOID(Flush());
      gathering_.offset = offset;
    } else {
      VENEER_TRY_VOID(Stop());
    }
  }
  if (thread_ == nullptr) return WriteNow(bytes, offset);
  while (!bytes.empty()) {
    if (gathering_.bytes == nullptr) gathering_.bytes = buffers_.Get();
    const size_t size = std::min(kPiece - gathering_.size, bytes.size());
    std::memcpy(gathering_.bytes.get() + gathering_.size, bytes.data(), size);
    gathering_.size += size;
    bytes.remove_prefix(size);
    if (gathering_.size == kPiece) VENEER_TRY_VOID(Flush());
  }
  return {};
}

Result<void> DirectWriter::Flush() {
  if (gathering_.size == 0) return {};
  Piece piece = std::exchange(gathering_, {});
  gathering_.offset = piece.end();
  if (queue_.Push(std::move(piece))) return {};
  return Stop();  // the thread has failed, and says why
}

Result<void> DirectWriter::Stop() {
  queue_.Close();
  Result<void> written = thread_->Join();
  thread_.reset();
  if (!written) return written;
  VENEER_TRY_CTX_VOID(sys::SetDirect(fd_, false), "write to the store");
  const Piece rest = std::exchange(gathering_, {});
  if (rest.size == 0) return {};
  return WriteNow(rest.view(), rest.offset);
}

Result<void> DirectWriter::Finish(uint64_t size) {
  if (thread_ != nullptr) VENEER_TRY_VOID(Stop());
  // The blocks that were allocated behind the last byte go first: they are no hole otherwise.
  VENEER_TRY_CTX_VOID(sys::Truncate(fd_, written_), "write to the store");
  VENEER_TRY_CTX_VOID(sys::Truncate(fd_, size), "write to the store");
  return {};
}

}  // namespace veneer
