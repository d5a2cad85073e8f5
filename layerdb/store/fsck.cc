// SPDX-License-Identifier: Apache-2.0
#include "layerdb/store/fsck.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <system_error>
#include <thread>

#include "layerdb/base/fd.h"
#include "layerdb/base/files.h"
#include "layerdb/base/sys.h"
#include "layerdb/catalog/containers.h"
#include "layerdb/catalog/images.h"
#include "layerdb/catalog/references.h"
#include "layerdb/index/index_reader.h"
#include "layerdb/objects/content_hash.h"
#include "layerdb/objects/object_store.h"
#include "layerdb/store/index_check.h"
#include "layerdb/store/store.h"
#include "layerdb/store/tar_split_check.h"

namespace veneer {
namespace {

using Names = std::set<std::string>;

// One content to read: an object or a blob.
struct Content {
  std::string path;              // below the store
  uint64_t size = 0;             // of an object that is shared: what is used of it, at least
  bool shared = false;           // an object that holds several contents
  std::optional<Hash128> hash;   // an object's
  std::optional<Digest> digest;  // a blob's
  Names images;
  std::set<Digest> layers;  // an object's
  std::string problem;      // the outcome; empty: sound
};

Sys<std::string> Sha256Of(int fd) {
  Sha256Stream stream;
  std::string buffer(size_t{256} * 1024, '\0');
  for (uint64_t at = 0;;) {
    VENEER_TRY(const size_t n, sys::ReadAt(fd, buffer.data(), buffer.size(), at));
    if (n == 0) return stream.FinishHex();
    stream.Update(std::string_view(buffer).substr(0, n));
    at += n;
  }
}

// What is wrong with a file before it is read; nothing: it is there, and a file.
std::string CheckFile(const std::string& path, struct stat* st) {
  if (lstat(path.c_str(), st) != 0) {
    return errno == ENOENT || errno == ENOTDIR ? "is missing" : ErrnoText(errno);
  }
  if (S_ISREG(st->st_mode)) return "";
  if (S_ISDIR(st->st_mode)) return "is a directory instead of a file";
  return S_ISLNK(st->st_mode) ? "is a symbolic link instead of a file" : "is no regular file";
}

std::string CheckContent(const std::string& root, const Content& content) {
  struct stat st;
  if (const std::string what = CheckFile(root + "/" + content.path, &st); !what.empty())
    return what;
  const Sys<Fd> opened = OpenRegularFile(root + "/" + content.path);
  if (!opened) return ErrnoText(opened.error().code);
  const Fd& fd = *opened;
  if (content.hash) {
    const auto size = static_cast<uint64_t>(st.st_size);
    if (content.shared ? size < content.size : size != content.size) {
      return "has " + std::to_string(st.st_size) + " bytes instead of " +
             std::to_string(content.size);
    }
    const Sys<Hash128> hash = HashContentOf(fd.get());
    if (!hash) return ErrnoText(hash.error().code);
    if (*hash != *content.hash) return "has other contents than its name says";
  }
  if (content.digest) {
    const Sys<std::string> hex = Sha256Of(fd.get());
    if (!hex) return ErrnoText(hex.error().code);
    if (*hex != content.digest->hex()) return "has other contents than its name says";
  }
  return "";
}

class Checker {
 public:
  Checker(Store& store, const References& all)
      : store_(store), layout_(store.layout()), all_(all) {}

  Result<FsckReport> Run(FunctionRef<void(uint64_t, uint64_t)> progress) {
    report_.images = all_.images.size();
    report_.containers = all_.containers.size();
    for (const auto& [diff_id, images] : all_.layers) CheckLayer(diff_id, images);
    for (const auto& [chain_id, images] : all_.trees) CheckTree(chain_id, images);
    for (const auto& [digest, images] : all_.blobs) AddBlob(digest, images);
    for (const ContainerRecord& container : all_.containers) CheckContainer(container);
    ReadContents(progress);
    return std::move(report_);
  }

 private:
  void Problem(FsckKind kind, std::string path, std::string what, const Names& images,
               const std::set<Digest>& layers = {}, Names containers = {}) {
    // Whatever touches an image touches its containers.
    for (const ContainerRecord& container : all_.containers) {
      if (images.contains(container.image_name) || images.contains(container.image_id.ToString())) {
        containers.insert(container.name);
      }
    }
    report_.problems.push_back({kind,
                                std::move(path),
                                std::move(what),
                                {layers.begin(), layers.end()},
                                {images.begin(), images.end()},
                                {containers.begin(), containers.end()}});
  }

  void CheckLayer(const Digest& diff_id, const Names& images) {
    ++report_.layers;
    const std::string below = "layers/" + diff_id.hex();
    struct stat st;
    const std::string tar_split = layout_.layer_tar_split(diff_id);
    const auto bad = [&](const char* file, std::string what) {
      Problem(FsckKind::kLayer, below + file, std::move(what), images, {diff_id});
    };
    if (stat(layout_.layer_mark(diff_id).c_str(), &st) == 0) report_.marked.push_back(diff_id);
    std::string what = CheckFile(tar_split, &st);
    const bool has_tar_split = what.empty();
    if (!has_tar_split) bad(StoreLayout::kTarSplitFile, std::move(what));
    report_.bytes += has_tar_split ? static_cast<uint64_t>(st.st_size) : 0;
    const std::string path = layout_.layer_index(diff_id);
    if (what = CheckFile(path, &st); !what.empty()) return bad("/index", std::move(what));
    report_.bytes += static_cast<uint64_t>(st.st_size);
    const Result<std::shared_ptr<IndexReader>> index = IndexReader::Open(path);
    if (!index) return bad("/index", index.error().message());
    if (what = CheckIndex(**index); !what.empty()) {
      bad("/index", std::move(what));
    } else {
      readable_.insert(diff_id);
      if (has_tar_split) what = CheckTarSplit(tar_split, **index);
      if (!what.empty()) bad(StoreLayout::kTarSplitFile, std::move(what));
    }
    // Damage was reported above; what can be read is checked all the same.
    IgnoreError(
        (*index)->ForEach([&](uint64_t, std::string_view, const IndexReader::Record& found) {
          if (found.entry.whiteout()) return true;
          if (const std::optional<ObjectRef> ref = found.entry.object()) {
            Content& content = contents_["objects/" + ObjectPath(*ref)];
            const std::optional<uint64_t> slice = found.entry.slice();
            content.shared = content.shared || slice.has_value();
            content.size = std::max(content.size, slice.value_or(0) + found.entry.size());
            content.hash = ref->hash;
            content.images.insert(images.begin(), images.end());
            content.layers.insert(diff_id);
          }
          return true;
        }),
        "reported by CheckIndex");
  }

  // A tree that is not there, or cannot be read, is no problem: it is made when it is needed.
  void CheckTree(const Digest& chain_id, const Names& images) {
    const std::string path = layout_.tree(chain_id);
    struct stat st;
    if (lstat(path.c_str(), &st) != 0) return;
    ++report_.trees;
    report_.bytes += static_cast<uint64_t>(st.st_size);
    const std::string below = "trees/" + chain_id.hex();
    const Result<std::shared_ptr<IndexReader>> index = IndexReader::Open(path);
    if (!index) return report_.stale_trees.push_back(chain_id);
    std::string what = CheckIndex(**index);
    if (what.empty() && !(*index)->is_tree()) what = "holds whiteouts";
    if (what.empty() && NamesOthers(**index, LayersOf(chain_id))) {
      what = "names contents that its layers do not have";
    }
    if (!what.empty()) Problem(FsckKind::kTree, below, std::move(what), images);
  }

  std::vector<Digest> LayersOf(const Digest& chain_id) const {
    for (const ImageListing& listing : all_.images) {
      if (listing.image.chain_id == chain_id) return listing.image.diff_ids;
    }
    for (const ContainerRecord& container : all_.containers) {
      if (container.chain_id == chain_id) return container.diff_ids;
    }
    return {};
  }

  // True when the tree was made of other layers than these, or of what they were before they were
  // replaced. Of layers that cannot be read nobody knows; then it is all that is left of them.
  bool NamesOthers(const IndexReader& tree, const std::vector<Digest>& layers) const {
    const auto is_readable = [&](const Digest& layer) { return readable_.contains(layer); };
    if (!std::all_of(layers.begin(), layers.end(), is_readable)) return false;
    bool others = false;
    IgnoreError(tree.ForEach([&](uint64_t, std::string_view, const IndexReader::Record& found) {
      const std::optional<ObjectRef> ref = found.entry.object();
      if (!ref) return true;
      const auto content = contents_.find("objects/" + ObjectPath(*ref));
      others = content == contents_.end() ||
               std::none_of(layers.begin(), layers.end(), [&](const Digest& layer) {
                 return content->second.layers.contains(layer);
               });
      return !others;
    }),
                "reported by CheckIndex");
    return others;
  }

  void AddBlob(const Digest& digest, const Names& images) {
    ++report_.blobs;
    Content& content = contents_["blobs/sha256/" + digest.hex()];
    content.digest = digest;
    content.images = images;
    struct stat st;
    if (stat(layout_.blob(digest).c_str(), &st) == 0) {
      content.size = static_cast<uint64_t>(st.st_size);
    }
  }

  struct Finding {
    FsckKind kind;
    std::string below;  // the container's directory
    std::string what;
  };

  bool IsDirectory(const std::string& path) const {
    struct stat st;
    return stat(path.c_str(), &st) == 0 && S_ISDIR(st.st_mode);
  }

  std::vector<Finding> LookAt(const ContainerRecord& container) {
    std::vector<Finding> found;
    if (!store_.images().Find(container.image_id.ToString())) {
      found.push_back({FsckKind::kContainer, "",
                       "its image " + container.image_id.ToString() + " is not in the store"});
    }
    if (!IsDirectory(layout_.container(container.name))) {
      found.push_back({FsckKind::kUpper, "", "is missing, with all that was written in it"});
    } else if (!IsDirectory(layout_.upper(container.name))) {
      found.push_back({FsckKind::kHalfRemoved, "/upper", "is missing"});
    } else if (!IsDirectory(layout_.work(container.name))) {
      found.push_back({FsckKind::kWork, "/work", "is missing"});
    }
    return found;
  }

  void CheckContainer(const ContainerRecord& known) {
    if (LookAt(known).empty()) return;
    store_.containers().EndRenames();
    // It may have been removed since the catalog was read, or be on its way out. Without a
    // directory there is nobody to wait for.
    std::optional<ContainerLock> lock;
    if (IsDirectory(layout_.container(known.name))) {
      Result<ContainerLock> taken = store_.containers().Lock(known.name);
      if (taken) lock.emplace(*std::move(taken));
    }
    const Result<ContainerRecord> container = store_.containers().Get(known.name);
    if (!container && container.error().exit() == ExitCode::kNotFound) return;
    for (Finding& finding : LookAt(container ? *container : known)) {
      Problem(finding.kind, "containers/" + known.name + finding.below, std::move(finding.what), {},
              {}, {known.name});
    }
  }

  // Reads every object and blob once, on all processors.
  void ReadContents(FunctionRef<void(uint64_t, uint64_t)> progress) {
    std::vector<Content*> list;
    uint64_t total = 0;
    for (auto& [path, content] : contents_) {
      content.path = path;
      if (content.hash) ++report_.objects;
      total += content.size;
      list.push_back(&content);
    }
    std::atomic<size_t> next{0};
    std::atomic<uint64_t> done{0};
    std::atomic<size_t> running{0};
    const auto check_next = [&] {
      const size_t at = next++;
      if (at >= list.size()) return false;
      list[at]->problem = CheckContent(store_.path(), *list[at]);
      done += list[at]->size;
      return true;
    };
    std::vector<std::jthread> threads;
    try {
      for (size_t i = std::max(1U, std::thread::hardware_concurrency()); i > 0; --i) {
        ++running;
        threads.emplace_back([&] {
          while (check_next()) {
          }
          --running;
        });
      }
    } catch (const std::system_error&) {
      // No more threads are to be had: those that are there, or this one alone, do it.
      --running;
    }
    while (threads.empty() && check_next()) progress(done, total);
    while (running > 0) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      progress(done, total);
    }
    threads.clear();
    progress(total, total);
    report_.bytes += total;
    for (const Content* content : list) {
      if (content->problem.empty()) continue;
      Problem(content->digest ? FsckKind::kBlob : FsckKind::kLayer, content->path, content->problem,
              content->images, content->layers);
    }
  }

  Store& store_;
  const StoreLayout& layout_;
  const References& all_;
  FsckReport report_;
  std::map<std::string, Content> contents_;  // by path
  std::set<Digest> readable_;                // layers whose index is sound
};

}  // namespace

FsckReport FsckUnopened(const StoreLayout& layout, const Error& why) {
  const std::string file = layout.catalog_file();
  std::string_view what = why.message();
  if (what.starts_with(file + " ")) what.remove_prefix(file.size() + 1);
  FsckProblem problem;
  problem.path = file.substr(layout.root().size() + 1);
  problem.what = std::string(what) +
                 "; bring it back from a copy, as without it nothing in the store can be used (and "
                 "nothing is deleted)";
  problem.containers = NamesIn(layout.containers()).value_or(std::vector<std::string>());
  std::sort(problem.containers.begin(), problem.containers.end());
  FsckReport report;
  report.problems.push_back(std::move(problem));
  return report;
}

Result<FsckReport> Fsck(Store& store, FunctionRef<void(uint64_t done, uint64_t total)> progress) {
  // Keeps prune away meanwhile, as a writer would, but needs no room on the disk.
  const std::string lock_path = store.layout().lock_file();
  VENEER_TRY_CTX(const Fd lock, OpenLocked(lock_path, LockMode::kShared, kForever), lock_path);
  VENEER_TRY(const References all, CollectReferences(store.images(), store.containers()));
  return Checker(store, all).Run(progress);
}

}  // namespace veneer
