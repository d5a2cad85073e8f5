// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>
#include <set>

#include "layerdb/store/remove_image.h"
#include "tools/cli/commands.h"

namespace veneer {

namespace {

struct RmiArguments {
  std::vector<std::string> images;
  bool force = false;
  bool no_prune = false;
};

class Remover {
 public:
  Remover(Store& store, const RmiArguments& arguments) : store_(store), arguments_(arguments) {}

  // `veneer images -q` prints the id of an image once for each of its names. An id that is given so
  // often means the image with these names.
  void Count() {
    for (const std::string& image : arguments_.images) {
      const Result<FoundImage> found = store_.images().Find(image);
      if (found && found->tag.empty()) ++given_[found->image.id];
    }
  }

  Result<void> Remove(const std::string& image) {
    const Result<FoundImage> found = FindImage(store_, image);
    if (!found && IsGone(image)) return {};
    if (!found && arguments_.force && found.error().exit() == ExitCode::kNotFound) {
      PrintError(found.error());  // as Docker: it is not there, which was wanted
      return {};
    }
    if (!found) return tl::unexpected(found.error());
    const bool by_id = found->tag.empty();
    RemoveImageOptions remove;
    remove.terms.force = arguments_.force;
    remove.terms.names = by_id ? given_[found->image.id] : 1;
    remove.keep_layers = arguments_.no_prune;
    remove.terms.keep_parents = arguments_.no_prune;
    VENEER_TRY(const RemoveImageReport report, RemoveImage(store_, image, remove));
    const bool layers_go = !arguments_.no_prune && !report.writers_active;
    for (const RemovedImage& removed : report.removed) {
      for (const std::string& tag : removed.untagged) PrintLine("Untagged: " + tag);
      if (!removed.deleted) continue;
      gone_.insert(*removed.deleted);
      PrintLine("Deleted: " + removed.deleted->ToString());
      if (!layers_go) continue;
      for (const Digest& chain : removed.chains) PrintLine("Deleted: " + chain.ToString());
    }
    layers_stay_ |= report.writers_active;
    return {};
  }

  bool layers_stay() const { return layers_stay_; }

 private:
  // True for the id, or the start of one, of an image that this has removed.
  bool IsGone(std::string_view image) const {
    if (image.starts_with("sha256:")) image.remove_prefix(7);
    return !image.empty() && std::any_of(gone_.begin(), gone_.end(), [&](const Digest& id) {
      return id.hex().starts_with(image);
    });
  }

  Store& store_;
  const RmiArguments& arguments_;
  std::map<Digest, size_t> given_;
  std::set<Digest> gone_;
  bool layers_stay_ = false;
};

Result<int> Rmi(Context& context, const RmiArguments& arguments) {
  context.EnterUserNamespaceIfPossible();
  VENEER_TRY(const std::unique_ptr<Store> store, context.OpenStore(Store::Missing::kFail));
  RemoveDeadContainers(*store);  // one of them must not keep an image from being removed
  Remover remover(*store, arguments);
  remover.Count();
  Result<int> code = ForEachTarget(arguments.images,
                                   [&](const std::string& image) { return remover.Remove(image); });
  if (remover.layers_stay()) {
    PrintError("an import or commit is running: the layers stay until `veneer prune`");
  }
  return code;
}

}  // namespace

CommandSpec RmiCommand() {
  auto arguments = std::make_shared<RmiArguments>();
  return {
      .name = "rmi",
      .summary = "Remove the names of images, and images with their last name",
      .positionals = {{ImageValue(), &arguments->images, "The images"}},
      .options =
          {
              {"-f,--force", &arguments->force, "An image given by id: with all its names"},
              {"--no-prune", &arguments->no_prune,
               "Keep the images without a name that they were made from; leave the layers that "
               "nothing needs any more to `veneer prune`, as the contents of files always are"},
          },
      .run = [arguments](Context& context) { return Rmi(context, *arguments); },
  };
}

}  // namespace veneer
