// SPDX-License-Identifier: Apache-2.0
#include "layerdb/transfer/checked_layer_tar.h"

#include <algorithm>
#include <memory>
#include <string_view>
#include <utility>

#include "layerdb/tar/block.h"
#include "layerdb/threads/buffer_pool.h"
#include "layerdb/transfer/archive_hasher.h"

namespace veneer {

namespace {

constexpr size_t kPiece = size_t{1} << 20;
// What the digest may lag behind.
constexpr size_t kQueued = 2;

}  // namespace

Result<uint64_t> WriteCheckedLayerTar(const Store& store, const Digest& diff_id, TarSink sink) {
  VENEER_TRY(const uint64_t expected, LayerTarSize(store, diff_id));
  const auto damaged = [&](const char* what) {
    return DamageError("layer " + diff_id.ToString() + " is damaged: its archive has another " +
                       what);
  };
  ArchiveHasher hasher(kQueued);
  uint64_t total = 0;
  BufferPool buffers(kPiece);
  std::shared_ptr<char> piece;
  size_t filled = 0;
  const auto hand_on = [&]() -> Result<void> {
    const std::shared_ptr<char> full = std::exchange(piece, nullptr);
    const std::string_view bytes(full.get(), std::exchange(filled, 0));
    hasher.Update(SharedBytes{full, bytes});
    return sink(bytes);
  };
  const auto take = [&](std::string_view bytes) -> Result<void> {
    total += bytes.size();
    // A reader that was told the size must not get more.
    if (total > expected) return damaged("size");
    while (!bytes.empty()) {
      if (piece == nullptr) piece = buffers.Get();
      const size_t size = std::min(kPiece - filled, bytes.size());
      std::copy_n(bytes.data(), size, piece.get() + filled);
      filled += size;
      bytes.remove_prefix(size);
      if (filled == kPiece) VENEER_TRY_VOID(hand_on());
    }
    return {};
  };
  VENEER_TRY_VOID(WriteLayerTar(store, diff_id, take));
  if (total != expected) return damaged("size");
  if (filled > 0) VENEER_TRY_VOID(hand_on());
  VENEER_TRY(const Digest digest, hasher.Finish());
  if (digest != diff_id) return damaged("digest");
  return total;
}

}  // namespace veneer
