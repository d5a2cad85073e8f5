// SPDX-License-Identifier: Apache-2.0
#include "layerdb/objects/content_hash.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "layerdb/base/sys.h"
#include "layerdb/base/zeros.h"

namespace veneer {
namespace {

std::string LittleEndian(uint64_t value) {
  std::string out;
  for (int shift = 0; shift < 64; shift += 8) out.push_back(static_cast<char>(value >> shift));
  return out;
}

}  // namespace

void ContentHasher::Update(std::string_view bytes) {
  size_ += bytes.size();
  if (!partial_.empty()) {
    const size_t n = std::min(bytes.size(), kBlock - partial_.size());
    partial_.append(bytes.substr(0, n));
    bytes.remove_prefix(n);
    if (partial_.size() < kBlock) return;
    Block(partial_);
    partial_.clear();
  }
  for (; bytes.size() >= kBlock; bytes.remove_prefix(kBlock)) Block(bytes.substr(0, kBlock));
  partial_.assign(bytes);
}

void ContentHasher::Zeros(uint64_t count) {
  if (!partial_.empty()) {
    const uint64_t n = std::min<uint64_t>(count, kBlock - partial_.size());
    Update(std::string(n, '\0'));
    count -= n;
  }
  const uint64_t blocks = count / kBlock;
  ZeroBlocks(blocks);
  size_ += blocks * kBlock;
  Update(std::string(count % kBlock, '\0'));
}

void ContentHasher::Block(std::string_view block) {
  if (IsZero(block)) {
    ZeroBlocks(1);
  } else {
    stream_.Update(block);
    ++blocks_;
  }
}

void ContentHasher::ZeroBlocks(uint64_t count) {
  if (count == 0) return;
  if (!runs_.empty() && runs_.back().first + runs_.back().second == blocks_) {
    runs_.back().second += count;
  } else {
    runs_.emplace_back(blocks_, count);
  }
  blocks_ += count;
}

Hash128 ContentHasher::Finish() {
  stream_.Update(partial_);
  if (!runs_.empty()) {
    for (const auto& [first, count] : runs_) {
      stream_.Update(LittleEndian(first));
      stream_.Update(LittleEndian(count));
    }
    stream_.Update(LittleEndian(size_));
  }
  return stream_.Finish();
}

Hash128 HashContent(std::string_view bytes) {
  if (bytes.size() < ContentHasher::kBlock) return Xxh128(bytes);
  ContentHasher hasher;
  hasher.Update(bytes);
  return hasher.Finish();
}

Sys<void> ForEachData(int fd, uint64_t size,
                      FunctionRef<bool(uint64_t offset, uint64_t length)> sink) {
  uint64_t at = 0;
  while (at < size) {
    const off_t data = lseek(fd, static_cast<off_t>(at), SEEK_DATA);
    if (data < 0) {
      if (errno == ENXIO) return {};  // only a hole is left
      if (errno != EINVAL) return FailErrno();
      sink(at, size - at);  // a file system that knows no holes
      return {};
    }
    off_t hole = lseek(fd, data, SEEK_HOLE);
    if (hole < 0) return FailErrno();
    const uint64_t end = std::min(static_cast<uint64_t>(hole), size);
    const auto start = static_cast<uint64_t>(data);
    if (start >= end) return {};
    if (!sink(start, end - start)) return {};
    at = end;
  }
  return {};
}

Sys<Hash128> HashContentOf(int fd) {
  struct stat st;
  if (fstat(fd, &st) != 0) return FailErrno();
  const auto size = static_cast<uint64_t>(st.st_size);
  ContentHasher hasher;
  std::string buffer(std::min<uint64_t>(size, uint64_t{256} * 1024), '\0');
  Sys<void> read;
  VENEER_TRY_VOID(ForEachData(fd, size, [&](uint64_t offset, uint64_t length) {
    hasher.Zeros(offset - hasher.size());
    while (length > 0) {
      Sys<size_t> n =
          sys::ReadAt(fd, buffer.data(), std::min<uint64_t>(length, buffer.size()), hasher.size());
      if (!n || *n == 0) {
        read = Fail(n ? EIO : n.error().code);
        return false;
      }
      hasher.Update(std::string_view(buffer.data(), *n));
      length -= *n;
    }
    return true;
  }));
  VENEER_TRY_VOID(read);
  hasher.Zeros(size - hasher.size());
  return hasher.Finish();
}

}  // namespace veneer
