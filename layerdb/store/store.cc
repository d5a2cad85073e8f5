// SPDX-License-Identifier: Apache-2.0
#include "layerdb/store/store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "layerdb/base/durable.h"
#include "layerdb/base/files.h"
#include "layerdb/base/sys.h"
#include "layerdb/index/index_reader.h"
#include "layerdb/index/kv.h"
#include "layerdb/store/catalog.h"
#include "layerdb/store/containers.h"
#include "layerdb/store/images.h"
#include "layerdb/store/object_store.h"
#include "layerdb/store/remove_tree.h"
#include "layerdb/store/session.h"
#include "layerdb/store/tree.h"

namespace veneer {
namespace {

constexpr std::string_view kFormatText = "veneer store, format 1\n";
constexpr std::string_view kFormatStart = "veneer store, format ";

constexpr std::array<std::string_view, 9> kTopNames = {"catalog", "layers", "trees",
                                                       "objects", "blobs",  "containers",
                                                       "staging", "lock",   "veneer-store"};

Sys<std::string> ReadSmallFile(const std::string& path, size_t limit) {
  const Fd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return FailErrno();
  std::string text(limit, '\0');
  VENEER_TRY(const size_t n, sys::ReadAt(fd.get(), text.data(), text.size(), 0));
  text.resize(n);
  return text;
}

// True when the directory holds nothing but the beginnings of a store.
Sys<bool> MayBecomeStore(const std::string& path) {
  const Fd dir(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!dir) return FailErrno();
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
    if (mkdir(dir.c_str(), 0700) != 0 && errno != EEXIST) return MakeError(Errno{errno}, dir);
  }
  return {};
}

// Makes the store. Its last step, the format file, makes it one, and its catalog is there by then; several processes
// may do this at once.
Result<void> Initialize(const StoreLayout& layout) {
  const std::string& root = layout.root();
  const std::string parent = std::filesystem::path(root).parent_path().string();
  std::error_code error;
  std::filesystem::create_directories(parent, error);
  if (error) return MakeError(Errno{error.value()}, "make directory " + parent);
  if (mkdir(root.c_str(), 0700) != 0 && errno != EEXIST) return MakeError(Errno{errno}, root);
  VENEER_TRY_CTX(const bool usable, MayBecomeStore(root), root);
  if (!usable) {
    return MakeError(root + " is no veneer store and not empty; choose another directory");
  }
  VENEER_TRY_VOID(MakeDirectories(layout));
  VENEER_TRY_VOID(OpenCatalog(layout));
  std::string staged = layout.format_file() + ".XXXXXX";
  const Fd fd(mkostemp(staged.data(), O_CLOEXEC));
  if (!fd) return MakeError(Errno{errno}, staged);
  VENEER_TRY_CTX_VOID(sys::WriteAt(fd.get(), kFormatText, 0), staged);
  VENEER_TRY_CTX_VOID(sys::Sync(fd.get(), false), staged);
  if (rename(staged.c_str(), layout.format_file().c_str()) != 0) {
    return MakeError(Errno{errno}, layout.format_file());
  }
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

Digest ChainIdOf(std::span<const Digest> diff_ids) {
  std::optional<Digest> chain;
  for (const Digest& diff_id : diff_ids) chain = ChainId(chain, diff_id);
  return chain ? *chain : Digest::OfBytes({});
}

Store::Store(std::string path) : layout_(std::move(path)) {}
Store::~Store() = default;

Result<std::unique_ptr<Store>> Store::Open(const std::string& path, Missing missing) {
  std::unique_ptr<Store> store(new Store(path));
  const StoreLayout& layout = store->layout_;
  Sys<std::string> format = ReadSmallFile(layout.format_file(), 256);
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
  store->images_ = std::make_unique<Images>(*store);
  store->containers_ = std::make_unique<Containers>(*store);
  return store;
}

Result<std::unique_ptr<WriteSession>> Store::Begin() {
  return WriteSession::Begin(*this, *objects_);
}

bool Store::HasLayer(const Digest& diff_id) const {
  return access(layout_.layer_index(diff_id).c_str(), F_OK) == 0;
}

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
  VENEER_TRY(const std::unique_ptr<WriteSession> session, Begin());
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
  const std::string staged = session->dir() + "/tree";
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
    if (rename(path.c_str(), old.c_str()) != 0 && errno != ENOENT) {
      return MakeError(Errno{errno}, path);
    }
    // rename() does nothing when both names are one file already.
    VENEER_TRY_CTX_VOID(RemoveTree(path), path);
  }
  return SyncPath(layout_.trees());
}

bool Store::HasBlob(const Digest& digest) const {
  return access(layout_.blob(digest).c_str(), F_OK) == 0;
}

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
