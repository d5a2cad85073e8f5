// SPDX-License-Identifier: Apache-2.0
#include "fs/upper/link_index.h"

#include <time.h>

#include <cstdio>
#include <string>
#include <string_view>

#include "fs/upper/own_directory.h"
#include "layerdb/base/parse.h"

namespace veneer {

namespace {

bool ParseIno(std::string_view name, uint64_t& ino) {
  return name.size() == 16 && ParseNumber(name, &ino, 16);
}

}  // namespace

LinkName::LinkName(uint64_t ino) {
  snprintf(text.data(), text.size(), "%016llx", static_cast<unsigned long long>(ino));
}

Sys<std::unique_ptr<LinkIndex>> LinkIndex::Open(int workdir) {
  VENEER_TRY(const Fd own, OpenOwnDirectory({workdir, "veneer"}));
  VENEER_TRY(Fd links, OpenOwnDirectory({own.get(), "links"}));
  VENEER_TRY(Fd counts, OpenOwnDirectory({own.get(), "nlink"}));
  std::unique_ptr<LinkIndex> index(new LinkIndex(std::move(links), std::move(counts)));
  VENEER_TRY_VOID(index->Load());
  return index;
}

Sys<void> LinkIndex::Load() {
  std::unordered_set<uint64_t> have;
  VENEER_TRY_VOID(sys::ReadDir(links_.get(), [&](const sys::Dirent& entry) {
    uint64_t ino = 0;
    if (ParseIno(entry.name, ino)) have.insert(ino);
  }));
  std::unordered_map<uint64_t, Number> numbers;
  Sys<void> outcome;
  VENEER_TRY_VOID(sys::ReadDir(counts_.get(), [&](const sys::Dirent& entry) {
    uint64_t ino = 0;
    if (!ParseIno(entry.name, ino)) return;  // a temporary that a crash left
    const auto target = sys::ReadLink({counts_.get(), entry.name});
    if (!target) {
      outcome = Fail(target.error());
      return;
    }
    const auto count = ParseNumber<uint32_t>(*target).value_or(0);
    const auto changed = ChangedOnDisk(LinkName(ino));
    if (!changed) {
      outcome = Fail(changed.error());
      return;
    }
    numbers[ino] = {count, *changed};
  }));
  VENEER_TRY_VOID(outcome);
  const MutexLock lock(mutex_);
  have_ = std::move(have);
  numbers_ = std::move(numbers);
  return {};
}

bool LinkIndex::Has(uint64_t ino) const {
  const MutexLock lock(mutex_);
  return have_.contains(ino);
}

void LinkIndex::Added(uint64_t ino) {
  const MutexLock lock(mutex_);
  have_.insert(ino);
}

std::optional<uint32_t> LinkIndex::Count(uint64_t ino) const {
  const MutexLock lock(mutex_);
  const auto it = numbers_.find(ino);
  if (it == numbers_.end()) return std::nullopt;
  return it->second.count;
}

std::optional<Timestamp> LinkIndex::Changed(uint64_t ino) const {
  const MutexLock lock(mutex_);
  const auto it = numbers_.find(ino);
  if (it == numbers_.end()) return std::nullopt;
  return it->second.changed;
}

Sys<Timestamp> LinkIndex::ChangedOnDisk(const LinkName& name) const {
  VENEER_TRY(const struct stat st, sys::Stat({counts_.get(), name.text.data()}));
  return Timestamp{st.st_mtim.tv_sec, static_cast<uint32_t>(st.st_mtim.tv_nsec)};
}

Sys<Timestamp> LinkIndex::WriteCount(uint64_t ino, uint32_t count) {
  const LinkName name(ino);
  const std::string temp = std::string(name.text.data()) + ".new";
  const sys::At fresh{counts_.get(), temp.c_str()};
  const auto removed = sys::Unlink(fresh);
  IgnoreError(removed, "a leftover of a crash, usually not there");
  VENEER_TRY_VOID(sys::Symlink(std::to_string(count).c_str(), fresh));
  VENEER_TRY_VOID(sys::Rename(fresh, {counts_.get(), name.text.data()}, 0));
  return ChangedOnDisk(name);
}

Sys<void> LinkIndex::SetCount(uint64_t ino, uint32_t count) {
  const MutexLock lock(mutex_);
  VENEER_TRY(const Timestamp changed, WriteCount(ino, count));
  numbers_[ino] = {count, changed};
  return {};
}

Sys<void> LinkIndex::CountDown(uint64_t ino, uint32_t count) {
  const MutexLock lock(mutex_);
  if (count != 0) {
    const auto changed = WriteCount(ino, count);
    timespec now = {};
    ::clock_gettime(CLOCK_REALTIME, &now);
    numbers_[ino] = {count,
                     changed.value_or(Timestamp{now.tv_sec, static_cast<uint32_t>(now.tv_nsec)})};
    if (!changed) return Fail(changed.error());
    return {};
  }
  have_.erase(ino);
  numbers_.erase(ino);
  const LinkName name(ino);
  auto gone = [](Sys<void> result) {
    if (!result && result.error().code == ENOENT) return Sys<void>();
    return result;
  };
  VENEER_TRY_VOID(gone(sys::Unlink({links_.get(), name.text.data()})));
  return gone(sys::Unlink({counts_.get(), name.text.data()}));
}

}  // namespace veneer
