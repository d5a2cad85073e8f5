// SPDX-License-Identifier: Apache-2.0
#include "layerdb/index/page_check.h"

#include <cstring>
#include <optional>
#include <string>

namespace veneer {
namespace {

constexpr size_t kPageHead = 16;
constexpr size_t kNodeHead = 8;
constexpr uint16_t kBranch = 0x01;
constexpr uint16_t kLeaf = 0x02;
constexpr uint16_t kOverflow = 0x04;
constexpr uint16_t kMeta = 0x08;
constexpr uint16_t kBigData = 0x01;
constexpr uint32_t kMagic = 0xBEEFC0DE;
constexpr uint32_t kVersion = 1;
constexpr size_t kDatabaseSize = 48;
constexpr size_t kMetaSize = 24 + 2 * kDatabaseSize + 16;
constexpr int kMaxDepth = 30;  // LMDB's cursor stack holds 32
constexpr size_t kMaxKey = 511;

struct Meta {
  uint64_t root = 0;
  uint64_t txn = 0;
  uint16_t depth = 0;
};

class Checker {
 public:
  Checker(std::string_view data, uint32_t page_size) : data_(data), page_size_(page_size) {}

  Result<uint64_t> Run() {
    const std::optional<Meta> first = ReadMeta(0);
    const std::optional<Meta> second = ReadMeta(1);
    if (!first || !second) return MakeError("a meta page is damaged");
    // LMDB uses the one with the higher transaction number, the first when they are equal.
    const Meta& meta = second->txn > first->txn ? *second : *first;
    if (!Walk(meta.root, 1, meta.depth)) {
      return MakeError("page " + std::to_string(bad_page_) + " is damaged");
    }
    return *first_value_;
  }

 private:
  template <class T>
  T Load(uint64_t at) const {
    T value;
    std::memcpy(&value, data_.data() + at, sizeof value);
    return value;
  }

  uint64_t pages() const { return data_.size() / page_size_; }

  std::optional<Meta> ReadMeta(uint64_t page) const {
    const uint64_t at = page * page_size_;
    if (Load<uint64_t>(at) != page || Load<uint16_t>(at + 10) != kMeta) return std::nullopt;
    const uint64_t meta = at + kPageHead;
    static_assert(kPageHead + kMetaSize <= 512);
    const uint64_t free_list = meta + 24;
    const uint64_t main = free_list + kDatabaseSize;
    const uint64_t last_page = Load<uint64_t>(main + kDatabaseSize);
    Meta out;
    out.depth = Load<uint16_t>(main + 6);
    out.root = Load<uint64_t>(main + 40);
    out.txn = Load<uint64_t>(main + kDatabaseSize + 8);
    // The database flags: a free list has integer keys (8; 0x4000 is "one file, no directory", which LMDB
    // keeps beside it), the main one none.
    const uint16_t free_flags = Load<uint16_t>(free_list + 4);
    if (Load<uint32_t>(meta) != kMagic || Load<uint32_t>(meta + 4) != kVersion ||
        Load<uint32_t>(free_list) != page_size_ || (free_flags & ~0x4000) != 8 ||
        Load<uint16_t>(main + 4) != 0 || last_page >= pages()) {
      return std::nullopt;
    }
    return out;
  }

  bool Bad(uint64_t page) {
    bad_page_ = page;
    return false;
  }

  // Checks the tree below `page`, all of whose leaves must lie at the same depth.
  bool Walk(uint64_t page, int depth, int tree_depth) {
    if (page < 2 || page >= pages() || depth > kMaxDepth || depth > tree_depth) return Bad(page);
    // A tree never has more pages than the file: a page that is reached twice would make the walk endless.
    if (++visited_ > pages()) return Bad(page);
    const uint64_t at = page * page_size_;
    const uint16_t flags = Load<uint16_t>(at + 10);
    const size_t lower = Load<uint16_t>(at + 12);
    const size_t upper = Load<uint16_t>(at + 14);
    if (Load<uint64_t>(at) != page || (flags != kBranch && flags != kLeaf) || lower < kPageHead ||
        lower > upper || upper > page_size_ || lower % 2 != 0) {
      return Bad(page);
    }
    const size_t keys = (lower - kPageHead) / 2;
    const bool leaf = flags == kLeaf;
    if (leaf != (depth == tree_depth) || keys < (leaf ? 1 : 2)) return Bad(page);
    for (size_t i = 0; i < keys; ++i) {
      const size_t offset = Load<uint16_t>(at + kPageHead + 2 * i);
      if (offset < lower || offset > page_size_ - kNodeHead || offset % 2 != 0) return Bad(page);
      const uint64_t node = at + offset;
      const uint64_t low = Load<uint16_t>(node);
      const uint64_t high = Load<uint16_t>(node + 2);
      const uint16_t node_flags = Load<uint16_t>(node + 4);
      const size_t key = Load<uint16_t>(node + 6);
      const size_t room = page_size_ - offset - kNodeHead;
      if (key > kMaxKey || key > room) return Bad(page);
      if (leaf) {
        if (!CheckLeafNode(node + kNodeHead + key, room - key, low | high << 16, node_flags)) {
          return Bad(page);
        }
      } else if (!Walk(low | high << 16 | uint64_t{node_flags} << 32, depth + 1, tree_depth)) {
        return false;
      }
    }
    return true;
  }

  bool CheckLeafNode(uint64_t data_at, size_t room, uint64_t size, uint16_t node_flags) {
    if (node_flags == 0) {
      if (size > room) return false;
    } else if (node_flags == kBigData) {
      if (room < 8) return false;
      const auto page = Load<uint64_t>(data_at);
      if (page < 2 || page >= pages()) return false;
      data_at = page * page_size_;
      const uint64_t count = Load<uint32_t>(data_at + 12);
      if (Load<uint64_t>(data_at) != page || Load<uint16_t>(data_at + 10) != kOverflow ||
          count > pages() - page || size + kPageHead > count * page_size_) {
        return false;
      }
      data_at += kPageHead;
    } else {
      return false;
    }
    if (!first_value_) first_value_ = data_at;
    return true;
  }

  const std::string_view data_;
  const uint64_t page_size_;
  uint64_t visited_ = 0;
  uint64_t bad_page_ = 0;
  std::optional<uint64_t> first_value_;
};

}  // namespace

Result<uint64_t> CheckPages(std::string_view data, uint32_t page_size) {
  return Checker(data, page_size).Run();
}

}  // namespace veneer
