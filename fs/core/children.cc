// SPDX-License-Identifier: Apache-2.0
#include "fs/core/children.h"

#include <string>
#include <utility>

namespace veneer {

Sys<void> Children::CheckName(std::string_view name) {
  if (name.empty()) return Fail(ENOENT);
  if (name.size() > kMaxName) return Fail(ENAMETOOLONG);
  if (name == "." || name == "..") return Fail(EEXIST);
  return {};
}

Sys<void> Children::Load(const NodeRef& dir) {
  if (dir->directory->loaded()) return {};
  DirTable table;
  if (!dir->removed) {
    if (dir->upper) {
      VENEER_TRY(const SharedFd fd, paths_.UpperDirectory(*dir));
      VENEER_TRY_VOID(upper_->List({fd->get()}, [&](const Upper::Listed& listed) {
        DirTable::Child& child = table.Load(listed.name, false);
        child.type = listed.type;
        child.visible = child.in_upper = !listed.whiteout;
        child.whiteout = listed.whiteout;
      }));
    }
    if (dir->has_lower) {
      const bool persistent = lower_.names_persist();
      VENEER_TRY_VOID(lower_.List(dir->lower, [&](const LayerDirent& entry) {
        DirTable::Child* child = table.Find(entry.name);
        if (child == nullptr) {
          child = &table.Load(entry.name, persistent);
          child->type = entry.type;
          child->ino = entry.ino;
        }
        child->in_lower = true;
        child->hint = entry.hint;
      }));
    }
  }
  table.ShrinkToFit();
  dir->directory->SetLoaded(std::move(table));
  Counters::Add(counters_.directories_merged);
  return {};
}

void Children::SetLower(Node& node, const LayerObject& object) {
  node.has_lower = true;
  node.lower = object.ref;
  node.ino = object.attr.ino;
  const Origin origin = object.origin.ino != 0 ? object.origin : Origin{0, object.attr.ino};
  node.origin_layer = origin.layer;
  node.origin_ino = origin.ino;
  if (object.attr.type != FileType::kDirectory && object.attr.nlink > 1) {
    node.linked_below = true;
    node.lower_nlink = object.attr.nlink;
  }
}

void Children::SetMade(Node& node, uint64_t upper_ino) const {
  node.origin_ino = upper_ino | kUpperInoBit;
  node.ino = numbers_.OfUpper(upper_ino);
  node.upper = true;
  node.data_upper = true;
}

Sys<bool> Children::IsIndexed(const UpperObject& object) const {
  if (object.origin.ino == 0 || object.attr.type == FileType::kDirectory) return false;
  const LinkIndex& links = upper_->links();
  const uint64_t identity = object.origin.Identity();
  if (!links.Has(identity)) return false;
  const LinkName name(identity);
  const Sys<Attr> indexed = upper_->Stat(links.Place(name));
  if (indexed) return indexed->ino == object.attr.ino;
  if (indexed.error().code == ENOENT) return false;  // its last name goes at this moment
  return Fail(indexed.error());
}

void Children::SetUpper(Node& node, const UpperObject& object, bool indexed) const {
  node.upper = true;
  node.data_upper = !object.marks.metacopy;
  if (object.origin.ino != 0) node.sync_due.Again();  // it was copied up, maybe a moment ago
  if (object.origin.ino != 0 && (node.ino == 0 || indexed)) {
    node.origin_layer = object.origin.layer;
    node.origin_ino = object.origin.ino;
    node.ino = numbers_.Of(object.origin);
  } else if (node.ino == 0) {
    node.origin_ino = object.attr.ino | kUpperInoBit;
    node.ino = numbers_.OfUpper(object.attr.ino);
  }
  // A copied-up file that shares its inode with lower names.
  if (indexed) node.linked_below = true;
}

Sys<NodeRef> Children::WithAttributes(NodeRef node, Attr* attr) {
  if (attr == nullptr) return node;
  auto full = attributes_.Stat(*node);
  if (!full) {
    nodes_.Release(node->id, 1);
    return Fail(full.error());
  }
  *attr = *full;
  return node;
}

Sys<std::optional<LayerObject>> Children::Below(const Node& dir, const DirTable::Child& child,
                                                const UpperObject& object) const {
  const bool is_dir = object.attr.type == FileType::kDirectory;
  if (is_dir ? object.marks.opaque : !object.marks.metacopy) return std::nullopt;
  std::optional<LayerObject> below;
  if (object.marks.redirect) {
    VENEER_TRY(below, paths_.FindLower(*object.marks.redirect));
  } else if (child.in_lower) {
    VENEER_TRY(below, lower_.Lookup(dir.lower, child.name(), child.hint));
  }
  if (below && (below->attr.type == FileType::kDirectory) != is_dir) below.reset();
  return below;
}

Sys<NodeRef> Children::FromUpper(const NodeRef& dir, DirTable::Child& child, Attr* attr) {
  VENEER_TRY(const SharedFd fd, paths_.UpperDirectory(*dir));
  const std::string name(child.name());
  const sys::At at{fd->get(), name.c_str()};
  VENEER_TRY(const UpperObject object, upper_->Read(at, paths_.LowerPath(*dir)));
  if (object.whiteout) {
    // By its xattr, in a directory that does not say it holds such: the listing took it for a file.
    child.visible = child.in_upper = false;
    child.whiteout = true;
    return Fail(ENOENT);
  }
  VENEER_TRY(const bool indexed, IsIndexed(object));
  const auto create = [&]() -> Sys<NodeRef> {
    VENEER_TRY(const auto below, Below(*dir, child, object));
    Node::Location location{{dir, name}, nullptr};
    if (below && object.marks.redirect) location.NeedRare().lower_path = *object.marks.redirect;
    NodeRef node = nodes_.Create(object.attr.type, std::move(location));
    if (below) {
      SetLower(*node, *below);
      node->linked_below = false;  // SetUpper decides: the upper object may have left the others
    }
    SetUpper(*node, object, indexed);
    if (attr != nullptr) {
      *attr = attributes_.Adjust(*node, object.attr);
      if (!node->data_upper && below) attr->blocks = below->attr.blocks;
    }
    return node;
  };
  if (object.attr.type == FileType::kDirectory) return create();
  const uint64_t key = indexed ? object.origin.Identity() : object.attr.ino | kUpperInoBit;
  VENEER_TRY(NodeTable::Shared shared, object.attr.nlink < 2
                                           ? nodes_.FindOrCreateOfOneName(key, create)
                                           : nodes_.FindOrCreate(key, create));
  if (shared.is_new) return std::move(shared.node);
  names_.Add(*shared.node, dir, name);
  return WithAttributes(std::move(shared.node), attr);
}

Sys<NodeRef> Children::FromLower(const NodeRef& dir, DirTable::Child& child, Attr* attr) {
  VENEER_TRY(const auto object, lower_.Lookup(dir->lower, child.name(), child.hint));
  if (!object) {
    // As above, in a layer.
    child.visible = child.in_lower = false;
    return Fail(ENOENT);
  }
  const std::string name(child.name());
  if (object->attr.type == FileType::kDirectory || object->attr.nlink < 2) {
    NodeRef node = nodes_.Create(object->attr.type, {{dir, name}, nullptr});
    SetLower(*node, *object);
    if (attr != nullptr) *attr = attributes_.Adjust(*node, object->attr);
    return node;
  }
  // Under its other names it must know where its lower object lies.
  std::string path = paths_.LowerPath(*dir, name);
  const Origin origin = object->origin.ino != 0 ? object->origin : Origin{0, object->attr.ino};
  const uint64_t identity = origin.Identity();
  const auto create = [&]() -> Sys<NodeRef> {
    std::optional<UpperObject> copied;
    if (upper_ != nullptr && upper_->links().Has(identity)) {
      const LinkName index_name(identity);
      VENEER_TRY(copied, upper_->Read(upper_->links().Place(index_name), ""));
    }
    Node::Location location{{dir, name}, nullptr};
    location.NeedRare().lower_path = std::move(path);
    NodeRef node = nodes_.Create(object->attr.type, std::move(location));
    SetLower(*node, *object);
    if (copied) SetUpper(*node, *copied, true);
    return node;
  };
  VENEER_TRY(NodeTable::Shared shared, nodes_.FindOrCreate(identity, create));
  if (!shared.is_new) names_.Add(*shared.node, dir, name);
  if (attr == nullptr || shared.node->upper) return WithAttributes(std::move(shared.node), attr);
  *attr = attributes_.Adjust(*shared.node, object->attr);
  return std::move(shared.node);
}

Sys<bool> Children::IsEmpty(const NodeRef& dir) {
  VENEER_TRY_VOID(Load(dir));
  DirTable& table = dir->directory->table();
  for (size_t place = table.After(0); place < table.places(); ++place) {
    DirTable::Child& child = table.At(place);
    if (!child.visible) continue;
    if (child.type != FileType::kRegular) return false;
    const auto node = Acquire(dir, child, nullptr);
    if (node) nodes_.Release((*node)->id, 1);
    if (child.visible) return false;
  }
  return true;
}

Sys<NodeRef> Children::Acquire(const NodeRef& dir, DirTable::Child& child, Attr* attr) {
  if (NodeRef node = nodes_.Acquire(child.node)) return WithAttributes(std::move(node), attr);
  VENEER_TRY(NodeRef node,
             child.in_upper ? FromUpper(dir, child, attr) : FromLower(dir, child, attr));
  child.node = node->id;
  child.ino = node->ino;
  return node;
}

}  // namespace veneer
