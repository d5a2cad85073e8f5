// SPDX-License-Identifier: Apache-2.0
//
// Read, Write and the other verbs on the contents of files.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "fs/core/parts.h"

namespace veneer {

Sys<ReadResult> UnionFs::Read(NodeId id, uint64_t offset, size_t size) {
  VENEER_TRY(const NodeRef node, parts_->nodes.Get(id));
  VENEER_TRY(auto data, parts_->contents.ForReading(node));
  Counters::Add(parts_->counters.bytes_read, size);
  ReadResult result;
  result.offset = offset;
  if (data.fd) {
    result.fd = data.fd->get();
    result.size = size;
    if (data.known_size && *data.known_size > offset) {
      result.must = static_cast<size_t>(std::min<uint64_t>(size, *data.known_size - offset));
    }
    result.keep = std::move(data.fd);
    return result;
  }
  if (offset < data.bytes.size()) result.bytes = data.bytes.substr(offset, size);
  result.size = result.bytes.size();
  result.keep = data.keep ? std::shared_ptr<const void>(std::move(data.keep)) : parts_->lower;
  return result;
}

Sys<size_t> UnionFs::Write(NodeId id, uint64_t offset, std::string_view data, bool kill_privileges,
                           const GroupTest* groups) {
  VENEER_TRY(const NodeRef node, parts_->nodes.Get(id));
  VENEER_TRY(const auto file, parts_->contents.ForWriting(node));
  if (file.append_only) {
    VENEER_TRY(const struct stat st, sys::Stat({file.fd->get()}));
    if (static_cast<uint64_t>(st.st_size) != offset) return Fail(EPERM);
  }
  if (kill_privileges) VENEER_TRY_VOID(parts_->attributes.DropPrivileges({file.fd->get()}, groups));
  Counters::Add(parts_->counters.bytes_written, data.size());
  size_t done = 0;
  while (done < data.size()) {
    const ssize_t n = ::pwrite(file.fd->get(), data.data() + done, data.size() - done,
                               static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && done == 0) return FailErrno();
    if (n <= 0) break;  // what was written counts; the next write meets the error
    done += n;
  }
  return done;
}

Sys<void> UnionFs::Allocate(NodeId id, int mode, uint64_t offset, uint64_t length) {
  VENEER_TRY(const NodeRef node, parts_->nodes.Get(id));
  VENEER_TRY(const auto file, parts_->contents.ForWriting(node));
  parts_->options.BeforeBlocking();
  if (::fallocate(file.fd->get(), mode, static_cast<off_t>(offset), static_cast<off_t>(length)) <
      0) {
    return FailErrno();
  }
  return {};
}

Sys<uint64_t> UnionFs::Seek(NodeId id, uint64_t offset, int whence) {
  VENEER_TRY(const NodeRef node, parts_->nodes.Get(id));
  VENEER_TRY(const auto file, parts_->contents.ForReading(node));
  if (!file.fd) {
    if (offset >= file.bytes.size()) return Fail(ENXIO);
    return whence == SEEK_HOLE ? file.bytes.size() : offset;
  }
  const off_t found = ::lseek(file.fd->get(), static_cast<off_t>(offset), whence);
  if (found < 0) return FailErrno();
  return static_cast<uint64_t>(found);
}

Sys<size_t> UnionFs::CopyRange(NodeId from, uint64_t from_offset, NodeId to, uint64_t to_offset,
                               size_t size) {
  VENEER_TRY(const NodeRef source, parts_->nodes.Get(from));
  VENEER_TRY(const NodeRef target, parts_->nodes.Get(to));
  parts_->options.BeforeBlocking();
  VENEER_TRY(const auto out, parts_->contents.ForWriting(target));
  if (out.append_only) return Fail(EPERM);
  VENEER_TRY(const auto in, parts_->contents.ForReading(source));  // after: it may be the same file
  if (!in.fd) {
    if (from_offset >= in.bytes.size()) return 0;
    const std::string_view part = in.bytes.substr(from_offset, size);
    VENEER_TRY_VOID(sys::WriteAt(out.fd->get(), part, to_offset));
    return part.size();
  }
  auto in_offset = static_cast<off64_t>(from_offset);
  auto out_offset = static_cast<off64_t>(to_offset);
  size_t done = 0;
  while (done < size) {
    if (done > 0 && parts_->options.given_up != nullptr && parts_->options.given_up()) break;
    constexpr size_t kStep = 64 << 20;
    const ssize_t n = ::copy_file_range(in.fd->get(), &in_offset, out.fd->get(), &out_offset,
                                        std::min(size - done, kStep), 0);
    if (n < 0 && done == 0) return FailErrno();
    if (n <= 0) break;  // what was copied counts; the next call meets the error
    done += static_cast<size_t>(n);
  }
  return done;
}

Sys<void> UnionFs::Sync(NodeId id, bool data_only) {
  VENEER_TRY(const NodeRef node, parts_->nodes.Get(id));
  if (!node->upper || parts_->upper->options().is_volatile) return {};
  parts_->options.BeforeBlocking();
  Fd fd;
  {
    const ReaderLock names(parts_->names.mutex());
    if (node->type != FileType::kRegular && node->type != FileType::kDirectory) return {};
    const NodeReader reader(parts_->locks, *node);
    VENEER_TRY(const UpperLocation where, parts_->paths.InUpper(reader));
    VENEER_TRY(fd, parts_->upper->OpenFile(where.at(), O_RDONLY | O_NONBLOCK));
  }
  const uint32_t due = node->sync_due.Begin();
  VENEER_TRY_VOID(parts_->upper->Sync(fd.get(), data_only && due == 0));
  node->sync_due.Done(due);
  return {};
}

Sys<void> UnionFs::SyncCopyUp(NodeId id) {
  VENEER_TRY(const NodeRef node, parts_->nodes.Get(id));
  if (!node->data_upper || !node->sync_due.AfterChange()) return {};
  return Sync(id, false);
}

Sys<Fd> UnionFs::OpenUpperContents(NodeId id, int flags) {
  VENEER_TRY(const NodeRef node, parts_->nodes.Get(id));
  if (node->type != FileType::kRegular || !node->data_upper) return Fd();
  const ReaderLock names(parts_->names.mutex());
  const NodeReader reader(parts_->locks, *node);
  VENEER_TRY(const UpperLocation where, parts_->paths.InUpper(reader));
  return parts_->upper->OpenFile(where.at(), flags | O_NONBLOCK);
}

}  // namespace veneer
