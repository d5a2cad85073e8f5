// SPDX-License-Identifier: Apache-2.0
#include "layerdb/store/tar_split_check.h"

#include <memory>
#include <unordered_map>

#include "layerdb/base/result.h"
#include "layerdb/tar/tar_split.h"

namespace veneer {

namespace {

Result<void> Check(const std::string& path, const IndexReader& index) {
  VENEER_TRY(const std::unique_ptr<TarSplitReader> tar_split, TarSplitReader::Open(path));
  std::unordered_map<uint64_t, uint64_t> sizes;  // regular files by inode number
  const Sys<void> read =
      index.ForEach([&](uint64_t, std::string_view, const IndexReader::Record& found) {
        if (!found.entry.whiteout() && found.entry.type() == FileType::kRegular) {
          sizes.emplace(found.entry.ino(), found.entry.size());
        }
        return true;
      });
  if (!read) return {};  // the index is damaged, which is told elsewhere
  for (const TarSplitContent& content : tar_split->contents()) {
    if (content.spilled) {
      uint64_t size = 0;
      VENEER_TRY_VOID(tar_split->ReadSpilled(content, [&](std::string_view bytes) -> Result<void> {
        size += bytes.size();
        return {};
      }));
      if (size != content.size) return tar_split->Damaged("a content's size");
      continue;
    }
    const auto file = sizes.find(content.where);
    if (file == sizes.end() || file->second != content.size) {
      return tar_split->Damaged("a file that its index does not have");
    }
  }
  uint64_t total = 0;
  VENEER_TRY_VOID(tar_split->Run(
      [&](std::string_view bytes) -> Result<void> {
        total += bytes.size();
        return {};
      },
      [&](size_t, uint64_t, uint64_t size) -> Result<void> {
        total += size;
        return {};
      }));
  if (total != tar_split->archive_size()) return tar_split->Damaged("its size");
  return {};
}

}  // namespace

std::string CheckTarSplit(const std::string& path, const IndexReader& index) {
  const Result<void> checked = Check(path, index);
  if (checked) return "";
  std::string_view what = checked.error().message();
  if (what.starts_with(path + ": ")) what.remove_prefix(path.size() + 2);
  return std::string(what);
}

}  // namespace veneer
