// SPDX-License-Identifier: Apache-2.0
#include "layerdb/transfer/container_diff.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "layerdb/base/printable.h"
#include "layerdb/index/index_reader.h"
#include "layerdb/transfer/change_walk.h"
#include "layerdb/transfer/image_diff.h"

namespace veneer {

namespace {

// Collects the lines of a diff. Docker never lists the root, because names that come and go in it
// change its time in every container. Here it is listed when anything else of it changed, or its
// time without such a name.
class Lines {
 public:
  // `before`, `after` and `parts`: as in SizedDiffEntry.
  void Add(const Change& change, uint64_t before, uint64_t after, std::vector<std::string> parts) {
    if (!change.kind) return;
    if (change.path.empty()) {
      root_changed_ = !change.only_inside && !change.only_time;
      root_dated_ = change.only_time;
      root_parts_ = std::move(parts);
      return;
    }
    const bool in_root = change.path.find('/') == std::string::npos;
    name_replaced_ = name_replaced_ || (in_root && !IsSameDirectory(change));
    out_.push_back({{*change.kind, "/" + change.path}, before, after, std::move(parts)});
  }

  std::vector<SizedDiffEntry> Finish() {
    if (root_changed_ || (root_dated_ && !name_replaced_)) {
      SizedDiffEntry root;
      root.entry = {DiffKind::kChanged, "/"};
      root.parts = std::move(root_parts_);
      out_.insert(out_.begin(), std::move(root));
    }
    return std::move(out_);
  }

 private:
  static bool IsSameDirectory(const Change& change) {
    return !change.deleted && !change.opaque && change.attr.type == FileType::kDirectory &&
           change.base && change.base->type == FileType::kDirectory;
  }

  bool root_changed_ = false;
  bool root_dated_ = false;     // only its time differs
  bool name_replaced_ = false;  // a name in the root came, went or became another object
  std::vector<std::string> root_parts_;
  std::vector<SizedDiffEntry> out_;
};

}  // namespace

Result<std::vector<DiffEntry>> DiffUpper(const std::string& upper, const std::string& work,
                                         const std::string& tree, const std::string& objects,
                                         const UpperRecords& records) {
  VENEER_TRY(const std::unique_ptr<ChangeWalk> walk,
             ChangeWalk::Open(upper, work, tree, objects, records));
  Lines lines;
  VENEER_TRY_VOID(walk->Run([&](const Change& change) -> Result<void> {
    lines.Add(change, 0, 0, {});
    return {};
  }));
  std::vector<DiffEntry> out;
  for (SizedDiffEntry& line : lines.Finish()) out.push_back(std::move(line.entry));
  return out;
}

Result<std::vector<DiffEntry>> DiffContainer(Store& store, const ContainerRecord& container) {
  VENEER_TRY(const std::string tree, store.EnsureTree(container.diff_ids));
  Result<std::vector<DiffEntry>> diff =
      DiffUpper(store.layout().upper(container.name), store.layout().work(container.name), tree,
                store.layout().objects(), RecordsOf(store.layout(), container.name));
  if (!diff) return tl::unexpected(std::move(diff).error().Context("container " + container.name));
  return diff;
}

namespace {

// What of a path that the image has, too, is another.
Result<std::vector<std::string>> PartsOf(const ChangeWalk& walk, const Change& change) {
  if (change.only_inside) return std::vector<std::string>{kInside};
  if (!change.base) return std::vector<std::string>{};
  const IndexedLayer& lower = *walk.lower();
  const auto failed = [&](Errno e) {
    return MakeError(e, "\"/" + PrintablePath(change.path) + "\"");
  };
  bool contents = false;
  if (change.attr.type == FileType::kRegular) {
    // What was copied up was opened for writing.
    contents = change.data != &lower || change.data_ref.id != change.base_ref.id;
  } else if (change.attr.type == FileType::kSymlink && change.base->type == FileType::kSymlink) {
    const Sys<std::string> above = change.meta->ReadLink(change.meta_ref);
    if (!above) return failed(above.error());
    const Sys<std::string> below = lower.ReadLink(change.base_ref);
    if (!below) return failed(below.error());
    contents = *above != *below;
  }
  const Sys<XattrList> above = change.meta->ListXattrs(change.meta_ref);
  if (!above) return failed(above.error());
  const Sys<XattrList> below = lower.ListXattrs(change.base_ref);
  if (!below) return failed(below.error());
  return ChangedParts(*change.base, change.attr, contents, *above != *below);
}

}  // namespace

Result<std::vector<SizedDiffEntry>> DiffContainerWithSizes(Store& store,
                                                           const ContainerRecord& container) {
  const StoreLayout& layout = store.layout();
  VENEER_TRY(const std::string tree, store.EnsureTree(container.diff_ids));
  VENEER_TRY(const std::shared_ptr<IndexReader> index, IndexReader::Open(tree));
  VENEER_TRY(const std::unique_ptr<ChangeWalk> walk,
             ChangeWalk::Open(layout.upper(container.name), layout.work(container.name), tree,
                              layout.objects(), RecordsOf(layout, container.name)));
  Lines lines;
  const Result<void> done = walk->Run([&](const Change& change) -> Result<void> {
    if (!change.kind) return {};
    uint64_t before = 0;
    uint64_t after = 0;
    std::vector<std::string> parts;
    if (*change.kind == DiffKind::kChanged) {
      VENEER_TRY(parts, PartsOf(*walk, change));
    }
    const bool directory = !change.deleted && change.attr.type == FileType::kDirectory;
    if (!change.deleted && change.attr.type == FileType::kRegular) after = change.attr.size;
    if (change.base && change.base->type == FileType::kRegular) {
      before = change.base->size;
    } else if (change.base && change.base->type == FileType::kDirectory && !directory) {
      VENEER_TRY(before, BytesBelow(*index, change.base->ino));
    }
    lines.Add(change, before, after, std::move(parts));
    return {};
  });
  if (!done) return tl::unexpected(Error(done.error()).Context("container " + container.name));
  return lines.Finish();
}

}  // namespace veneer
