// SPDX-License-Identifier: Apache-2.0
#include "layerdb/transfer/container_diff.h"
#include "layerdb/transfer/image_diff.h"
#include "tools/cli/commands.h"
#include "tools/format/json.h"
#include "tools/format/table.h"
#include "tools/run/container_mount.h"

namespace veneer {

namespace {

struct DiffArguments {
  std::string target;
  std::string other;
  std::string format = "text";
  bool stat = false;
  bool bytes = false;
  bool verbose = false;
};

// "mode, owner"
std::string PartsOf(const SizedDiffEntry& change) {
  std::string words;
  for (const std::string& part : change.parts) words += (words.empty() ? "" : ", ") + part;
  return words;
}

Result<std::vector<SizedDiffEntry>> OfContainer(Store& store, const std::string& name, bool sizes) {
  VENEER_TRY(const ContainerRecord container, FindContainer(store, name));
  VENEER_TRY(const MountStatus status, StatusOf(store, container));
  RemoveStaleStubs(store, container, status);
  VENEER_TRY_VOID(SyncContainer(status));
  if (sizes) return DiffContainerWithSizes(store, container);
  VENEER_TRY(std::vector<DiffEntry> entries, DiffContainer(store, container));
  std::vector<SizedDiffEntry> out;
  out.reserve(entries.size());
  for (DiffEntry& entry : entries) out.push_back({std::move(entry), 0, 0, {}});
  return out;
}

std::string KindOf(const SizedDiffEntry& change) { return {static_cast<char>(change.entry.kind)}; }

void PrintJson(const std::vector<SizedDiffEntry>& changes, bool sizes, bool parts) {
  // One line each, so that a large one can be read by tools that go by lines.
  Print("[");
  const char* before = "\n";
  for (const SizedDiffEntry& change : changes) {
    Json item = {{"kind", KindOf(change)}, {"path", change.entry.path}};
    if (sizes) {
      item["before"] = change.before;
      item["after"] = change.after;
    }
    if (parts) item["changed"] = change.parts;
    Print(before + DumpJson(item));
    before = ",\n";
  }
  PrintLine(changes.empty() ? "]" : "\n]");
}

void PrintSizes(const std::vector<SizedDiffEntry>& changes, bool exact, bool parts) {
  const auto size = [&](uint64_t bytes) { return ShowSize(bytes, exact); };
  std::vector<std::string> headings = {"KIND", "BEFORE", "AFTER", "PATH"};
  if (parts) headings.insert(headings.end() - 1, "CHANGED");
  Table table(headings);
  uint64_t added = 0, changed = 0, deleted = 0, before = 0, after = 0;
  for (const SizedDiffEntry& change : changes) {
    const DiffKind kind = change.entry.kind;
    ++(kind == DiffKind::kAdded ? added : kind == DiffKind::kChanged ? changed : deleted);
    before += change.before;
    after += change.after;
    std::vector<std::string> cells = {
        KindOf(change), kind == DiffKind::kAdded ? "-" : size(change.before),
        kind == DiffKind::kDeleted ? "-" : size(change.after), change.entry.path};
    if (parts) cells.insert(cells.end() - 1, PartsOf(change));
    table.Add(std::move(cells));
  }
  Print(table.ToString());
  PrintLine(std::to_string(added) + " added, " + std::to_string(changed) + " changed, " +
            std::to_string(deleted) + " deleted: " + size(before) + " before, " + size(after) +
            " after");
}

Result<int> Diff(Context& context, const DiffArguments& arguments) {
  context.EnterUserNamespaceIfPossible();
  VENEER_TRY(const std::unique_ptr<Store> store, context.OpenStore(Store::Missing::kFail));
  std::vector<SizedDiffEntry> changes;
  if (arguments.other.empty()) {
    if (!store->containers().Get(arguments.target) && store->images().Find(arguments.target)) {
      return MakeError(
          arguments.target + " is an image; name a second one to compare it with, or a container",
          ExitCode::kNotFound);
    }
    VENEER_TRY(changes, OfContainer(*store, arguments.target, arguments.stat || arguments.verbose));
  } else {
    VENEER_TRY(const FoundImage below, FindImage(*store, arguments.target));
    VENEER_TRY(const FoundImage above, FindImage(*store, arguments.other));
    VENEER_TRY(changes, DiffImages(*store, below.image.diff_ids, above.image.diff_ids));
  }
  if (arguments.format == "json") {
    PrintJson(changes, arguments.stat, arguments.verbose);
  } else if (arguments.stat) {
    PrintSizes(changes, arguments.bytes, arguments.verbose);
  } else {
    for (const SizedDiffEntry& change : changes) {
      const bool parts = arguments.verbose && !change.parts.empty();
      PrintLine(KindOf(change) + " " + change.entry.path +
                (parts ? " (" + PartsOf(change) + ")" : ""));
    }
  }
  return 0;
}

}  // namespace

CommandSpec DiffCommand() {
  auto arguments = std::make_shared<DiffArguments>();
  return {
      .name = "diff",
      .summary =
          "List what a container, or the second of two images, added (A), changed (C) and "
          "deleted (D)",
      .positionals = {{ContainerOrImageValue(), &arguments->target,
                       "The container, or the image to start from"},
                      {ImageValue(), &arguments->other, "The image that is compared with it",
                       Need::kOptional}},
      .options =
          {
              {"--format", &arguments->format, OneOfValue("FORMAT", {"text", "json"}),
               "text or json"},
              {"--stat", &arguments->stat, "With the sizes of files, before and after"},
              {"-v,--verbose", &arguments->verbose,
               "With the differences: contents, mode, owner, time, xattrs, device, type; "
               "inside: something in the directory"},
              {"--bytes", &arguments->bytes, "Sizes in bytes"},
          },
      .run = [arguments](Context& context) { return Diff(context, *arguments); },
  };
}

}  // namespace veneer
