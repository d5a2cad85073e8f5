// SPDX-License-Identifier: Apache-2.0
#include "layerdb/transfer/change_walk.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "layerdb/base/printable.h"
#include "layerdb/model/xattr_limits.h"
#include "layerdb/tar/names.h"
#include "layerdb/tar/writer.h"

namespace veneer {

namespace {

// The first half of a TarLinkKey.
constexpr uint64_t kInUpper = 0;
constexpr uint64_t kInImage = 1;

bool IsDirectory(const std::optional<LayerObject>& object) {
  return object && object->attr.type == FileType::kDirectory;
}

std::optional<FileType> TypeIn(const std::optional<LayerObject>& object) {
  if (!object) return std::nullopt;
  return object->attr.type;
}

std::optional<LayerRef> RefOf(const std::optional<LayerObject>& object) {
  if (!object) return std::nullopt;
  return object->ref;
}

}  // namespace

UpperRecords RecordsOf(const StoreLayout& layout, std::string_view container) {
  return {layout.stubs(container), layout.foreign_root(container)};
}

Result<std::unique_ptr<ChangeWalk>> ChangeWalk::Open(const std::string& upper,
                                                     const std::string& work,
                                                     const std::string& tree,
                                                     const std::string& objects,
                                                     const UpperRecords& records) {
  std::unique_ptr<ChangeWalk> walk(new ChangeWalk);
  DirLayerOptions options;
  // An upper never holds whiteouts of this form: ".wh.x" is a file there.
  options.aufs = false;
  VENEER_TRY(walk->upper_, DirLayer::Open(upper, options));
  walk->stubs_.emplace(*walk->upper_);
  if (!records.stubs.empty()) VENEER_TRY_VOID(walk->stubs_->Read(records.stubs));
  if (struct stat st;
      !records.foreign_root.empty() && ::lstat(records.foreign_root.c_str(), &st) == 0) {
    walk->foreign_root_ = {st.st_uid, st.st_gid};
  }
  if (tree.empty()) return walk;
  VENEER_TRY(walk->lower_, IndexedLayer::Open(tree, objects));
  if (work.empty()) return walk;
  options.privates = walk->upper_->privates();
  VENEER_TRY_VOID(walk->links_.Read(work, options, *walk->lower_));
  return walk;
}

void ChangeWalk::RestoreRoot(Attr* attr) const {
  if (!foreign_root_ || lower_ == nullptr) return;
  if (attr->uid != foreign_root_->first || attr->gid != foreign_root_->second) return;
  const Attr image = lower_->Root().attr;
  attr->uid = image.uid;
  attr->gid = image.gid;
  // Exactly the mode that it was made with. Somebody who sets the same is not to be told from
  // nobody.
  if (attr->mode == (image.mode | S_IRWXU)) attr->mode = image.mode;
}

tl::unexpected<Error> ChangeWalk::InPath(Errno e) const {
  return MakeError(e, "\"/" + PrintablePath(path_) + "\"");
}

Result<ChangeWalk::OptionalObject> ChangeWalk::LookupLower(const std::optional<LayerRef>& dir,
                                                           std::string_view name) const {
  if (!dir) return std::nullopt;
  Sys<OptionalObject> found = lower_->Lookup(*dir, name, 0);
  if (!found) return InPath(found.error());
  return *std::move(found);
}

Result<ChangeWalk::OptionalObject> ChangeWalk::LowerAt(std::string_view path) const {
  if (lower_ == nullptr) return std::nullopt;
  VENEER_TRY(const TreePath parts, ParseTarPath(path, kMaxName));
  OptionalObject at = lower_->Root();
  for (const std::string_view part : parts) {
    if (!IsDirectory(at)) return std::nullopt;
    VENEER_TRY(at, LookupLower(at->ref, part));
  }
  return at;
}

Result<ChangeWalk::OptionalObject> ChangeWalk::MergedWith(const LayerObject& directory,
                                                          OptionalObject below) const {
  if (directory.marks.opaque) return std::nullopt;
  if (directory.marks.redirect) {
    VENEER_TRY(below, LowerAt(*directory.marks.redirect));
  }
  if (!IsDirectory(below)) below.reset();
  return below;
}

Result<bool> ChangeWalk::IsInImage(std::string_view path) const {
  if (lower_ == nullptr) return false;
  VENEER_TRY(const TreePath parts, ParseTarPath(path, kMaxName));
  OptionalObject above = upper_->Root();
  VENEER_TRY(OptionalObject below, MergedWith(*above, lower_->Root()));
  for (size_t i = 0; i < parts.size() && below; ++i) {
    VENEER_TRY(below, LookupLower(RefOf(below), parts[i]));
    if (i + 1 == parts.size()) break;
    if (above) {
      Sys<OptionalObject> found = upper_->Lookup(above->ref, parts[i], 0);
      if (!found) return MakeError(found.error(), "\"/" + PrintablePath(path) + "\"");
      above = *std::move(found);
    }
    if (above && !IsDirectory(above)) return false;  // a whiteout, too
    if (above) {
      VENEER_TRY(below, MergedWith(*above, std::move(below)));
    }
    if (!IsDirectory(below)) below.reset();
  }
  return below.has_value();
}

Result<ChangeWalk::Frame> ChangeWalk::Enter(std::optional<LayerRef> upper,
                                            std::optional<LayerRef> below,
                                            std::optional<LayerRef> base,
                                            const UpperLinks::Names* linked, bool hidden) {
  Frame frame;
  frame.path_size = path_.size();
  frame.upper = std::move(upper);
  frame.below = std::move(below);
  frame.base = std::move(base);
  frame.linked = linked;
  frame.hidden = hidden;
  std::vector<std::string>& names = frame.names;
  if (frame.upper) {
    const Sys<void> listed = upper_->List(
        *frame.upper, [&](const LayerDirent& entry) { names.emplace_back(entry.name); });
    if (!listed) return InPath(listed.error());
  }
  auto add_lower = [&](const std::optional<LayerRef>& dir) -> Result<void> {
    if (!dir) return {};
    const Sys<void> listed =
        lower_->List(*dir, [&](const LayerDirent& entry) { names.emplace_back(entry.name); });
    if (!listed) return InPath(listed.error());
    return {};
  };
  if (frame.plain()) {
    if (linked != nullptr) {
      for (const auto& [name, below_it] : linked->children) names.push_back(name);
    }
  } else {
    // Everything that shows here is new at this path, and everything the image had is gone unless
    // it shows.
    VENEER_TRY_VOID(add_lower(frame.below));
    VENEER_TRY_VOID(add_lower(frame.base));
  }
  std::sort(names.begin(), names.end(), std::greater<>());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return frame;
}

Result<void> ChangeWalk::FillLower(const LayerObject& object, Change* change) const {
  const LayerObject* copied_up = links_.Find(object.attr.ino);
  if (object.attr.type != FileType::kDirectory && copied_up != nullptr) {
    // Changed through another of its names.
    const LayerObject& file = *copied_up;
    change->attr = file.attr;
    change->meta = change->data = links_.layer();
    change->meta_ref = change->data_ref = file.ref;
    change->link_key.emplace(kInUpper, file.attr.ino);
    if (file.marks.metacopy) {
      change->data = lower_.get();
      change->data_ref = object.ref;
    }
    return {};
  }
  change->attr = object.attr;
  change->meta = change->data = lower_.get();
  change->meta_ref = change->data_ref = object.ref;
  if (object.attr.type != FileType::kDirectory && object.attr.nlink > 1) {
    change->link_key.emplace(kInImage, object.attr.ino);
  }
  return {};
}

Result<void> ChangeWalk::FillUpper(const LayerObject& object, const OptionalObject& below,
                                   Change* change) const {
  change->attr = object.attr;
  change->meta = change->data = upper_.get();
  change->meta_ref = change->data_ref = object.ref;
  if (object.attr.type == FileType::kDirectory) {
    VENEER_TRY(change->attr.mtime, stubs_->MtimeWithoutStubs(path_, object));
  } else if (object.attr.nlink > 1) {
    change->link_key.emplace(kInUpper, object.attr.ino);
  }
  if (object.attr.type != FileType::kRegular || !object.marks.metacopy) return {};
  OptionalObject data = below;
  if (object.marks.redirect) {
    VENEER_TRY(data, LowerAt(*object.marks.redirect));
  }
  if (!data || data->attr.type != FileType::kRegular) return InPath(Errno{EIO});
  change->data = lower_.get();
  change->data_ref = data->ref;
  return {};
}

// Tells a directory that was copied up for the sake of something in it, and has all that the
// image's has, from one that was changed.
Result<void> ChangeWalk::CompareDirectories(const LayerObject& above, const LayerObject& base,
                                            Change* change) const {
  const Attr& a = change->attr;
  const Attr& b = base.attr;
  if (a.mode != b.mode || a.uid != b.uid || a.gid != b.gid) return {};
  Sys<XattrList> upper_xattrs = upper_->ListXattrs(above.ref);
  if (!upper_xattrs) return InPath(upper_xattrs.error());
  Sys<XattrList> lower_xattrs = lower_->ListXattrs(base.ref);
  if (!lower_xattrs) return InPath(lower_xattrs.error());
  for (XattrList* list : {&*upper_xattrs, &*lower_xattrs}) {
    std::erase_if(*list, [](const Xattr& xattr) { return IsHostXattr(xattr.first); });
  }
  if (*upper_xattrs != *lower_xattrs) return {};
  change->only_inside = a.mtime == b.mtime;
  change->only_time = !change->only_inside;
  return {};
}

// One name of a directory. Gives the frame of a directory to go on in.
Result<std::optional<ChangeWalk::Frame>> ChangeWalk::Visit(
    Frame& frame, const std::string& name, FunctionRef<Result<void>(const Change&)> sink) {
  OptionalObject above;
  if (frame.upper) {
    Sys<OptionalObject> found = upper_->Lookup(*frame.upper, name, 0);
    if (!found) return InPath(found.error());
    above = *std::move(found);
  }
  bool whiteout = above && above->ref.id == Layer::kWhiteout;
  // A stub was made where nothing was shown: what the image has of this name had been deleted.
  if (above && !whiteout) {
    VENEER_TRY(whiteout, stubs_->IsStubOnly(*frame.upper, path_));
  }
  if (whiteout) above.reset();
  VENEER_TRY(OptionalObject base, LookupLower(frame.base, name));
  const bool plain = frame.plain();
  OptionalObject below;
  if (!whiteout) {
    if (plain) {
      below = base;
    } else {
      VENEER_TRY(below, LookupLower(frame.below, name));
    }
  }
  const UpperLinks::Names* linked = nullptr;
  if (frame.linked != nullptr) {
    const auto found = frame.linked->children.find(name);
    if (found != frame.linked->children.end()) linked = &found->second;
  }

  Change change;
  change.path = path_;
  change.hidden = frame.hidden;
  if (base) {
    change.base = base->attr;
    change.base_ref = base->ref;
  }
  const OptionalObject& shown = above ? above : below;
  change.kind = DecideDiff(TypeIn(base), TypeIn(shown));
  if (!shown) {
    change.deleted = true;
    if (base) VENEER_TRY_VOID(sink(change));
    return std::nullopt;
  }
  if (above && above->attr.type == FileType::kDirectory) {
    VENEER_TRY(const OptionalObject merged, MergedWith(*above, below));
    VENEER_TRY_VOID(FillUpper(*above, below, &change));
    if (!IsDirectory(base)) base.reset();
    change.opaque = !frame.hidden && base && (!merged || merged->ref.id != base->ref.id);
    VENEER_TRY(Frame next, Enter(above->ref, RefOf(merged), RefOf(base), linked,
                                 frame.hidden || change.opaque));
    if (plain && next.plain()) {
      VENEER_TRY_VOID(CompareDirectories(*above, *base, &change));
    }
    if (change.only_inside) {
      next.untold = std::move(change);
    } else {
      VENEER_TRY_VOID(sink(change));
    }
    return next;
  }
  if (above) {
    VENEER_TRY_VOID(FillUpper(*above, below, &change));
    VENEER_TRY_VOID(sink(change));
    return std::nullopt;
  }
  // Only the image has it: because it moved here, or because one of its names was changed
  // elsewhere.
  VENEER_TRY_VOID(FillLower(*below, &change));
  // A redirect under an opaque directory brought back what the image has here: to be told, but no
  // difference.
  if (!plain && linked == nullptr && base && base->ref.id == below->ref.id) change.kind.reset();
  if (!IsDirectory(below)) {
    if (!plain || (linked != nullptr && links_.Find(below->attr.ino) != nullptr)) {
      VENEER_TRY_VOID(sink(change));
    }
    return std::nullopt;
  }
  change.only_inside = plain;
  if (!IsDirectory(base)) base.reset();
  change.opaque = !frame.hidden && !plain && base && below->ref.id != base->ref.id;
  VENEER_TRY(Frame next,
             Enter(std::nullopt, below->ref, RefOf(base), linked, frame.hidden || change.opaque));
  if (change.only_inside) {
    next.untold = std::move(change);
  } else {
    VENEER_TRY_VOID(sink(change));
  }
  return next;
}

Result<void> ChangeWalk::Run(FunctionRef<Result<void>(const Change&)> sink) {
  path_.clear();
  const LayerObject upper_root = upper_->Root();
  OptionalObject lower_root;
  if (lower_ != nullptr) lower_root = lower_->Root();
  Change root;
  VENEER_TRY_VOID(FillUpper(upper_root, std::nullopt, &root));
  RestoreRoot(&root.attr);
  if (lower_root) {
    root.kind = DiffKind::kChanged;
    root.base = lower_root->attr;
    root.base_ref = lower_root->ref;
    root.opaque = upper_root.marks.opaque;
    if (!root.opaque) VENEER_TRY_VOID(CompareDirectories(upper_root, *lower_root, &root));
  }
  std::optional<LayerRef> below = RefOf(lower_root);
  if (root.opaque) below.reset();
  VENEER_TRY(Frame first,
             Enter(upper_root.ref, below, RefOf(lower_root), &links_.names(), root.opaque));
  if (root.only_inside) {
    first.untold = std::move(root);
  } else {
    VENEER_TRY_VOID(sink(root));
  }
  return Descend(std::move(first), sink);
}

// With no base to compare with, everything that shows is told, and a name that is gone is not.
Result<void> ChangeWalk::RunMerged(FunctionRef<Result<void>(const Change&)> sink) {
  path_.clear();
  const LayerObject upper_root = upper_->Root();
  Change root;
  VENEER_TRY_VOID(FillUpper(upper_root, std::nullopt, &root));
  RestoreRoot(&root.attr);
  VENEER_TRY_VOID(sink(root));
  std::optional<LayerRef> below;
  if (lower_ != nullptr && !upper_root.marks.opaque) below = lower_->Root().ref;
  VENEER_TRY(Frame first, Enter(upper_root.ref, below, std::nullopt, nullptr, false));
  return Descend(std::move(first), sink);
}

Result<void> ChangeWalk::Descend(Frame root, FunctionRef<Result<void>(const Change&)> sink) {
  std::vector<Frame> frames;
  frames.push_back(std::move(root));
  while (!frames.empty()) {
    Frame& frame = frames.back();
    path_.resize(frame.path_size);
    if (frame.names.empty()) {
      frames.pop_back();
      continue;
    }
    const std::string name = std::move(frame.names.back());
    frame.names.pop_back();
    if (!path_.empty()) path_ += '/';
    path_ += name;
    const auto tell = [&](const Change& change) -> Result<void> {
      for (Frame& parent : frames) {
        if (!parent.untold) continue;
        VENEER_TRY_VOID(sink(*parent.untold));
        parent.untold.reset();
      }
      return sink(change);
    };
    VENEER_TRY(std::optional<Frame> next, Visit(frame, name, tell));
    if (next) frames.push_back(*std::move(next));
  }
  return {};
}

}  // namespace veneer
