// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <vector>

#include "layerdb/base/fd.h"
#include "layerdb/base/sys.h"
#include "layerdb/index/index_file.h"
#include "layerdb/index/index_writer.h"

namespace veneer {
namespace {

// What changes the names of a file with several links is settled at the end: its link count, its
// name records and its share of the sums all depend on how many names are left.
struct Linked {
  uint64_t names_before = 0;
  uint64_t size = 0;  // of a regular file, else 0
};

bool IsLinked(const EntryView& entry) {
  return entry.type() != FileType::kDirectory && entry.nlink() > 1;
}

uint64_t FileSize(const EntryView& entry) {
  return entry.type() == FileType::kRegular ? entry.size() : 0;
}

}  // namespace

struct IndexEditor::State {
  std::unique_ptr<IndexBuild> build;
  IndexSummary summary;
  std::map<uint64_t, Linked> linked;  // by inode number: those whose names changed

  Result<EntryView> Parse(std::string_view record) const;
  Result<std::vector<std::string>> NameKeys(uint64_t ino) const;
  Result<void> NoteLinks(const EntryView& entry);
  // Takes an entry's share out of the sums, and drops its name record.
  Result<void> Subtract(uint64_t dir, std::string_view name, const EntryView& entry);
  Result<void> EraseTree(uint64_t dir);
  Result<void> UpdateLinks(uint64_t ino, const Linked& before);
};

IndexEditor::IndexEditor(std::unique_ptr<State> state) : state_(std::move(state)) {}
IndexEditor::~IndexEditor() = default;

Result<std::unique_ptr<IndexEditor>> IndexEditor::Open(const std::string& path) {
  VENEER_TRY(const VerifiedIndex verified, VerifyIndexFile(path));
  VENEER_TRY_CTX(const Fd fd, sys::Open(sys::Path(path), O_WRONLY), path);
  VENEER_TRY_CTX_VOID(sys::Truncate(fd.get(), verified.seal.data_size), path);
  auto state = std::make_unique<State>();
  state->summary = verified.seal.summary;
  state->summary.target_bytes = 0;  // not kept for trees
  VENEER_TRY(state->build, IndexBuild::OpenUnsealed(path));
  return std::unique_ptr<IndexEditor>(new IndexEditor(std::move(state)));
}

uint64_t IndexEditor::next_ino() const { return state_->summary.next_ino; }

void IndexEditor::SetNextIno(uint64_t next) {
  state_->summary.next_ino = std::max(state_->summary.next_ino, next);
}

Result<EntryView> IndexEditor::State::Parse(std::string_view record) const {
  const std::optional<EntryView> entry = EntryView::Parse(record);
  if (!entry || entry->whiteout()) return DamagedIndex(build->path(), "a record is malformed");
  return *entry;
}

Result<std::optional<IndexEntry>> IndexEditor::Get(uint64_t dir, std::string_view name) const {
  VENEER_TRY(const auto record, state_->build->Get(EntryKey(dir, name)));
  if (!record) return std::nullopt;
  VENEER_TRY(const EntryView entry, state_->Parse(*record));
  return entry.ToEntry();
}

Result<void> IndexEditor::List(
    uint64_t dir, FunctionRef<void(std::string_view name, const EntryView& entry)> sink) const {
  Result<void> result;
  VENEER_TRY_VOID(
      state_->build->Scan(EntryKey(dir, {}), [&](std::string_view key, std::string_view record) {
        Result<EntryView> entry = state_->Parse(record);
        if (!entry) {
          result = tl::unexpected(std::move(entry).error());
          return false;
        }
        sink(key.substr(8), *entry);
        return true;
      }));
  return result;
}

Result<std::vector<std::string>> IndexEditor::State::NameKeys(uint64_t ino) const {
  const std::string longest = NameKey(ino, 0, {});
  std::vector<std::string> keys;
  VENEER_TRY_VOID(build->Scan(std::string_view(longest).substr(0, 8),
                              [&](std::string_view key, std::string_view) {
                                keys.emplace_back(key);
                                return true;
                              }));
  return keys;
}

// Remembers how things stood before the first change to a file's names.
Result<void> IndexEditor::State::NoteLinks(const EntryView& entry) {
  const uint64_t ino = entry.ino();
  if (linked.contains(ino)) return {};
  const uint64_t size = FileSize(entry);
  VENEER_TRY(const std::vector<std::string> keys, NameKeys(ino));
  linked[ino] = {keys.size(), size};
  return {};
}

Result<void> IndexEditor::State::Subtract(uint64_t dir, std::string_view name,
                                          const EntryView& entry) {
  --summary.entries;
  if (entry.type() == FileType::kRegular) --summary.files;
  if (entry.type() == FileType::kDirectory) --summary.directories;
  const bool linked_file = IsLinked(entry);
  if (linked_file) {
    VENEER_TRY_VOID(NoteLinks(entry));
  } else {
    summary.bytes -= FileSize(entry);
  }
  if (linked_file || entry.type() == FileType::kDirectory) {
    VENEER_TRY_VOID(build->Erase(NameKey(entry.ino(), dir, name)));
  }
  return {};
}

Result<void> IndexEditor::Put(uint64_t dir, std::string_view name, const IndexEntry& entry) {
  State& state = *state_;
  const bool root = dir == 0 && name.empty();
  const bool directory = entry.attr.type == FileType::kDirectory;
  std::string record;
  AppendRecord(entry, &record);
  const std::optional<EntryView> view = EntryView::Parse(record);
  if (!view || entry.whiteout || entry.opaque || (!root && !IsValidName(name)) ||
      (root && (!directory || entry.attr.ino != kIndexRootIno))) {
    return MakeError(state.build->path() + ": \"" + std::string(name) +
                     "\": not an entry that a tree can hold");
  }
  const std::string key = EntryKey(dir, name);
  VENEER_TRY(const auto old_record, state.build->Get(key));
  bool keeps_name_record = root;
  if (old_record) {
    const std::string old_copy(*old_record);
    VENEER_TRY(const EntryView old, state.Parse(old_copy));
    if (old.type() == FileType::kDirectory) {
      if (!directory || old.ino() != entry.attr.ino) {
        return MakeError(state.build->path() + ": directory \"" + std::string(name) +
                         "\" must be erased before it is replaced");
      }
      keeps_name_record = true;
      --state.summary.entries;
      --state.summary.directories;
    } else {
      VENEER_TRY_VOID(state.Subtract(dir, name, old));
    }
  }
  if (IsLinked(*view)) {
    VENEER_TRY_VOID(state.NoteLinks(*view));
  } else {
    state.summary.bytes += FileSize(*view);
  }
  ++state.summary.entries;
  if (directory) ++state.summary.directories;
  if (entry.attr.type == FileType::kRegular) ++state.summary.files;
  SetNextIno(entry.attr.ino + 1);
  VENEER_TRY_VOID(state.build->Put(key, record, IndexBuild::PutMode::kReplace));
  if (!keeps_name_record && (directory || IsLinked(*view))) {
    VENEER_TRY_VOID(
        state.build->Put(NameKey(entry.attr.ino, dir, name), {}, IndexBuild::PutMode::kReplace));
  }
  return {};
}

Result<void> IndexEditor::Erase(uint64_t dir, std::string_view name) {
  State& state = *state_;
  const std::string key = EntryKey(dir, name);
  VENEER_TRY(const auto record, state.build->Get(key));
  if (!record) return {};
  const std::string copy(*record);
  VENEER_TRY(const EntryView entry, state.Parse(copy));
  if (entry.type() == FileType::kDirectory) VENEER_TRY_VOID(state.EraseTree(entry.ino()));
  VENEER_TRY_VOID(state.Subtract(dir, name, entry));
  VENEER_TRY_VOID(state.build->Erase(key));
  return {};
}

// Removes everything in a directory. Without recursion: trees may be deeper than the stack.
Result<void> IndexEditor::State::EraseTree(uint64_t dir) {
  std::vector<uint64_t> todo = {dir};
  while (!todo.empty()) {
    const uint64_t at = todo.back();
    todo.pop_back();
    std::vector<std::pair<std::string, std::string>> children;
    VENEER_TRY_VOID(
        build->Scan(EntryKey(at, {}), [&](std::string_view key, std::string_view record) {
          children.emplace_back(key, record);
          return true;
        }));
    for (const auto& [key, record] : children) {
      VENEER_TRY(const EntryView entry, Parse(record));
      if (entry.type() == FileType::kDirectory) todo.push_back(entry.ino());
      VENEER_TRY_VOID(Subtract(at, std::string_view(key).substr(8), entry));
      VENEER_TRY_VOID(build->Erase(key));
    }
  }
  return {};
}

// Brings the link count of a file, its name records and the sums in line with the names it has.
Result<void> IndexEditor::State::UpdateLinks(uint64_t ino, const Linked& before) {
  VENEER_TRY(const std::vector<std::string> keys, NameKeys(ino));
  const uint64_t names = keys.size();
  if (before.names_before > 0) summary.bytes -= before.size;
  if (names > 0) summary.bytes += before.size;
  if (before.names_before > 1) summary.hard_links -= before.names_before;
  if (names > 1) summary.hard_links += names;
  for (const std::string& key : keys) {
    const std::string_view view(key);
    const std::string entry_key = EntryKey(LoadKeyNumber(view, 8), view.substr(16));
    VENEER_TRY(const auto record, build->Get(entry_key));
    if (!record) return DamagedIndex(build->path(), "a hard link has no entry");
    std::string changed(*record);
    VENEER_TRY_VOID(Parse(changed));
    SetRecordNlink(&changed, static_cast<uint32_t>(names));
    VENEER_TRY_VOID(build->Put(entry_key, changed, IndexBuild::PutMode::kReplace));
    if (names == 1) VENEER_TRY_VOID(build->Erase(key));
  }
  return {};
}

Result<IndexSummary> IndexEditor::Seal(bool durable) {
  for (const auto& [ino, before] : state_->linked) {
    VENEER_TRY_VOID(state_->UpdateLinks(ino, before));
  }
  VENEER_TRY_VOID(state_->build->Finish(state_->summary, durable));
  return state_->summary;
}

}  // namespace veneer
