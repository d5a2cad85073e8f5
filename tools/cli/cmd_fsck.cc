// SPDX-License-Identifier: Apache-2.0
#include <cerrno>

#include "layerdb/store/fsck.h"
#include "layerdb/store/repair.h"
#include "tools/cli/advice.h"
#include "tools/cli/commands.h"
#include "tools/cli/progress.h"
#include "tools/format/table.h"

namespace veneer {

namespace {

std::string Joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

struct FsckArguments {
  std::string progress = "auto";
  bool repair = false;
};

void PrintProblem(const FsckProblem& problem, const RepairOutcome* outcome) {
  std::string line = problem.path + ": " + ProblemWithAdvice(problem);
  if (!problem.images.empty()) line += "; images: " + Joined(problem.images);
  if (!problem.containers.empty()) line += "; containers: " + Joined(problem.containers);
  if (outcome != nullptr) line += " -- " + outcome->what;
  PrintLine(Printable(line));
}

Result<int> RunFsck(Context& context, const FsckArguments& arguments) {
  VENEER_TRY_VOID(context.EnterUserNamespaceIfNeeded());
  Result<std::unique_ptr<Store>> store = context.OpenStore(Store::Missing::kFail);
  FsckReport report;
  uint64_t contents = 0;  // bytes, as the progress counts them
  if (store) {
    Progress progress(ProgressModeOf(arguments.progress));
    VENEER_TRY(report, Fsck(**store, [&](uint64_t done, uint64_t total) {
                 contents = total;
                 progress.Update(done, total);
               }));
  } else if (store.error().code() == EUCLEAN) {
    VENEER_TRY(const std::string path, context.StorePath());
    report = FsckUnopened(StoreLayout(path), store.error());
  } else {
    return tl::unexpected(std::move(store).error());
  }
  std::vector<RepairOutcome> outcomes;
  if (arguments.repair && store) {
    VENEER_TRY(outcomes, Repair(**store, report));
  }
  for (const Digest& chain_id : report.stale_trees) {
    PrintLine("trees/" + chain_id.hex() + ": is not whole, as after a power cut" +
              (arguments.repair ? " -- removed; it" : "; it") + " is made again when it is needed");
  }
  size_t left = 0;
  for (size_t i = 0; i < report.problems.size(); ++i) {
    const RepairOutcome* outcome = outcomes.empty() ? nullptr : &outcomes[i];
    if (outcome == nullptr || !outcome->whole) ++left;
    PrintProblem(report.problems[i], outcome);
  }
  PrintLine(Count(report.images, "image", "images") + ", " +
            Count(report.containers, "container", "containers") + ", " +
            Count(report.layers, "layer", "layers") + ", " + Count(report.trees, "tree", "trees") +
            ", " + Count(report.objects, "object", "objects") + ", " +
            Count(report.blobs, "blob", "blobs") + " checked (" + HumanSize(contents) +
            "): " + std::to_string(report.problems.size()) + " damaged" +
            (outcomes.empty() ? "" : ", " + std::to_string(outcomes.size() - left) + " repaired"));
  return left == 0 ? 0 : static_cast<int>(ExitCode::kFailed);
}

}  // namespace

CommandSpec FsckCommand() {
  auto arguments = std::make_shared<FsckArguments>();
  return {
      .name = "fsck",
      .summary = "Check everything in the store against its digests",
      .options =
          {
              {"--progress", &arguments->progress, ProgressValue(), kProgressHelp},
              {"--repair", &arguments->repair,
               "Remove what is damaged and can be made again, and have damaged layers read anew "
               "when they are loaded or imported the next time"},
          },
      .run = [arguments](Context& context) { return RunFsck(context, *arguments); },
  };
}

}  // namespace veneer
