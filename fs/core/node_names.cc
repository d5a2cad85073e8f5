// SPDX-License-Identifier: Apache-2.0
#include "fs/core/node_names.h"

#include <string>
#include <utility>

#include "layerdb/base/log.h"

namespace veneer {

void NodeNames::Give(NodeWriter& writer, NodeName name) {
  if (writer->HasName()) {
    writer->NeedRare().more.push_back(std::move(name));
    return;
  }
  writer->name = std::move(name);
  writer.node().removed = false;
  if (writer->rare) writer->rare->pinned.reset();
}

void NodeNames::Add(Node& node, const NodeRef& dir, std::string_view name) {
  NodeWriter writer(locks_, node);
  if (writer->name.Is(dir, name)) return;
  if (writer->rare) {
    for (const NodeName& known : writer->rare->more) {
      if (known.Is(dir, name)) return;
    }
  }
  Give(writer, {dir, std::string(name)});
}

void NodeNames::Move(Node& node, const NodeName& from, const NodeName& to) {
  NodeWriter writer(locks_, node);
  if (writer->name.Is(from.parent, from.name)) {
    writer->name = to;
    return;
  }
  if (!writer->rare) return;
  for (NodeName& known : writer->rare->more) {
    if (known.Is(from.parent, from.name)) {
      known = to;
      return;
    }
  }
}

Sys<void> NodeNames::PinIfLast(Node& node, const NodeRef& dir, std::string_view name) {
  NodeWriter writer(locks_, node);
  if (!node.upper || writer->IsPinned() || writer->HasMoreNames()) return {};
  if (node.linked_below && upper_->links().Has(node.Identity()) && LinkCount(node) > 1) return {};
  if (writer->HasName() && !writer->name.Is(dir, name)) return {};
  VENEER_TRY(const UpperLocation where, paths_.InUpper(writer));
  return descriptors_.PinCached(writer, where.at());
}

void NodeNames::Remove(Node& node, const NodeRef& dir, std::string_view name) {
  NodeRef dropped;  // the parent may be freed with it, after the lock
  {
    NodeWriter writer(locks_, node);
    const bool primary = writer->name.Is(dir, name);
    if (!primary && writer->rare) {
      std::erase_if(writer->rare->more, [&](const NodeName& known) { return known.Is(dir, name); });
    } else if (primary && writer->HasMoreNames()) {
      auto& more = writer->rare->more;
      dropped = std::exchange(writer->name.parent, std::move(more.back().parent));
      writer->name.name = std::move(more.back().name);
      more.pop_back();
    } else if (primary) {
      dropped = std::exchange(writer->name.parent, nullptr);
    }
  }
  CountDown(node);
  NodeWriter writer(locks_, node);
  if (!writer->HasName() && !(node.linked_below && upper_->links().Count(node.Identity()))) {
    node.removed = true;
  }
}

bool NodeNames::IsNameless(const LockedNode& locked) const {
  const Node& node = locked.node();
  if (locked->HasName()) return false;
  return !node.linked_below || LinkCount(node) == 0 || node.removed;
}

Sys<void> NodeNames::CountUp(const Node& node) {
  if (!node.linked_below) return {};
  return upper_->links().SetCount(node.Identity(), LinkCount(node) + 1);
}

void NodeNames::CountDown(const Node& node) {
  if (!node.linked_below) return;
  const uint32_t count = LinkCount(node);
  const Sys<void> noted = upper_->links().CountDown(node.Identity(), count > 0 ? count - 1 : 0);
  if (noted) return;
  LogWarning("the number of links of a file could not be noted (" + ErrnoText(noted.error().code) +
             "); after the next mount it is one too many");
}

}  // namespace veneer
