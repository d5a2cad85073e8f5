// SPDX-License-Identifier: Apache-2.0
#include "tools/build/build_output.h"

#include <fcntl.h>

#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>

#include "layerdb/base/printable.h"
#include "layerdb/base/sys.h"
#include "layerdb/layer/indexed_layer.h"
#include "layerdb/transfer/archive_sink.h"
#include "layerdb/transfer/directory_sink.h"
#include "layerdb/transfer/layer_source.h"
#include "tools/archive/archive_output.h"

namespace veneer {

namespace {

// All files of the image, into `sink`.
Result<void> GiveTree(Store& store, const StageImage& image, const Cancellation* cancel,
                      EntrySink& sink) {
  VENEER_TRY(const std::string index, store.EnsureTree(image.config.diff_ids));
  VENEER_TRY(const std::shared_ptr<IndexedLayer> tree,
             IndexedLayer::Open(index, store.layout().objects()));
  return LayerSource(*tree, store.objects(), cancel).Run(sink);
}

Result<void> WriteTar(Store& store, const StageImage& image, const std::string& destination,
                      const Cancellation* cancel) {
  VENEER_TRY(const std::unique_ptr<ArchiveOutput> output, ArchiveOutput::Open(destination, cancel));
  const auto write = [&](std::string_view bytes) { return output->Write(bytes); };
  ArchiveSink sink(write, cancel);
  VENEER_TRY_VOID(GiveTree(store, image, cancel, sink));
  VENEER_TRY_VOID(sink.Finish());
  return output->Commit();
}

Result<Fd> OpenDestination(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  // It is there already, or what is there says by itself that it is none.
  Sys<Fd> fd = sys::OpenFollowing(path, O_RDONLY | O_DIRECTORY);
  if (fd) return *std::move(fd);
  const bool missing = fd.error().code == ENOENT && error;
  return MakeError(missing ? Errno{error.value()} : fd.error(), QuotedPath(path));
}

std::string Some(uint64_t count, const std::string& one, const std::string& several) {
  return std::to_string(count) + " " + (count == 1 ? one : several);
}

// "…: /dev/null, ..."
std::string Examples(uint64_t count, const std::string& first) {
  return ": " + QuotedPath("/" + first) + (count == 1 ? "" : ", ...");
}

std::vector<std::string> NotesOf(const DirectorySinkLosses& losses) {
  std::vector<std::string> notes;
  if (losses.devices > 0) {
    notes.push_back(Some(losses.devices, "device is", "devices are") +
                    " left out, since only root can make one" +
                    Examples(losses.devices, losses.first_device));
  }
  if (losses.xattrs > 0) {
    notes.push_back(Some(losses.xattrs, "file lacks", "files lack") +
                    " extended attributes that this user or the file system cannot set" +
                    Examples(losses.xattrs, losses.first_xattr));
  }
  return notes;
}

Result<std::vector<std::string>> WriteDirectory(Store& store, const StageImage& image,
                                                const std::string& destination,
                                                const BuildOutputOptions& options) {
  VENEER_TRY(const Fd directory, OpenDestination(destination));
  const DirectorySinkOptions how{.owners = options.owners, .root = false, .cancel = options.cancel};
  DirectorySink sink(directory.get(), how);
  const auto write = [&]() -> Result<DirectorySinkLosses> {
    VENEER_TRY_VOID(GiveTree(store, image, options.cancel, sink));
    return sink.Finish();
  };
  Result<DirectorySinkLosses> losses = write();
  if (!losses) {
    return tl::unexpected(std::move(losses).error().Context("write to " + QuotedPath(destination)));
  }
  return NotesOf(*losses);
}

}  // namespace

std::string BuildOutput::Title() const {
  switch (kind) {
    case Kind::kStore: return "exporting to image";
    case Kind::kTar: return "exporting to client tarball";
    case Kind::kDirectory: return "exporting to client directory";
    case Kind::kImage: break;
  }
  return format == SaveFormat::kDockerArchive ? "exporting to docker image format"
                                              : "exporting to oci image format";
}

Result<std::vector<std::string>> WriteBuildOutput(Store& store, const StageImage& image,
                                                  const BuildOutput& output,
                                                  const BuildOutputOptions& options) {
  if (output.kind == BuildOutput::Kind::kDirectory) {
    return WriteDirectory(store, image, output.destination, options);
  }
  if (output.kind == BuildOutput::Kind::kTar) {
    VENEER_TRY_VOID(WriteTar(store, image, output.destination, options.cancel));
    return std::vector<std::string>();
  }
  SaveOptions save;
  save.format = output.format;
  save.compression = output.compression;
  save.output = output.destination;
  save.cancel = options.cancel;
  VENEER_TRY_VOID(
      SaveImage(store, {image.Record(false), image.text, options.tags, options.annotations}, save));
  return std::vector<std::string>();
}

}  // namespace veneer
