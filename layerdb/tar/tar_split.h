// SPDX-License-Identifier: Apache-2.0
//
// The tar-split of a layer: how its tar archive is made again, byte for byte, from the layer's
// index and the store's objects. It holds everything of the archive that is no content of a file,
// and where the contents go. The layout:
//
//     0  8 bytes "VNRECIPE"
//     8  frame: operations, a sequence of
//              0                       end
//              1, v size, size bytes   these bytes
//              2                       from here on the next content, from its byte 0
//              3, v offset             go on at this byte of it (a hole of a sparse file is left
//                                      out)
//              4, v size               that many bytes of it
//        frames: spilled contents (of entries that a later entry replaced, so that no index holds
//                them)
//        frame: table, one for each content in order: v kind
//              0, v inode number in the layer's index, v size
//              1, v offset of its frame in this file, v size
//   end  56 bytes: u64 offset of the table's frame, u64 size of the table, u64 number of contents,
//                  u64 size of the archive, u64 size of the operations, u64 reserved (zero),
//                  8 bytes "VNRECEND"
//
// A frame is a zstd frame with a checksum; v is a LEB128 number; u64 is little-endian.
// Neither class is thread-safe.
#ifndef VENEER_LAYERDB_TAR_TAR_SPLIT_H_
#define VENEER_LAYERDB_TAR_TAR_SPLIT_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "layerdb/base/fd.h"
#include "layerdb/base/function_ref.h"
#include "layerdb/base/result.h"
#include "layerdb/tar/zstd_frame.h"

namespace veneer {

struct TarSplitContent {
  bool spilled = false;
  uint64_t where = 0;  // inode number, or offset of the frame
  uint64_t size = 0;
};

class TarSplitWriter {
 public:
  // Creates `path`, which must not exist.
  static Result<std::unique_ptr<TarSplitWriter>> Create(const std::string& path);

  // The archive goes on with these bytes.
  Result<void> Raw(std::string_view bytes);
  // The archive goes on with bytes [offset, offset + size) of the content that NextContent() began.
  Result<void> NextContent();
  Result<void> Data(uint64_t offset, uint64_t size);
  uint64_t archive_size() const { return archive_size_; }

  // Ends the operations. After it, Spill() as often as needed, then Finish().
  Result<void> EndOperations();
  // Keeps a content in the tar-split itself; `read` gives its bytes to the sink that it is called
  // with.
  Result<TarSplitContent> Spill(
      FunctionRef<Result<void>(FunctionRef<Result<void>(std::string_view)> sink)> read);
  // `contents`: one for each NextContent().
  Result<void> Finish(const std::vector<TarSplitContent>& contents);

 private:
  explicit TarSplitWriter(Fd fd);
  Result<void> FlushRun();

  const Fd fd_;
  ZstdFrameWriter frame_;
  std::string pending_;    // operations not compressed yet
  uint64_t position_ = 0;  // in the current content
  uint64_t run_ = 0;       // bytes of Data() not yet written as an operation
  uint64_t operations_size_ = 0;
  uint64_t archive_size_ = 0;
};

class TarSplitReader {
 public:
  // Errors name the file, here and below.
  static Result<std::unique_ptr<TarSplitReader>> Open(const std::string& path);

  uint64_t archive_size() const { return archive_size_; }
  const std::vector<TarSplitContent>& contents() const { return contents_; }

  // Runs through the archive: bytes of its own, and pieces of contents by number.
  Result<void> Run(FunctionRef<Result<void>(std::string_view bytes)> raw,
                   FunctionRef<Result<void>(size_t content, uint64_t offset, uint64_t size)> data);
  // Reads a spilled content.
  Result<void> ReadSpilled(const TarSplitContent& content,
                           FunctionRef<Result<void>(std::string_view bytes)> sink);

  // The error for a tar-split in which `what` is wrong.
  tl::unexpected<Error> Damaged(std::string_view what) const;

 private:
  TarSplitReader(std::string path, Fd fd) : path_(std::move(path)), fd_(std::move(fd)) {}
  Result<void> ReadTable();

  const std::string path_;
  const Fd fd_;
  uint64_t archive_size_ = 0;
  uint64_t operations_size_ = 0;
  std::vector<TarSplitContent> contents_;
};

}  // namespace veneer

#endif  // VENEER_LAYERDB_TAR_TAR_SPLIT_H_
