// SPDX-License-Identifier: Apache-2.0
//
// The names of a directory: merged once, then answered from memory; and the nodes behind them.
#include "fs/core/state.h"

namespace veneer {

Sys<void> UnionFs::State::CheckName(std::string_view name) {
  if (name.empty()) return Fail(ENOENT);
  if (name.size() > kMaxName) return Fail(ENAMETOOLONG);
  if (name == "." || name == "..") return Fail(EEXIST);
  return {};
}

Sys<void> UnionFs::State::LoadLocked(Node& dir) {
  Directory& directory = *dir.directory;
  if (directory.loaded) return {};
  DirTable table;
  if (!dir.removed) {
    if (dir.upper) {
      VENEER_TRY(const SharedFd fd, UpperDirLocked(dir));
      VENEER_TRY_VOID(upper->List({fd->get()}, [&](const Upper::Listed& listed) {
        DirTable::Child& child = table.Load(listed.name, false);
        child.type = listed.type;
        child.visible = child.in_upper = !listed.whiteout;
        child.whiteout = listed.whiteout;
      }));
    }
    if (dir.has_lower) {
      const bool persistent = lower->names_persist();
      VENEER_TRY_VOID(lower->List(dir.lower, [&](const LayerDirent& entry) {
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
  directory.table = std::move(table);
  directory.loaded = true;
  Counters::Add(counters.directories_merged);
  return {};
}

void UnionFs::State::SetLower(Node& node, const LayerObject& object) const {
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

void UnionFs::State::SetUpper(Node& node, const UpperObject& object) {
  node.upper = true;
  node.data_upper = !object.marks.metacopy;
  if (object.origin.ino != 0) node.sync_due.Again();  // it was copied up, maybe a moment ago
  const bool linked = object.origin.ino != 0 && upper->links().Has(object.origin.Identity());
  if (object.origin.ino != 0 && (node.ino == 0 || linked)) {
    node.origin_layer = object.origin.layer;
    node.origin_ino = object.origin.ino;
    node.ino = options.numbers.Of(object.origin);
  } else if (node.ino == 0) {
    node.origin_ino = object.attr.ino | kUpperInoBit;
    node.ino = options.numbers.OfUpper(object.attr.ino);
  }
  // A copied-up file that shares its inode with lower names.
  if (linked) node.linked_below = true;
}

Attr UnionFs::State::Adjust(const Node& node, Attr attr) const {
  attr.ino = node.ino;
  if (node.type == FileType::kDirectory) {
    // Counting the subdirectories of a merged directory would mean loading each one that is only looked at; 1 says "not
    // counted", as kernel overlayfs says it.
    if (options.static_nlink || (node.upper && node.has_lower)) attr.nlink = 1;
    if (node.removed) attr.nlink = 0;
  } else if (node.linked_below && upper) {
    attr.nlink =
        upper->links().Count(node.Identity()).value_or(node.upper ? attr.nlink : node.lower_nlink);
    if (node.removed) attr.nlink = 0;
    if (const auto changed = upper->links().Changed(node.Identity()); changed && attr.ctime < *changed) {
      attr.ctime = *changed;
    }
  } else if (node.removed && !node.upper) {
    attr.nlink = 0;
  }
  return attr;
}

Sys<NodeRef> UnionFs::State::NodeFromUpperLocked(const NodeRef& dir, DirTable::Child& child,
                                                 Attr* attr) {
  VENEER_TRY(const SharedFd fd, UpperDirLocked(*dir));
  const std::string name(child.name());
  const sys::At at{fd->get(), name.c_str()};
  VENEER_TRY(const UpperObject object, upper->Read(at, LowerPathLocked(*dir)));
  if (object.whiteout) {
    // By its xattr, in a directory that does not say it holds such: the listing took it for a file.
    child.visible = child.in_upper = false;
    child.whiteout = true;
    return Fail(ENOENT);
  }
  const bool is_dir = object.attr.type == FileType::kDirectory;
  const bool linked = !is_dir && object.attr.nlink > 1;
  std::unique_lock<std::mutex> alone;
  if (linked) {
    const uint64_t identity = object.origin.ino != 0 ? object.origin.Identity()
                                                     : object.attr.ino | kUpperInoBit;
    alone = std::unique_lock(linked_files.For(identity));
    if (NodeRef node = nodes.FindAndAcquireLinked(identity)) {
      AddName(*node, dir, name);
      if (attr != nullptr) {
        auto full = AttrLocked(*node);
        if (!full) {
          nodes.Release(node->id, 1);
          return Fail(full.error());
        }
        *attr = *full;
      }
      return node;
    }
  }
  // The lower part: where a redirect says, else under the same name.
  std::optional<LayerObject> below;
  const bool wants_lower = is_dir ? !object.marks.opaque : object.marks.metacopy;
  if (wants_lower && object.marks.redirect) {
    VENEER_TRY(below, FindLowerPath(*object.marks.redirect));
  } else if (wants_lower && child.in_lower) {
    VENEER_TRY(below, lower->Lookup(dir->lower, name, child.hint));
  }
  if (below && (below->attr.type == FileType::kDirectory) != is_dir) below.reset();

  NodeRef node = nodes.Create(object.attr.type);
  node->parent = dir;
  node->name = name;
  if (below) {
    SetLower(*node, *below);
    node->linked_below = false;  // SetUpper decides: the upper object may have left the others
    if (object.marks.redirect) node->NeedRare().lower_path = *object.marks.redirect;
  }
  SetUpper(*node, object);
  if (linked) nodes.RegisterLinked(*node);
  if (attr != nullptr) {
    *attr = Adjust(*node, object.attr);
    if (!node->data_upper && below) attr->blocks = below->attr.blocks;
  }
  return node;
}

Sys<NodeRef> UnionFs::State::NodeFromLowerLocked(const NodeRef& dir, DirTable::Child& child,
                                                 Attr* attr) {
  VENEER_TRY(const auto object, lower->Lookup(dir->lower, child.name(), child.hint));
  if (!object) {
    // As above, in a layer.
    child.visible = child.in_lower = false;
    return Fail(ENOENT);
  }
  const bool linked = object->attr.type != FileType::kDirectory && object->attr.nlink > 1;
  NodeRef node;
  std::unique_lock<std::mutex> alone;
  if (linked) {
    const uint64_t identity =
        object->origin.ino != 0 ? object->origin.Identity() : object->attr.ino;
    alone = std::unique_lock(linked_files.For(identity));
    node = nodes.FindAndAcquireLinked(identity);
  }
  if (node) {
    AddName(*node, dir, child.name());
  } else {
    node = nodes.Create(object->attr.type);
    node->parent = dir;
    node->name = child.name();
    SetLower(*node, *object);
    if (linked) {
      node->NeedRare().lower_path = LowerPathLocked(*node);
      if (upper && upper->links().Has(node->Identity())) {
        const LinkName index_name(node->Identity());
        auto copied = upper->Read(upper->links().Place(index_name), "");
        if (!copied) {
          nodes.Release(node->id, 1);
          return Fail(copied.error());
        }
        SetUpper(*node, *copied);
      }
      nodes.RegisterLinked(*node);
    }
  }
  if (attr == nullptr) return node;
  if (!node->upper) {
    *attr = Adjust(*node, object->attr);
    return node;
  }
  auto full = AttrLocked(*node);
  if (!full) {
    nodes.Release(node->id, 1);
    return Fail(full.error());
  }
  *attr = *full;
  return node;
}

Sys<bool> UnionFs::State::IsEmptyLocked(const NodeRef& dir) {
  VENEER_TRY_VOID(LoadLocked(*dir));
  DirTable& table = dir->directory->table;
  for (size_t place = table.After(0); place < table.places(); ++place) {
    DirTable::Child& child = table.At(place);
    if (!child.visible) continue;
    if (child.type != FileType::kRegular) return false;
    const auto node = ChildNodeLocked(dir, child, nullptr);
    if (node) nodes.Release((*node)->id, 1);
    if (child.visible) return false;
  }
  return true;
}

Sys<NodeRef> UnionFs::State::ChildNodeLocked(const NodeRef& dir, DirTable::Child& child,
                                             Attr* attr) {
  if (NodeRef node = nodes.FindAndAcquire(child.node)) {
    if (attr == nullptr) return node;
    auto full = AttrLocked(*node);
    if (!full) {
      nodes.Release(node->id, 1);
      return Fail(full.error());
    }
    *attr = *full;
    return node;
  }
  VENEER_TRY(NodeRef node, child.in_upper ? NodeFromUpperLocked(dir, child, attr)
                                          : NodeFromLowerLocked(dir, child, attr));
  child.node = node->id;
  child.ino = node->ino;
  return node;
}

void UnionFs::State::AddName(Node& node, const NodeRef& dir, std::string_view name) {
  const std::unique_lock place(places.For(node.id));
  if (node.parent == dir && node.name == name) return;
  if (!node.HasName()) {
    node.parent = dir;
    node.name = name;
    return;
  }
  auto& more = node.NeedRare().more;
  for (const NodeName& known : more) {
    if (known.parent == dir && known.name == name) return;
  }
  more.push_back({dir, std::string(name)});
}

}  // namespace veneer
