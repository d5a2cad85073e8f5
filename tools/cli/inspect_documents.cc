// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/inspect_documents.h"

#include <unistd.h>

#include <algorithm>
#include <set>

#include "layerdb/index/index_reader.h"
#include "layerdb/model/reference.h"
#include "layerdb/transfer/archive_counts.h"
#include "tools/cli/image_documents.h"
#include "tools/cli/image_parents.h"
#include "tools/format/time_format.h"
#include "tools/oci/config.h"
#include "tools/run/container_mount.h"

namespace veneer {

namespace {

bool Exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

// What a config may leave out is there all the same, so that a template can ask for it.
Json RuntimeConfig(const Json& document) {
  // In Docker's order.
  Json config = {{"Hostname", ""},          {"Domainname", ""},      {"User", ""},
                 {"AttachStdin", false},    {"AttachStdout", false}, {"AttachStderr", false},
                 {"ExposedPorts", nullptr}, {"Tty", false},          {"OpenStdin", false},
                 {"StdinOnce", false},      {"Env", nullptr},        {"Cmd", nullptr},
                 {"Healthcheck", nullptr},  {"Image", ""},           {"Volumes", nullptr},
                 {"WorkingDir", ""},        {"Entrypoint", nullptr}, {"OnBuild", nullptr},
                 {"Labels", nullptr},       {"StopSignal", ""},      {"Shell", nullptr}};
  const auto found = document.find("config");
  if (found == document.end() || !found->is_object()) return config;
  for (const auto& [key, value] : found->items()) config[key] = value;
  return config;
}

std::string TextMember(const Json& document, const char* key) {
  const auto text = GetString(document, key);
  return text ? text->value_or("") : "";
}

// Of the last step.
std::string CommentOf(const ImageConfig& config) {
  return config.history.empty() ? "" : config.history.back().comment;
}

Json Strings(const std::vector<Digest>& digests) {
  Json list = Json::array();
  for (const Digest& digest : digests) list.push_back(digest.ToString());
  return list;
}

Json LayerPlaces(const StoreLayout& layout, const std::vector<Digest>& layers) {
  Json list = Json::array();
  for (const Digest& layer : layers) list.push_back(layout.layer_index(layer));
  return list;
}

Json DriverOf(Json data) { return {{"Name", "veneer"}, {"Data", std::move(data)}}; }

const char* StatusOfState(const MountStatus& status) {
  switch (status.state) {
    case MountState::kMounted: return "mounted";
    case MountState::kSession: return status.unmounting ? "unmounting" : "in-use";
    case MountState::kDead: return "dead";
    case MountState::kNone: break;
  }
  return "unmounted";
}

// What the container was made with, as the tools noted it; an object in every case.
Json NotesOf(const ContainerRecord& container) {
  if (container.config.empty()) return Json::object();
  Result<Json> notes = ParseJson(container.config);
  return notes ? std::move(*notes) : Json::object();
}

// What a command in it would get from the image, and what the container was made with. Of an image
// that is not there, or is damaged, nothing is known.
Json ContainerConfig(Store& store, const ContainerRecord& container) {
  Json document = Json::object();
  if (const Result<FoundImage> image = store.images().Find(container.image_id.ToString())) {
    if (Result<Json> config = ConfigOf(store, image->image)) document = *std::move(config);
  }
  Json config = RuntimeConfig(document);
  config["Image"] =
      container.image_name.empty() ? container.image_id.ToString() : container.image_name;
  const Json notes = NotesOf(container);
  for (const auto& [key, value] : notes.items()) config[key] = value;
  return config;
}

}  // namespace

Result<Json> InspectImage(Store& store, const ImageRecord& image) {
  VENEER_TRY(const Json document, ConfigOf(store, image));
  Result<ImageConfig> config = ParseImageConfig(DumpJson(document));
  if (!config) {
    return tl::unexpected(
        std::move(config).error().Context("config of image " + image.id.ToString()));
  }
  VENEER_TRY(const std::vector<ImageListing> all, store.images().List());
  std::vector<std::string> tags;
  for (const ImageListing& listing : all) {
    if (listing.image.id == image.id) tags = listing.tags;
  }
  const StoreLayout& layout = store.layout();
  const std::string tree = layout.tree(image.chain_id);
  Json result = Json::object();
  result["Id"] = image.id.ToString();
  result["RepoTags"] = tags;
  result["RepoDigests"] = RepoDigestsOf(store, image, tags);
  const std::optional<ImageRecord> parent = ParentOf(image, all);
  result["Parent"] = parent ? parent->id.ToString() : "";
  result["Comment"] = CommentOf(*config);
  result["Created"] = FormatRfc3339(image.created);
  result["DockerVersion"] = TextMember(document, "docker_version");
  result["Author"] = config->author;
  result["Config"] = RuntimeConfig(document);
  result["Architecture"] = config->architecture;
  result["Variant"] = config->variant;
  result["Os"] = config->os;
  result["Size"] = image.size;
  result["VirtualSize"] = image.size;
  result["GraphDriver"] = DriverOf({{"Config", layout.blob(image.id)},
                                    {"Index", LayerPlaces(layout, image.diff_ids)},
                                    {"Tree", Exists(tree) ? Json(tree) : Json()},
                                    {"Objects", layout.objects()}});
  result["RootFS"] = {{"Type", "layers"}, {"Layers", Strings(image.diff_ids)}};
  result["Metadata"] = {{"ChainID", image.diff_ids.empty() ? "" : image.chain_id.ToString()},
                        {"Blobs", Strings(image.blobs)}};
  return result;
}

Result<Json> InspectContainer(Store& store, const ContainerRecord& container) {
  VENEER_TRY(const MountStatus status, StatusOf(store, container));
  const StoreLayout& layout = store.layout();
  const bool mounted = status.state == MountState::kMounted;
  const std::string tree = layout.tree(container.chain_id);
  Json mounts = Json::array();
  if (mounted) {
    mounts.push_back({{"Type", "fuse.veneerfs"},
                      {"Source", layout.container(container.name)},
                      {"Destination", status.mount_point},
                      {"RW", !(container.mount && container.mount->read_only)}});
  }
  Json result = Json::object();
  result["Id"] = container.name;
  result["Name"] = container.name;
  result["Created"] = FormatRfc3339(container.created);
  result["Image"] = container.image_id.ToString();
  result["ImageName"] = container.image_name;
  result["State"] = {{"Status", StatusOfState(status)},
                     {"Running", mounted || status.state == MountState::kSession},
                     {"Dead", status.state == MountState::kDead},
                     {"Pid", status.daemon ? Json(status.daemon->pid) : Json(0)},
                     {"ExitCode", 0}};
  result["Driver"] = "veneer";
  result["AutoRemove"] = container.remove_on_exit;
  result["Mounts"] = std::move(mounts);
  result["GraphDriver"] = DriverOf({{"LowerDir", tree},
                                    {"UpperDir", layout.upper(container.name)},
                                    {"WorkDir", layout.work(container.name)},
                                    {"MergedDir", mounted ? Json(status.mount_point) : Json("")},
                                    {"Objects", layout.objects()}});
  result["RootFS"] = {{"Type", "layers"}, {"Layers", Strings(container.diff_ids)}};
  result["Config"] = ContainerConfig(store, container);
  return result;
}

Result<Json> InspectLayer(Store& store, const Digest& diff_id) {
  VENEER_TRY(const std::shared_ptr<IndexReader> index, store.OpenLayer(diff_id));
  VENEER_TRY(const ArchiveCounts counts, CountArchive(store, diff_id));
  VENEER_TRY(const std::vector<ImageListing> all, store.images().List());
  Json images = Json::array();
  for (const ImageListing& listing : all) {
    const std::vector<Digest>& layers = listing.image.diff_ids;
    if (std::find(layers.begin(), layers.end(), diff_id) == layers.end()) continue;
    images.push_back(listing.image.id.ToString());
  }
  const StoreLayout& layout = store.layout();
  Json result = Json::object();
  result["Id"] = diff_id.ToString();
  result["DiffID"] = diff_id.ToString();
  result["Size"] = index->CountBytes();
  result["Entries"] = counts.entries;
  result["Files"] = counts.files;
  result["Directories"] = counts.directories;
  result["Whiteouts"] = counts.whiteouts;
  result["OpaqueDirectories"] = counts.opaques;
  result["Images"] = std::move(images);
  result["GraphDriver"] = DriverOf({{"Index", layout.layer_index(diff_id)},
                                    {"Recipe", layout.layer_tar_split(diff_id)},
                                    {"Objects", layout.objects()}});
  return result;
}

}  // namespace veneer
