// SPDX-License-Identifier: Apache-2.0
#include "layerdb/transfer/recipe_check.h"

#include <memory>
#include <unordered_map>

#include "layerdb/base/result.h"
#include "layerdb/transfer/recipe.h"

namespace veneer {

namespace {

Result<void> Check(const std::string& path, const IndexReader& index) {
  VENEER_TRY(const std::unique_ptr<RecipeReader> recipe, RecipeReader::Open(path));
  std::unordered_map<uint64_t, uint64_t> sizes;  // regular files by inode number
  const Sys<void> read =
      index.ForEach([&](uint64_t, std::string_view, const IndexReader::Found& found) {
        if (!found.entry.whiteout() && found.entry.type() == FileType::kRegular) {
          sizes.emplace(found.entry.ino(), found.entry.size());
        }
        return true;
      });
  if (!read) return {};  // the index is damaged, which is told elsewhere
  for (const RecipeContent& content : recipe->contents()) {
    if (content.spilled) {
      uint64_t size = 0;
      VENEER_TRY_VOID(recipe->ReadSpilled(content, [&](std::string_view bytes) -> Result<void> {
        size += bytes.size();
        return {};
      }));
      if (size != content.size) return recipe->Damaged("a content's size");
      continue;
    }
    const auto file = sizes.find(content.where);
    if (file == sizes.end() || file->second != content.size) {
      return recipe->Damaged("a file that its index does not have");
    }
  }
  uint64_t total = 0;
  VENEER_TRY_VOID(recipe->Run(
      [&](std::string_view bytes) -> Result<void> {
        total += bytes.size();
        return {};
      },
      [&](size_t, uint64_t, uint64_t size) -> Result<void> {
        total += size;
        return {};
      }));
  if (total != recipe->archive_size()) return recipe->Damaged("its size");
  return {};
}

}  // namespace

std::string CheckRecipe(const std::string& path, const IndexReader& index) {
  const Result<void> checked = Check(path, index);
  if (checked) return "";
  std::string_view what = checked.error().message();
  if (what.starts_with(path + ": ")) what.remove_prefix(path.size() + 2);
  return std::string(what);
}

}  // namespace veneer
