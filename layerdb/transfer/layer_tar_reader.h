// SPDX-License-Identifier: Apache-2.0
//
// LayerTarReader: takes the uncompressed archive of a layer in pieces and gives a LayerAssembler
// its entries, contents and tar-split. Small contents go into the index, middling ones to
// ContentWriters, large and sparse ones straight into an object as they come. Not thread-safe.
#ifndef VENEER_LAYERDB_TRANSFER_LAYER_TAR_READER_H_
#define VENEER_LAYERDB_TRANSFER_LAYER_TAR_READER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "layerdb/base/result.h"
#include "layerdb/objects/object_store.h"
#include "layerdb/objects/object_writer.h"
#include "layerdb/store/store_writer.h"
#include "layerdb/tar/mapping.h"
#include "layerdb/tar/parser.h"
#include "layerdb/threads/shared_bytes.h"
#include "layerdb/transfer/content_writers.h"
#include "layerdb/transfer/layer_assembler.h"

namespace veneer {

class LayerTarReader {
 public:
  LayerTarReader(StoreWriter& store_writer, LayerAssembler& layer, ContentWriters& writers)
      : store_writer_(store_writer), layer_(layer), writers_(writers) {}

  // The next bytes of the archive. Contents keep `slice.keep` as long as they need the bytes.
  Result<void> Read(const SharedBytes& slice);
  // The archive has ended. `may_be_nothing`: no bytes at all are an empty layer.
  Result<void> Finish(bool may_be_nothing);
  // Why other readers of image layers refuse the archive; empty: nothing is known against it.
  std::string peculiarity() const;

  // Bytes of the archive taken so far.
  uint64_t archive_bytes() const { return parser_.position(); }

 private:
  // How the contents of the present entry are stored.
  enum class Storing { kNot, kWhole, kStream };

  Result<void> OnEntry();
  Result<void> AddObject(const LayerName& name);
  Result<void> OnData(const SharedBytes& slice);
  Result<void> OnEntryEnd();
  std::string WholeBytes() const;
  Result<void> ReadAcls(TarEntry* entry, TreeBuilder::Object* object);
  Result<void> ResolveAcls();
  tl::unexpected<Error> InEntry(Error error) const;

  StoreWriter& store_writer_;
  LayerAssembler& layer_;
  ContentWriters& writers_;
  TarParser parser_;

  Storing storing_ = Storing::kNot;
  uint32_t content_ = 0;
  std::vector<SharedBytes> slices_;                    // kWhole
  std::vector<std::pair<uint64_t, uint64_t>> pieces_;  // kWhole: offset and size in the file
  std::unique_ptr<ObjectWriter> writer_;               // kStream

  // Owners' names as the archive's entries have them, for ACLs that name people without their ids,
  // and the ACLs that wait for them.
  std::map<std::pair<bool, std::string>, uint32_t> ids_;
  struct WaitingAcl {
    TreeBuilder::Node node;
    std::string_view xattr;
    std::string text;
  };
  std::vector<WaitingAcl> waiting_acls_;
};

}  // namespace veneer

#endif  // VENEER_LAYERDB_TRANSFER_LAYER_TAR_READER_H_
