// SPDX-License-Identifier: Apache-2.0
#include "tools/registry/layer_bytes.h"

#include <memory>
#include <string>

#include "layerdb/base/fd.h"
#include "layerdb/base/hash.h"
#include "layerdb/base/sys.h"
#include "layerdb/transfer/checked_layer_tar.h"

namespace veneer {

namespace {

constexpr size_t kReadPiece = size_t{1} << 20;

}  // namespace

Result<void> LayerBytes::WriteArchive(const BlobSink& sink) const {
  uint64_t done = 0;
  VENEER_TRY_VOID(
      WriteCheckedLayerTar(store_, diff_id_, [&](std::string_view bytes) -> Result<void> {
        VENEER_TRY_VOID(Cancellation::Check(cancel_));
        VENEER_TRY_VOID(sink(bytes));
        progress_(done += bytes.size());
        return {};
      }));
  return {};
}

Result<void> LayerBytes::WriteCompressed(const Compression& compression,
                                         const BlobSink& sink) const {
  const std::unique_ptr<Compressor> compressor = Compressor::Create(compression);
  VENEER_TRY_VOID(
      WriteArchive([&](std::string_view bytes) { return compressor->Write(bytes, sink); }));
  return compressor->Finish(sink);
}

Result<void> LayerBytes::WriteBlob(const Digest& blob, const BlobSink& sink) const {
  VENEER_TRY(const Fd file, store_.OpenBlob(blob));
  const std::string name = "blob " + blob.ToString();
  Sha256Stream hash;
  std::string piece(kReadPiece, '\0');
  uint64_t done = 0;
  for (;;) {
    VENEER_TRY_VOID(Cancellation::Check(cancel_));
    VENEER_TRY_CTX(const size_t size, sys::ReadAt(file.get(), piece.data(), piece.size(), done),
                   name);
    if (size == 0) break;
    const std::string_view bytes(piece.data(), size);
    hash.Update(bytes);
    VENEER_TRY_VOID(sink(bytes));
    progress_(done += size);
  }
  if (*Digest::FromHex(hash.FinishHex()) == blob) return {};
  return DamageError(name + ", a layer as it travelled, is damaged");
}

}  // namespace veneer
