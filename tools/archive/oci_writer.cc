// SPDX-License-Identifier: Apache-2.0
#include "tools/archive/oci_writer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <utility>
#include <vector>

#include "layerdb/base/files.h"
#include "layerdb/base/hash.h"
#include "layerdb/base/sys.h"
#include "layerdb/base/walk.h"
#include "layerdb/tar/block.h"
#include "tools/archive/tar_members.h"
#include "tools/oci/compose.h"

namespace veneer {

namespace {

constexpr const char* kBlobs = "blobs/sha256";

// Gives the bytes of a blob to the sink that it is called with.
using BlobWriter = FunctionRef<Result<void>(TarSink sink)>;

struct BlobId {
  Digest digest;
  uint64_t size;
};

// Writes a blob into the empty file `fd`.
Result<BlobId> WriteBlob(int fd, const std::string& name, BlobWriter write) {
  Sha256Stream sha;
  uint64_t size = 0;
  VENEER_TRY_VOID(write([&](std::string_view bytes) -> Result<void> {
    sha.Update(bytes);
    VENEER_TRY_CTX_VOID(sys::WriteAt(fd, bytes, size), "write " + name);
    size += bytes.size();
    return {};
  }));
  return BlobId{*Digest::FromHex(sha.FinishHex()), size};
}

// A layout while it is made.
class Layout {
 public:
  virtual ~Layout() = default;
  // A document beside the blobs.
  virtual Result<void> File(const std::string& name, std::string_view bytes) = 0;
  // A blob of which digest and size are known.
  virtual Result<void> KnownBlob(const BlobId& id, BlobWriter write) = 0;
  // Another one.
  virtual Result<BlobId> NewBlob(BlobWriter write) = 0;
  virtual Result<void> Finish() = 0;
};

class ArchiveLayout : public Layout {
 public:
  ArchiveLayout(ArchiveOutput& output, const std::string& spool)
      : output_(output), spool_(spool), members_(write_) {}

  Result<void> Begin() {
    VENEER_TRY_VOID(members_.Directory("blobs"));
    return members_.Directory(kBlobs);
  }
  Result<void> File(const std::string& name, std::string_view bytes) override {
    return members_.File(name, bytes);
  }
  Result<void> KnownBlob(const BlobId& id, BlobWriter write) override {
    VENEER_TRY_VOID(members_.Begin(PathOf(id), id.size));
    VENEER_TRY_VOID(write(write_));
    return members_.End();
  }
  Result<BlobId> NewBlob(BlobWriter write) override {
    const std::string path = spool_ + "/tmp-blob";
    VENEER_TRY_CTX(const Fd file, sys::Open(sys::Path(path), O_RDWR | O_CREAT | O_EXCL, 0600),
                   path);
    VENEER_TRY_CTX_VOID(sys::Unlink(sys::Path(path)), path);
    VENEER_TRY(BlobId id, WriteBlob(file.get(), "a temporary file in " + spool_, write));
    VENEER_TRY_VOID(members_.Begin(PathOf(id), id.size));
    VENEER_TRY_VOID(output_.WriteFrom(file.get(), id.size));
    VENEER_TRY_VOID(members_.End());
    return id;
  }
  Result<void> Finish() override { return members_.Finish(); }

 private:
  static std::string PathOf(const BlobId& id) {
    return std::string(kBlobs) + "/" + id.digest.hex();
  }

  struct ToOutput {
    ArchiveOutput& output;
    Result<void> operator()(std::string_view bytes) const { return output.Write(bytes); }
  };

  ArchiveOutput& output_;
  const std::string spool_;
  ToOutput write_{output_};
  TarMembers members_;
};

class DirectoryLayout : public Layout {
 public:
  // `path`: an empty directory.
  explicit DirectoryLayout(std::string path) : path_(std::move(path)) {}

  Result<void> Begin() {
    for (const std::string& name : {path_ + "/blobs", BlobsPath()}) {
      VENEER_TRY_CTX_VOID(sys::MakeDir(sys::Path(name), 0777), name);
    }
    return {};
  }
  Result<void> File(const std::string& name, std::string_view bytes) override {
    const std::string path = path_ + "/" + name;
    VENEER_TRY(const Fd file, Create(path));
    VENEER_TRY_CTX_VOID(sys::WriteAt(file.get(), bytes, 0), "write " + path);
    VENEER_TRY_CTX_VOID(sys::Sync(file.get(), false), "write " + path);
    return {};
  }
  Result<void> KnownBlob(const BlobId& id, BlobWriter write) override {
    VENEER_TRY(const BlobId written, NewBlob(write));
    if (written.digest == id.digest) return {};
    return MakeError("blob " + id.digest.ToString() + " came out as " + written.digest.ToString());
  }
  Result<BlobId> NewBlob(BlobWriter write) override {
    const std::string path = BlobsPath() + "/tmp";
    VENEER_TRY(const Fd file, Create(path));
    VENEER_TRY(BlobId id, WriteBlob(file.get(), path, write));
    VENEER_TRY_CTX_VOID(sys::Sync(file.get(), false), "write " + path);
    const std::string name = BlobsPath() + "/" + id.digest.hex();
    VENEER_TRY_CTX_VOID(sys::Rename(sys::Path(path), sys::Path(name), 0), name);
    return id;
  }
  Result<void> Finish() override {
    for (const std::string& name : {BlobsPath(), path_ + "/blobs", path_}) {
      VENEER_TRY_VOID(SyncPath(name));
    }
    return {};
  }

 private:
  std::string BlobsPath() const { return path_ + "/" + kBlobs; }
  static Result<Fd> Create(const std::string& path) {
    VENEER_TRY_CTX(Fd file, sys::Open(sys::Path(path), O_WRONLY | O_CREAT | O_EXCL, 0666), path);
    return file;
  }

  const std::string path_;
};

std::string LayerType(CompressionKind kind) {
  switch (kind) {
    case CompressionKind::kGzip: return std::string(kOciLayerType) + "+gzip";
    case CompressionKind::kZstd: return std::string(kOciLayerType) + "+zstd";
    case CompressionKind::kNone: break;
  }
  return kOciLayerType;
}

Result<Descriptor> WriteLayerBlob(const SaveInput& input, const Digest& diff_id, Layout& layout) {
  const CompressionKind kind = input.compression.kind;
  if (kind == CompressionKind::kNone) {
    VENEER_TRY(const uint64_t size, LayerTarSize(input.store, diff_id));
    const auto write = [&](TarSink sink) { return WriteLayer(input, diff_id, sink); };
    VENEER_TRY_VOID(layout.KnownBlob({diff_id, size}, write));
    return Descriptor{LayerType(kind), diff_id, size};
  }
  VENEER_TRY(const BlobId id, layout.NewBlob([&](TarSink sink) -> Result<void> {
    const std::unique_ptr<Compressor> compressor = Compressor::Create(input.compression);
    VENEER_TRY_VOID(WriteLayer(
        input, diff_id, [&](std::string_view bytes) { return compressor->Write(bytes, sink); }));
    return compressor->Finish(sink);
  }));
  return Descriptor{LayerType(kind), id.digest, id.size};
}

Result<Descriptor> WriteDocument(const std::string& bytes, const char* type, Layout& layout) {
  const BlobId id{Digest::OfBytes(bytes), bytes.size()};
  VENEER_TRY_VOID(layout.KnownBlob(id, [&](TarSink sink) { return sink(bytes); }));
  return Descriptor{type, id.digest, id.size};
}

Result<void> WriteLayout(const SaveInput& input, Layout& layout) {
  VENEER_TRY_VOID(layout.File("oci-layout", ComposeOciLayout()));
  std::vector<Descriptor> blobs;  // of input.layers
  for (const Digest& layer : input.layers) {
    VENEER_TRY(Descriptor blob, WriteLayerBlob(input, layer, layout));
    blobs.push_back(std::move(blob));
  }
  std::vector<NamedManifest> manifests;
  for (const ImageToSave& image : input.images) {
    VENEER_TRY(const Descriptor config, WriteDocument(image.config, kOciConfigType, layout));
    std::vector<Descriptor> layers;
    for (const Digest& diff_id : image.record.diff_ids) {
      size_t number = 0;
      while (input.layers[number] != diff_id) ++number;
      layers.push_back(blobs[number]);
    }
    const std::string text = ComposeManifest(config, layers, image.annotations.manifest);
    VENEER_TRY(Descriptor manifest, WriteDocument(text, kOciManifestType, layout));
    manifests.push_back({std::move(manifest), image.tags, image.annotations.descriptor});
  }
  VENEER_TRY_VOID(layout.File("index.json", ComposeIndex(manifests)));
  return layout.Finish();
}

// Missing, or a directory without anything in it.
Result<void> CheckIsFree(const std::string& path) {
  const Sys<Fd> folder = sys::OpenFollowing(path, O_RDONLY | O_DIRECTORY | O_NONBLOCK);
  if (!folder && folder.error().code == ENOENT) return {};
  if (!folder && folder.error().code == ENOTDIR) {
    return MakeError(path + " is there and is no directory; name a new one", ExitCode::kUsage);
  }
  if (!folder) return MakeError(folder.error(), path);
  bool empty = true;
  VENEER_TRY_CTX_VOID(sys::ReadDir(folder->get(), [&](const sys::Dirent&) { empty = false; }),
                      path);
  if (empty) return {};
  return MakeError("directory " + path + " is not empty; name a new one", ExitCode::kUsage);
}

// A new directory in `folder` under a name that nobody has.
Result<std::string> MakeTemporary(const std::string& folder) {
  for (int i = 0;; ++i) {
    std::string path =
        folder + "/.veneer-" + std::to_string(::getpid()) + "-" + std::to_string(i) + ".tmp";
    const Sys<void> made = sys::MakeDir(sys::Path(path), 0777);
    if (made) return path;
    if (made.error().code != EEXIST || i == 1000) {
      return MakeError(made.error(), "a new directory in " + folder);
    }
  }
}

}  // namespace

Result<void> WriteOciArchive(const SaveInput& input, const std::string& spool,
                             ArchiveOutput& output) {
  ArchiveLayout layout(output, spool);
  VENEER_TRY_VOID(layout.Begin());
  return WriteLayout(input, layout);
}

Result<void> WriteOciDirectory(const SaveInput& input, const std::string& path) {
  std::string target = path;
  while (target.size() > 1 && target.ends_with('/')) target.pop_back();
  VENEER_TRY_VOID(CheckIsFree(target));
  const size_t slash = target.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : target.substr(0, slash + 1);
  VENEER_TRY(const std::string temporary, MakeTemporary(folder));
  DirectoryLayout layout(temporary);
  Result<void> written = layout.Begin();
  if (written) written = WriteLayout(input, layout);
  if (written) {
    const Sys<void> renamed = sys::Rename(sys::Path(temporary), sys::Path(target), 0);
    if (!renamed) written = MakeError(renamed.error(), "write " + target);
  }
  if (!written) {
    IgnoreError(RemoveTree(temporary), "the failure before counts");
    return written;
  }
  const Sys<Fd> parent = sys::OpenFollowing(folder, O_RDONLY | O_DIRECTORY);
  if (parent) IgnoreError(sys::Sync(parent->get(), false), "the directory is whole, and there");
  return {};
}

}  // namespace veneer
