// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "layerdb/index/index_reader.h"
#include "tools/cli/commands.h"
#include "tools/image/config.h"
#include "tools/image/table.h"
#include "tools/image/time_format.h"

namespace veneer {

namespace {

struct Options {
  std::string image;
  bool quiet = false;
  bool no_trunc = false;
};

constexpr size_t kCreatedByWidth = 45;
constexpr const char* kMissing = "<missing>";

Result<uint64_t> LayerSize(const Store& store, const Digest& diff_id) {
  VENEER_TRY(const std::shared_ptr<IndexReader> layer, store.OpenLayer(diff_id));
  return layer->summary().bytes;
}

// One entry per step; an image whose config tells no history has one per layer.
std::vector<HistoryEntry> Steps(const ImageConfig& config) {
  if (!config.history.empty()) return config.history;
  std::vector<HistoryEntry> steps(config.diff_ids.size());
  for (HistoryEntry& step : steps) step.created = config.created;
  return steps;
}

Result<int> History(Context& context, const Options& options) {
  VENEER_TRY(const std::unique_ptr<Store> store, context.OpenStore(Store::Missing::kFail));
  VENEER_TRY(const FoundImage found, FindImage(*store, options.image));
  VENEER_TRY(const std::string text, store->ReadBlob(found.image.id, JsonLimits{}.bytes));
  VENEER_TRY(const ImageConfig config, ParseImageConfig(text));
  const std::vector<HistoryEntry> steps = Steps(config);
  const Timestamp now = Now();
  std::vector<std::vector<std::string>> rows;
  size_t layer = 0;
  for (size_t i = 0; i < steps.size(); ++i) {
    const HistoryEntry& step = steps[i];
    uint64_t size = 0;
    if (!step.empty_layer && layer < config.diff_ids.size()) {
      VENEER_TRY(size, LayerSize(*store, config.diff_ids[layer++]));
    }
    const bool newest = i + 1 == steps.size();
    rows.push_back({newest ? ShowId(found.image.id, options.no_trunc) : kMissing,
                    HumanAge(step.created.value_or(Timestamp{}), now),
                    options.no_trunc ? step.created_by : Ellipsis(step.created_by, kCreatedByWidth),
                    HumanSize(size), step.comment});
  }
  std::ranges::reverse(rows);
  Table table({"IMAGE", "CREATED", "CREATED BY", "SIZE", "COMMENT"});
  for (std::vector<std::string>& row : rows) {
    if (options.quiet) {
      PrintLine(row.front());
    } else {
      table.Add(std::move(row));
    }
  }
  if (!options.quiet) Print(table.ToString());
  return 0;
}

}  // namespace

void AddHistoryCommand(CLI::App& app, Context& context) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("history", "Show how an image came to be, the newest step first");
  command->add_option("image", options->image, "The image")->required()->type_name("IMAGE");
  command->add_flag("-q,--quiet", options->quiet, "Only the ids");
  command->add_flag("--no-trunc", options->no_trunc, "Whole ids and commands");
  command->callback([&context, options] {
    context.action = [&context, options] { return History(context, *options); };
  });
}

}  // namespace veneer
