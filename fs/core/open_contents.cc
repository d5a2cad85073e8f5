// SPDX-License-Identifier: Apache-2.0
#include "fs/core/open_contents.h"

#include <fcntl.h>

#include <utility>

namespace veneer {

SharedFd OpenContents::Cached(NodeId id, Descriptors::Kind kind) {
  SharedFd fd = descriptors_.Get(id, kind);
  if (fd) Counters::Add(counters_.descriptor_hits);
  return fd;
}

// A descriptor is put into the cache under the lock of the node, which copy-up takes to change
// where the contents are: so nobody finds one of the former place afterwards.
Sys<OpenContents::Opened> OpenContents::Open(const NodeRef& node, bool write) {
  if (node->is_dir()) return Fail(EISDIR);
  if (node->type != FileType::kRegular) return Fail(EINVAL);
  if (write) VENEER_TRY_VOID(copy_up_.Contents(node));
  const ReaderLock names(names_.mutex());
  {
    const NodeReader reader(locks_, *node);
    if (!node->data_upper) return Below(*node);
    if (!reader->IsPinned()) return InUpper(reader, write);
  }
  return Pinned(*node, write);
}

Sys<OpenContents::Opened> OpenContents::Below(const Node& node) {
  if (!node.has_lower) return Fail(EIO);
  const std::optional<uint64_t> known_size = lower_.KnownSize(node.lower);
  if (SharedFd fd = Cached(node.id, Descriptors::kLowerData)) {
    return Opened{std::move(fd), {}, nullptr, known_size};
  }
  Counters::Add(counters_.descriptor_misses);
  VENEER_TRY(Content content, lower_.Open(node.lower));
  if (!content.fd) return Opened{nullptr, content.bytes, std::move(content.keep)};
  return Opened{descriptors_.Put(node.id, Descriptors::kLowerData, std::move(content.fd)),
                {},
                nullptr,
                known_size};
}

Sys<OpenContents::Opened> OpenContents::InUpper(const LockedNode& locked, bool write) {
  const NodeId id = locked.node().id;
  if (SharedFd fd = Cached(id, Descriptors::kUpperWrite)) return Opened{std::move(fd), {}, nullptr};
  if (!write) {
    if (SharedFd fd = Cached(id, Descriptors::kUpperRead)) {
      return Opened{std::move(fd), {}, nullptr};
    }
  }
  Counters::Add(counters_.descriptor_misses);
  VENEER_TRY(const UpperLocation where, paths_.InUpper(locked));
  if (!write) {
    VENEER_TRY(Fd fd, upper_->OpenFile(where.at(), O_RDONLY | O_NONBLOCK));
    return Opened{descriptors_.Put(id, Descriptors::kUpperRead, std::move(fd)), {}, nullptr};
  }
  auto fd = upper_->OpenFile(where.at(), O_RDWR | O_NONBLOCK);
  if (!fd && fd.error().code == EPERM) {
    // Of an append-only file (chattr +a) that is all one gets. Not kept: the flag goes as it came.
    VENEER_TRY(fd, upper_->OpenFile(where.at(), O_WRONLY | O_APPEND | O_NONBLOCK));
    return Opened{std::make_shared<const Fd>(*std::move(fd)), {}, nullptr, std::nullopt, true};
  }
  if (!fd) return Fail(fd.error());
  return Opened{descriptors_.Put(id, Descriptors::kUpperWrite, *std::move(fd)), {}, nullptr};
}

Sys<OpenContents::Opened> OpenContents::Pinned(Node& node, bool write) {
  using Use = Node::Location::Rare::Use;
  const Use wanted = write ? Use::kWrite : Use::kRead;
  {
    const NodeReader reader(locks_, node);
    if (reader->IsPinned() && reader->rare->pinned_for >= wanted) {
      return Opened{reader->rare->pinned, {}, nullptr};
    }
  }
  NodeWriter writer(locks_, node);
  Counters::Add(counters_.descriptor_misses);
  VENEER_TRY(const UpperLocation where, paths_.InUpper(writer));
  VENEER_TRY(Fd opened, upper_->OpenFile(where.at(), (write ? O_RDWR : O_RDONLY) | O_NONBLOCK));
  auto fd = std::make_shared<const Fd>(std::move(opened));
  // It may have got a name again (linkat) meanwhile.
  if (writer->IsPinned() && writer->rare->pinned_for < wanted) {
    descriptors_.Pin(writer, fd, wanted);
  }
  return Opened{std::move(fd), {}, nullptr};
}

}  // namespace veneer
