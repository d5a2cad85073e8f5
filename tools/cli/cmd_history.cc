// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>

#include "layerdb/index/index_reader.h"
#include "tools/cli/commands.h"
#include "tools/cli/image_parents.h"
#include "tools/format/list_format.h"
#include "tools/format/table.h"
#include "tools/format/time_format.h"
#include "tools/oci/config.h"

namespace veneer {

namespace {

struct HistoryArguments {
  std::string image;
  std::string format;
  bool quiet = false;
  bool no_trunc = false;
  bool human = true;
  bool bytes = false;
};

constexpr size_t kCreatedByWidth = 45;
constexpr const char* kMissing = "<missing>";

ListShape HistoryShape(bool human) {
  ListShape shape;
  shape.fields = {{"ID", "IMAGE"},      {"CreatedSince", "CREATED"}, {"CreatedAt", "CREATED AT"},
                  {"Size", "SIZE"},     {"CreatedBy", "CREATED BY"}, {"Comment", "COMMENT"},
                  {"DiffID", "DIFF ID"}};
  shape.table = std::string("{{.ID}}\t") + (human ? "{{.CreatedSince}}" : "{{.CreatedAt}}") +
                "\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}";
  shape.raw =
      "id: {{.ID}}\ncreated_at: {{.CreatedAt}}\ncreated_by: {{.CreatedBy}}\nsize: {{.Size}}\n"
      "comment: {{.Comment}}\n";
  shape.quiet = "{{.ID}}";
  return shape;
}

Result<uint64_t> LayerSize(const Store& store, const Digest& diff_id) {
  VENEER_TRY(const std::shared_ptr<IndexReader> layer, store.OpenLayer(diff_id));
  return layer->CountBytes();
}

// The images that the steps ended with, by how many steps there were then: the image itself, and
// those that commits made it of, as long as they are there.
Result<std::map<size_t, Digest>> ImagesOfSteps(Store& store, const ImageRecord& image,
                                               size_t steps) {
  std::map<size_t, Digest> ids = {{steps, image.id}};
  if (!image.parent) return ids;
  VENEER_TRY(const std::vector<ImageListing> all, store.images().List());
  for (auto parent = ParentOf(image, all); parent; parent = ParentOf(*parent, all)) {
    VENEER_TRY(const std::string text, store.ReadBlob(parent->id, JsonLimits{}.bytes));
    VENEER_TRY(const ImageConfig config, ParseImageConfig(text));
    const size_t count = StepsOf(config).size();
    if (count == 0 || count > ids.begin()->first) break;  // no commit did that
    // ONBUILD is a step that history does not tell; of two images the later one counts.
    ids.emplace(count, parent->id);
  }
  return ids;
}

Result<int> History(Context& context, const HistoryArguments& arguments) {
  VENEER_TRY(const ListFormat format,
             ListFormat::Parse(HistoryShape(arguments.human), arguments.format, arguments.quiet));
  VENEER_TRY(const std::unique_ptr<Store> store, context.OpenStore(Store::Missing::kFail));
  VENEER_TRY(const FoundImage found, FindImage(*store, arguments.image));
  VENEER_TRY(const std::string text, store->ReadBlob(found.image.id, JsonLimits{}.bytes));
  VENEER_TRY(const ImageConfig config, ParseImageConfig(text));
  const std::vector<HistoryEntry> steps = StepsOf(config);
  const Timestamp now = Now();
  VENEER_TRY(const auto ids, ImagesOfSteps(*store, found.image, steps.size()));
  std::vector<Json> rows;
  size_t layer = 0;
  for (size_t i = 0; i < steps.size(); ++i) {
    const HistoryEntry& step = steps[i];
    const Timestamp created = step.created.value_or(kNoTime);
    uint64_t size = 0;
    Json row = Json::object();
    const auto there = ids.find(i + 1);
    row["ID"] = there == ids.end() ? kMissing : ShowId(there->second, arguments.no_trunc);
    row["CreatedSince"] = HumanAge(created, now);
    row["CreatedAt"] = step.created ? FormatRfc3339({created.sec, 0}) : "N/A";
    row["CreatedBy"] =
        arguments.no_trunc ? step.created_by : Ellipsis(step.created_by, kCreatedByWidth);
    row["Comment"] = step.comment;
    row["DiffID"] = "";
    if (!step.empty_layer) {
      const Digest& diff_id = config.diff_ids[layer++];
      row["DiffID"] = diff_id.ToString();
      if (format.Needs("Size")) {
        VENEER_TRY(size, LayerSize(*store, diff_id));
      }
    }
    row["Size"] = ShowSize(size, arguments.bytes || !arguments.human);
    rows.push_back(std::move(row));
  }
  std::ranges::reverse(rows);
  VENEER_TRY(const std::string list, format.Render(std::move(rows)));
  PrintData(list);
  return 0;
}

}  // namespace

CommandSpec HistoryCommand() {
  auto arguments = std::make_shared<HistoryArguments>();
  return {
      .name = "history",
      .summary = "Show how an image came to be, the newest step first",
      .positionals = {{ImageValue(), &arguments->image, "The image"}},
      .options =
          {
              {"-q,--quiet", &arguments->quiet, "Only the ids"},
              {"--no-trunc", &arguments->no_trunc, "Whole ids and commands"},
              {"-H,--human", &arguments->human,
               "Sizes and times in readable form, which is the default; -H=false: exact"},
              {"--bytes", &arguments->bytes, "Sizes in bytes"},
              {"--format", &arguments->format, ListFormatValue(), kListFormatHelp},
          },
      .run = [arguments](Context& context) { return History(context, *arguments); },
  };
}

}  // namespace veneer
