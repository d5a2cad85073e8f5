// SPDX-License-Identifier: Apache-2.0
#include <cerrno>

#include "layerdb/store/fsck.h"
#include "layerdb/transfer/recipe_check.h"
#include "tools/cli/commands.h"
#include "tools/cli/progress.h"
#include "tools/image/table.h"

namespace veneer {

namespace {

std::string Joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

Result<int> FsckCommand(Context& context, const std::string& progress_mode) {
  VENEER_TRY(const ProgressMode mode, ParseProgressMode(progress_mode));
  VENEER_TRY_VOID(context.EnterUserNamespaceIfNeeded());
  Result<std::unique_ptr<Store>> store = context.OpenStore(Store::Missing::kFail);
  FsckReport report;
  uint64_t contents = 0;  // bytes, as the progress counts them
  if (store) {
    Progress progress(mode);
    VENEER_TRY(report, Fsck(
                           **store,
                           [&](uint64_t done, uint64_t total) {
                             contents = total;
                             progress.Update(done, total);
                           },
                           CheckRecipe));
  } else if (store.error().code() == EUCLEAN) {
    VENEER_TRY(const std::string path, context.StorePath());
    report = FsckUnopened(StoreLayout(path), store.error());
  } else {
    return tl::unexpected(std::move(store).error());
  }
  for (const FsckProblem& problem : report.problems) {
    std::string line = problem.path + ": " + problem.what;
    if (!problem.images.empty()) line += "; images: " + Joined(problem.images);
    if (!problem.containers.empty()) line += "; containers: " + Joined(problem.containers);
    PrintLine(Printable(line));
  }
  PrintLine(Count(report.images, "image", "images") + ", " +
            Count(report.containers, "container", "containers") + ", " +
            Count(report.layers, "layer", "layers") + ", " + Count(report.trees, "tree", "trees") +
            ", " + Count(report.objects, "object", "objects") + ", " +
            Count(report.blobs, "blob", "blobs") + " checked (" + HumanSize(contents) +
            "): " + std::to_string(report.problems.size()) + " damaged");
  return report.problems.empty() ? 0 : static_cast<int>(ExitCode::kFailed);
}

}  // namespace

void AddFsckCommand(CLI::App& app, Context& context) {
  auto progress = std::make_shared<std::string>("auto");
  CLI::App* command =
      app.add_subcommand("fsck", "Check everything in the store against its digests");
  command->add_option("--progress", *progress, "auto (a bar on a terminal), plain or none")
      ->type_name("MODE");
  command->callback([&context, progress] {
    context.action = [&context, progress] { return FsckCommand(context, *progress); };
  });
}

}  // namespace veneer
