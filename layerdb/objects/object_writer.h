// SPDX-License-Identifier: Apache-2.0
//
// Writing objects: the writer of a content that comes in pieces, and what it needs of the owner of
// the unfinished work.
//
// Thread-safety: an ObjectWriter is used by one thread; an ObjectStaging may be used by several at
// once.
#ifndef VENEER_LAYERDB_OBJECTS_OBJECT_WRITER_H_
#define VENEER_LAYERDB_OBJECTS_OBJECT_WRITER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "layerdb/base/fd.h"
#include "layerdb/base/hash.h"
#include "layerdb/base/result.h"
#include "layerdb/index/records.h"
#include "layerdb/objects/content_hash.h"
#include "layerdb/objects/direct_writer.h"

namespace veneer {

class ObjectWriter;

// Unfinished objects of one import, commit or load, and which objects must be durable before its
// layer is published. The store's StoreWriter is one.
class ObjectStaging {
 public:
  virtual ~ObjectStaging() = default;

  // An object whose contents come in pieces. `size`: how many bytes it is to have; 0 where nobody
  // knows. A large one is written past the page cache, and read from the disk afterwards.
  virtual Result<std::unique_ptr<ObjectWriter>> NewObject(uint64_t size) = 0;
  // Makes `path`, a staged file open as `fd`, an object. `hash`: HashContentOf(fd).
  virtual Result<ObjectRef> MoveStaged(const std::string& path, int fd, const Hash128& hash) = 0;
  // An object of the store is used as it is. Another writer may have written it a moment ago, so it
  // is made durable with what this one writes.
  virtual void Reuse(const ObjectRef& ref) = 0;
};

// A content that comes in pieces. Destroying it without Finish() leaves nothing behind.
class ObjectWriter {
 public:
  // For ObjectStaging::NewObject().
  ObjectWriter(ObjectStaging& staging, std::string path, Fd fd, uint64_t size);
  ~ObjectWriter();
  ObjectWriter(const ObjectWriter&) = delete;
  ObjectWriter& operator=(const ObjectWriter&) = delete;

  // Long runs of zeros become holes.
  Result<void> Write(std::string_view bytes);
  // A hole of `size` bytes at the present end.
  Result<void> Hole(uint64_t size);
  uint64_t size() const { return hasher_.size(); }
  // Takes over the contents of the file `from` where the file system lets two files share them.
  // True: Write() is to be given these very bytes, and only hashes them. REQUIRES: nothing was
  // written yet.
  bool Clone(int from);
  // Open for reading.
  int fd() const { return fd_.get(); }
  // Of what was written so far; fewer bytes only at its end. REQUIRES: nobody knew the size.
  Sys<size_t> ReadAt(void* buffer, size_t size, uint64_t offset) const;
  // 512-byte blocks on disk. Call after Finish().
  uint64_t blocks() const { return blocks_; }
  // Ends the object. Call once.
  Result<ObjectRef> Finish();

 private:
  Result<void> WriteAt(std::string_view bytes, uint64_t offset);

  ObjectStaging& staging_;
  const std::string path_;
  Fd fd_;  // until Finish() has succeeded
  uint64_t direct_size_ =
      0;  // a size that is worth a DirectWriter, which comes with the first write
  std::unique_ptr<DirectWriter> direct_;
  bool cloned_ = false;
  uint64_t begun_ = 0;          // up to here the disk may have begun to write
  uint64_t waiting_zeros_ = 0;  // at the end, not written so far
  ContentHasher hasher_;
  uint64_t blocks_ = 0;
};

}  // namespace veneer

#endif  // VENEER_LAYERDB_OBJECTS_OBJECT_WRITER_H_
