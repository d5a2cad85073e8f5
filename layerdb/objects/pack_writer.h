// SPDX-License-Identifier: Apache-2.0
//
// PackWriter: small contents of a layer, side by side in one object, the pack, in the order in
// which they come. Reading one of them after the other, as whoever walks a tree does, is then
// reading one file from start to end: the kernel reads ahead, and there is one descriptor for all
// of them. A file each would cost an inode, a directory entry, a block and three visits to the
// disk. What the store has already, in a pack of this or another layer, is not written again.
//
// Order of use: Put… → Finish → Where… → (index and tar-split are written) → Remember. A layer may
// be published later: who finds a slice makes its pack durable (ObjectStaging::Reuse), and no
// writer takes back what a layer needs.
//
// Thread-safety: none.
#ifndef VENEER_LAYERDB_OBJECTS_PACK_WRITER_H_
#define VENEER_LAYERDB_OBJECTS_PACK_WRITER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "layerdb/base/fd.h"
#include "layerdb/base/result.h"
#include "layerdb/objects/pack_index.h"

namespace veneer {

class ObjectStaging;
class ObjectStore;
class ObjectWriter;

class PackWriter {
 public:
  // `index`: the directory of the PackIndex. `objects` and `staging` must outlive it.
  PackWriter(const ObjectStore& objects, std::string index, ObjectStaging& staging);
  ~PackWriter();
  PackWriter(const PackWriter&) = delete;
  PackWriter& operator=(const PackWriter&) = delete;

  // Takes a copy of `bytes`; gives their number, 0 for the first.
  Result<uint32_t> Put(std::string_view bytes);
  // Ends the pack. Call once.
  Result<void> Finish();
  // REQUIRES: Finish() has succeeded.
  PackExtent Where(uint32_t number) const;
  // Lets later layers find what is in this pack. A failure is logged: it costs space only.
  void Remember();

 private:
  struct Waiting {
    uint32_t number;
    Hash128 hash;
    size_t begin;  // in waiting_bytes_
    size_t size;
  };
  // Where a content is; without an object: in the pack that is being written.
  struct Location {
    std::optional<ObjectRef> object;
    uint64_t offset = 0;
  };

  void OpenIndex();
  Result<void> LocateWaiting();
  std::vector<std::optional<PackExtent>> FindWaiting() const;
  bool Holds(const PackExtent& extent, std::string_view bytes);
  bool HoldsItself(uint64_t offset, std::string_view bytes);
  Result<Location> Append(std::string_view bytes);
  Result<void> Flush();

  const ObjectStore& objects_;
  const std::string index_path_;
  ObjectStaging& staging_;
  std::unique_ptr<PackIndex> index_;  // null: there is none yet
  bool index_failed_ = false;
  std::vector<Waiting> waiting_;
  std::string waiting_bytes_;
  std::vector<Location> locations_;
  std::map<Hash128, uint32_t> first_;  // contents of this pack, to their first number
  std::map<ObjectRef, Fd> packs_;      // of other layers
  std::unique_ptr<ObjectWriter> writer_;
  std::string unwritten_;
  std::string compared_;
  ObjectRef pack_;
};

}  // namespace veneer

#endif  // VENEER_LAYERDB_OBJECTS_PACK_WRITER_H_
