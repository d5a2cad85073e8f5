// SPDX-License-Identifier: Apache-2.0
#include "tools/build/reproducible.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "layerdb/base/printable.h"
#include "layerdb/store/remove_image.h"
#include "layerdb/transfer/layer_diff.h"

namespace veneer {

namespace {

char LetterOf(DiffKind kind) { return kind == DiffKind::kChanged ? 'M' : static_cast<char>(kind); }

// "M /etc/x (contents, time)"
std::string LineOf(const SizedDiffEntry& change) {
  std::string line = "  ";
  line += LetterOf(change.entry.kind);
  line += " " + PrintablePath(change.entry.path);
  std::string parts;
  for (const std::string& part : change.parts) parts += (parts.empty() ? "" : ", ") + part;
  return parts.empty() ? line : line + " (" + parts + ")";
}

bool IsOfTimeOnly(const SizedDiffEntry& change) {
  return change.parts == std::vector<std::string>{"time"};
}

// The instructions that made the layers, bottom first.
std::vector<std::string> InstructionsOf(const StageImage& image) {
  std::vector<std::string> instructions;
  for (const HistoryEntry& step : StepsOf(image.config)) {
    if (step.empty_layer) continue;
    std::string text = step.created_by;
    std::ranges::replace(text, '\n', ' ');
    instructions.push_back(Printable(text));
  }
  return instructions;
}

std::string Some(size_t count, const std::string& what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

}  // namespace

Result<BuildComparison> CompareBuilds(const Store& store, const StageImage& first,
                                      const StageImage& second, bool dated) {
  BuildComparison comparison;
  const std::vector<Digest>& one = first.config.diff_ids;
  const std::vector<Digest>& other = second.config.diff_ids;
  if (one == other) {
    comparison.same = first.id == second.id || !dated;
    comparison.lines.push_back(
        first.id == second.id ? "reproducible: both builds made " + first.id.ToString()
        : dated               ? "not reproducible: the layers are the same, the configs are not"
                : "reproducible: the layers are the same; with SOURCE_DATE_EPOCH the id is, too");
    return comparison;
  }
  const std::vector<std::string> instructions = InstructionsOf(first);
  size_t layers = 0;
  size_t paths = 0;
  bool times_only = one.size() == other.size();
  for (size_t i = 0; i < std::min(one.size(), other.size()); ++i) {
    if (one[i] == other[i]) continue;
    ++layers;
    comparison.lines.push_back("layer " + std::to_string(i + 1) + ": " + instructions[i]);
    VENEER_TRY(const std::vector<SizedDiffEntry> changes, DiffLayers(store, one[i], other[i]));
    for (const SizedDiffEntry& change : changes) {
      comparison.lines.push_back(LineOf(change));
      times_only = times_only && IsOfTimeOnly(change);
    }
    paths += changes.size();
    if (changes.empty()) comparison.lines.emplace_back("  the same tree in another archive");
  }
  if (one.size() != other.size()) {
    comparison.lines.push_back("the builds have " + std::to_string(one.size()) + " and " +
                               std::to_string(other.size()) + " layers");
  }
  std::string sum = "not reproducible: " + Some(paths, "path") + " of " + Some(layers, "layer");
  sum += paths == 1 ? " differs" : " differ";
  if (times_only && !dated) sum += ", by time alone, which SOURCE_DATE_EPOCH sets";
  comparison.lines.push_back(std::move(sum));
  return comparison;
}

Result<std::set<Digest>> AllImages(Store& store) {
  VENEER_TRY(const std::vector<ImageListing> list, store.images().List());
  std::set<Digest> ids;
  for (const ImageListing& one : list) ids.insert(one.image.id);
  return ids;
}

void RemoveBuilt(Store& store, const std::vector<StageImage>& made, const std::set<Digest>& kept) {
  RemoveImageOptions options;
  options.terms.keep_parents = true;
  // A stage comes behind those that it is built upon.
  for (auto image = made.rbegin(); image != made.rend(); ++image) {
    std::optional<Digest> id = image->id;
    while (id && !kept.contains(*id)) {
      const Result<FoundImage> found = store.images().Find(id->ToString());
      if (!found) break;
      const Result<RemoveImageReport> removed = RemoveImage(store, id->ToString(), options);
      if (!removed) break;  // another one needs it
      id = found->image.parent;
    }
  }
}

}  // namespace veneer
