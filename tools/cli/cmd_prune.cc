// SPDX-License-Identifier: Apache-2.0
#include "layerdb/store/prune.h"
#include "tools/cli/commands.h"
#include "tools/format/table.h"

namespace veneer {

namespace {

Result<int> RunPrune(Context& context, PruneOptions options, bool bytes) {
  context.EnterUserNamespaceIfPossible();
  VENEER_TRY(const std::unique_ptr<Store> store, context.OpenStore());
  if (options.dry_run) {
    VENEER_TRY(const auto containers, store->containers().List());
    for (const ContainerRecord& container : containers) {
      if (!IsWanted(container)) options.dead_containers.insert(container.name);
    }
  } else {
    RemoveDeadContainers(*store);
  }
  VENEER_TRY(const PruneReport report, Prune(*store, options));
  if (report.writers_active) {
    PrintError("an import or commit is running: only what dead processes left was removed");
  }
  PrintLine((options.dry_run ? "Would delete: " : "Deleted: ") +
            Count(report.images, "image", "images") + ", " +
            Count(report.layers, "layer", "layers") + ", " + Count(report.trees, "tree", "trees") +
            ", " + Count(report.objects, "object", "objects") + ", " +
            Count(report.blobs, "blob", "blobs") + ", " +
            Count(report.staging, "leftover of interrupted work", "leftovers of interrupted work"));
  PrintLine((options.dry_run ? "Total reclaimable space: " : "Total reclaimed space: ") +
            ShowSize(report.bytes_freed, bytes, kSizeDigits));
  return 0;
}

}  // namespace

CommandSpec PruneCommand() {
  auto options = std::make_shared<PruneOptions>();
  auto bytes = std::make_shared<bool>(false);
  return {
      .name = "prune",
      .summary = "Delete data that no image and no container needs",
      .options =
          {
              {"-i,--images", &options->untagged_images,
               "Remove images that have no name and no container, too"},
              {"--dry-run", &options->dry_run, "Print the numbers and delete nothing"},
              {"--bytes", bytes.get(), "The size in bytes"},
          },
      .run = [options, bytes](Context& context) { return RunPrune(context, *options, *bytes); },
  };
}

}  // namespace veneer
