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
    uint32_t count = 0;
    std::from_chars(target->data(), target->data() + target->size(), count);
    const auto changed = index->ChangedOnDisk(LinkName(ino));
    if (!changed) {
      outcome = Fail(changed.error());
      return;
    }
    index->numbers_[ino] = {count, *changed};
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

std::optional<uint32_t> LinkIndex::Count(uint64_t ino) const {
  const std::lock_guard lock(mutex_);
  const auto it = numbers_.find(ino);
  if (it == numbers_.end()) return std::nullopt;
  return it->second.count;
}

std::optional<Timestamp> LinkIndex::Changed(uint64_t ino) const {
  const std::lock_guard lock(mutex_);
  const auto it = numbers_.find(ino);
  if (it == numbers_.end()) return std::nullopt;
  return it->second.changed;
}

Sys<Timestamp> LinkIndex::ChangedOnDisk(const LinkName& name) const {
  VENEER_TRY(const struct stat st, sys::Stat({counts_.get(), name.text.data()}));
  return Timestamp{st.st_mtim.tv_sec, static_cast<uint32_t>(st.st_mtim.tv_nsec)};
}

Sys<void> LinkIndex::SetCount(uint64_t ino, uint32_t count) {
  const std::lock_guard lock(mutex_);
  const LinkName name(ino);
  const std::string temp = std::string(name.text.data()) + ".new";
  const sys::At fresh{counts_.get(), temp.c_str()};
  const auto removed = sys::Unlink(fresh);
  IgnoreError(removed, "a leftover of a crash, usually not there");
  VENEER_TRY_VOID(sys::Symlink(std::to_string(count).c_str(), fresh));
  VENEER_TRY_VOID(sys::Rename(fresh, {counts_.get(), name.text.data()}, 0));
  VENEER_TRY(const Timestamp changed, ChangedOnDisk(name));
  numbers_[ino] = {count, changed};
  return {};
}

Sys<void> LinkIndex::Drop(uint64_t ino) {
  const std::lock_guard lock(mutex_);
  const LinkName name(ino);
  auto gone = [](Sys<void> result) {
    if (!result && result.error().code == ENOENT) return Sys<void>();
    return result;
  };
  VENEER_TRY_VOID(gone(sys::Unlink({links_.get(), name.text.data()})));
  VENEER_TRY_VOID(gone(sys::Unlink({counts_.get(), name.text.data()})));
  have_.erase(ino);
  numbers_.erase(ino);
  return {};
}

}  // namespace veneer
