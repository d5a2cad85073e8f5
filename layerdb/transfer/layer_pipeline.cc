// SPDX-License-Identifier: Apache-2.0
#include "layerdb/transfer/layer_pipeline.h"

#include <sys/stat.h>

#include <algorithm>
#include <memory>
#include <thread>
#include <utility>

#include "layerdb/base/sys.h"
#include "layerdb/objects/content_hash.h"
#include "layerdb/objects/object_store.h"
#include "layerdb/tar/writer.h"
#include "layerdb/transfer/content_check.h"
#include "layerdb/transfer/tar_stream.h"

namespace veneer {

namespace {

constexpr size_t kBufferSize = size_t{1} << 20;
// Buffers that wait for the hasher.
constexpr size_t kMaxUnhashed = 8;

std::vector<SparseExtent> WholeOf(uint64_t size) {
  return size == 0 ? std::vector<SparseExtent>() : std::vector<SparseExtent>{{0, size}};
}

std::optional<std::vector<SparseExtent>> SparseOf(ZeroRuns& zeros, uint64_t size) {
  if (size < kMinHoles) return std::nullopt;
  bool sparse = false;
  std::vector<SparseExtent> extents = DataExtents(zeros.Finish(size), size, &sparse);
  if (!sparse) return std::nullopt;
  return extents;
}

uint64_t SizeOf(const std::vector<SparseExtent>& extents) {
  uint64_t total = 0;
  for (const SparseExtent& extent : extents) total += extent.size;
  return total;
}

}  // namespace

LayerPipeline::LayerPipeline(Store& store, StoreWriter& store_writer, LayerAssembler& layer,
                             ReadingProgress& progress)
    : store_(store),
      store_writer_(store_writer),
      layer_(layer),
      progress_(progress),
      buffers_(kBufferSize),
      hasher_(kMaxUnhashed),
      writers_(store_writer, layer, std::max(1U, std::thread::hardware_concurrency() - 1)) {}

Result<void> LayerPipeline::Hash(bool going_on) {
  if (going_on) return {};
  VENEER_TRY_VOID(hasher_.Finish());
  return MakeError("the hashing of the archive has stopped");
}

Result<void> LayerPipeline::Raw(std::string_view bytes) {
  VENEER_TRY_VOID(Hash(hasher_.Update(bytes)));
  return layer_.tar_split().Raw(bytes);
}

Result<LayerPipeline::File> LayerPipeline::AddFile(const SourceContent& source, Headers headers) {
  if (source.fd() < 0) return AddSmall(source.content.bytes, headers);
  VENEER_TRY_CTX(const struct stat st, sys::Stat({source.fd()}), "read contents");
  const auto size = static_cast<uint64_t>(st.st_size);
  if (source.object) return AddLarge(source, size, headers);
  const bool holey = st.st_blocks * 512 < st.st_size;
  if (size > StoreWriter::kPackLimit && holey) return AddHoley(source, headers);
  if (size > StoreWriter::kPackLimit && (source.move || size > ContentWriters::kWholeLimit)) {
    return AddLarge(source, size, headers);
  }
  std::string bytes(static_cast<size_t>(size), '\0');
  VENEER_TRY_CTX(const size_t got, sys::ReadAt(source.fd(), bytes.data(), bytes.size(), 0),
                 "read contents");
  bytes.resize(got);
  if (got <= StoreWriter::kPackLimit) return AddSmall(bytes, headers);
  return AddMiddling(std::move(bytes), headers);
}

Result<LayerPipeline::File> LayerPipeline::AddSmall(std::string_view bytes, Headers headers) {
  VENEER_TRY_VOID(progress_.Add(bytes.size()));
  VENEER_TRY_VOID(Raw(headers(bytes.size(), nullptr)));
  File file{bytes.size(), std::nullopt};
  if (bytes.empty()) return file;
  VENEER_TRY(file.content, layer_.NewContent(bytes.size()));
  VENEER_TRY_VOID(layer_.SetSmall(*file.content, bytes));
  VENEER_TRY_VOID(layer_.tar_split().Data(0, bytes.size()));
  VENEER_TRY_VOID(Hash(hasher_.Update(bytes)));
  VENEER_TRY_VOID(Raw(std::string(TarPadding(bytes.size()), '\0')));
  return file;
}

Result<LayerPipeline::File> LayerPipeline::AddMiddling(std::string bytes, Headers headers) {
  const uint64_t size = bytes.size();
  VENEER_TRY_VOID(progress_.Add(size));
  const std::string header = headers(size, nullptr);
  const auto shared = std::make_shared<const std::string>(std::move(bytes));
  VENEER_TRY_VOID(Hash(hasher_.Update(header)));
  VENEER_TRY_VOID(Hash(hasher_.Update(SharedBytes{shared, *shared})));
  uint32_t content = 0;
  VENEER_TRY_VOID(Record(header, size, std::nullopt, &content));
  VENEER_TRY_VOID(writers_.Submit(content, {SharedBytes{shared, *shared}}));
  return File{size, content};
}

Result<void> LayerPipeline::Record(std::string_view header, uint64_t size, const Extents& sparse,
                                   uint32_t* content) {
  const std::vector<SparseExtent> extents = sparse ? *sparse : WholeOf(size);
  VENEER_TRY_VOID(layer_.tar_split().Raw(header));
  VENEER_TRY(*content, layer_.NewContent(size));
  for (const SparseExtent& extent : extents) {
    VENEER_TRY_VOID(layer_.tar_split().Data(extent.offset, extent.size));
  }
  return Raw(std::string(TarPadding(SizeOf(extents)), '\0'));
}

Result<LayerPipeline::File> LayerPipeline::RecordObject(const ObjectRef& object, const Fd& fd,
                                                        const Reading& reading) {
  VENEER_TRY_CTX(const struct stat st, sys::Stat({fd.get()}), ObjectPath(object));
  auto blocks = static_cast<uint64_t>(st.st_blocks);
  // A file without holes has these, whatever the file system has allocated so far.
  if (blocks >= reading.size / 512) blocks = DenseBlocks(reading.size);
  uint32_t content = 0;
  VENEER_TRY_VOID(Record(reading.header, reading.size, reading.sparse, &content));
  layer_.SetObject(content, object, blocks);
  return File{reading.size, content};
}

Result<LayerPipeline::Reading> LayerPipeline::ReadOnce(int fd, uint64_t size, ObjectWriter* writer,
                                                       Headers headers) {
  Reading reading;
  // As if it had no long runs of zeros, as most files have none.
  VENEER_TRY_VOID(Hash(hasher_.Save()));
  reading.header = headers(size, nullptr);
  VENEER_TRY_VOID(Hash(hasher_.Update(reading.header)));
  ZeroRuns zeros;
  ContentHasher hasher;
  while (reading.size < size) {
    const auto want = static_cast<size_t>(std::min<uint64_t>(kBufferSize, size - reading.size));
    VENEER_TRY_VOID(progress_.Add(want));
    const std::shared_ptr<char> piece = buffers_.Get();
    VENEER_TRY_CTX(const size_t got, sys::ReadAt(fd, piece.get(), want, reading.size),
                   "read contents");
    if (got == 0) break;
    const std::string_view bytes(piece.get(), got);
    VENEER_TRY_VOID(Hash(hasher_.Update(SharedBytes{piece, bytes})));
    if (size >= kMinHoles) zeros.Update(bytes);
    if (writer != nullptr) {
      VENEER_TRY_VOID(writer->Write(bytes));
    } else {
      hasher.Update(bytes);
    }
    reading.size += got;
  }
  reading.sparse = SparseOf(zeros, reading.size);
  if (writer == nullptr) reading.hash = hasher.Finish();
  return reading;
}

Result<LayerPipeline::File> LayerPipeline::AddLarge(const SourceContent& source, uint64_t size,
                                                    Headers headers) {
  std::unique_ptr<ObjectWriter> writer;
  int from = source.fd();
  if (!source.object && !source.move) {
    VENEER_TRY(writer, store_writer_.NewObject(size));
    // What the file system shares is read where nobody changes it.
    if (writer->Clone(source.fd())) from = writer->fd();
  }
  VENEER_TRY(Reading reading, ReadOnce(from, size, writer.get(), headers));
  ObjectRef ref;
  if (source.object) {
    ref = *source.object;
    if (reading.size != size) return DamagedObject(ref, "is cut short");
    if (reading.hash != ref.hash) return DamagedObject(ref, "has other contents");
  } else if (writer != nullptr) {
    VENEER_TRY(ref, writer->Finish());
  } else {
    VENEER_TRY(ref, store_writer_.LinkObject(source.fd(), reading.hash));
  }
  VENEER_TRY_CTX(const Fd object, store_.objects().OpenObject(ref), ObjectPath(ref));
  if (reading.sparse || reading.size != size) {
    VENEER_TRY_VOID(Hash(hasher_.Restore()));
    reading.header = headers(reading.size, reading.sparse ? &*reading.sparse : nullptr);
    VENEER_TRY_VOID(Hash(hasher_.Update(reading.header)));
    VENEER_TRY_VOID(
        HashExtents(ref, object.get(), reading.sparse ? *reading.sparse : WholeOf(reading.size)));
  }
  return RecordObject(ref, object, reading);
}

Result<LayerPipeline::File> LayerPipeline::AddHoley(const SourceContent& source, Headers headers) {
  VENEER_TRY(const ObjectRef ref, source.move ? store_writer_.LinkObject(source.fd())
                                              : store_writer_.PutObjectFrom(source.fd()));
  VENEER_TRY_CTX(const Fd object, store_.objects().OpenObject(ref), ObjectPath(ref));
  VENEER_TRY_CTX(const struct stat st, sys::Stat({object.get()}), ObjectPath(ref));
  Reading reading;
  reading.size = static_cast<uint64_t>(st.st_size);
  VENEER_TRY(reading.sparse, SparseExtentsOf(object.get(), reading.size));
  reading.header = headers(reading.size, reading.sparse ? &*reading.sparse : nullptr);
  VENEER_TRY_VOID(Hash(hasher_.Update(reading.header)));
  VENEER_TRY_VOID(
      HashExtents(ref, object.get(), reading.sparse ? *reading.sparse : WholeOf(reading.size)));
  return RecordObject(ref, object, reading);
}

Result<void> LayerPipeline::HashExtents(const ObjectRef& object, int fd,
                                        const std::vector<SparseExtent>& extents) {
  for (const SparseExtent& extent : extents) {
    for (uint64_t done = 0; done < extent.size;) {
      VENEER_TRY_VOID(progress_.Add(0));
      const auto want = static_cast<size_t>(std::min<uint64_t>(kBufferSize, extent.size - done));
      const std::shared_ptr<char> piece = buffers_.Get();
      VENEER_TRY_CTX(const size_t got, sys::ReadAt(fd, piece.get(), want, extent.offset + done),
                     ObjectPath(object));
      if (got == 0) return DamagedObject(object, "is cut short");
      VENEER_TRY_VOID(Hash(hasher_.Update(SharedBytes{piece, {piece.get(), got}})));
      done += got;
    }
  }
  return {};
}

Result<Digest> LayerPipeline::Finish() {
  VENEER_TRY_VOID(writers_.Finish());
  return hasher_.Finish();
}

}  // namespace veneer
