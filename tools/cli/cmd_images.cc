// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/commands.h"
#include "tools/image/reference.h"
#include "tools/image/table.h"
#include "tools/image/time_format.h"

namespace veneer {

namespace {

struct Options {
  std::string filter;
  bool quiet = false;
  bool no_trunc = false;
  bool all = false;
};

constexpr const char* kNone = "<none>";

// One line of the list: an image under one of its names.
struct Row {
  const ImageRecord* image;
  std::string repository;
  std::string tag;
};

// REPOSITORY or REPOSITORY:TAG, as docker images takes it.
bool Matches(const std::optional<Reference>& wanted, const Row& row) {
  return !wanted ||
         (wanted->Repository() == row.repository && (!wanted->tag || *wanted->tag == row.tag));
}

Result<int> ListImages(Context& context, const Options& options) {
  std::optional<Reference> wanted;
  if (!options.filter.empty()) {
    VENEER_TRY(wanted, ParseReference(options.filter));
  }
  VENEER_TRY(const std::unique_ptr<Store> store, context.OpenStore());
  VENEER_TRY(const std::vector<ImageListing> listings, store->images().List());
  Table table({"REPOSITORY", "TAG", "IMAGE ID", "CREATED", "SIZE"});
  const Timestamp now = Now();
  for (const ImageListing& listing : listings) {
    std::vector<std::string> names = listing.tags;
    if (names.empty()) names.emplace_back();
    for (const std::string& name : names) {
      const auto [repository, tag] = SplitTagName(name);
      const Row row{&listing.image, repository, tag};
      if (!Matches(wanted, row)) continue;
      const std::string id = ShowId(listing.image.id, options.no_trunc);
      if (options.quiet) {
        PrintLine(id);
        continue;
      }
      table.Add({repository.empty() ? kNone : repository, tag.empty() ? kNone : tag, id,
                 HumanAge(listing.image.created, now), HumanSize(listing.image.size)});
    }
  }
  if (!options.quiet) Print(table.ToString());
  return 0;
}

}  // namespace

void AddImagesCommand(CLI::App& app, Context& context) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("images", "List images");
  command
      ->add_option("reference", options->filter,
                   "Only images of this repository, or this name and tag")
      ->type_name("REF");
  command->add_flag("-q,--quiet", options->quiet, "Only the ids");
  command->add_flag("--no-trunc", options->no_trunc, "Whole ids");
  command->add_flag("-a,--all", options->all,
                    "Every image is listed anyway; for those used to typing it");
  command->callback([&context, options] {
    context.action = [&context, options] { return ListImages(context, *options); };
  });
}

}  // namespace veneer
