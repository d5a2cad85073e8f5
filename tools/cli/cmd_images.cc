// SPDX-License-Identifier: Apache-2.0
#include <map>
#include <set>

#include "layerdb/model/reference.h"
#include "tools/cli/commands.h"
#include "tools/cli/image_documents.h"
#include "tools/cli/image_parents.h"
#include "tools/cli/images_tree.h"
#include "tools/format/list_filter.h"
#include "tools/format/list_format.h"
#include "tools/format/moment.h"
#include "tools/format/table.h"
#include "tools/format/time_format.h"

namespace veneer {

namespace {

struct ImagesArguments {
  std::string reference;
  std::vector<std::string> filters;
  std::string format;
  bool quiet = false;
  bool no_trunc = false;
  bool all = false;
  bool digests = false;
  bool tree = false;
  bool bytes = false;
};

constexpr const char* kNone = "<none>";

ListShape ImageListShape(bool digests) {
  ListShape shape;
  shape.fields = {{"Repository", "REPOSITORY"},
                  {"Tag", "TAG"},
                  {"Digest", "DIGEST"},
                  {"ID", "IMAGE ID"},
                  {"CreatedSince", "CREATED"},
                  {"CreatedAt", "CREATED AT"},
                  {"Size", "SIZE"},
                  {"VirtualSize", "SIZE"},
                  {"SharedSize", "SHARED SIZE"},
                  {"UniqueSize", "UNIQUE SIZE"},
                  {"Containers", "CONTAINERS"}};
  shape.table = std::string("{{.Repository}}\t{{.Tag}}\t") + (digests ? "{{.Digest}}\t" : "") +
                "{{.ID}}\t{{.CreatedSince}}\t{{.Size}}";
  shape.raw = std::string("repository: {{.Repository}}\ntag: {{.Tag}}\n") +
              (digests ? "digest: {{.Digest}}\n" : "") +
              "image_id: {{.ID}}\ncreated_at: {{.CreatedAt}}\nvirtual_size: {{.Size}}\n";
  shape.quiet = "{{.ID}}";
  return shape;
}

// What --filter and the argument ask for, with the images they name looked up.
struct WantedImages {
  bool intermediate = false;  // also those
  std::optional<bool> dangling;
  std::vector<std::string> labels;      // all of them
  std::vector<std::string> references;  // any of them
  std::optional<std::string> argument;  // a glob, or a name
  std::optional<Timestamp> after;
  std::optional<Timestamp> before;
};

// An argument that is no glob must be a name; it is looked for in its short form.
Result<std::string> ArgumentPattern(const std::string& text) {
  if (text.find_first_of("*?[\\") != std::string::npos) return text;
  VENEER_TRY(const Reference reference, ParseReference(text));
  return reference.ToString();
}

void Earlier(const Timestamp& time, std::optional<Timestamp>* limit) {
  if (!*limit || time < **limit) *limit = time;
}

Result<WantedImages> ParseImageFilters(Store& store, const ImagesArguments& arguments,
                                       const ListFilters& filters) {
  WantedImages wanted;
  VENEER_TRY(wanted.dangling, FilterSwitch(filters, "dangling"));
  wanted.intermediate = arguments.all && !wanted.dangling.value_or(false);
  wanted.labels = FilterValues(filters, "label");
  wanted.references = FilterValues(filters, "reference");
  if (!arguments.reference.empty()) {
    VENEER_TRY(wanted.argument, ArgumentPattern(arguments.reference));
  }
  const Timestamp now = Now();
  for (const std::string& text : FilterValues(filters, "until")) {
    VENEER_TRY(const Timestamp time, ParseMoment(text, now));
    Earlier(time, &wanted.before);
  }
  for (const std::string& name : FilterValues(filters, "before")) {
    VENEER_TRY(const FoundImage found, FindImage(store, name));
    Earlier(found.image.created, &wanted.before);
  }
  for (const std::string& name : FilterValues(filters, "since")) {
    VENEER_TRY(const FoundImage found, FindImage(store, name));
    if (!wanted.after || found.image.created > *wanted.after) wanted.after = found.image.created;
  }
  return wanted;
}

Result<bool> WantsImage(const Store& store, const WantedImages& wanted,
                        const ImageListing& listing) {
  const ImageRecord& image = listing.image;
  if (wanted.dangling && *wanted.dangling != listing.tags.empty()) return false;
  if (wanted.before && image.created >= *wanted.before) return false;
  if (wanted.after && image.created <= *wanted.after) return false;
  if (wanted.labels.empty()) return true;
  VENEER_TRY(const Json labels, LabelsOf(store, image));
  for (const std::string& label : wanted.labels) {
    if (!HasLabel(&labels, label)) return false;
  }
  return true;
}

bool WantsName(const WantedImages& wanted, const std::string& name) {
  if (wanted.argument && !MatchReference(*wanted.argument, name)) return false;
  if (wanted.references.empty()) return true;
  for (const std::string& pattern : wanted.references) {
    if (MatchReference(pattern, name)) return true;
  }
  return false;
}

// The images that are wanted, with those of their names that are.
Result<std::vector<ImageListing>> Select(Store& store, const WantedImages& wanted) {
  VENEER_TRY(std::vector<ImageListing> all, store.images().List());
  std::set<Digest> hidden;
  if (!wanted.intermediate) hidden = IntermediateImages(all);
  std::vector<ImageListing> selected;
  for (ImageListing& listing : all) {
    if (hidden.contains(listing.image.id)) continue;
    VENEER_TRY(const bool image, WantsImage(store, wanted, listing));
    if (!image) continue;
    const bool nameless = listing.tags.empty();
    std::erase_if(listing.tags, [&](const std::string& name) { return !WantsName(wanted, name); });
    const bool by_name = wanted.argument || !wanted.references.empty();
    if (listing.tags.empty() && (!nameless || by_name)) continue;
    selected.push_back(std::move(listing));
  }
  return selected;
}

// How many containers each image has, by its id.
Result<std::map<Digest, size_t>> CountContainers(Store& store) {
  std::map<Digest, size_t> counts;
  VENEER_TRY(const auto containers, store.containers().List());
  for (const ContainerRecord& container : containers) ++counts[container.image_id];
  return counts;
}

struct ImageName {
  std::string repository, tag, digest;
};

// The rows of an image: each tag with the first digest of its repository; then, where digests are
// shown, those of repositories in which it has no tag, as Docker has it.
std::vector<ImageName> NamesOf(const std::vector<std::string>& tags,
                               const std::vector<std::string>& repo_digests) {
  std::vector<ImageName> names;
  for (const std::string& name : tags) {
    auto [repository, tag] = SplitTagName(name);
    names.push_back({std::move(repository), std::move(tag), kNone});
  }
  for (const std::string& name : repo_digests) {
    const size_t at = name.find('@');
    const std::string repository = name.substr(0, at);
    bool found = false;
    for (ImageName& one : names) {
      if (one.repository != repository) continue;
      if (one.digest == kNone) one.digest = name.substr(at + 1);
      found = true;
    }
    if (!found) names.push_back({repository, kNone, name.substr(at + 1)});
  }
  if (names.empty()) names.push_back({kNone, kNone, kNone});
  return names;
}

Result<std::vector<Json>> MakeRows(Store& store, const ImagesArguments& arguments,
                                   const ListFormat& format,
                                   const std::vector<ImageListing>& listings) {
  const Timestamp now = Now();
  std::map<Digest, size_t> containers;
  if (format.Needs("Containers")) {
    VENEER_TRY(containers, CountContainers(store));
  }
  std::vector<Json> rows;
  for (const ImageListing& listing : listings) {
    const ImageRecord& image = listing.image;
    Json common = Json::object();
    common["ID"] = ShowId(image.id, arguments.no_trunc);
    if (format.Needs("CreatedSince")) common["CreatedSince"] = HumanAge(image.created, now);
    if (format.Needs("CreatedAt")) common["CreatedAt"] = FormatGoTime(image.created);
    if (format.Needs("Size")) common["Size"] = ShowSize(image.size, arguments.bytes);
    // Docker's, which tells them in `system df -v` alone; so does `veneer`.
    common["SharedSize"] = "N/A";
    common["UniqueSize"] = "N/A";
    if (format.Needs("VirtualSize")) common["VirtualSize"] = ShowSize(image.size, arguments.bytes);
    if (format.Needs("Containers")) common["Containers"] = std::to_string(containers[image.id]);
    std::vector<std::string> digests;
    if (format.Needs("Digest")) digests = RepoDigestsOf(store, image, listing.tags);
    for (const ImageName& name : NamesOf(listing.tags, digests)) {
      Json row = common;
      row["Repository"] = name.repository;
      row["Tag"] = name.tag;
      if (format.Needs("Digest")) row["Digest"] = name.digest;
      rows.push_back(std::move(row));
    }
  }
  return rows;
}

Result<int> ListImages(Context& context, const ImagesArguments& arguments) {
  VENEER_TRY(const ListFormat format, ListFormat::Parse(ImageListShape(arguments.digests),
                                                        arguments.format, arguments.quiet));
  VENEER_TRY(const ListFilters filters,
             ParseFilters(arguments.filters,
                          {"dangling", "label", "since", "before", "until", "reference"}));
  if (!arguments.reference.empty()) VENEER_TRY_VOID(ArgumentPattern(arguments.reference));
  VENEER_TRY(const std::unique_ptr<Store> store, context.OpenStore());
  VENEER_TRY(const WantedImages wanted, ParseImageFilters(*store, arguments, filters));
  VENEER_TRY(const std::vector<ImageListing> listings, Select(*store, wanted));
  if (arguments.tree) {
    VENEER_TRY(const std::string tree,
               ShowImagesTree(*store, listings, {arguments.no_trunc, arguments.bytes}));
    Print(tree);
    return 0;
  }
  VENEER_TRY(std::vector<Json> rows, MakeRows(*store, arguments, format, listings));
  VENEER_TRY(const std::string text, format.Render(std::move(rows)));
  PrintData(text);
  return 0;
}

}  // namespace

CommandSpec ImagesCommand() {
  auto arguments = std::make_shared<ImagesArguments>();
  return {
      .name = "images",
      .summary = "List images",
      .positionals = {{ImageValue("REF"), &arguments->reference,
                       "Only images of this repository, or this name and tag; * and ? match",
                       Need::kOptional}},
      .options =
          {
              {"-q,--quiet", &arguments->quiet, "Only the ids"},
              {"--no-trunc", &arguments->no_trunc, "Whole ids"},
              {"-a,--all", &arguments->all, "Also images without a name that others were made of"},
              {"--digests", &arguments->digests, "With the digests of their manifests"},
              {"-f,--filter", &arguments->filters,
               FiltersValue("KEY=VALUE",
                            {"dangling=", "label=", "before=", "since=", "until=", "reference="}),
               "Only some: dangling=true, label=KEY[=VALUE], reference=GLOB, since=IMAGE, "
               "before=IMAGE, until=TIME"},
              {"--format", &arguments->format, ListFormatValue(), kListFormatHelp},
              Option("--tree", &arguments->tree, "As a tree of the layers they share")
                  .Excluding({"--format", "--quiet", "--digests"}),
              {"--bytes", &arguments->bytes, "Sizes in bytes"},
          },
      .run = [arguments](Context& context) { return ListImages(context, *arguments); },
      .known_as = {"list"},
  };
}

}  // namespace veneer
