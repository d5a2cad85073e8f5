// SPDX-License-Identifier: Apache-2.0
#include "layerdb/transfer/image_diff.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "layerdb/base/sys.h"
#include "layerdb/objects/object_store.h"

namespace veneer {

namespace {

constexpr size_t kComparedSize = size_t{256} << 10;

tl::unexpected<Error> Damaged(const IndexReader& index, int code) {
  return DamageError("index " + index.path() + ": " + ErrnoText(code), code);
}

// The contents of a regular file, to be read in pieces.
class FileContents {
 public:
  static Result<FileContents> Open(const ObjectStore& objects, const EntryView& entry) {
    FileContents contents(entry);
    if (const std::optional<ObjectRef> ref = entry.object()) {
      Sys<Fd> fd = objects.OpenObject(*ref);
      if (!fd) {
        const int code = fd.error().code;
        return DamageError("object " + ObjectPath(*ref) + ": " + ErrnoText(code), code);
      }
      contents.fd_ = *std::move(fd);
    }
    return contents;
  }

  Result<std::string_view> Read(uint64_t offset, size_t size) {
    if (!fd_)
      return entry_.inline_bytes().substr(std::min(offset, entry_.inline_bytes().size()), size);
    buffer_.resize(size);
    VENEER_TRY_CTX(
        const size_t read,
        sys::ReadAt(fd_.get(), buffer_.data(), size, entry_.slice().value_or(0) + offset),
        "object " + ObjectPath(*entry_.object()));
    if (read < size) {
      return DamageError("object " + ObjectPath(*entry_.object()) + ": cut short");
    }
    return std::string_view(buffer_);
  }

 private:
  explicit FileContents(const EntryView& entry) : entry_(entry) {}
  EntryView entry_;
  Fd fd_;
  std::string buffer_;
};

Result<bool> HaveEqualBytes(const ObjectStore& objects, const EntryView& a, const EntryView& b) {
  VENEER_TRY(FileContents one, FileContents::Open(objects, a));
  VENEER_TRY(FileContents other, FileContents::Open(objects, b));
  for (uint64_t at = 0; at < a.size(); at += kComparedSize) {
    const size_t size = std::min<uint64_t>(kComparedSize, a.size() - at);
    VENEER_TRY(const std::string_view left, one.Read(at, size));
    VENEER_TRY(const std::string_view right, other.Read(at, size));
    if (left != right) return false;
  }
  return true;
}

// REQUIRES: two regular files of one size.
Result<bool> HaveEqualContents(const ObjectStore& objects, const EntryView& a, const EntryView& b) {
  const std::optional<ObjectRef> left = a.object();
  const std::optional<ObjectRef> right = b.object();
  if (!left && !right) return a.inline_bytes() == b.inline_bytes();
  if (left && right) {
    if (*left == *right && a.slice() == b.slice()) return true;
    // Objects of their own are known by what is in them. Slices of packs, and what an index holds,
    // are not.
    if (!a.slice() && !b.slice() && left->hash != right->hash) return false;
  }
  return HaveEqualBytes(objects, a, b);
}

XattrList XattrsOf(const EntryView& entry) {
  XattrList list;
  entry.ForEachXattr([&](std::string_view name, std::string_view value) {
    list.emplace_back(std::string(name), std::string(value));
  });
  return list;
}

}  // namespace

Result<std::vector<std::string>> DifferingParts(const ObjectStore& objects, const EntryView& a,
                                                const EntryView& b) {
  const Attr x = a.attr();
  const Attr y = b.attr();
  const bool xattrs = (a.has_xattrs() || b.has_xattrs()) && XattrsOf(a) != XattrsOf(b);
  bool contents = false;
  if (x.type == FileType::kSymlink && y.type == x.type) {
    contents = a.inline_bytes() != b.inline_bytes();
  } else if (x.type == FileType::kRegular && y.type == x.type) {
    contents = x.size != y.size;
    if (!contents) {
      VENEER_TRY(const bool equal, HaveEqualContents(objects, a, b));
      contents = !equal;
    }
  }
  return ChangedParts(x, y, contents, xattrs);
}

namespace {

bool IsDirectory(const std::optional<EntryView>& entry) {
  return entry && entry->type() == FileType::kDirectory;
}

// The paths of a file, in byte order.
Result<std::vector<std::string>> PathsOf(const IndexReader& tree, const EntryView& entry,
                                         const std::string& path) {
  if (entry.nlink() < 2) return std::vector<std::string>{path};
  const auto names = tree.NamesOf(entry.ino());
  if (!names) return Damaged(tree, names.error().code);
  std::vector<std::string> paths;
  for (const IndexReader::NameOf& name : *names) {
    const Sys<std::string> directory = tree.PathOfDirectory(name.dir);
    if (!directory) return Damaged(tree, directory.error().code);
    paths.push_back((directory->empty() ? "/" : "/" + *directory + "/") + std::string(name.name));
  }
  std::ranges::sort(paths);
  return paths;
}

// What a tree has at a path with a slash in front.
Result<std::optional<EntryView>> EntryAt(const IndexReader& tree, std::string_view path) {
  EntryView entry = tree.Root().entry;
  while (!path.empty()) {
    path.remove_prefix(1);
    const std::string_view name = path.substr(0, path.find('/'));
    if (entry.type() != FileType::kDirectory) return std::nullopt;
    const auto found = tree.Find(entry.ino(), name);
    if (!found) return Damaged(tree, found.error().code);
    if (!*found) return std::nullopt;
    entry = (*found)->entry;
    path.remove_prefix(name.size());
  }
  return entry;
}

class ImageDiff {
 public:
  ImageDiff(const ObjectStore& objects, const IndexReader& below, const IndexReader& above,
            DiffLinks links)
      : objects_(objects), below_(below), above_(above), links_(links) {}

  Result<std::vector<SizedDiffEntry>> Run() {
    VENEER_TRY_VOID(Enter(kIndexRootIno, kIndexRootIno, true));
    while (!frames_.empty()) {
      Frame& frame = frames_.back();
      path_.resize(frame.path_size);
      if (frame.next == frame.names.size()) {
        frames_.pop_back();
        continue;
      }
      const Name name = frame.names[frame.next++];
      path_ += '/';
      path_ += name.name;
      VENEER_TRY_VOID(Compare(name));
    }
    VENEER_TRY_VOID(TellRoot());
    return std::move(out_);
  }

 private:
  // A name that one of the directories has, or both.
  struct Name {
    std::string_view name;
    std::optional<EntryView> below;
    std::optional<EntryView> above;
  };
  struct Frame {
    size_t path_size = 0;
    bool told = false;  // this directory is among the changes
    std::vector<Name> names;
    size_t next = 0;
  };

  Result<void> Compare(const Name& name) {
    const std::optional<EntryView>& below = name.below;
    const std::optional<EntryView>& above = name.above;
    if (IsDirectory(below) && IsDirectory(above)) {
      VENEER_TRY(std::vector<std::string> parts, DifferingParts(objects_, *below, *above));
      const bool equal = parts.empty();
      if (!equal) AddChange({{DiffKind::kChanged, path_}, 0, 0, std::move(parts)});
      return Enter(below->ino(), above->ino(), !equal);
    }
    std::vector<std::string> parts;
    if (below && above) {
      VENEER_TRY(parts, DifferingParts(objects_, *below, *above));
      if (parts.empty()) return CompareLinks(*below, *above);
    }
    name_replaced_ = name_replaced_ || frames_.size() == 1;
    const auto kind = *DecideDiff(TypeOf(below), TypeOf(above));
    VENEER_TRY(const uint64_t before, BytesOf(below_, below));
    const bool regular = above && above->type() == FileType::kRegular;
    AddChange({{kind, path_}, before, regular ? above->size() : 0, std::move(parts)});
    if (IsDirectory(above)) return Enter(std::nullopt, above->ino(), true);
    return {};
  }

  // REQUIRES: the two are equal, so all names that both have are.
  Result<void> CompareLinks(const EntryView& below, const EntryView& above) {
    if (links_ == DiffLinks::kIgnore || (below.nlink() < 2 && above.nlink() < 2)) return {};
    const std::pair pair(below.ino(), above.ino());
    auto known = same_links_.find(pair);
    if (known == same_links_.end()) {
      VENEER_TRY(const bool same, HaveSameLinks(below, above));
      known = same_links_.emplace(pair, same).first;
    }
    if (known->second) return {};
    SizedDiffEntry change;
    change.entry = {DiffKind::kChanged, path_};
    change.parts.emplace_back(kLinks);
    AddChange(std::move(change));
    return {};
  }

  // Whether the file below has just the names of the one above once what is told is done: names
  // that are gone, or are another object, are told.
  Result<bool> HaveSameLinks(const EntryView& below, const EntryView& above) const {
    VENEER_TRY(const std::vector<std::string> old, PathsOf(below_, below, path_));
    VENEER_TRY(const std::vector<std::string> now, PathsOf(above_, above, path_));
    if (!std::ranges::includes(old, now)) return false;
    for (const std::string& path : old) {
      if (std::ranges::binary_search(now, path)) continue;
      VENEER_TRY(const std::optional<EntryView> other, EntryAt(above_, path));
      if (!other || IsDirectory(other)) continue;
      VENEER_TRY(const std::vector<std::string> parts, DifferingParts(objects_, below, *other));
      if (parts.empty()) return false;
    }
    return true;
  }

  static std::optional<FileType> TypeOf(const std::optional<EntryView>& entry) {
    if (!entry) return std::nullopt;
    return entry->type();
  }

  static Result<uint64_t> BytesOf(const IndexReader& tree, const std::optional<EntryView>& entry) {
    if (IsDirectory(entry)) return BytesBelow(tree, entry->ino());
    return entry && entry->type() == FileType::kRegular ? entry->size() : 0;
  }

  // By the rule of a container's diff (container_diff.h).
  Result<void> TellRoot() {
    VENEER_TRY(std::vector<std::string> parts,
               DifferingParts(objects_, below_.Root().entry, above_.Root().entry));
    const bool dated = parts == std::vector<std::string>{"time"};
    if (parts.empty() || (dated && name_replaced_)) return {};
    SizedDiffEntry root;
    root.entry = {DiffKind::kChanged, "/"};
    root.parts = std::move(parts);
    out_.insert(out_.begin(), std::move(root));
    return {};
  }

  // A change, and the directories on the way to it.
  void AddChange(SizedDiffEntry change) {
    for (Frame& frame : frames_) {
      if (frame.told) continue;
      frame.told = true;
      SizedDiffEntry inside;
      inside.entry = {DiffKind::kChanged, path_.substr(0, frame.path_size)};
      inside.parts.emplace_back(kInside);
      out_.push_back(std::move(inside));
    }
    out_.push_back(std::move(change));
  }

  Result<void> Enter(std::optional<uint64_t> below, std::optional<uint64_t> above, bool told) {
    // A directory that is met twice is damage, and would keep this going for ever.
    if (++entered_ > below_.summary().directories + above_.summary().directories) {
      return Damaged(above_, EUCLEAN);
    }
    Frame frame;
    frame.path_size = path_.size();
    frame.told = told;
    std::vector<Name> old;
    if (below) {
      const Sys<void> listed =
          below_.List(*below, [&](std::string_view name, const IndexReader::Record& found) {
            old.push_back({name, found.entry, std::nullopt});
            return true;
          });
      if (!listed) return Damaged(below_, listed.error().code);
    }
    size_t at = 0;
    if (above) {
      const Sys<void> listed =
          above_.List(*above, [&](std::string_view name, const IndexReader::Record& found) {
            while (at < old.size() && old[at].name < name) frame.names.push_back(old[at++]);
            frame.names.push_back({name, std::nullopt, found.entry});
            if (at < old.size() && old[at].name == name) {
              frame.names.back().below = old[at++].below;
            }
            return true;
          });
      if (!listed) return Damaged(above_, listed.error().code);
    }
    frame.names.insert(frame.names.end(), old.begin() + static_cast<ptrdiff_t>(at), old.end());
    frames_.push_back(std::move(frame));
    return {};
  }

  const ObjectStore& objects_;
  const IndexReader& below_;
  const IndexReader& above_;
  const DiffLinks links_;
  // Of a file below and one above, by their numbers.
  std::map<std::pair<uint64_t, uint64_t>, bool> same_links_;
  std::string path_;
  std::vector<Frame> frames_;
  uint64_t entered_ = 0;
  bool name_replaced_ = false;  // a name in the root came, went or became another object
  std::vector<SizedDiffEntry> out_;
};

}  // namespace

Result<std::vector<SizedDiffEntry>> DiffImages(Store& store, std::span<const Digest> below,
                                               std::span<const Digest> above, DiffLinks links) {
  VENEER_TRY(const std::string below_path, store.EnsureTree(below));
  VENEER_TRY(const std::string above_path, store.EnsureTree(above));
  VENEER_TRY(const std::shared_ptr<IndexReader> below_tree, IndexReader::Open(below_path));
  VENEER_TRY(const std::shared_ptr<IndexReader> above_tree, IndexReader::Open(above_path));
  return ImageDiff(store.objects(), *below_tree, *above_tree, links).Run();
}

Result<uint64_t> BytesBelow(const IndexReader& tree, uint64_t directory) {
  std::vector<uint64_t> todo = {directory};
  std::set<uint64_t> linked;  // files with several names that were counted
  uint64_t bytes = 0;
  for (uint64_t done = 0; !todo.empty(); ++done) {
    if (done > tree.summary().directories) return Damaged(tree, EUCLEAN);
    const uint64_t at = todo.back();
    todo.pop_back();
    const Sys<void> listed = tree.List(at, [&](std::string_view, const IndexReader::Record& found) {
      const EntryView& entry = found.entry;
      if (entry.type() == FileType::kDirectory) todo.push_back(entry.ino());
      if (entry.type() != FileType::kRegular) return true;
      if (entry.nlink() < 2 || linked.insert(entry.ino()).second) bytes += entry.size();
      return true;
    });
    if (!listed) return Damaged(tree, listed.error().code);
  }
  return bytes;
}

}  // namespace veneer
