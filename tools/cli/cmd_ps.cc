// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <map>
#include <regex>

#include "layerdb/base/walk.h"
#include "tools/cli/commands.h"
#include "tools/format/list_filter.h"
#include "tools/format/list_format.h"
#include "tools/format/table.h"
#include "tools/format/time_format.h"
#include "tools/run/container_mount.h"

namespace veneer {

namespace {

struct PsArguments {
  std::vector<std::string> filters;
  std::string format;
  int last = -1;
  bool latest = false;
  bool all = false;
  bool quiet = false;
  bool no_trunc = false;
  bool size = false;
  bool bytes = false;
};

// What Docker's containers have besides, and these have not: name and heading.
constexpr std::array<std::pair<const char*, const char*>, 6> kDockers = {
    {{"Command", "COMMAND"},
     {"Labels", "LABELS"},
     {"LocalVolumes", "LOCAL VOLUMES"},
     {"Mounts", "MOUNTS"},
     {"Networks", "NETWORKS"},
     {"Ports", "PORTS"}}};

ListShape ContainerListShape() {
  ListShape shape;
  shape.fields = {{"Names", "NAMES"},           {"ID", "NAMES"},
                  {"Image", "IMAGE"},           {"ImageID", "IMAGE ID"},
                  {"CreatedAt", "CREATED AT"},  {"RunningFor", "CREATED"},
                  {"Status", "STATUS"},         {"State", "STATE"},
                  {"Mountpoint", "MOUNTPOINT"}, {"Size", "SIZE"}};
  for (const auto& [name, heading] : kDockers) shape.fields.emplace_back(name, heading);
  shape.table = "{{.Names}}\t{{.Image}}\t{{.Status}}\t{{.Mountpoint}}\t{{.Size}}";
  shape.raw =
      "names: {{.Names}}\nimage: {{.Image}}\nimage_id: {{.ImageID}}\ncreated_at: {{.CreatedAt}}\n"
      "status: {{.Status}}\nmountpoint: {{.Mountpoint}}\nsize: {{.Size}}\n";
  shape.quiet = "{{.Names}}";
  return shape;
}

std::string StatusWords(const ContainerRecord& container, const MountStatus& status) {
  switch (status.state) {
    case MountState::kMounted: return "Mounted";
    case MountState::kSession: return status.unmounting ? "Unmounting" : "In use";
    case MountState::kDead: return "Dead mount";
    case MountState::kNone: break;
  }
  return IsWanted(container) ? "Not mounted" : "Dead";
}

// One word for programs; what --filter status= takes.
std::string StateWord(const ContainerRecord& container, const MountStatus& status) {
  switch (status.state) {
    case MountState::kMounted: return "mounted";
    case MountState::kSession: return status.unmounting ? "unmounting" : "in-use";
    case MountState::kDead: return "dead";
    case MountState::kNone: break;
  }
  return IsWanted(container) ? "unmounted" : "dead";
}

// Docker's words are taken for what comes nearest.
Result<std::vector<std::string>> WantedStates(const ListFilters& filters) {
  std::vector<std::string> states;
  for (const std::string& word : FilterValues(filters, "status")) {
    if (word == "running") {
      states.insert(states.end(), {"mounted", "in-use", "unmounting"});
    } else if (word == "created" || word == "exited") {
      states.emplace_back("unmounted");
    } else if (word == "mounted" || word == "in-use" || word == "unmounting" || word == "dead" ||
               word == "unmounted") {
      states.push_back(word);
    } else {
      return MakeError("invalid filter 'status=" + word +
                           "'; there are mounted, unmounted, in-use, unmounting, dead",
                       ExitCode::kUsage);
    }
  }
  return states;
}

Result<std::vector<std::regex>> WantedNames(const ListFilters& filters) {
  std::vector<std::regex> names;
  for (const std::string& word : FilterValues(filters, "name")) {
    try {
      names.emplace_back(word, std::regex::extended | std::regex::nosubs);
    } catch (const std::regex_error&) {
      return MakeError("invalid filter 'name=" + word + "': not a regular expression",
                       ExitCode::kUsage);
    }
  }
  return names;
}

bool BeginsWith(const std::vector<Digest>& layers, const std::vector<Digest>& first) {
  return layers.size() >= first.size() && std::equal(first.begin(), first.end(), layers.begin());
}

// The containers of an image and of those made from it; of an image that is not there, none.
bool IsOfAny(const ContainerRecord& container, const std::vector<ImageRecord>& images) {
  return std::ranges::any_of(images, [&](const ImageRecord& image) {
    // Of an image without layers no other is seen to be made.
    return container.image_id == image.id ||
           (!image.diff_ids.empty() && BeginsWith(container.diff_ids, image.diff_ids));
  });
}

struct WantedContainers {
  std::vector<std::string> states;
  std::vector<std::regex> names;
  std::vector<std::string> ids;  // or the beginnings of them
  std::optional<std::vector<ImageRecord>> ancestors;
};

Result<WantedContainers> ParseContainerFilters(Store& store, const ListFilters& filters) {
  WantedContainers wanted;
  VENEER_TRY(wanted.states, WantedStates(filters));
  VENEER_TRY(wanted.names, WantedNames(filters));
  wanted.ids = FilterValues(filters, "id");
  for (const std::string& name : FilterValues(filters, "ancestor")) {
    if (!wanted.ancestors) wanted.ancestors.emplace();
    Result<FoundImage> found = FindImage(store, name);
    if (found) wanted.ancestors->push_back(std::move(found->image));
    if (!found && found.error().exit() != ExitCode::kNotFound) {
      return tl::unexpected(std::move(found).error());
    }
  }
  return wanted;
}

bool Wants(const WantedContainers& wanted, const ContainerRecord& container) {
  const auto begins = [&](const std::string& id) { return container.name.starts_with(id); };
  if (!wanted.ids.empty() && std::ranges::none_of(wanted.ids, begins)) return false;
  const auto matches = [&](const std::regex& name) {
    return std::regex_search(container.name, name);
  };
  if (!wanted.names.empty() && std::ranges::none_of(wanted.names, matches)) return false;
  return !wanted.ancestors || IsOfAny(container, *wanted.ancestors);
}

// What was written in a container; with its image, as Docker shows both: "13kB (virtual 117MB)".
Result<std::string> SizeWords(Store& store, const ContainerRecord& container,
                              const std::map<Digest, uint64_t>& images, bool bytes) {
  const std::string upper = store.layout().upper(container.name);
  // One that is half made or half removed has none, and is listed all the same.
  VENEER_TRY_CTX(const TreeSize own, TreeMeasure().Of(upper), upper);
  const uint64_t size = own.contents;
  const auto image = images.find(container.image_id);
  if (image == images.end()) return ShowSize(size, bytes);
  return ShowSize(size, bytes) + " (virtual " + ShowSize(size + image->second, bytes) + ")";
}

Result<std::map<Digest, uint64_t>> ImageSizes(Store& store) {
  std::map<Digest, uint64_t> sizes;
  VENEER_TRY(const std::vector<ImageListing> listings, store.images().List());
  for (const ImageListing& listing : listings) sizes[listing.image.id] = listing.image.size;
  return sizes;
}

Json MakeRow(const ContainerRecord& container, const MountStatus& status,
             const PsArguments& arguments) {
  Json row = Json::object();
  row["Names"] = container.name;
  row["ID"] = container.name;
  row["Image"] = container.image_name.empty() ? ShowId(container.image_id, arguments.no_trunc)
                                              : container.image_name;
  row["ImageID"] = ShowId(container.image_id, arguments.no_trunc);
  row["CreatedAt"] = FormatGoTime(container.created);
  row["RunningFor"] = HumanAge(container.created, Now());
  row["Status"] = StatusWords(container, status);
  row["State"] = StateWord(container, status);
  row["Mountpoint"] = status.mount_point;
  for (const auto& [name, heading] : kDockers) row[name] = "";
  return row;
}

Result<int> Ps(Context& context, const PsArguments& arguments) {
  VENEER_TRY(const ListFormat format,
             ListFormat::Parse(ContainerListShape(), arguments.format, arguments.quiet));
  VENEER_TRY(const ListFilters filters,
             ParseFilters(arguments.filters, {"name", "id", "status", "ancestor"}));
  VENEER_TRY_VOID(WantedStates(filters));
  const bool sizes = arguments.size || format.Needs("Size");
  if (sizes) context.EnterUserNamespaceIfPossible();
  VENEER_TRY(const std::unique_ptr<Store> store, context.OpenStore());
  VENEER_TRY(const WantedContainers wanted, ParseContainerFilters(*store, filters));
  std::map<Digest, uint64_t> images;
  if (arguments.size) {
    VENEER_TRY(images, ImageSizes(*store));
  }
  VENEER_TRY(std::vector<ContainerRecord> containers, store->containers().List());
  std::ranges::reverse(containers);  // newest first
  const size_t limit = arguments.latest     ? 1
                       : arguments.last < 0 ? containers.size()
                                            : static_cast<size_t>(arguments.last);
  const bool all =
      arguments.all || arguments.latest || arguments.last >= 0 || !wanted.states.empty();
  std::vector<Json> rows;
  for (const ContainerRecord& container : containers) {
    if (rows.size() >= limit) break;
    if (!Wants(wanted, container)) continue;
    VENEER_TRY(const MountStatus status, StatusOf(*store, container));
    if (!all && status.state == MountState::kNone) continue;
    const std::string state = StateWord(container, status);
    if (!wanted.states.empty() && std::ranges::find(wanted.states, state) == wanted.states.end()) {
      continue;
    }
    Json row = MakeRow(container, status, arguments);
    if (sizes) {
      VENEER_TRY(row["Size"], SizeWords(*store, container, images, arguments.bytes));
    }
    rows.push_back(std::move(row));
  }
  VENEER_TRY(const std::string text, format.Render(std::move(rows)));
  PrintData(text);
  return 0;
}

}  // namespace

CommandSpec PsCommand() {
  auto arguments = std::make_shared<PsArguments>();
  return {
      .name = "ps",
      .summary = "List containers that are mounted or in use",
      .options =
          {
              {"-a,--all", &arguments->all, "All containers"},
              {"-q,--quiet", &arguments->quiet, "Only the names"},
              {"--no-trunc", &arguments->no_trunc, "Whole ids"},
              {"-f,--filter", &arguments->filters,
               FiltersValue("KEY=VALUE", {"name=", "id=", "status=", "ancestor="}),
               "Only some: name=REGEX, id=NAME, status=mounted|unmounted|in-use|unmounting|dead, "
               "ancestor=IMAGE"},
              {"--format", &arguments->format, ListFormatValue(), kListFormatHelp},
              {"-n,--last", &arguments->last, TextValue("NUMBER"),
               "The newest NUMBER containers, mounted or not"},
              {"-l,--latest", &arguments->latest, "The newest container, mounted or not"},
              {"-s,--size", &arguments->size, "Sizes with that of the image, as virtual"},
              {"--bytes", &arguments->bytes, "Sizes in bytes"},
          },
      .run = [arguments](Context& context) { return Ps(context, *arguments); },
  };
}

}  // namespace veneer
