// SPDX-License-Identifier: Apache-2.0
#include "tools/registry/layer_download.h"

#include <algorithm>
#include <string>
#include <utility>

#include "layerdb/base/sys.h"

namespace veneer {

namespace {

constexpr size_t kPiece = size_t{256} << 10;

}  // namespace

LayerDownload::LayerDownload(RegistryClient& client, const Descriptor& blob, PartialBlob& partial,
                             Progress progress)
    : client_(client),
      blob_(blob),
      partial_(partial),
      progress_(std::move(progress)),
      hash_(blob.digest.algorithm()) {}

Result<std::unique_ptr<LayerDownload>> LayerDownload::Start(RegistryClient& client,
                                                            const Descriptor& blob,
                                                            PartialBlob& partial,
                                                            Progress progress) {
  std::unique_ptr<LayerDownload> download(
      new LayerDownload(client, blob, partial, std::move(progress)));
  VENEER_TRY(download->feeder_, PipeFeeder::Start([one = download.get()](const auto& give) {
               return one->Fetch(give);
             }));
  return download;
}

Result<void> LayerDownload::Fetch(const PipeFeeder::Give& give) {
  const auto pass = [&](std::string_view bytes) -> Result<void> {
    hash_.Update(bytes);
    return give(bytes);
  };
  VENEER_TRY(uint64_t done, partial_.Size());
  if (done > blob_.size) {
    done = 0;
    VENEER_TRY_VOID(partial_.Clear());
  }
  std::string buffer(static_cast<size_t>(std::min<uint64_t>(kPiece, done)), '\0');
  for (uint64_t at = 0; at < done;) {
    const size_t want = std::min<uint64_t>(buffer.size(), done - at);
    VENEER_TRY_CTX(const size_t got, sys::ReadAt(partial_.fd(), buffer.data(), want, at),
                   partial_.path());
    if (got == 0) return MakeError(partial_.path() + ": cut short while it was read");
    VENEER_TRY_VOID(pass(std::string_view(buffer).substr(0, got)));
    at += got;
    progress_(at);
  }
  // A server that is asked for what lies behind the end may answer anything.
  if (done == blob_.size) return {};
  return client_.GetBlob(
      blob_.digest, blob_.size, done, [&](std::string_view bytes) -> Result<void> {
        VENEER_TRY_CTX_VOID(sys::WriteAt(partial_.fd(), bytes, done), partial_.path());
        VENEER_TRY_VOID(pass(bytes));
        done += bytes.size();
        progress_(done);
        return {};
      });
}

Result<std::optional<BlobDigest>> LayerDownload::Finish() {
  VENEER_TRY(const bool all, feeder_->Finish());
  return all ? std::optional(hash_.Finish()) : std::nullopt;
}

}  // namespace veneer
