// SPDX-License-Identifier: Apache-2.0
#include <set>

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

// With an image go those that it was made from, whatever the filters say of them: unnamed ones that
// no container uses, all of whose children go.
void AddParents(const std::vector<ImageListing>& listings, const std::set<Digest>& used,
                std::set<Digest>* chosen) {
  for (bool more = true; more;) {
    more = false;
    std::set<Digest> parents;
    std::set<Digest> needed;
    for (const ImageListing& listing : listings) {
      if (!listing.image.parent) continue;
      (chosen->contains(listing.image.id) ? parents : needed).insert(*listing.image.parent);
    }
    for (const ImageListing& listing : listings) {
      const Digest& id = listing.image.id;
      const bool goes = parents.contains(id) && !needed.contains(id) && listing.tags.empty() &&
                        !used.contains(id);
      if (goes) more |= chosen->insert(id).second;
    }
  }
}

Result<std::set<Digest>> ChooseImages(Store& store, const ImagePruneArguments& arguments,
                                      const ImageSelection& selection) {
  std::set<Digest> used;
  VENEER_TRY(const auto containers, store.containers().List());
  for (const ContainerRecord& container : containers) used.insert(container.image_id);
  std::set<Digest> chosen;
  VENEER_TRY(const std::vector<ImageListing> listings, store.images().List());
  std::set<Digest> needed;
  if (!arguments.all) needed = IntermediateImages(listings);
  for (const ImageListing& listing : listings) {
    const ImageRecord& image = listing.image;
    if (used.contains(image.id) || needed.contains(image.id) ||
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
  if (!arguments.all) AddParents(listings, used, &chosen);
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
