// SPDX-License-Identifier: Apache-2.0
//
// Read, Write and the other verbs on the contents of files. Descriptors come from a bounded cache;
// no request depends on an earlier one.
#include <unistd.h>

#include <algorithm>

#include "fs/core/state.h"

namespace veneer {

SharedFd UnionFs::State::CachedFd(NodeId id, FdKind kind) {
  SharedFd fd = fds.Get(FdKey(id, kind));
  if (fd) Counters::Add(counters.descriptor_hits);
  return fd;
}

// A descriptor is put into the cache under the place lock that copy-up takes to change where the
// contents are, so none of the old place is found afterwards.
Sys<UnionFs::State::DataFd> UnionFs::State::OpenData(const NodeRef& node, bool write) {
  if (node->type == FileType::kDirectory) return Fail(EISDIR);
  if (node->type != FileType::kRegular) return Fail(EINVAL);
  if (write) VENEER_TRY_VOID(CopyUpData(node));
  const std::shared_lock lock(names);
  std::shared_lock place(places.For(node->id));
  if (!node->data_upper) {
    if (!node->has_lower) return Fail(EIO);
    const std::optional<uint64_t> known_size = lower->KnownSize(node->lower);
    if (SharedFd fd = CachedFd(node->id, kLowerData)) {
      return DataFd{std::move(fd), {}, nullptr, known_size};
    }
    Counters::Add(counters.descriptor_misses);
    VENEER_TRY(Content content, lower->Open(node->lower));
    if (!content.fd) return DataFd{nullptr, content.bytes, std::move(content.keep)};
    return DataFd{fds.Put(FdKey(node->id, kLowerData), std::move(content.fd)),
                  {},
                  nullptr,
                  known_size};
  }
  if (node->rare && node->rare->pinned) {
    place.unlock();
    return OpenPinnedLocked(*node, write);
  }
  if (SharedFd fd = CachedFd(node->id, kUpperWrite)) return DataFd{std::move(fd), {}, nullptr};
  if (!write) {
    if (SharedFd fd = CachedFd(node->id, kUpperRead)) return DataFd{std::move(fd), {}, nullptr};
  }
  Counters::Add(counters.descriptor_misses);
  VENEER_TRY(const UpperPlace where, UpperPlaceLocked(*node));
  if (write) {
    auto fd = upper->OpenFile(where.at(), O_RDWR | O_NONBLOCK);
    if (!fd && fd.error().code == EPERM) {
      // Of an append-only file (chattr +a) that is all one gets. Not kept: the flag goes as it came.
      VENEER_TRY(fd, upper->OpenFile(where.at(), O_WRONLY | O_APPEND | O_NONBLOCK));
      return DataFd{std::make_shared<const Fd>(*std::move(fd)), {}, nullptr, std::nullopt, true};
    }
    if (!fd) return Fail(fd.error());
    return DataFd{fds.Put(FdKey(node->id, kUpperWrite), *std::move(fd)), {}, nullptr};
  }
  VENEER_TRY(Fd fd, upper->OpenFile(where.at(), O_RDONLY | O_NONBLOCK));
  return DataFd{fds.Put(FdKey(node->id, kUpperRead), std::move(fd)), {}, nullptr};
}

// A file without a name keeps one descriptor, which becomes as able as it has to be.
Sys<UnionFs::State::DataFd> UnionFs::State::OpenPinnedLocked(Node& node, bool write) {
  using Use = Node::Rare::Use;
  const Use wanted = write ? Use::kWrite : Use::kRead;
  {
    const std::shared_lock place(places.For(node.id));
    const Node::Rare& rare = *node.rare;
    if (rare.pinned && rare.pinned_for >= wanted) return DataFd{rare.pinned, {}, nullptr};
  }
  const std::unique_lock place(places.For(node.id));
  Counters::Add(counters.descriptor_misses);
  VENEER_TRY(const UpperPlace where, UpperPlaceLocked(node));
  VENEER_TRY(Fd opened, upper->OpenFile(where.at(), (write ? O_RDWR : O_RDONLY) | O_NONBLOCK));
  auto fd = std::make_shared<const Fd>(std::move(opened));
  // It may have got a name again (linkat) meanwhile.
  if (node.rare->pinned && node.rare->pinned_for < wanted) PinLocked(node, fd, wanted);
  return DataFd{std::move(fd), {}, nullptr};
}

Sys<ReadResult> UnionFs::Read(NodeId id, uint64_t offset, size_t size) {
  VENEER_TRY(const NodeRef node, state_->Get(id));
  VENEER_TRY(auto data, state_->OpenData(node, false));
  Counters::Add(state_->counters.bytes_read, size);
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
  result.keep = data.keep ? std::shared_ptr<const void>(std::move(data.keep)) : state_->lower;
  return result;
}

Sys<size_t> UnionFs::Write(NodeId id, uint64_t offset, std::string_view data, bool kill_privileges,
                           const GroupTest* groups) {
  VENEER_TRY(const NodeRef node, state_->Get(id));
  VENEER_TRY(const auto file, state_->OpenData(node, true));
  if (file.append_only) {
    VENEER_TRY(const struct stat st, sys::Stat({file.fd->get()}));
    if (static_cast<uint64_t>(st.st_size) != offset) return Fail(EPERM);
  }
  if (kill_privileges) VENEER_TRY_VOID(state_->DropPrivileges({file.fd->get()}, groups));
  Counters::Add(state_->counters.bytes_written, data.size());
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
  VENEER_TRY(const NodeRef node, state_->Get(id));
  VENEER_TRY(const auto file, state_->OpenData(node, true));
  state_->BeforeBlocking();
  if (::fallocate(file.fd->get(), mode, static_cast<off_t>(offset), static_cast<off_t>(length)) <
      0) {
    return FailErrno();
  }
  return {};
}

Sys<uint64_t> UnionFs::Seek(NodeId id, uint64_t offset, int whence) {
  VENEER_TRY(const NodeRef node, state_->Get(id));
  VENEER_TRY(const auto file, state_->OpenData(node, false));
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
  VENEER_TRY(const NodeRef source, state_->Get(from));
  VENEER_TRY(const NodeRef target, state_->Get(to));
  state_->BeforeBlocking();
  VENEER_TRY(const auto out, state_->OpenData(target, true));
  if (out.append_only) return Fail(EPERM);
  VENEER_TRY(const auto in, state_->OpenData(source, false));  // after: it may be the same file
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
    if (done > 0 && state_->options.given_up != nullptr && state_->options.given_up()) break;
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
  VENEER_TRY(const NodeRef node, state_->Get(id));
  if (!node->upper || state_->upper->options().is_volatile) return {};
  state_->BeforeBlocking();
  Fd fd;
  {
    const std::shared_lock lock(state_->names);
    if (node->type != FileType::kRegular && node->type != FileType::kDirectory) return {};
    const std::shared_lock place(state_->places.For(id));
    VENEER_TRY(const UpperPlace where, state_->UpperPlaceLocked(*node));
    VENEER_TRY(fd, state_->upper->OpenFile(where.at(), O_RDONLY | O_NONBLOCK));
  }
  const uint32_t due = node->sync_due.Begin();
  VENEER_TRY_VOID(state_->upper->Sync(fd.get(), data_only && due == 0));
  node->sync_due.Done(due);
  return {};
}

Sys<void> UnionFs::SyncCopyUp(NodeId id) {
  VENEER_TRY(const NodeRef node, state_->Get(id));
  if (!node->data_upper || !node->sync_due.AfterChange()) return {};
  return Sync(id, false);
}

Sys<Fd> UnionFs::OpenUpperContents(NodeId id, int flags) {
  VENEER_TRY(const NodeRef node, state_->Get(id));
  if (node->type != FileType::kRegular || !node->data_upper) return Fd();
  const std::shared_lock lock(state_->names);
  const std::shared_lock place(state_->places.For(id));
  VENEER_TRY(const UpperPlace where, state_->UpperPlaceLocked(*node));
  return state_->upper->OpenFile(where.at(), flags | O_NONBLOCK);
}

}  // namespace veneer
