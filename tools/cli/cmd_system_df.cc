// SPDX-License-Identifier: Apache-2.0
#include <map>
#include <set>

#include "layerdb/model/reference.h"
#include "layerdb/store/usage.h"
#include "tools/cli/build_cache_rows.h"
#include "tools/cli/commands.h"
#include "tools/format/list_format.h"
#include "tools/format/table.h"
#include "tools/format/time_format.h"

namespace veneer {

namespace {

struct SystemDfArguments {
  std::string format;
  bool verbose = false;
  bool bytes = false;
};

ListShape PartsShape() {
  ListShape shape;
  shape.fields = {{"Type", "TYPE"},
                  {"TotalCount", "TOTAL"},
                  {"Active", "ACTIVE"},
                  {"Size", "SIZE"},
                  {"Reclaimable", "RECLAIMABLE"}};
  shape.table = "{{.Type}}\t{{.TotalCount}}\t{{.Active}}\t{{.Size}}\t{{.Reclaimable}}";
  shape.raw =
      "type: {{.Type}}\ntotal: {{.TotalCount}}\nactive: {{.Active}}\nsize: {{.Size}}\n"
      "reclaimable: {{.Reclaimable}}\n";
  shape.quiet = "{{.Type}}";
  return shape;
}

ListShape ImagesShape() {
  ListShape shape;
  shape.table =
      "{{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}\t{{.SharedSize}}\t"
      "{{.UniqueSize}}\t{{.Containers}}";
  shape.fields = {{"Repository", "REPOSITORY"},
                  {"Tag", "TAG"},
                  {"ID", "IMAGE ID"},
                  {"CreatedSince", "CREATED"},
                  {"Size", "SIZE"},
                  {"SharedSize", "SHARED SIZE"},
                  {"UniqueSize", "UNIQUE SIZE"},
                  {"Containers", "CONTAINERS"}};
  return shape;
}

ListShape ContainersShape() {
  ListShape shape;
  shape.table = "{{.Names}}\t{{.Image}}\t{{.RunningFor}}\t{{.Mounted}}\t{{.Size}}";
  shape.fields = {{"Names", "NAME"},
                  {"Image", "IMAGE"},
                  {"RunningFor", "CREATED"},
                  {"Mounted", "MOUNTED"},
                  {"Size", "SIZE"}};
  return shape;
}

ListShape BuildCacheDfShape() {
  ListShape shape;
  shape.table =
      "{{.ID}}\t{{.CacheType}}\t{{.Size}}\t{{.CreatedSince}}\t{{.LastUsedSince}}\t{{.Shared}}";
  shape.fields = {
      {"ID", "CACHE ID"},          {"CacheType", "CACHE TYPE"},    {"Size", "SIZE"},
      {"CreatedSince", "CREATED"}, {"LastUsedSince", "LAST USED"}, {"Shared", "SHARED"}};
  return shape;
}

Result<void> PrintTable(const ListShape& shape, std::vector<Json> rows) {
  VENEER_TRY(const ListFormat format, ListFormat::Parse(shape, "", false));
  VENEER_TRY(const std::string text, format.Render(std::move(rows)));
  PrintData(text);
  return {};
}

class Report {
 public:
  Report(Store& store, const StoreUsage& usage, const SystemDfArguments& arguments)
      : store_(store), usage_(usage), arguments_(arguments) {}

  std::vector<Json> Parts() const {
    return {Part("Images", usage_.images), Part("Containers", usage_.containers),
            Part("Build Cache", usage_.build_cache), Part("Objects", usage_.objects),
            Json{{"Type", "Other"},
                 {"TotalCount", "-"},
                 {"Active", "-"},
                 {"Size", Size(usage_.other)},
                 {"Reclaimable", Size(0)}}};
  }

  // What is on disk, and what it would be without a store.
  void PrintSharing() const {
    const uint64_t kept = usage_.images.bytes + usage_.objects.bytes;
    const uint64_t saved = usage_.unpacked > kept ? usage_.unpacked - kept : 0;
    PrintLine("");
    PrintLine("Store: " + Size(usage_.bytes()) + " on disk");
    PrintLine("Sharing saves: " + Size(saved) + " (the images hold " + Size(usage_.unpacked) +
              " of files, kept in " + Size(kept) + ")");
  }

  Result<std::vector<Json>> Images() const {
    VENEER_TRY(const auto sizes, LayerSizes(store_, usage_.image_list));
    std::map<Digest, size_t> uses;  // images that have the layer
    for (const ImageListing& listing : usage_.image_list) {
      const std::vector<Digest>& layers = listing.image.diff_ids;
      for (const Digest& layer : std::set<Digest>(layers.begin(), layers.end())) ++uses[layer];
    }
    std::map<Digest, size_t> containers;
    for (const ContainerRecord& container : usage_.container_list) ++containers[container.image_id];
    std::vector<Json> rows;
    const Timestamp now = Now();
    for (const ImageListing& listing : usage_.image_list) {
      const ImageRecord& image = listing.image;
      uint64_t shared = 0;
      uint64_t unique = 0;
      for (const Digest& layer : image.diff_ids) {
        (uses[layer] > 1 ? shared : unique) += sizes.at(layer);
      }
      std::vector<std::string> names = listing.tags;
      if (names.empty()) names.emplace_back("<none>:<none>");
      for (const std::string& name : names) {
        const auto [repository, tag] = SplitTagName(name);
        rows.push_back({{"Repository", repository},
                        {"Tag", tag},
                        {"ID", ShowId(image.id, false)},
                        {"CreatedSince", HumanAge(image.created, now)},
                        {"Size", Size(shared + unique)},
                        {"SharedSize", Size(shared)},
                        {"UniqueSize", Size(unique)},
                        {"Containers", std::to_string(containers[image.id])}});
      }
    }
    return rows;
  }

  std::vector<Json> Containers() const {
    std::vector<Json> rows;
    const Timestamp now = Now();
    for (const ContainerRecord& container : usage_.container_list) {
      rows.push_back({{"Names", container.name},
                      {"Image", container.image_name.empty() ? ShowId(container.image_id, false)
                                                             : container.image_name},
                      {"RunningFor", HumanAge(container.created, now)},
                      {"Mounted", container.mount ? "yes" : "no"},
                      {"Size", Size(usage_.container_bytes.at(container.name))}});
    }
    return rows;
  }

  Result<std::vector<Json>> BuildCache() const {
    VENEER_TRY(const std::vector<CacheEntry> entries, ListBuildCache(store_));
    BuildCacheShow show;
    show.bytes = arguments_.bytes;
    show.whole_ids = !arguments_.format.empty();
    std::vector<Json> rows = BuildCacheRows(store_, entries, show);
    for (Json& row : rows) row["CacheType"] = row["Type"];
    return rows;
  }
  std::string BuildCacheSize() const { return Size(usage_.build_cache.bytes); }

 private:
  std::string Size(uint64_t bytes) const { return ShowSize(bytes, arguments_.bytes, kSizeDigits); }

  Json Part(const char* name, const UsagePart& part) const {
    std::string reclaimable = Size(part.reclaimable);
    if (part.bytes > 0 && !arguments_.bytes) {
      reclaimable += " (" + std::to_string(part.reclaimable * 100 / part.bytes) + "%)";
    }
    return {{"Type", name},
            {"TotalCount", std::to_string(part.total)},
            {"Active", std::to_string(part.active)},
            {"Size", Size(part.bytes)},
            {"Reclaimable", reclaimable}};
  }

  Store& store_;
  const StoreUsage& usage_;
  const SystemDfArguments& arguments_;
};

// --format: a line for each part, or with --verbose one document with lists of all, as Docker has
// it.
Result<int> PrintFormatted(const Report& report, const SystemDfArguments& arguments,
                           const ListFormat& parts) {
  if (!arguments.verbose) {
    VENEER_TRY(const std::string text, parts.Render(report.Parts()));
    PrintData(text);
    return 0;
  }
  VENEER_TRY(const std::vector<Json> images, report.Images());
  VENEER_TRY(const std::vector<Json> cache, report.BuildCache());
  const Json all = {{"Parts", report.Parts()},
                    {"Images", images},
                    {"Containers", report.Containers()},
                    {"BuildCache", cache}};
  VENEER_TRY(const std::string text, RenderOne(all, arguments.format));
  PrintData(text);
  return 0;
}

Result<int> SystemDf(Context& context, const SystemDfArguments& arguments) {
  VENEER_TRY(const ListFormat parts,
             ListFormat::Parse(PartsShape(), arguments.verbose ? "" : arguments.format, false));
  if (arguments.verbose) VENEER_TRY_VOID(GoTemplate::Parse(arguments.format));
  context.EnterUserNamespaceIfPossible();
  VENEER_TRY(const std::unique_ptr<Store> store, context.OpenStore());
  VENEER_TRY(const StoreUsage usage, MeasureUsage(*store));
  const Report report(*store, usage, arguments);
  if (!arguments.format.empty()) return PrintFormatted(report, arguments, parts);
  VENEER_TRY_VOID(PrintTable(PartsShape(), report.Parts()));
  if (arguments.verbose) {
    VENEER_TRY(std::vector<Json> images, report.Images());
    Print("\nImages space usage:\n\n");
    VENEER_TRY_VOID(PrintTable(ImagesShape(), std::move(images)));
    Print("\nContainers space usage:\n\n");
    VENEER_TRY_VOID(PrintTable(ContainersShape(), report.Containers()));
    VENEER_TRY(std::vector<Json> cache, report.BuildCache());
    Print("\nBuild cache usage: " + report.BuildCacheSize() + "\n\n");
    VENEER_TRY_VOID(PrintTable(BuildCacheDfShape(), std::move(cache)));
  }
  report.PrintSharing();
  return 0;
}

}  // namespace

CommandSpec SystemDfCommand() {
  auto arguments = std::make_shared<SystemDfArguments>();
  return {
      .name = "df",
      .summary = "Show the space on disk by kind of data",
      .options =
          {
              {"-v,--verbose", &arguments->verbose,
               "Also each image, container and part of the build cache"},
              {"--format", &arguments->format, ListFormatValue(), kListFormatHelp},
              {"--bytes", &arguments->bytes, "Sizes in bytes"},
          },
      .run = [arguments](Context& context) { return SystemDf(context, *arguments); },
  };
}

}  // namespace veneer
