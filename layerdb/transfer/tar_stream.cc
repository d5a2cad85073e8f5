// SPDX-License-Identifier: Apache-2.0
#include "layerdb/transfer/tar_stream.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "layerdb/base/sys.h"
#include "layerdb/base/zeros.h"

namespace veneer {

namespace {

constexpr size_t kFlushSize = size_t{1} << 20;
constexpr size_t kScanSize = size_t{256} << 10;
constexpr uint64_t kZeroBlock = 4096;

}  // namespace

std::string TarHeaders::Header(TarOutput entry, const std::optional<TarLinkKey>& key) {
  if (key) first_names_.try_emplace(*key, entry.path);
  entry.xattrs = acls_.Undo(entry);
  return EncodeTarEntry(entry);
}

const std::string* TarHeaders::FirstName(const TarLinkKey& key) const {
  const auto first = first_names_.find(key);
  return first == first_names_.end() ? nullptr : &first->second;
}

std::optional<std::string> TarHeaders::HardLink(TarOutput entry,
                                                const std::optional<TarLinkKey>& key) const {
  const std::string* first = key ? FirstName(*key) : nullptr;
  if (first == nullptr) return std::nullopt;
  entry.hard_link = true;
  entry.link = *first;
  return EncodeTarEntry(entry);
}

std::string TarHeaders::Mark(std::string_view path) {
  TarOutput entry;
  entry.path = path;
  entry.attr.mode = 0600;
  return EncodeTarEntry(entry);
}

TarStream::TarStream(TarSink sink) : sink_(sink) { buffer_.reserve(kFlushSize); }

Result<void> TarStream::Flush() {
  const Result<void> written = buffer_.empty() ? Result<void>() : sink_(buffer_);
  buffer_.clear();
  return written;
}

Result<void> TarStream::Raw(std::string_view bytes) {
  size_ += bytes.size();
  if (buffer_.size() + bytes.size() > kFlushSize) VENEER_TRY_VOID(Flush());
  if (bytes.size() >= kFlushSize) return sink_(bytes);
  buffer_.append(bytes);
  return {};
}

Result<bool> TarStream::HardLink(const TarOutput& entry, const std::optional<TarLinkKey>& key) {
  const std::optional<std::string> header = headers_.HardLink(entry, key);
  if (header) VENEER_TRY_VOID(Raw(*header));
  return header.has_value();
}

Result<void> TarStream::Entry(const TarOutput& entry, const std::optional<TarLinkKey>& key) {
  return Raw(headers_.Header(entry, key));
}

Result<void> TarStream::File(const TarOutput& entry, const std::optional<TarLinkKey>& key,
                             ReadContent read) {
  VENEER_TRY_VOID(Raw(headers_.Header(entry, key)));
  const SparseExtent whole{0, entry.attr.size};
  const std::span<const SparseExtent> extents =
      entry.sparse != nullptr ? std::span(*entry.sparse) : std::span(&whole, 1);
  uint64_t total = 0;
  for (const SparseExtent& extent : extents) {
    total += extent.size;
    for (uint64_t done = 0; done < extent.size;) {
      if (buffer_.size() == kFlushSize) VENEER_TRY_VOID(Flush());
      // Straight into the buffer.
      const size_t at = buffer_.size();
      const auto want =
          static_cast<size_t>(std::min<uint64_t>(kFlushSize - at, extent.size - done));
      buffer_.resize(at + want);
      VENEER_TRY_VOID(read(extent.offset + done, std::span(buffer_).subspan(at, want)));
      done += want;
      size_ += want;
    }
  }
  return Raw(std::string(TarPadding(total), '\0'));
}

Result<uint64_t> TarStream::Finish() {
  VENEER_TRY_VOID(Raw(TarEndMark()));
  VENEER_TRY_VOID(Flush());
  return size_;
}

void ZeroRuns::EndRun(uint64_t end) {
  if (end - zeros_from_ >= kSparseRun) runs_.push_back({zeros_from_, end - zeros_from_});
}

void ZeroRuns::Update(std::string_view piece) {
  for (; !piece.empty(); piece.remove_prefix(std::min<size_t>(kZeroBlock, piece.size()))) {
    const std::string_view block = piece.substr(0, kZeroBlock);
    if (!IsZero(block)) {
      EndRun(at_);
      zeros_from_ = at_ + block.size();
    }
    at_ += block.size();
  }
}

std::vector<SparseExtent> ZeroRuns::Finish(uint64_t size) {
  EndRun(size);
  return std::move(runs_);
}

Result<std::optional<std::vector<SparseExtent>>> SparseExtentsOf(int fd, uint64_t size) {
  if (size < kMinHoles) return std::nullopt;
  ZeroRuns runs;
  std::string buffer(kScanSize, '\0');
  for (uint64_t at = 0; at < size;) {
    const off_t data = ::lseek(fd, static_cast<off_t>(at), SEEK_DATA);
    if (data < 0 && errno == ENXIO) break;  // a hole up to the end
    if (data > 0) {
      // Runs are counted in whole blocks of the file.
      const uint64_t skip = static_cast<uint64_t>(data) / kZeroBlock * kZeroBlock;
      if (skip >= size) break;
      at = std::max(at, skip);
      runs.SkipTo(at);
    }
    const auto want = static_cast<size_t>(std::min<uint64_t>(buffer.size(), size - at));
    VENEER_TRY_CTX(const size_t got, sys::ReadAt(fd, buffer.data(), want, at), "read");
    if (got == 0) break;
    runs.Update({buffer.data(), got});
    at += got;
  }
  bool sparse = false;
  std::vector<SparseExtent> extents = DataExtents(runs.Finish(size), size, &sparse);
  if (!sparse) return std::nullopt;
  return extents;
}

}  // namespace veneer
