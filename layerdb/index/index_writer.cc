// SPDX-License-Identifier: Apache-2.0
#include "layerdb/index/index_writer.h"

#include <algorithm>
#include <vector>

#include "layerdb/index/index_file.h"

namespace veneer {

struct IndexWriter::State {
  // A name whose owner needs a name record, or may: a directory's, or that of a file with several
  // links.
  struct Name {
    uint64_t ino;
    uint64_t dir;
    std::string name;
    bool directory;
    uint32_t nlink;
    uint64_t size;         // of a regular file
    uint64_t target_size;  // of a symlink
  };

  std::unique_ptr<IndexBuild> build;
  IndexSummary summary;
  std::vector<Name> names;
  std::string last_key;
  std::string record;  // reused from call to call
  bool has_root = false;

  Result<void> PutRecord(const std::string& key, const IndexEntry& entry);
  Result<void> PutNames();
};

IndexWriter::IndexWriter(std::unique_ptr<State> state) : state_(std::move(state)) {}
IndexWriter::~IndexWriter() = default;

Result<std::unique_ptr<IndexWriter>> IndexWriter::Create(const std::string& path,
                                                         uint64_t initial_map) {
  auto state = std::make_unique<State>();
  VENEER_TRY(state->build, IndexBuild::Create(path, initial_map));
  return std::unique_ptr<IndexWriter>(new IndexWriter(std::move(state)));
}

Result<void> IndexWriter::State::PutRecord(const std::string& key, const IndexEntry& entry) {
  record.clear();
  AppendRecord(entry, &record);
  // What a reader would take for damage must not be written.
  if (!EntryView::Parse(record)) return MakeError("not an entry that an index can hold");
  const bool ascending = key > last_key;
  VENEER_TRY(const bool fresh,
             build->Put(key, record,
                        ascending ? IndexBuild::PutMode::kAppend : IndexBuild::PutMode::kNew));
  if (!fresh) return MakeError("the name is in the index already");
  if (ascending) last_key = key;

  if (entry.whiteout) {
    ++summary.whiteouts;
    return {};
  }
  ++summary.entries;
  summary.opaques += entry.opaque ? 1 : 0;
  summary.next_ino = std::max(summary.next_ino, entry.attr.ino + 1);
  if (entry.attr.type == FileType::kDirectory) ++summary.directories;
  if (entry.attr.type == FileType::kRegular) {
    ++summary.files;
    if (entry.attr.nlink <= 1) summary.bytes += entry.attr.size;
  }
  if (entry.attr.type == FileType::kSymlink && entry.attr.nlink <= 1) {
    summary.target_bytes += entry.target.size();
  }
  return {};
}

Result<void> IndexWriter::PutRoot(const IndexEntry& root) {
  if (root.attr.type != FileType::kDirectory || root.attr.ino != kIndexRootIno || root.whiteout) {
    return MakeError(state_->build->path() + ": the root of an index must be a directory");
  }
  VENEER_TRY_VOID(state_->PutRecord(EntryKey(0, ""), root));
  state_->has_root = true;
  return {};
}

Result<void> IndexWriter::Put(uint64_t dir, std::string_view name, const IndexEntry& entry) {
  State& state = *state_;
  const auto context = [&] { return state.build->path() + ": name \"" + std::string(name) + "\""; };
  if (!IsValidName(name) || dir < kIndexRootIno || dir >= kIndexMaxIno) {
    return MakeError(Errno{EINVAL}, context());
  }
  if (!entry.whiteout && entry.attr.ino <= kIndexRootIno) {
    return MakeError(Errno{EINVAL}, context());
  }
  if (Result<void> put = state.PutRecord(EntryKey(dir, name), entry); !put) {
    return tl::unexpected(std::move(put.error()).Context(context()));
  }
  if (entry.whiteout) return {};
  const bool directory = entry.attr.type == FileType::kDirectory;
  if (directory || entry.attr.nlink > 1) {
    const uint64_t size = entry.attr.type == FileType::kRegular ? entry.attr.size : 0;
    state.names.push_back({entry.attr.ino, dir, std::string(name), directory, entry.attr.nlink,
                           size, entry.target.size()});
  }
  return {};
}

// Writes the name records, which lie behind all entries, and corrects link counts.
Result<void> IndexWriter::State::PutNames() {
  std::sort(names.begin(), names.end(), [](const Name& a, const Name& b) {
    return std::tie(a.ino, a.dir, a.name) < std::tie(b.ino, b.dir, b.name);
  });
  std::vector<std::pair<std::string, uint32_t>> corrections;
  for (size_t first = 0, end = 0; first < names.size(); first = end) {
    while (end < names.size() && names[end].ino == names[first].ino) ++end;
    const size_t count = end - first;
    if (names[first].directory && count > 1) {
      return MakeError(build->path() + ": directory \"" + names[first].name +
                       "\" has more than one name");
    }
    if (!names[first].directory) {
      summary.target_bytes += names[first].target_size;
      summary.bytes += names[first].size;
      if (count > 1) summary.hard_links += count;
    }
    for (size_t i = first; i < end; ++i) {
      const Name& name = names[i];
      if (name.directory || count > 1) {
        VENEER_TRY_VOID(
            build->Put(NameKey(name.ino, name.dir, name.name), {}, IndexBuild::PutMode::kAppend));
      }
      if (!name.directory && name.nlink != count) {
        corrections.emplace_back(EntryKey(name.dir, name.name), static_cast<uint32_t>(count));
      }
    }
  }
  for (const auto& [key, nlink] : corrections) {
    VENEER_TRY(const auto value, build->Get(key));
    if (!value) return MakeError(build->path() + ": an entry was lost");
    std::string changed(*value);
    SetRecordNlink(&changed, nlink);
    VENEER_TRY_VOID(build->Put(key, changed, IndexBuild::PutMode::kReplace));
  }
  return {};
}

Result<IndexSummary> IndexWriter::Seal(bool durable) {
  if (!state_->has_root) return MakeError(state_->build->path() + ": an index needs a root");
  VENEER_TRY_VOID(state_->PutNames());
  VENEER_TRY_VOID(state_->build->Finish(state_->summary, durable));
  return state_->summary;
}

}  // namespace veneer
