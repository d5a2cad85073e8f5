// SPDX-License-Identifier: Apache-2.0
//
// DirectWriter: writes a large file past the page cache (open(2), O_DIRECT), in a thread of its
// own. A file of gigabytes that goes through the cache waits for the disk anyway, because the
// kernel lets only so much of memory be dirty, and takes twice as long for it.
//
// Thread-safety: used by one thread.
#ifndef VENEER_LAYERDB_OBJECTS_DIRECT_WRITER_H_
#define VENEER_LAYERDB_OBJECTS_DIRECT_WRITER_H_

#include <cstdint>
#include <memory>
#include <string_view>

#include "layerdb/base/result.h"
#include "layerdb/threads/bounded_queue.h"
#include "layerdb/threads/buffer_pool.h"
#include "layerdb/threads/worker.h"

namespace veneer {

class DirectWriter {
 public:
  // `fd`: an empty regular file, open for writing, that outlives the writer; `size`: the bytes that
  // it will have. nullptr where the file system writes through the cache alone, or there is no
  // thread to be had.
  static std::unique_ptr<DirectWriter> Begin(int fd, uint64_t size);
  ~DirectWriter();
  DirectWriter(const DirectWriter&) = delete;
  DirectWriter& operator=(const DirectWriter&) = delete;

  // Writes `bytes` at `offset`, which is not below the end of what was written before; between the
  // two is a hole.
  Result<void> Write(std::string_view bytes, uint64_t offset);
  // Writes what is left, and gives the file its size, which is not below the end of what was
  // written. Call once.
  Result<void> Finish(uint64_t size);

 private:
  struct Piece {
    std::shared_ptr<char> bytes;
    size_t size = 0;
    uint64_t offset = 0;
    uint64_t end() const { return offset + size; }
    std::string_view view() const { return {bytes.get(), size}; }
  };

  DirectWriter(int fd, uint64_t size);
  // The thread: writes the pieces that are queued.
  Result<void> WriteQueued();
  Result<void> WriteNow(std::string_view bytes, uint64_t offset);
  // Takes from [from, to) the blocks that were allocated in advance.
  void FreeHole(uint64_t from, uint64_t to) const;
  // Queues what has gathered.
  Result<void> Flush();
  // Waits for the thread; what has gathered, and all that follows, goes through the cache.
  Result<void> Stop();

  const int fd_;
  const uint64_t size_;
  BufferPool buffers_;
  BoundedQueue<Piece> queue_;
  Piece gathering_;
  // The thread's, while it runs.
  uint64_t written_ = 0;    // the end of what was written
  uint64_t allocated_ = 0;  // up to here the file has blocks

  std::unique_ptr<Worker> thread_;  // last: it uses the others
};

}  // namespace veneer

#endif  // VENEER_LAYERDB_OBJECTS_DIRECT_WRITER_H_
