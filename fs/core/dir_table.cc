// SPDX-License-Identifier: Apache-2.0
#include "fs/core/dir_table.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "layerdb/base/hash.h"

namespace veneer {

namespace {
// Up to this many children a scan is faster than a hash table, and most directories have fewer.
constexpr size_t kScanLimit = 8;
// Fewer dead children than this are not worth copying the others.
constexpr size_t kLeastDead = 32;
}  // namespace

const char* DirTable::Store(std::string_view name) {
  if (text_used_ + name.size() > text_size_) {
    text_size_ =
        std::max<size_t>(name.size(), std::min<size_t>(4096, std::max<size_t>(64, text_size_ * 2)));
    text_.push_back(std::make_unique<char[]>(text_size_));
    text_used_ = 0;
  }
  char* at = text_.back().get() + text_used_;
  std::memcpy(at, name.data(), name.size());
  text_used_ += name.size();
  return at;
}

uint32_t* DirTable::Slot(std::string_view name) {
  const size_t mask = buckets_.size() - 1;
  for (size_t at = Xxh64(name) & mask;; at = (at + 1) & mask) {
    uint32_t& slot = buckets_[at];
    if (slot == kEmpty) return nullptr;
    if (slot != kTombstone && children_[slot - 1].name() == name) return &slot;
  }
}

DirTable::Child* DirTable::Find(std::string_view name) {
  if (buckets_.empty()) {
    for (Child& child : children_) {
      if (!child.dead && child.name() == name) return &child;
    }
    return nullptr;
  }
  const uint32_t* slot = Slot(name);
  return slot == nullptr ? nullptr : &children_[*slot - 1];
}

void DirTable::Rehash(size_t buckets) {
  buckets_.assign(buckets, kEmpty);
  used_buckets_ = 0;
  for (uint32_t i = 0; i < children_.size(); ++i) {
    if (!children_[i].dead) Insert(i);
  }
}

void DirTable::Insert(uint32_t index) {
  const size_t mask = buckets_.size() - 1;
  size_t at = Xxh64(children_[index].name()) & mask;
  while (buckets_[at] != kEmpty && buckets_[at] != kTombstone) at = (at + 1) & mask;
  if (buckets_[at] == kEmpty) ++used_buckets_;
  buckets_[at] = index + 1;
}

uint64_t DirTable::CookieOf(int64_t order) {
  const bool moved = order < static_cast<int64_t>(kFirstCookie);
  return static_cast<uint64_t>(moved ? order + kMoved : order);
}

int64_t DirTable::OrderOf(uint64_t cookie) {
  const auto order = static_cast<int64_t>(cookie);
  return order > kMoved / 2 ? order - kMoved : order;
}

DirTable::Child& DirTable::Load(std::string_view name, bool persistent) {
  const auto number = static_cast<int64_t>(loaded_++);
  return Append(name, persistent, CookieOf(kMiddle + number));
}

DirTable::Child& DirTable::Add(std::string_view name) {
  if (IsCompactingWorthwhile()) Compact();
  return AppendNew(name, false);
}

DirTable::Child& DirTable::AppendNew(std::string_view name, bool persistent) {
  return Append(name, persistent, CookieOf(next_order_--));
}

DirTable::Child& DirTable::Append(std::string_view name, bool persistent, uint64_t cookie) {
  Child child;
  child.cookie = cookie;
  child.text = persistent ? name.data() : Store(name);
  child.length = static_cast<uint8_t>(name.size());
  children_.push_back(child);
  if (buckets_.empty()) {
    if (children_.size() > kScanLimit) Rehash(32);
  } else if ((used_buckets_ + 1) * 4 > buckets_.size() * 3) {
    Rehash(BucketsFor(children_.size() - dead_));
  } else {
    Insert(static_cast<uint32_t>(children_.size() - 1));
  }
  return children_.back();
}

DirTable::Child& DirTable::Renew(Child& child) {
  Child again = child;
  Drop(child);
  Child* added = nullptr;
  if (IsCompactingWorthwhile()) {
    const std::string name(again.name());
    Compact();
    added = &AppendNew(name, false);
  } else {
    added = &AppendNew(again.name(), true);  // the bytes stay where they are
  }
  again.cookie = added->cookie;
  again.text = added->text;
  again.visible = true;
  *added = again;
  return *added;
}

void DirTable::Drop(Child& child) {
  if (!buckets_.empty()) {
    if (uint32_t* slot = Slot(child.name())) *slot = kTombstone;
  }
  child.dead = true;
  child.visible = false;
  ++dead_;
}

// At most half of the children are dead then, so that a name that comes and goes takes no more time
// and memory the hundred-thousandth time than the first.
bool DirTable::IsCompactingWorthwhile() const {
  return dead_ >= kLeastDead && dead_ * 2 >= children_.size();
}

// Dead children only mark places in the order; cookies keep it without them.
void DirTable::Compact() {
  const std::vector<std::unique_ptr<char[]>> old_text = std::exchange(text_, {});
  text_used_ = text_size_ = 0;
  const auto dead = [](const Child& child) { return child.dead; };
  const auto loaded_end = children_.begin() + static_cast<ptrdiff_t>(loaded_);
  loaded_ -= static_cast<size_t>(std::count_if(children_.begin(), loaded_end, dead));
  std::erase_if(children_, dead);
  // Names may lie in the old text or outlive the table; copying all is simpler than telling them
  // apart.
  for (Child& child : children_) child.text = Store(child.name());
  dead_ = 0;
  Rehash(BucketsFor(children_.size()));
}

size_t DirTable::BucketsFor(size_t names) {
  size_t buckets = 32;
  while (names * 2 > buckets) buckets *= 2;
  return buckets;
}

size_t DirTable::After(uint64_t cookie) const {
  if (cookie < kFirstCookie) return 0;
  const int64_t order = OrderOf(cookie);
  size_t first = 0;
  for (size_t end = children_.size(); first < end;) {
    const size_t middle = first + (end - first) / 2;
    if (OrderOf(children_[IndexOf(middle)].cookie) <= order) {
      first = middle + 1;
    } else {
      end = middle;
    }
  }
  return first;
}

void DirTable::ShrinkToFit() { children_.shrink_to_fit(); }

}  // namespace veneer
