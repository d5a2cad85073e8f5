// SPDX-License-Identifier: Apache-2.0
#include <set>

#include "layerdb/catalog/lineage.h"
#include "layerdb/store/prune.h"
#include "tools/cli/commands.h"
#include "tools/cli/confirm.h"
#include "tools/cli/image_parents.h"
#include "tools/format/image_selection.h"
#include "tools/format/table.h"
#include "tools/format/time_format.h"

namespace veneer {

namespace {

struct ImagePruneArguments {
  bool all = false;
  bool force = false;
  bool bytes = false;
  std::vector<std::string> filters;
};

constexpr const char* kWarnDangling = "This will remove all dangling images.";
constexpr const char* kWarnAll =
    "This will remove all images without at least one container associated to them.";

// Of the cache of builds, which is the matter of `builder prune`, only steps go that the chosen
// images alone need.
Result<std::set<Digest>> ChooseImages(Store& store, const ImagePruneArguments& arguments,
                                      const ImageSelection& selection) {
  VENEER_TRY(const auto containers, store.containers().List());
  const std::set<Digest> used = UsedImages(containers);
  std::set<Digest> chosen;
  VENEER_TRY(const std::vector<ImageListing> listings, store.images().List());
  std::set<Digest> needed;
  if (!arguments.all) needed = IntermediateImages(listings);
  for (const ImageListing& listing : listings) {
    const ImageRecord& image = listing.image;
    if (used.contains(image.id) || needed.contains(image.id) || IsCachedStep(listing) ||
        (!arguments.all && !listing.tags.empty()))
      continue;
    if (!selection.MatchesTime(image.created)) continue;
    if (selection.needs_labels()) {
      VENEER_TRY(const std::string text, store.ReadBlob(image.id, JsonLimits{}.bytes));
      const Result<Json> config = ParseJson(text);
      if (!config || !selection.MatchesLabels(*config)) continue;
    }
    chosen.insert(image.id);
  }
  AddParents(listings, used, &chosen);  // whatever the filters say of them
  return chosen;
}

Result<int> ImagePrune(Context& context, const ImagePruneArguments& arguments) {
  VENEER_TRY(const ImageSelection selection, ParseImageSelection(arguments.filters, Now()));
  if (!arguments.force && !Confirm(arguments.all ? kWarnAll : kWarnDangling, arguments.filters)) {
    PrintLine("Total reclaimed space: 0B");
    return 0;
  }
  context.EnterUserNamespaceIfPossible();
  VENEER_TRY(const std::unique_ptr<Store> store, context.OpenStore());
  RemoveDeadContainers(*store);
  PruneOptions prune;
  prune.keep_named = !arguments.all;
  VENEER_TRY(prune.images, ChooseImages(*store, arguments, selection));
  VENEER_TRY(const PruneReport report, Prune(*store, prune));
  if (report.writers_active && !prune.images.empty()) {
    return MakeError("an import or commit is running; no image was removed, try again behind it",
                     ExitCode::kInUse);
  }
  if (!report.removed_images.empty()) PrintLine("Deleted Images:");
  for (const RemovedImage& image : report.removed_images) {
    for (const std::string& tag : image.untagged) PrintLine("untagged: " + tag);
    PrintLine("deleted: " + image.deleted->ToString());
    for (const Digest& chain : image.chains) PrintLine("deleted: " + chain.ToString());
  }
  if (!report.removed_images.empty()) PrintLine("");
  PrintLine("Total reclaimed space: " + ShowSize(report.bytes_freed, arguments.bytes, kSizeDigits));
  return 0;
}

}  // namespace

CommandSpec ImagePruneCommand() {
  auto arguments = std::make_shared<ImagePruneArguments>();
  return {
      .name = "prune",
      .summary = "Remove images that have no name and no container",
      .options =
          {
              {"-a,--all", &arguments->all, "Also images with names, if no container uses them"},
              {"-f,--force", &arguments->force, "Do not ask"},
              {"--bytes", &arguments->bytes, "The size in bytes"},
              {"--filter", &arguments->filters,
               FiltersValue("FILTER", {"until=", "label=", "label!="}),
               "Only images that are older (until=24h, until=2024-01-31), that have a label "
               "(label=a, label=a=b) or have it not (label!=a)"},
          },
      .run = [arguments](Context& context) { return ImagePrune(context, *arguments); },
  };
}

}  // namespace veneer
