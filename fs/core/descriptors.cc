// SPDX-License-Identifier: Apache-2.0
#include "fs/core/descriptors.h"

#include <sys/resource.h>

#include <algorithm>

namespace veneer {

namespace {
size_t DescriptorLimit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return 4096;
  return limit.rlim_cur;
}
}  // namespace

Descriptors::Descriptors(const Layer& lower, size_t most)
    : lower_(lower),
      limit_(DescriptorLimit()),
      budget_(most != 0 ? most : std::min<size_t>(limit_ / 4, 16384)),
      cache_(budget_) {}

void Descriptors::Drop(const Node& node) {
  switch (node.type) {
    case FileType::kDirectory: cache_.Erase(Key(node.id, kDirectory)); break;
    case FileType::kRegular:
      for (const Kind kind : {kLowerData, kUpperRead, kUpperWrite}) {
        cache_.Erase(Key(node.id, kind));
      }
      break;
    default: break;  // has none
  }
}

void Descriptors::Pin(NodeWriter& node, SharedFd fd, Node::Location::Rare::Use use) {
  ++*pinned_;
  const Fd* const raw = fd.get();
  Node::Location::Rare& rare = node->NeedRare();
  rare.pinned = SharedFd(raw, [fd = std::move(fd), count = pinned_](const Fd*) { --*count; });
  rare.pinned_for = use;
  Drop(node.node());
  Balance();
}

Sys<void> Descriptors::PinCached(NodeWriter& node, sys::At where) {
  using Use = Node::Location::Rare::Use;
  const NodeId id = node.node().id;
  if (node.node().type == FileType::kRegular && node.node().data_upper) {
    if (SharedFd fd = Get(id, kUpperWrite)) {
      Pin(node, std::move(fd), Use::kWrite);
      return {};
    }
    if (SharedFd fd = Get(id, kUpperRead)) {
      Pin(node, std::move(fd), Use::kRead);
      return {};
    }
  }
  SharedFd fd;
  if (node.node().is_dir()) fd = Get(id, kDirectory);
  if (!fd) {
    VENEER_TRY(Fd opened, sys::Open(where, O_PATH));
    fd = std::make_shared<const Fd>(std::move(opened));
  }
  Pin(node, std::move(fd), Use::kPath);
  return {};
}

// Half of all descriptors may be in caches, those of the layers and ours, and an eighth is for
// everything else. When so many are pinned that this is too much, the caches shrink in steps.
void Descriptors::Balance() {
  const size_t pinned = *pinned_;
  const size_t step = std::max<size_t>(1, limit_ / 64);
  const size_t harmless = limit_ * 3 / 8;
  const size_t pressure = pinned > harmless ? (pinned - harmless) / step + 1 : 0;
  if (pressure_.load(std::memory_order_relaxed) == pressure) return;
  if (pressure_.exchange(pressure) == pressure) return;
  const size_t taken = std::min(pressure * step, limit_ / 2);
  const auto percent = static_cast<unsigned>(100 - taken * 100 / std::max<size_t>(1, limit_ / 2));
  cache_.Limit(budget_ * percent / 100);
  lower_.LimitCached(percent);
}

}  // namespace veneer
