// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/context.h"

#include <algorithm>
#include <cstdio>

#include "layerdb/base/printable.h"
#include "layerdb/model/reference.h"
#include "tools/cli/advice.h"
#include "tools/cli/store_path.h"
#include "tools/cli/suggest.h"
#include "tools/run/container_mount.h"
#include "tools/run/user_namespace.h"

namespace veneer {

namespace {

constexpr size_t kShortId = 12;

Result<void> RemoveDead(Store& store, const std::string& name) {
  VENEER_TRY(const ContainerLock lock, store.containers().Lock(name));
  // Another may have this name by now.
  VENEER_TRY(const ContainerRecord container, store.containers().Get(name));
  if (IsWanted(container)) return {};
  return store.containers().Remove(name);
}

// A reference in the short form that tags have, and without the tag that would be added.
std::string NameToCompare(const std::string& reference) {
  const Result<std::string> normal = NormalizeTag(reference);
  const std::string name = normal ? *normal : reference;
  const bool tagged = reference.find(':', reference.rfind('/') + 1) != std::string::npos;
  return tagged ? name : name.substr(0, name.rfind(':'));
}

}  // namespace

Result<std::string> Context::StorePath() {
  if (!store_path_) {
    VENEER_TRY(store_path_, ResolveStorePath(StorePathInputsOfProcess(root_option)));
  }
  return *store_path_;
}

Result<std::unique_ptr<Store>> Context::OpenStore(Store::Missing missing) {
  VENEER_TRY(const std::string path, StorePath());
  return Store::Open(path, missing);
}

Result<void> Context::EnterUserNamespaceIfNeeded() {
  VENEER_TRY_VOID(StorePath());
  if (!IsOrdinaryUser()) return {};
  return EnterUserNamespace();
}

void Context::EnterUserNamespaceIfPossible() {
  IgnoreError(EnterUserNamespaceIfNeeded(), "then what the user may look at and remove is");
}

void NoteSingleId() {
  if (!IsOrdinaryUser()) return;
  if (const Result<void> granted = CheckGrantedIds(); !granted) {
    PrintError(granted.error());
  }
}

void Print(std::string_view text) { fwrite(text.data(), 1, text.size(), stdout); }

void PrintLine(std::string_view text) {
  Print(text);
  Print("\n");
}

void PrintData(std::string_view text) {
  if (::isatty(STDOUT_FILENO) == 0) return Print(text);
  Print(Printable(text, "\n\t"));
}

void PrintError(std::string_view message) {
  std::string line = "veneer: " + std::string(message);
  std::ranges::replace(line, '\n', ' ');
  // What it tells of may come from an image, which must not steer the terminal.
  line = Printable(line) + "\n";
  fflush(stdout);
  fputs(line.c_str(), stderr);
}

void PrintError(const Error& error) { PrintError(MessageWithAdvice(error)); }

Result<int> ForEachTarget(const std::vector<std::string>& targets,
                          FunctionRef<Result<void>(const std::string&)> act) {
  int code = 0;
  for (const std::string& target : targets) {
    const Result<void> done = act(target);
    if (done) continue;
    PrintError(done.error());
    if (code == 0) code = static_cast<int>(done.error().exit());
  }
  return code;
}

Result<std::vector<std::string>> ContainerNames(Store& store) {
  VENEER_TRY(const auto containers, store.containers().List());
  std::vector<std::string> names;
  for (const ContainerRecord& container : containers) names.push_back(container.name);
  return names;
}

Result<std::vector<std::string>> ImageNames(Store& store) {
  VENEER_TRY(const auto images, store.images().List());
  std::vector<std::string> names;
  for (const ImageListing& image : images) {
    names.insert(names.end(), image.tags.begin(), image.tags.end());
  }
  return names;
}

Result<ContainerOrImage> FindContainerOrImage(Store& store, const std::string& name) {
  Result<ContainerRecord> container = store.containers().Get(name);
  if (container) return ContainerOrImage{std::move(*container), std::nullopt};
  if (container.error().exit() != ExitCode::kNotFound &&
      container.error().exit() != ExitCode::kUsage) {
    return tl::unexpected(std::move(container).error());
  }
  Result<FoundImage> image = store.images().Find(name);
  if (image) return ContainerOrImage{std::nullopt, std::move(*image)};
  if (image.error().exit() != ExitCode::kNotFound && image.error().exit() != ExitCode::kUsage) {
    return tl::unexpected(std::move(image).error());
  }
  VENEER_TRY(std::vector<std::string> names, ContainerNames(store));
  VENEER_TRY(const std::vector<std::string> tags, ImageNames(store));
  names.insert(names.end(), tags.begin(), tags.end());
  return MakeError("no container or image '" + name + "'" + DidYouMean(name, names),
                   ExitCode::kNotFound);
}

Result<ContainerRecord> FindContainer(Store& store, const std::string& name) {
  Result<ContainerRecord> container = store.containers().Get(name);
  if (container || container.error().exit() != ExitCode::kNotFound) return container;
  if (!store.images().Find(name)) {
    VENEER_TRY(const std::vector<std::string> names, ContainerNames(store));
    return MakeError(container.error().message() + DidYouMean(name, names), ExitCode::kNotFound);
  }
  return MakeError(name + " is an image, not a container (`veneer ps -a` lists them)",
                   ExitCode::kNotFound);
}

Result<FoundImage> FindImage(Store& store, const std::string& reference) {
  Result<FoundImage> image = store.images().Find(reference);
  const bool missing = !image && (image.error().exit() == ExitCode::kUsage ||
                                  image.error().exit() == ExitCode::kNotFound);
  if (!missing) return image;
  if (store.containers().Get(reference)) {
    return MakeError(reference + " is a container, not an image (`veneer images` lists them)",
                     ExitCode::kNotFound);
  }
  VENEER_TRY(const std::vector<std::string> names, ImageNames(store));
  return MakeError(image.error().message() + DidYouMean(NameToCompare(reference), names),
                   ExitCode::kNotFound);
}

std::string NameOfImage(const FoundImage& image) {
  return image.tag.empty() ? ShowId(image.image.id, false) : image.tag;
}

std::string ShowId(const Digest& id, bool whole) {
  return whole ? id.ToString() : id.hex().substr(0, kShortId);
}

bool IsWanted(const ContainerRecord& container) {
  return !container.remove_on_exit || container.owned || container.mount;
}

void RemoveDeadContainers(Store& store) {
  const auto containers = store.containers().List();
  if (!containers) return;
  for (const ContainerRecord& container : *containers) {
    if (IsWanted(container)) continue;
    IgnoreError(RemoveDead(store, container.name), "the next command tries again");
  }
}

Result<void> RemoveContainer(Store& store, const std::string& name) {
  VENEER_TRY(const ContainerLock lock, store.containers().Lock(name));
  return store.containers().Remove(name);
}

}  // namespace veneer
