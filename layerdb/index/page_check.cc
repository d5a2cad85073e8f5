// SPDX-License-Identifier: Apache-2.0
#include "layerdb/index/page_check.h"

#include <bit>
#include <optional>
#include <string>
#include <vector>

#include "layerdb/base/walk.h"
#include "layerdb/index/load_value.h"

namespace veneer {
namespace {

constexpr size_t kPageHead = 16;
constexpr size_t kNodeHead = 8;
constexpr uint16_t kBranch = 0x01;
constexpr uint16_t kLeaf = 0x02;
constexpr uint16_t kOverflow = 0x04;
constexpr uint16_t kMeta = 0x08;
constexpr uint16_t kBigData = 0x01;
constexpr uint32_t kLmdbMagic = 0xBEEFC0DE;
constexpr uint32_t kLmdbVersion = 1;
constexpr size_t kDatabaseSize = 48;
constexpr size_t kMetaSize = 24 + 2 * kDatabaseSize + 16;
constexpr int kMaxDepth = 30;  // LMDB's cursor stack holds 32
constexpr size_t kMaxKey = 511;

constexpr uint64_t kNoPage = UINT64_MAX;
constexpr uint32_t kMinPageSize = 512;
constexpr uint32_t kMaxPageSize = 65536;

struct Tree {
  uint64_t root = 0;
  uint64_t entries = 0;
  uint16_t depth = 0;
};

struct Meta {
  Tree main;
  Tree free_list;
  uint64_t last_page = 0;
  uint64_t txn = 0;
};

class Checker {
 public:
  Checker(std::string_view data, uint32_t page_size) : data_(data), page_size_(page_size) {}

  Result<uint64_t> RunSealed() {
    const std::optional<Meta> meta = NewestMeta();
    if (!meta || meta->last_page >= pages()) return MakeError("a meta page is damaged");
    if (!Walk(meta->main.root, 1, meta->main.depth)) return Damaged();
    return *first_value_;
  }

  Result<void> RunWritable() {
    const std::optional<Meta> meta = NewestMeta();
    if (!meta) return MakeError("a meta page is damaged");
    seen_.emplace(pages(), false);
    last_page_ = meta->last_page;
    if (!WalkTree(meta->main)) return Damaged();
    in_free_list_ = true;
    if (!WalkTree(meta->free_list)) return Damaged();
    return {};
  }

 private:
  // LMDB uses the one with the higher transaction number, the first when they are equal.
  std::optional<Meta> NewestMeta() const {
    const std::optional<Meta> first = ReadMeta(0);
    const std::optional<Meta> second = ReadMeta(1);
    if (!first || !second) return std::nullopt;
    return second->txn > first->txn ? second : first;
  }

  tl::unexpected<Error> Damaged() const {
    if (bad_page_ >= pages()) {
      return MakeError("it is cut short: page " + std::to_string(bad_page_) + " is missing");
    }
    return MakeError("page " + std::to_string(bad_page_) + " is damaged");
  }

  bool WalkTree(const Tree& tree) {
    entries_ = 0;
    last_key_.reset();
    if (tree.root == kNoPage) return tree.entries == 0 || Bad(0);
    if (!Walk(tree.root, 1, tree.depth)) return false;
    return entries_ == tree.entries || Bad(tree.root);
  }

  template <class T>
  T Load(uint64_t at) const {
    return LoadValue<T>(data_, at);
  }

  uint64_t pages() const { return data_.size() / page_size_; }

  std::optional<Meta> ReadMeta(uint64_t page) const {
    const uint64_t at = page * page_size_;
    if (Load<uint64_t>(at) != page || Load<uint16_t>(at + 10) != kMeta) return std::nullopt;
    const uint64_t meta = at + kPageHead;
    static_assert(kPageHead + kMetaSize <= 512);
    const uint64_t free_list = meta + 24;
    const uint64_t main = free_list + kDatabaseSize;
    Meta out;
    out.main = ReadTree(main);
    out.free_list = ReadTree(free_list);
    out.last_page = Load<uint64_t>(main + kDatabaseSize);
    out.txn = Load<uint64_t>(main + kDatabaseSize + 8);
    // The database flags: a free list has integer keys (8; 0x4000 is "one file, no directory",
    // which LMDB keeps beside it), the main one none.
    const uint16_t free_flags = Load<uint16_t>(free_list + 4);
    if (Load<uint32_t>(meta) != kLmdbMagic || Load<uint32_t>(meta + 4) != kLmdbVersion ||
        Load<uint32_t>(free_list) != page_size_ || (free_flags & ~0x4000) != 8 ||
        Load<uint16_t>(main + 4) != 0) {
      return std::nullopt;
    }
    return out;
  }

  Tree ReadTree(uint64_t at) const {
    return {Load<uint64_t>(at + 40), Load<uint64_t>(at + 32), Load<uint16_t>(at + 6)};
  }

  bool Bad(uint64_t page) {
    bad_page_ = page;
    return false;
  }

  // Checks the tree below `page`, all of whose leaves must lie at the same depth.
  bool Walk(uint64_t page, int depth, int tree_depth) {
    if (page < 2 || page >= pages() || depth > kMaxDepth || depth > tree_depth) return Bad(page);
    // A tree never has more pages than the file: a page that is reached twice would make the walk
    // endless.
    if (++visited_ > pages() || !Use(page)) return Bad(page);
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
        if (!CheckLeafNode(node + kNodeHead + key, room - key, low | high << 16, node_flags) ||
            (seen_ && !CheckEntry(data_.substr(node + kNodeHead, key), low | high << 16))) {
          return Bad(page);
        }
      } else if (!Walk(low | high << 16 | uint64_t{node_flags} << 32, depth + 1, tree_depth)) {
        return false;
      }
    }
    return true;
  }

  // Nothing is used twice, where that is asked for: what is free would be written over.
  bool Use(uint64_t page) {
    if (!seen_ || page >= seen_->size()) return true;
    if ((*seen_)[page]) return false;
    (*seen_)[page] = true;
    return true;
  }

  // An entry of a database that will be written to, behind CheckLeafNode().
  bool CheckEntry(std::string_view key, uint64_t size) {
    ++entries_;
    if (!in_free_list_) {
      if (key.empty() || (last_key_ && key <= *last_key_)) return false;
      last_key_ = key;
      return true;
    }
    // u64 transaction -> u64 count, then as many page numbers
    if (key.size() != 8 || size < 8 || size % 8 != 0) return false;
    const auto count = Load<uint64_t>(value_at_);
    if (count > size / 8 - 1) return false;
    for (uint64_t i = 1; i <= count; ++i) {
      const auto page = Load<uint64_t>(value_at_ + 8 * i);
      if (page < 2 || page > last_page_ || !Use(page)) return false;
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
      for (uint64_t i = 0; i < count; ++i) {
        if (!Use(page + i)) return false;
      }
      data_at += kPageHead;
    } else {
      return false;
    }
    if (!first_value_) first_value_ = data_at;
    value_at_ = data_at;
    return true;
  }

  const std::string_view data_;
  const uint64_t page_size_;
  uint64_t visited_ = 0;
  uint64_t bad_page_ = 0;
  std::optional<uint64_t> first_value_;
  uint64_t value_at_ = 0;  // of the entry checked last
  // For databases that will be written to:
  std::optional<std::vector<bool>> seen_;  // pages in use or in the free list
  uint64_t last_page_ = 0;
  bool in_free_list_ = false;
  uint64_t entries_ = 0;
  std::optional<std::string_view> last_key_;
};

}  // namespace

Result<uint64_t> CheckPages(std::string_view data, uint32_t page_size) {
  return Checker(data, page_size).RunSealed();
}

Result<void> CheckDatabase(std::string_view data) {
  // The first page says how large pages are: the pad of its free list's record.
  if (data.size() < kMinPageSize) return MakeError("it is cut short");
  const auto page_size = LoadValue<uint32_t>(data, kPageHead + 24);
  if (page_size < kMinPageSize || page_size > kMaxPageSize || !std::has_single_bit(page_size)) {
    return MakeError("a meta page is damaged");
  }
  if (data.size() < 2 * uint64_t{page_size}) return MakeError("it is cut short");
  return Checker(data, page_size).RunWritable();
}

}  // namespace veneer
