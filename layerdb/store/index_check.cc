// SPDX-License-Identifier: Apache-2.0
#include "layerdb/store/index_check.h"

#include <unordered_map>
#include <unordered_set>

namespace veneer {
namespace {

struct Linked {
  uint32_t nlink = 0;
  uint32_t names = 0;
};

std::string Ino(uint64_t ino) { return "inode " + std::to_string(ino); }

}  // namespace

std::string CheckIndex(const IndexReader& index) {
  IndexSummary sums;
  sums.next_ino = index.summary().next_ino;
  std::unordered_map<uint64_t, uint64_t> parent_of;  // directories
  std::unordered_map<uint64_t, Linked> linked;
  std::unordered_set<uint64_t> used_dirs;
  std::string what;
  const Sys<void> read =
      index.ForEach([&](uint64_t dir, std::string_view name, const IndexReader::Record& found) {
        const EntryView& entry = found.entry;
        if (dir != 0) used_dirs.insert(dir);
        if (entry.whiteout()) {
          ++sums.whiteouts;
          return true;
        }
        ++sums.entries;
        sums.opaques += entry.opaque() ? 1 : 0;
        if (entry.ino() >= sums.next_ino) what = Ino(entry.ino()) + " is beyond the last";
        const bool regular = entry.type() == FileType::kRegular;
        const bool symlink = entry.type() == FileType::kSymlink;
        if (regular) ++sums.files;
        if (entry.type() == FileType::kDirectory) {
          ++sums.directories;
          if (!parent_of.emplace(entry.ino(), dir).second) {
            what = Ino(entry.ino()) + ", a directory, has two names, one is \"" +
                   std::string(name) + "\"";
          }
        } else if (entry.nlink() > 1) {
          Linked& links = linked[entry.ino()];
          if (links.names == 0) {
            links.nlink = entry.nlink();
            if (regular) sums.bytes += entry.size();
            if (symlink) sums.target_bytes += entry.size();
          }
          ++links.names;
          ++sums.hard_links;
          if (links.nlink != entry.nlink()) what = Ino(entry.ino()) + " has two link counts";
        } else if (regular) {
          sums.bytes += entry.size();
        } else if (symlink) {
          sums.target_bytes += entry.size();
        }
        return what.empty();
      });
  if (!read) return "a record or a name is malformed";
  if (!what.empty()) return what;

  for (const auto& [ino, links] : linked) {
    const auto names = index.NamesOf(ino);
    if (links.names != links.nlink || !names || names->size() != links.names) {
      return Ino(ino) + " has another link count than names";
    }
  }
  for (const uint64_t dir : used_dirs) {
    if (!parent_of.contains(dir)) return Ino(dir) + " holds names and is no directory";
  }
  // Every directory leads up to the root. Those known to are remembered, so each step is made once.
  std::unordered_set<uint64_t> rooted = {kIndexRootIno};
  for (const auto& [ino, parent] : parent_of) {
    std::vector<uint64_t> chain;
    for (uint64_t at = ino; !rooted.contains(at); at = parent_of[at]) {
      chain.push_back(at);
      if (!parent_of.contains(at) || chain.size() > parent_of.size()) {
        return Ino(ino) + ", a directory, cannot be reached from the root";
      }
    }
    rooted.insert(chain.begin(), chain.end());
    if (ino == kIndexRootIno) continue;
    const auto names = index.NamesOf(ino);
    if (!names || names->size() != 1 || (*names)[0].dir != parent) {
      return Ino(ino) + ", a directory, has no name record";
    }
  }
  const IndexSummary& seal = index.summary();
  if (sums.entries != seal.entries || sums.whiteouts != seal.whiteouts ||
      sums.opaques != seal.opaques || sums.files != seal.files ||
      sums.directories != seal.directories || sums.bytes != seal.bytes ||
      sums.hard_links != seal.hard_links ||
      (seal.target_bytes != 0 && sums.target_bytes != seal.target_bytes)) {
    return "the sums in its seal are not those of its entries";
  }
  return "";
}

}  // namespace veneer
