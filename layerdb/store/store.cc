// SPDX-License-Identifier: Apache-2.0
#include "layerdb/store/store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "layerdb/base/files.h"
#include "layerdb/base/sys.h"
#include "layerdb/base/walk.h"
#include "layerdb/catalog/catalog.h"
#include "layerdb/catalog/containers.h"
#include "layerdb/catalog/images.h"
#include "layerdb/catalog/layer_blobs.h"
#include "layerdb/catalog/step_results.h"
#include "layerdb/index/index_reader.h"
#include "layerdb/index/kv.h"
#include "layerdb/objects/object_store.h"
#include "layerdb/store/store_writer.h"
#include "layerdb/store/tree.h"

namespace veneer {
namespace {

constexpr std::string_view kFormatText = "veneer store, format 1\n";
constexpr std::string_view kFormatStart = "veneer store, format ";

constexpr std::array<std::string_view, 9> kTopNames = {"catalog", "layers", "trees",
                                                       "objects", "blobs",  "containers",
                                                       "staging", "lock",   "veneer-store"};

// True when the directory holds nothing but the beginnings of a store.
Sys<bool> MayBecomeStore(const std::string& path) {
  VENEER_TRY(const Fd dir, sys::OpenFollowing(path, O_RDONLY | O_DIRECTORY));
  bool only_ours = true;
  VENEER_TRY_VOID(sys::ReadDir(dir.get(), [&](const sys::Dirent& entry) {
    const std::string_view name = entry.name;
    only_ours =
        only_ours && (name.starts_with("veneer-store.") ||
                      std::find(kTopNames.begin(), kTopNames.end(), name) != kTopNames.end());
  }));
  return only_ours;
}

Result<void> MakeDirectories(const StoreLayout& layout) {
  for (const std::string& dir :
       {layout.layers(), layout.trees(), layout.objects(), layout.root() + "/blobs", layout.blobs(),
        layout.containers(), layout.staging()}) {
    VENEER_TRY_CTX_VOID(EnsureDir(dir, 0700), dir);
  }
  return {};
}

// Makes the store. Its last step, the format file, makes it one, and its catalog is there by then;
// several processes may do this at once.
Result<void> Initialize(const StoreLayout& layout) {
  const std::string& root = layout.root();
  const std::string parent = std::filesystem::path(root).parent_path().string();
  std::error_code error;
  std::filesystem::create_directories(parent, error);
  if (error) return MakeError(Errno{error.value()}, "make directory " + parent);
  VENEER_TRY_CTX_VOID(EnsureDir(root, 0700), root);
  VENEER_TRY_CTX(const bool usable, MayBecomeStore(root), root);
  if (!usable) {
    return MakeError(root + " is no veneer store and not empty; choose another directory");
  }
  VENEER_TRY_VOID(MakeDirectories(layout));
  VENEER_TRY_VOID(OpenCatalog(layout));
  std::string staged = layout.format_file() + ".XXXXXX";
  VENEER_TRY_CTX(const Fd fd, sys::MakeTemporaryFile(&staged), staged);
  VENEER_TRY_CTX_VOID(sys::WriteAt(fd.get(), kFormatText, 0), staged);
  VENEER_TRY_CTX_VOID(sys::Sync(fd.get(), false), staged);
  VENEER_TRY_CTX_VOID(sys::Rename(sys::Path(staged), sys::Path(layout.format_file()), 0),
                      layout.format_file());
  // What is kept in it from now on is acknowledged, so its names must not get lost.
  for (const std::string& dir : {layout.catalog(), layout.root() + "/blobs", root}) {
    VENEER_TRY_VOID(SyncPath(dir));
  }
  return SyncPath(parent);
}

Result<void> CheckFormat(const StoreLayout& layout, std::string_view text) {
  if (text == kFormatText) return {};
  if (text.starts_with(kFormatStart)) {
    const std::string_view format = text.substr(kFormatStart.size());
    return MakeError("store " + layout.root() + " has format " +
                     std::string(format.substr(0, format.find('\n'))) +
                     "; this program knows format 1");
  }
  return MakeError(layout.format_file() + " is damaged");
}

}  // namespace

Store::Store(std::string path) : layout_(std::move(path)) {}
Store::~Store() = default;

Result<std::unique_ptr<Store>> Store::Open(const std::string& path, Missing missing) {
  std::unique_ptr<Store> store(new Store(path));
  const StoreLayout& layout = store->layout_;
  Sys<std::string> format = ReadFile(layout.format_file(), 256);
  if (!format) {
    const int code = format.error().code;
    if (code != ENOENT && code != ENOTDIR) return MakeError(format.error(), "store " + path);
    if (missing == Missing::kFail) {
      return MakeError("there is no store in " + path, ExitCode::kNotFound);
    }
    VENEER_TRY_VOID(Initialize(layout));
  } else {
    VENEER_TRY_VOID(CheckFormat(layout, *format));
    // Some of them may be deleted by hand, the trees for example.
    VENEER_TRY_VOID(MakeDirectories(layout));
  }
  VENEER_TRY(store->catalog_, OpenCatalog(layout));
  VENEER_TRY(store->objects_, ObjectStore::Open(layout.objects()));
  store->images_ = std::make_unique<Images>(layout, *store->catalog_);
  store->layer_blobs_ = std::make_unique<LayerBlobs>(*store->catalog_);
  store->step_results_ = std::make_unique<StepResults>(store->layout_, *store->catalog_);
  store->containers_ = std::make_unique<Containers>(
      layout, *store->catalog_, *store->images_,
      [raw = store.get()](std::span<const Digest> diff_ids) { return raw->EnsureTree(diff_ids); });
  return store;
}

Result<std::unique_ptr<StoreWriter>> Store::Begin() { return StoreWriter::Begin(*this, *objects_); }

bool Store::HasLayer(const Digest& diff_id) const { return Exists(layout_.layer_index(diff_id)); }

Result<std::shared_ptr<IndexReader>> Store::OpenLayer(const Digest& diff_id) const {
  Result<std::shared_ptr<IndexReader>> index = IndexReader::Open(layout_.layer_index(diff_id));
  if (!index && index.error().code() == ENOENT) {
    return MakeError("layer " + diff_id.ToString() + " is not in the store", ExitCode::kNotFound);
  }
  return index;
}

Result<std::string> Store::EnsureTree(std::span<const Digest> diff_ids) {
  std::string path = layout_.tree(ChainIdOf(diff_ids));
  if (IndexReader::Open(path)) return path;

  // Prune must not take away what this finds or makes.
  VENEER_TRY(const std::unique_ptr<StoreWriter> writer, Begin());
  // The longest part of the chain that has a sound tree.
  size_t done = diff_ids.empty() ? 0 : diff_ids.size() - 1;
  std::string base;
  for (; done > 0; --done) {
    base = layout_.tree(ChainIdOf(diff_ids.first(done)));
    if (IndexReader::Open(base)) break;
    base.clear();
  }
  std::vector<std::shared_ptr<IndexReader>> layers;
  for (const Digest& diff_id : diff_ids.subspan(done)) {
    VENEER_TRY(std::shared_ptr<IndexReader> layer, OpenLayer(diff_id));
    layers.push_back(std::move(layer));
  }
  const std::string staged = writer->dir() + "/tree";
  if (Result<void> built = BuildTree(staged, base, layers); !built) {
    return tl::unexpected(std::move(built.error()).Context("merge layers"));
  }
  // Not made durable: a tree that a crash damaged fails its checksum, and is made again.
  // rename() does nothing when both names are one file already, as a layer and its tree may be.
  VENEER_TRY_CTX_VOID(ReplaceByFile(staged, path), path);
  return path;
}

Result<void> Store::DropTrees() const {
  VENEER_TRY_CTX(const std::vector<std::string> names, NamesIn(layout_.trees()), layout_.trees());
  for (const std::string& name : names) {
    const std::string path = layout_.trees() + "/" + name;
    struct stat st;
    if (name.find('.') != std::string::npos || lstat(path.c_str(), &st) != 0) continue;
    const std::string old = path + "." + std::to_string(st.st_ino);
    const Sys<void> renamed = sys::Rename(sys::Path(path), sys::Path(old), 0);
    if (!renamed && renamed.error().code != ENOENT) return MakeError(renamed.error(), path);
    // rename() does nothing when both names are one file already.
    VENEER_TRY_CTX_VOID(RemoveTree(path), path);
  }
  return SyncPath(layout_.trees());
}

bool Store::HasBlob(const Digest& digest) const { return Exists(layout_.blob(digest)); }

Result<Fd> Store::OpenBlob(const Digest& digest) const {
  Sys<Fd> fd = OpenRegularFile(layout_.blob(digest));
  if (fd) return *std::move(fd);
  if (fd.error().code == ENOENT) {
    return MakeError("blob " + digest.ToString() + " is not in the store", ExitCode::kNotFound);
  }
  return MakeError(fd.error(), layout_.blob(digest));
}

Result<std::string> Store::ReadBlob(const Digest& digest, uint64_t limit) const {
  VENEER_TRY(const Fd fd, OpenBlob(digest));
  const std::string path = layout_.blob(digest);
  struct stat st;
  if (fstat(fd.get(), &st) != 0) return MakeError(Errno{errno}, path);
  if (static_cast<uint64_t>(st.st_size) > limit) return MakeError(Errno{EFBIG}, path);
  std::string bytes(static_cast<size_t>(st.st_size), '\0');
  VENEER_TRY_CTX(const size_t read, sys::ReadAt(fd.get(), bytes.data(), bytes.size(), 0), path);
  if (read < bytes.size()) return MakeError(Errno{EIO}, path);
  if (Digest::OfBytes(bytes) != digest) {
    return DamageError("blob " + path + " is damaged");
  }
  return bytes;
}

}  // namespace veneer
