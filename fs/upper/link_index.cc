// SPDX-License-Identifier: Apache-2.0
#include "fs/upper/link_index.h"

#include <charconv>
#include <cstdio>
#include <string>
#include <string_view>

namespace veneer {

namespace {

bool ParseIno(std::string_view name, uint64_t& ino) {
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), ino, 16);
  return error == std::errc() && end == name.data() + name.size() && name.size() == 16;
}

Sys<Fd> OpenDir(sys::At at) {
  const auto made = sys::MakeDir(at, 0700);
  if (!made && made.error().code != EEXIST) return Fail(made.error());
  return sys::Open(at, O_RDONLY | O_DIRECTORY);
}

}  // namespace

LinkName::LinkName(uint64_t ino) {
  snprintf(text.data(), text.size(), "%016llx", static_cast<unsigned long long>(ino));
}

Sys<std::unique_ptr<LinkIndex>> LinkIndex::Open(int workdir) {
  std::unique_ptr<LinkIndex> index(new LinkIndex);
  VENEER_TRY(const Fd own, OpenDir({workdir, "veneer"}));
  VENEER_TRY(index->links_, OpenDir({own.get(), "links"}));
  VENEER_TRY(index->counts_, OpenDir({own.get(), "nlink"}));
  VENEER_TRY_VOID(sys::ReadDir(index->links_.get(), [&](const sys::Dirent& entry) {
    uint64_t ino = 0;
    if (ParseIno(entry.name, ino)) index->have_.insert(ino);
  }));
  Sys<void> outcome;
  VENEER_TRY_VOID(sys::ReadDir(index->counts_.get(), [&](const sys::Dirent& entry) {
    uint64_t ino = 0;
    if (!ParseIno(entry.name, ino)) return;  // a temporary that a crash left
    const auto target = sys::ReadLink({index->counts_.get(), entry.name});
    if (!target) {
      outcome = Fail(target.error());
      return;
    }
    int64_t delta = 0;
    std::from_chars(target->data(), target->data() + target->size(), delta);
    index->deltas_[ino] = delta;
  }));
  VENEER_TRY_VOID(outcome);
  return index;
}

bool LinkIndex::Has(uint64_t ino) const {
  const std::lock_guard lock(mutex_);
  return have_.contains(ino);
}

void LinkIndex::Added(uint64_t ino) {
  const std::lock_guard lock(mutex_);
  have_.insert(ino);
}

int64_t LinkIndex::Delta(uint64_t ino) const {
  const std::lock_guard lock(mutex_);
  const auto it = deltas_.find(ino);
  return it == deltas_.end() ? 0 : it->second;
}

Sys<void> LinkIndex::AddDelta(uint64_t ino, int64_t change) {
  const std::lock_guard lock(mutex_);
  const int64_t delta = deltas_[ino] + change;
  const LinkName name(ino);
  const std::string temp = std::string(name.text.data()) + ".new";
  const auto removed = sys::Unlink({counts_.get(), temp.c_str()});
  IgnoreError(removed, "a leftover of a crash, usually not there");
  VENEER_TRY_VOID(sys::Symlink(std::to_string(delta).c_str(), {counts_.get(), temp.c_str()}));
  VENEER_TRY_VOID(sys::Rename({counts_.get(), temp.c_str()}, {counts_.get(), name.text.data()}, 0));
  deltas_[ino] = delta;
  return {};
}

}  // namespace veneer
