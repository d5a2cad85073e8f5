// SPDX-License-Identifier: Apache-2.0
#include <map>
#include <set>

#include "layerdb/model/reference.h"
#include "layerdb/store/usage.h"
#include "tools/cli/commands.h"
#include "tools/image/table.h"
#include "tools/image/time_format.h"

namespace veneer {

namespace {

struct Options {
  bool verbose = false;
  bool bytes = false;
};

class Report {
 public:
  Report(Store& store, const StoreUsage& usage, const Options& options)
      : store_(store), usage_(usage), options_(options) {}

  void PrintParts() const {
    Table table({"TYPE", "TOTAL", "ACTIVE", "SIZE", "RECLAIMABLE"});
    AddPart(&table, "Images", usage_.images);
    AddPart(&table, "Containers", usage_.containers);
    AddPart(&table, "Objects", usage_.objects);
    table.Add({"Other", "-", "-", Size(usage_.other), Size(0)});
    Print(table.ToString());
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

  Result<void> PrintImages() const {
    VENEER_TRY(const auto sizes, LayerSizes(store_, usage_.image_list));
    std::map<Digest, size_t> uses;  // images that have the layer
    for (const ImageListing& listing : usage_.image_list) {
      const std::vector<Digest>& layers = listing.image.diff_ids;
      for (const Digest& layer : std::set<Digest>(layers.begin(), layers.end())) ++uses[layer];
    }
    std::map<Digest, size_t> containers;
    for (const ContainerRecord& container : usage_.container_list) ++containers[container.image_id];
    Table table({"REPOSITORY", "TAG", "IMAGE ID", "CREATED", "SIZE", "SHARED SIZE", "UNIQUE SIZE",
                 "CONTAINERS"});
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
        table.Add({repository, tag, ShowId(image.id, false), HumanAge(image.created, now),
                   Size(shared + unique), Size(shared), Size(unique),
                   std::to_string(containers[image.id])});
      }
    }
    PrintLine("");
    PrintLine("Images space usage:");
    PrintLine("");
    Print(table.ToString());
    return {};
  }

  void PrintContainers() const {
    Table table({"NAME", "IMAGE", "CREATED", "MOUNTED", "SIZE"});
    const Timestamp now = Now();
    for (const ContainerRecord& container : usage_.container_list) {
      table.Add(
          {container.name,
           container.image_name.empty() ? ShowId(container.image_id, false) : container.image_name,
           HumanAge(container.created, now), container.mount ? "yes" : "no",
           Size(usage_.container_bytes.at(container.name))});
    }
    PrintLine("");
    PrintLine("Containers space usage:");
    PrintLine("");
    Print(table.ToString());
  }

 private:
  std::string Size(uint64_t bytes) const { return ShowSize(bytes, options_.bytes, kSizeDigits); }

  void AddPart(Table* table, const char* name, const UsagePart& part) const {
    std::string reclaimable = Size(part.reclaimable);
    if (part.bytes > 0 && !options_.bytes) {
      reclaimable += " (" + std::to_string(part.reclaimable * 100 / part.bytes) + "%)";
    }
    table->Add({name, std::to_string(part.total), std::to_string(part.active), Size(part.bytes),
                reclaimable});
  }

  Store& store_;
  const StoreUsage& usage_;
  const Options& options_;
};

Result<int> SystemDf(Context& context, const Options& options) {
  VENEER_TRY_VOID(context.EnterUserNamespaceIfNeeded());
  VENEER_TRY(const std::unique_ptr<Store> store, context.OpenStore());
  VENEER_TRY(const StoreUsage usage, MeasureUsage(*store));
  const Report report(*store, usage, options);
  report.PrintParts();
  if (options.verbose) {
    VENEER_TRY_VOID(report.PrintImages());
    report.PrintContainers();
  }
  report.PrintSharing();
  return 0;
}

}  // namespace

void AddSystemDfCommand(CLI::App& app, Context& context) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("df", "Show what takes how much space");
  command->add_flag("-v,--verbose", options->verbose, "Also each image and each container");
  command->add_flag("--bytes", options->bytes, "Sizes in bytes");
  command->callback([&context, options] {
    context.action = [&context, options] { return SystemDf(context, *options); };
  });
}

}  // namespace veneer
