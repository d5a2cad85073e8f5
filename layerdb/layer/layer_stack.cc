// SPDX-License-Identifier: Apache-2.0
#include "layerdb/layer/layer_stack.h"

#include <unordered_map>

#include "layerdb/base/mutex.h"

namespace veneer {

namespace {
constexpr uint64_t kInnerMask = (uint64_t{1} << 48) - 1;
// In the layer number's place: the ref is one of LayerStack's own.
constexpr uint64_t kMerged = uint64_t{0xFFFF} << 48;
constexpr uint64_t kSplit = uint64_t{0xFFFE} << 48;

// Puts together the attributes of a directory from its parts, top first: the inode number of the
// first, the rest of the first that describes it, of the last when none does.
void TakeAttr(const LayerObject& part, bool first, Attr* attr, bool* described) {
  if (*described) return;
  const uint64_t ino = first ? part.attr.ino : attr->ino;
  *attr = part.attr;
  attr->ino = ino;
  *described = !part.marks.implied;
}
}  // namespace

struct LayerStack::Part {
  size_t layer;
  LayerRef ref;
  bool implied = false;  // a directory whose attributes count only when there is none below
};

struct LayerStack::MergedDir : LayerRef::Data {
  std::vector<Part> parts;  // top first; at least one

  // The part that gives the attributes.
  const Part& Described() const {
    for (const Part& part : parts) {
      if (!part.implied) return part;
    }
    return parts.back();
  }

  // Which parts have a subdirectory, by name; made by the first listing.
  mutable Mutex mutex;
  mutable bool listed GUARDED_BY(mutex) = false;
  mutable std::unordered_map<std::string, std::vector<uint32_t>> subdirs GUARDED_BY(mutex);
};

struct LayerStack::SplitFile : LayerRef::Data {
  SplitFile(Part m, Part d) : meta(std::move(m)), data(std::move(d)) {}
  Part meta;
  Part data;
};

// What a layer says of a directory, kept until its turn comes.
class LayerStack::Listing {
 public:
  static Sys<Listing> Of(const Layer& layer, const LayerRef& dir) {
    Listing out;
    VENEER_TRY_VOID(layer.List(dir, [&](const LayerDirent& entry) {
      out.entries_.push_back(entry);
      out.ends_.push_back(out.names_.append(entry.name).size());
    }));
    return out;
  }

  void ForEach(FunctionRef<void(const LayerDirent&)> sink) const {
    size_t begin = 0;
    for (size_t i = 0; i < entries_.size(); ++i) {
      LayerDirent entry = entries_[i];
      entry.name = std::string_view(names_).substr(begin, ends_[i] - begin);
      begin = ends_[i];
      sink(entry);
    }
  }

 private:
  std::vector<LayerDirent> entries_;  // without their names
  std::string names_;
  std::vector<size_t> ends_;
};

LayerStack::LayerStack(std::vector<std::shared_ptr<const Layer>> layers, InoNumbers numbers)
    : layers_(std::move(layers)), numbers_(std::move(numbers)) {
  root_ = MergedRoot(0);
}

// The root of the tree that the layers from `first` on make.
LayerObject LayerStack::MergedRoot(size_t first) const {
  std::vector<Part> parts;
  Attr attr;
  bool described = false;
  for (size_t i = first; i < layers_.size(); ++i) {
    const LayerObject root = layers_[i]->Root();
    TakeAttr(root, parts.empty(), &attr, &described);
    parts.push_back({i, root.ref, root.marks.implied});
    if (root.marks.opaque) break;
  }
  return MakeDir(std::move(parts), attr);
}

Origin LayerStack::OriginOf(size_t layer, uint64_t ino) const {
  return {static_cast<uint32_t>(layers_.size() - layer), ino};
}

void LayerStack::SetNumber(size_t layer, LayerObject& object) const {
  object.origin = OriginOf(layer, object.attr.ino);
  object.attr.ino = numbers_.Of(object.origin);
}

LayerRef LayerStack::Pack(size_t layer, const LayerRef& inner) const {
  return LayerRef{static_cast<uint64_t>(layer) << 48 | (inner.id & kInnerMask), inner.data};
}

LayerStack::Part LayerStack::TopPart(const LayerRef& ref) const {
  const uint64_t tag = ref.id & ~kInnerMask;
  if (tag == kMerged) return static_cast<const MergedDir&>(*ref.data).Described();
  if (tag == kSplit) return static_cast<const SplitFile&>(*ref.data).meta;
  return {ref.id >> 48, LayerRef{ref.id & kInnerMask, ref.data}};
}

LayerStack::Part LayerStack::DataPart(const LayerRef& ref) const {
  if ((ref.id & ~kInnerMask) == kSplit) return static_cast<const SplitFile&>(*ref.data).data;
  return TopPart(ref);
}

LayerObject LayerStack::MakeDir(std::vector<Part> parts, const Attr& attr) const {
  LayerObject object;
  object.attr = attr;
  SetNumber(parts.front().layer, object);
  // Counting subdirectories would mean listing every layer.
  if (parts.size() > 1) object.attr.nlink = 1;
  auto dir = std::make_shared<MergedDir>();
  dir->parts = std::move(parts);
  object.ref.id = kMerged;
  object.ref.data = std::move(dir);
  return object;
}

Sys<std::optional<LayerObject>> LayerStack::Below(size_t layer, std::string_view path) const {
  if (layer + 1 >= layers_.size()) return std::nullopt;
  LayerObject object = MergedRoot(layer + 1);
  while (!path.empty()) {
    if ((object.ref.id & ~kInnerMask) != kMerged) return std::nullopt;
    const size_t slash = path.find('/');
    const std::string_view name = path.substr(0, slash);
    path = slash == std::string_view::npos ? "" : path.substr(slash + 1);
    const auto dir = std::static_pointer_cast<const MergedDir>(object.ref.data);
    VENEER_TRY(auto next, Find(dir->parts, name, nullptr, 0, 0));
    if (!next) return std::nullopt;
    object = *std::move(next);
  }
  return object;
}

// A file whose top part has only attributes: finds the contents. ENOENT where they are missing: a
// broken layer.
Sys<LayerObject> LayerStack::SplitFrom(const std::vector<Part>& parts, size_t index,
                                       LayerObject meta, std::string_view name) const {
  const size_t layer = parts[index].layer;
  std::optional<LayerObject> data;
  if (meta.marks.redirect) {
    VENEER_TRY(data, Below(layer, *meta.marks.redirect));
  } else {
    const std::vector<Part> rest(parts.begin() + static_cast<std::ptrdiff_t>(index) + 1,
                                 parts.end());
    VENEER_TRY(data, Find(rest, name, nullptr, 0, 0));
  }
  if (!data || data->attr.type != FileType::kRegular) return Fail(ENOENT);
  LayerObject object;
  object.attr = meta.attr;
  SetNumber(layer, object);
  object.attr.blocks = data->attr.blocks;
  object.ref.id = kSplit;
  object.ref.data = std::make_shared<SplitFile>(Part{layer, meta.ref}, DataPart(data->ref));
  return object;
}

// `where`: the parts that have the name as a directory, when a listing has told; otherwise all
// parts from `first` are asked, that one with `first_hint`.
Sys<std::optional<LayerObject>> LayerStack::Find(const std::vector<Part>& parts,
                                                 std::string_view name,
                                                 const std::vector<uint32_t>* where, size_t first,
                                                 uint64_t first_hint) const {
  using Answer = Sys<std::optional<LayerObject>>;
  const auto ask = [&](size_t index) -> Answer {
    const Part& part = parts[index];
    return layers_[part.layer]->Lookup(part.ref, name, index == first ? first_hint : 0);
  };
  // A directory in many layers: all of them are needed, so they may be asked together.
  std::vector<Answer> answers;
  if (where != nullptr && where->size() > 2) {
    answers.resize(where->size());
    reads_.Run(where->size(), [&](size_t n) { answers[n] = ask((*where)[n]); });
  }
  std::vector<Part> found;
  Attr attr;
  bool described = false;
  const size_t count = where != nullptr ? where->size() : parts.size();
  for (size_t n = where != nullptr ? 0 : first; n < count; ++n) {
    const size_t index = where != nullptr ? (*where)[n] : n;
    const Part& part = parts[index];
    VENEER_TRY(auto object, answers.empty() ? ask(index) : std::move(answers[n]));
    if (!object) continue;
    if (object->ref.id == kWhiteout && object->ref.data == nullptr) break;
    if (object->attr.type != FileType::kDirectory) {
      if (!found.empty()) break;  // a directory above hides it, and everything below
      if (object->marks.metacopy) {
        VENEER_TRY(auto split, SplitFrom(parts, index, *std::move(object), name));
        return split;
      }
      object->ref = Pack(part.layer, object->ref);
      SetNumber(part.layer, *object);
      object->marks = {};
      return object;
    }
    TakeAttr(*object, found.empty(), &attr, &described);
    found.push_back({part.layer, object->ref, object->marks.implied});
    if (object->marks.opaque) break;
    if (object->marks.redirect) {
      VENEER_TRY(const auto below, Below(part.layer, *object->marks.redirect));
      if (below && below->attr.type == FileType::kDirectory) {
        TakeAttr(*below, false, &attr, &described);
        const auto& rest = static_cast<const MergedDir&>(*below->ref.data).parts;
        found.insert(found.end(), rest.begin(), rest.end());
      }
      break;
    }
  }
  if (found.empty()) return std::nullopt;
  return MakeDir(std::move(found), attr);
}

Sys<std::optional<LayerObject>> LayerStack::Lookup(const LayerRef& dir, std::string_view name,
                                                   uint64_t hint) const {
  if ((dir.id & ~kInnerMask) != kMerged) return Fail(ENOTDIR);
  const auto& merged = static_cast<const MergedDir&>(*dir.data);
  const std::vector<uint32_t>* where = nullptr;
  if (merged.parts.size() > 1) {
    const MutexLock lock(merged.mutex);
    const auto it = merged.subdirs.find(std::string(name));
    if (it != merged.subdirs.end()) where = &it->second;  // never changes once it is listed
  }
  size_t first = 0;
  const size_t hinted_layer = hint >> 48;
  if (hint != 0) {
    while (first < merged.parts.size() && merged.parts[first].layer != hinted_layer) ++first;
    if (first == merged.parts.size()) first = 0;
  }
  return Find(merged.parts, name, where, first, hint & kInnerMask);
}

Sys<void> LayerStack::List(const LayerRef& dir, FunctionRef<void(const LayerDirent&)> sink) const {
  if ((dir.id & ~kInnerMask) != kMerged) return Fail(ENOTDIR);
  const auto& merged = static_cast<const MergedDir&>(*dir.data);
  const bool single = merged.parts.size() == 1;
  // What each name was first seen as: gone, something else, or a directory with the parts that have
  // it.
  struct Seen {
    bool open = false;  // a directory that parts further down may still belong to
    std::vector<uint32_t> parts;
  };
  std::unordered_map<std::string, Seen> seen;
  std::vector<Sys<Listing>> listings;
  if (merged.parts.size() > 2) {
    listings.resize(merged.parts.size());
    reads_.Run(merged.parts.size(), [&](size_t index) {
      const Part& part = merged.parts[index];
      listings[index] = Listing::Of(*layers_[part.layer], part.ref);
    });
  }
  for (size_t index = 0; index < merged.parts.size(); ++index) {
    const Part& part = merged.parts[index];
    auto take = [&](const LayerDirent& inner) {
      if (!single) {
        const bool directory = !inner.whiteout && inner.type == FileType::kDirectory;
        const auto [it, fresh] = seen.try_emplace(std::string(inner.name));
        if (!fresh) {
          Seen& above = it->second;
          if (above.open && directory) above.parts.push_back(static_cast<uint32_t>(index));
          if (!directory) above.open = false;
          return;
        }
        it->second.open = directory;
        if (directory) it->second.parts.push_back(static_cast<uint32_t>(index));
      }
      if (inner.whiteout) return;
      LayerDirent entry = inner;
      entry.hint = static_cast<uint64_t>(part.layer) << 48 | (inner.hint & kInnerMask);
      if (inner.ino != 0) entry.ino = numbers_.Of(OriginOf(part.layer, inner.ino));
      sink(entry);
    };
    if (listings.empty()) {
      VENEER_TRY_VOID(layers_[part.layer]->List(part.ref, take));
    } else {
      VENEER_TRY(const Listing listing, std::move(listings[index]));
      listing.ForEach(take);
    }
  }
  if (single) return {};
  const MutexLock lock(merged.mutex);
  if (merged.listed) return {};
  merged.listed = true;
  for (auto& [name, what] : seen) {
    if (!what.parts.empty()) merged.subdirs.emplace(name, std::move(what.parts));
  }
  return {};
}

Sys<Attr> LayerStack::Stat(const LayerRef& ref) const {
  const Part part = TopPart(ref);
  VENEER_TRY(Attr attr, layers_[part.layer]->Stat(part.ref));
  if ((ref.id & ~kInnerMask) == kMerged) {
    const std::vector<Part>& parts = static_cast<const MergedDir&>(*ref.data).parts;
    const Part& top = parts.front();
    if (top.layer != part.layer) {
      VENEER_TRY(const Attr top_attr, layers_[top.layer]->Stat(top.ref));
      attr.ino = top_attr.ino;
    }
    attr.ino = numbers_.Of(OriginOf(top.layer, attr.ino));
    if (parts.size() > 1) attr.nlink = 1;
    return attr;
  }
  attr.ino = numbers_.Of(OriginOf(part.layer, attr.ino));
  return attr;
}

Sys<std::optional<Timestamp>> LayerStack::BirthTime(const LayerRef& ref) const {
  const Part part = TopPart(ref);
  return layers_[part.layer]->BirthTime(part.ref);
}

Sys<std::string> LayerStack::ReadLink(const LayerRef& ref) const {
  const Part part = TopPart(ref);
  return layers_[part.layer]->ReadLink(part.ref);
}

Sys<Content> LayerStack::Open(const LayerRef& ref) const {
  const Part part = DataPart(ref);
  return layers_[part.layer]->Open(part.ref);
}

std::optional<uint64_t> LayerStack::KnownSize(const LayerRef& ref) const {
  const Part part = DataPart(ref);
  return layers_[part.layer]->KnownSize(part.ref);
}

Sys<std::string> LayerStack::GetXattr(const LayerRef& ref, const std::string& name) const {
  const Part part = TopPart(ref);
  return layers_[part.layer]->GetXattr(part.ref, name);
}

Sys<XattrList> LayerStack::ListXattrs(const LayerRef& ref) const {
  const Part part = TopPart(ref);
  return layers_[part.layer]->ListXattrs(part.ref);
}

void LayerStack::LimitCached(unsigned percent) const {
  for (const auto& layer : layers_) layer->LimitCached(percent);
}

// As the kernel's overlayfs has it: that of the topmost layer.
Sys<struct statvfs> LayerStack::StatFs() const { return layers_.front()->StatFs(); }

}  // namespace veneer
