// SPDX-License-Identifier: Apache-2.0
//
// Who may keep how many descriptors. Those in caches can be closed at any moment; those of objects that no name leads to
// any more are pinned, and the caches make room for them.
#include <algorithm>

#include "fs/core/state.h"

namespace veneer {

void UnionFs::State::DropFds(const Node& node) {
  switch (node.type) {
    case FileType::kDirectory: fds.Erase(FdKey(node.id, kDirectoryFd)); break;
    case FileType::kRegular:
      for (const FdKind kind : {kLowerData, kUpperRead, kUpperWrite}) {
        fds.Erase(FdKey(node.id, kind));
      }
      break;
    default: break;  // has none
  }
}

void UnionFs::State::PinLocked(Node& node, SharedFd fd, Node::Rare::Use use) {
  ++*pinned_fds;
  const Fd* const raw = fd.get();
  node.NeedRare().pinned = SharedFd(raw, [fd = std::move(fd), count = pinned_fds](const Fd*) {
    --*count;
  });
  node.NeedRare().pinned_for = use;
  DropFds(node);
  BalanceFds();
}

Sys<void> UnionFs::State::PinCachedLocked(Node& node, sys::At where) {
  using Use = Node::Rare::Use;
  if (node.type == FileType::kRegular && node.data_upper) {
    if (SharedFd fd = fds.Get(FdKey(node.id, kUpperWrite))) {
      PinLocked(node, std::move(fd), Use::kWrite);
      return {};
    }
    if (SharedFd fd = fds.Get(FdKey(node.id, kUpperRead))) {
      PinLocked(node, std::move(fd), Use::kRead);
      return {};
    }
  }
  SharedFd fd;
  if (node.type == FileType::kDirectory) fd = fds.Get(FdKey(node.id, kDirectoryFd));
  if (!fd) {
    VENEER_TRY(Fd opened, sys::Open(where, O_PATH));
    fd = std::make_shared<const Fd>(std::move(opened));
  }
  PinLocked(node, std::move(fd), Use::kPath);
  return {};
}

// Half of all descriptors may be in caches, those of the layers and ours, and an eighth is for everything else. When so many
// are pinned that this is too much, the caches shrink in steps.
void UnionFs::State::BalanceFds() {
  const size_t pinned = *pinned_fds;
  const size_t step = std::max<size_t>(1, fd_limit / 64);
  const size_t harmless = fd_limit * 3 / 8;
  const size_t pressure = pinned > harmless ? (pinned - harmless) / step + 1 : 0;
  if (fd_pressure.load(std::memory_order_relaxed) == pressure) return;
  if (fd_pressure.exchange(pressure) == pressure) return;
  const size_t taken = std::min(pressure * step, fd_limit / 2);
  const auto percent = static_cast<unsigned>(100 - taken * 100 / std::max<size_t>(1, fd_limit / 2));
  fds.Limit(fd_budget * percent / 100);
  lower->LimitCached(percent);
}

}  // namespace veneer
