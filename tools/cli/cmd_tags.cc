// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <utility>

#include "layerdb/base/parse.h"
#include "layerdb/base/printable.h"
#include "layerdb/model/reference.h"
#include "tools/cli/commands.h"
#include "tools/cli/interrupt.h"
#include "tools/cli/pull_image.h"
#include "tools/cli/registry_options.h"
#include "tools/format/list_format.h"

namespace veneer {

namespace {

struct TagsArguments {
  std::string repository;
  std::string limit;
  std::string format;
  RegistryOptions registry;
};

Result<size_t> ParseTagLimit(const std::string& text) {
  size_t limit = SIZE_MAX;
  if (text.empty() || (ParseNumber(text, &limit) && limit > 0)) return limit;
  return MakeError("--limit " + text + ": not a number from 1 on", ExitCode::kUsage);
}

ListShape TagListShape() {
  ListShape shape;
  shape.fields = {{"Repository", "REPOSITORY"}, {"Tag", "TAG"}};
  shape.table = "{{.Repository}}\t{{.Tag}}";
  shape.raw = "repository: {{.Repository}}\ntag: {{.Tag}}\n";
  shape.quiet = "{{.Tag}}";
  return shape;
}

Result<int> ListTagsOf(const TagsArguments& arguments) {
  // Without a format the tags alone, for programs and people alike.
  VENEER_TRY(const ListFormat format,
             ListFormat::Parse(TagListShape(), arguments.format, arguments.format.empty()));
  VENEER_TRY(const size_t limit, ParseTagLimit(arguments.limit));
  VENEER_TRY(const Reference named, ParseReference(arguments.repository));
  if (named.tag || named.digest) {
    return MakeError(
        "'" + PrintablePath(arguments.repository) + "': a repository has neither tag nor digest",
        ExitCode::kUsage);
  }
  Interrupt interrupt;
  VENEER_TRY(const std::unique_ptr<RegistryAccess> access,
             OpenRegistries(arguments.registry, interrupt.cancellation()));
  std::vector<Json> rows;
  const auto take = [&](const Reference& reference, RegistryClient& client) -> Result<void> {
    VENEER_TRY(const std::vector<std::string> tags, client.ListTags(limit));
    rows.clear();
    for (const std::string& tag : tags) {
      Json row;
      row["Repository"] = reference.Repository();
      row["Tag"] = PrintablePath(tag);
      rows.push_back(std::move(row));
    }
    return {};
  };
  if (const auto done = AskRegistries(*access, arguments.repository, take); !done) {
    interrupt.EndIfAsked();
    return tl::unexpected(done.error());
  }
  VENEER_TRY(const std::string text, format.Render(std::move(rows)));
  PrintData(text);
  return 0;
}

}  // namespace

CommandSpec TagsCommand() {
  auto arguments = std::make_shared<TagsArguments>();
  CommandSpec command = {
      .name = "tags",
      .summary = "List the tags of a repository at its registry",
      .positionals = {{ImageValue("REPOSITORY"), &arguments->repository,
                       "As in debian or registry.example:5000/team/app"}},
      .options =
          {
              {"--limit", &arguments->limit, TextValue("N"), "At most so many; default all"},
              {"--format", &arguments->format, ListFormatValue(), kListFormatHelp},
          },
      .run = [arguments](Context&) { return ListTagsOf(*arguments); },
  };
  AddRegistryOptions(&command, &arguments->registry);
  return command;
}

}  // namespace veneer
