// SPDX-License-Identifier: Apache-2.0
//
// LayerPipeline: the archive of a layer that is made from files. Each file is read once, and while
// the next piece is read, the one before is hashed for the archive (SHA-256) and, when the file is
// not large, stored, in other threads. Only a file with holes, or with long runs of zeros that its
// headers must tell of, is read again.
//
// Thread-safety: none.
#ifndef VENEER_LAYERDB_TRANSFER_LAYER_PIPELINE_H_
#define VENEER_LAYERDB_TRANSFER_LAYER_PIPELINE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "layerdb/base/digest.h"
#include "layerdb/base/fd.h"
#include "layerdb/base/function_ref.h"
#include "layerdb/base/result.h"
#include "layerdb/objects/object_writer.h"
#include "layerdb/store/store.h"
#include "layerdb/store/store_writer.h"
#include "layerdb/tar/block.h"
#include "layerdb/threads/buffer_pool.h"
#include "layerdb/transfer/archive_hasher.h"
#include "layerdb/transfer/content_writers.h"
#include "layerdb/transfer/entry_source.h"
#include "layerdb/transfer/layer_assembler.h"
#include "layerdb/transfer/reading_progress.h"

namespace veneer {

class LayerPipeline {
 public:
  // The headers of the file with `size` bytes of contents, and this sparse map or none. May be
  // called twice.
  using Headers = FunctionRef<std::string(uint64_t size, const std::vector<SparseExtent>* sparse)>;

  // All must outlive it. Throws std::system_error when there is no thread to be had.
  LayerPipeline(Store& store, StoreWriter& store_writer, LayerAssembler& layer,
                ReadingProgress& progress);

  // Bytes of the archive that are no contents.
  Result<void> Raw(std::string_view bytes);

  struct File {
    uint64_t size = 0;                // as it was taken, should the file change meanwhile
    std::optional<uint32_t> content;  // its number in the LayerAssembler; nullopt: it is empty
  };
  // Headers and contents of a file.
  Result<File> AddFile(const SourceContent& source, Headers headers);

  // Waits until all is hashed and stored. Call once.
  Result<Digest> Finish();

 private:
  using Extents = std::optional<std::vector<SparseExtent>>;

  // What one reading of a file has told.
  struct Reading {
    uint64_t size = 0;
    Extents sparse;
    std::string header;  // as hashed
    Hash128 hash{};      // of the contents, where there is no writer
  };

  Result<void> Hash(bool going_on);
  Result<File> AddSmall(std::string_view bytes, Headers headers);
  Result<File> AddMiddling(std::string bytes, Headers headers);
  Result<File> AddLarge(const SourceContent& source, uint64_t size, Headers headers);
  // A file with holes: those are not read.
  Result<File> AddHoley(const SourceContent& source, Headers headers);
  Result<Reading> ReadOnce(int fd, uint64_t size, ObjectWriter* writer, Headers headers);
  // Hashes these parts of an object.
  Result<void> HashExtents(const ObjectRef& object, int fd,
                           const std::vector<SparseExtent>& extents);
  // Headers and contents, which are hashed already, in the tar-split.
  Result<void> Record(std::string_view header, uint64_t size, const Extents& sparse,
                      uint32_t* content);
  Result<File> RecordObject(const ObjectRef& object, const Fd& fd, const Reading& reading);

  Store& store_;
  StoreWriter& store_writer_;
  LayerAssembler& layer_;
  ReadingProgress& progress_;
  BufferPool buffers_;
  ArchiveHasher hasher_;
  ContentWriters writers_;
};

}  // namespace veneer

#endif  // VENEER_LAYERDB_TRANSFER_LAYER_PIPELINE_H_
