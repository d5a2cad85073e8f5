// SPDX-License-Identifier: Apache-2.0
#include <sys/statvfs.h>

#include "tools/cli/commands.h"
#include "tools/format/go_print.h"
#include "tools/format/list_format.h"
#include "tools/format/table.h"
#include "tools/oci/platform.h"
#include "tools/process/process.h"
#include "tools/registry/registries_config.h"
#include "tools/run/container_mount.h"
#include "tools/run/fuse_mount.h"
#include "tools/run/host_facts.h"
#include "tools/run/requirements.h"
#include "tools/run/user_namespace.h"

namespace veneer {

namespace {

struct InfoArguments {
  std::string format;
  bool bytes = false;
};

// A program that only some uses need.
Json Helper(const char* name, const char* package) {
  const Result<std::string> path = FindProgram(name);
  return path ? *path : "missing (package " + std::string(package) + ")";
}

std::string Ids(const std::vector<IdExtent>& extents, const char* file) {
  return MappingWords(extents) +
         (extents.size() > 1 ? "" : " only; " + std::string(file) + " grants no others");
}

std::string Libfuse(const Result<std::string>& daemon) {
  if (!daemon) return "unknown";
  const Result<std::string> version = LibfuseVersionOf(*daemon);
  return version ? *version : "unknown (" + version.error().message() + ")";
}

Json Features(const KernelFeatures& kernel) {
  const char* io_uring = !kernel.io_uring ? "no" : *kernel.io_uring ? "on" : "off";
  return {{"Passthrough", kernel.passthrough},
          {"IoUring", io_uring},
          {"IdmappedMounts", kernel.idmapped}};
}

// "passthrough yes, io_uring off, idmapped mounts yes"
std::string FeatureWords(const Json& features) {
  const auto yes = [&](const char* name) { return features[name].get<bool>() ? "yes" : "no"; };
  return std::string("passthrough ") + yes("Passthrough") + ", io_uring " +
         features["IoUring"].get<std::string>() + " (not used), idmapped mounts " +
         yes("IdmappedMounts");
}

Result<Json> Gather(Context& context) {
  VENEER_TRY(const std::string path, context.StorePath());
  VENEER_TRY(const std::unique_ptr<Store> store, context.OpenStore());
  VENEER_TRY(const auto images, store->images().List());
  VENEER_TRY(const auto containers, store->containers().List());
  size_t mounted = 0;
  for (const ContainerRecord& container : containers) {
    VENEER_TRY(const MountStatus status, StatusOf(*store, container));
    if (status.state == MountState::kMounted) ++mounted;
  }
  const Result<std::string> daemon = FindVeneerfs();
  const KernelFeatures kernel = FeaturesOfKernel();
  struct statvfs disk = {};
  const bool measured = ::statvfs(path.c_str(), &disk) == 0;
  const Result<Fd> fuse = OpenFuseDevice();
  Json info = Json::object();
  info["Version"] = VENEER_VERSION;
  info["Store"] = path;
  info["FreeSpace"] = measured ? Json(uint64_t{disk.f_bavail} * disk.f_frsize) : Json();
  info["Images"] = images.size();
  info["Containers"] = containers.size();
  info["Mounted"] = mounted;
  info["Veneerfs"] = daemon ? *daemon : "missing";
  info["Libfuse"] = Libfuse(daemon);
  info["Fuse"] = fuse ? "/dev/fuse can be opened" : "/dev/fuse cannot be opened";
  info["Fusermount"] = Helper("fusermount3", "fuse3");
  info["Newuidmap"] = Helper("newuidmap", "uidmap");
  info["KernelVersion"] = kernel.release;
  info["KernelFeatures"] = Features(kernel);
  info["Dialects"] = {"overlayfs", "fuse-overlayfs", "AUFS", "containers/storage"};
  info["UserIds"] = info["GroupIds"] = "";  // root has all
  if (IsOrdinaryUser()) {
    const UserMapping mapping = MappingOfUser();
    info["UserIds"] = Ids(mapping.uids, "/etc/subuid");
    info["GroupIds"] = Ids(mapping.gids, "/etc/subgid");
  }
  // A configuration that cannot be read is told by the commands that need it.
  info["RegistryMirrors"] = Json::array();
  if (const Result<RegistriesConfig> config = RegistriesConfig::Read(); config) {
    info["RegistryMirrors"] = config->Mirrors();
  }
  info["ToDo"] = MissingRequirements();
  return info;
}

Result<int> Info(Context& context, const InfoArguments& arguments) {
  if (!arguments.format.empty()) VENEER_TRY_VOID(GoTemplate::Parse(arguments.format));
  VENEER_TRY(const Json info, Gather(context));
  if (!arguments.format.empty()) {
    VENEER_TRY(const std::string text, RenderOne(info, arguments.format));
    PrintData(text);
    return 0;
  }
  const auto line = [&](const char* label, const char* field) {
    PrintLine(std::string(label) + ": " + GoText(GoValue::FromJson(info[field])));
  };
  line("Version", "Version");
  line("Store", "Store");
  if (!info["FreeSpace"].is_null()) {
    PrintLine("Free space: " + ShowSize(info["FreeSpace"].get<uint64_t>(), arguments.bytes));
  }
  line("Images", "Images");
  line("Containers", "Containers");
  line("Mounted", "Mounted");
  line("veneerfs", "Veneerfs");
  line("libfuse", "Libfuse");
  line("FUSE", "Fuse");
  line("fusermount3", "Fusermount");
  line("newuidmap", "Newuidmap");
  line("Kernel", "KernelVersion");
  PrintLine("Kernel features: " + FeatureWords(info["KernelFeatures"]));
  std::string dialects;
  for (const Json& name : info["Dialects"]) {
    dialects += (dialects.empty() ? "" : ", ") + name.get<std::string>();
  }
  PrintLine("Dialects: " + dialects);
  if (!info["UserIds"].get_ref<const std::string&>().empty()) {
    line("User ids", "UserIds");
    line("Group ids", "GroupIds");
  }
  for (const Json& one : info["RegistryMirrors"]) {
    PrintLine("Registry mirror: " + one.get<std::string>());
  }
  for (const Json& one : info["ToDo"]) PrintLine("To do: " + one.get<std::string>());
  if (info["ToDo"].empty()) PrintLine("To do: nothing, all is there");
  return 0;
}

Result<int> Version(const InfoArguments& arguments) {
  if (arguments.format.empty()) {
    PrintLine("veneer " VENEER_VERSION);
    return 0;
  }
  const Json client = {
      {"Version", VENEER_VERSION}, {"Os", "linux"}, {"Arch", HostPlatform().architecture}};
  Json version = client;
  version["Client"] = client;
  VENEER_TRY(const std::string text, RenderOne(version, arguments.format));
  Print(text);
  return 0;
}

constexpr const char* kFormatHelp = "json, or a Go template";

}  // namespace

CommandSpec InfoCommand() {
  auto arguments = std::make_shared<InfoArguments>();
  return {
      .name = "info",
      .summary = "Show the store and the requirements of Veneer",
      .options = {{"-f,--format", &arguments->format, DocumentFormatValue(), kFormatHelp},
                  {"--bytes", &arguments->bytes, "Sizes in bytes"}},
      .run = [arguments](Context& context) { return Info(context, *arguments); },
  };
}

CommandSpec VersionCommand() {
  auto arguments = std::make_shared<InfoArguments>();
  return {
      .name = "version",
      .summary = "Show the version",
      .options = {{"-f,--format", &arguments->format, DocumentFormatValue(), kFormatHelp}},
      .run = [arguments](Context&) { return Version(*arguments); },
  };
}

}  // namespace veneer
