// SPDX-License-Identifier: Apache-2.0
#include "layerdb/transfer/commit.h"

#include <cstdlib>

#include "tools/cli/change_option.h"
#include "tools/cli/commands.h"
#include "tools/cli/interrupt.h"
#include "tools/cli/progress.h"
#include "tools/format/time_format.h"
#include "tools/oci/config.h"
#include "tools/run/container_mount.h"

namespace veneer {

namespace {

struct CommitArguments {
  std::string container;
  std::optional<std::string> reference;
  std::string author;
  std::string message;
  std::vector<std::string> changes;
  std::string progress = "auto";
  bool pause = true;
  bool quiet = false;
  bool remove = false;
};

// Goes before every layer that `veneer` itself makes; the command that filled the container is not
// known.
constexpr const char* kCreatedBy = "veneer commit";

Result<ImageConfig> ReadImageConfig(const Store& store, const Digest& id) {
  VENEER_TRY(const std::string text, store.ReadBlob(id, JsonLimits{}.bytes));
  auto config = ParseImageConfig(text);
  if (!config)
    return tl::unexpected(
        std::move(config).error().Context("the config of image " + ShowId(id, false)));
  return config;
}

struct Commit {
  Store& store;
  const CommitArguments& arguments;
  const std::vector<std::string>& tags;
  const std::vector<ConfigChange>& changes;
  Timestamp created;
  Interrupt& interrupt;

  Result<Digest> Run() const {
    VENEER_TRY(const ContainerLock lock, store.containers().Lock(arguments.container));
    VENEER_TRY(const ContainerRecord container, store.containers().Get(arguments.container));
    VENEER_TRY(const MountStatus status, StatusOf(store, container));
    if (arguments.remove &&
        (status.state == MountState::kMounted || status.state == MountState::kSession)) {
      return MakeError(
          "container " + container.name + " is in use" +
              (status.mount_point.empty() ? "" : ", mounted at " + status.mount_point) +
              "; --rm needs it unmounted",
          ExitCode::kInUse);
    }
    RemoveStaleStubs(store, container, status);
    VENEER_TRY_VOID(SyncContainer(status));
    VENEER_TRY(ImageConfig parent, ReadImageConfig(store, container.image_id));
    if (!changes.empty()) {
      VENEER_TRY_VOID(ApplyChanges(changes, &parent.document["config"]));
    }
    VENEER_TRY(const std::unique_ptr<StoreWriter> session, store.Begin());
    CommitOptions commit;
    commit.move = arguments.remove;
    commit.cancel = interrupt.cancellation();
    Progress progress(ProgressModeOf(arguments.quiet ? "none" : arguments.progress));
    commit.progress = [&progress](uint64_t done, uint64_t total) { progress.Update(done, total); };
    if (getenv("SOURCE_DATE_EPOCH") != nullptr) commit.source_date_epoch = created.sec;
    VENEER_TRY(const CommittedLayer layer, CommitContainer(store, *session, container, commit));
    VENEER_TRY(const Digest id, Publish(*session, container, parent, layer));
    if (arguments.remove) VENEER_TRY_VOID(store.containers().RemoveFiles(container.name));
    return id;
  }

  Result<Digest> Publish(StoreWriter& session, const ContainerRecord& container,
                         const ImageConfig& parent, const CommittedLayer& layer) const {
    VENEER_TRY(const FoundImage parent_image, store.images().Find(container.image_id.ToString()));
    const NewLayer entry{layer.diff_id, created, kCreatedBy, arguments.author, arguments.message};
    VENEER_TRY(const Digest id, session.PutBlob(ComposeChild(parent, entry)));
    std::vector<Digest> diff_ids = container.diff_ids;
    diff_ids.push_back(layer.diff_id);
    const Digest chain_id = ChainIdOf(diff_ids);
    const ImageRecord image{
        id, std::move(diff_ids),  chain_id, created, parent_image.image.size + layer.content_bytes,
        {}, parent_image.image.id};
    if (arguments.remove) {
      VENEER_TRY_VOID(
          session.PublishLinked([&] { return store.images().Put(image, tags, container.name); }));
    } else {
      VENEER_TRY_VOID(store.images().Put(image, tags));
    }
    return id;
  }
};

Result<int> RunCommit(Context& context, const CommitArguments& arguments) {
  std::vector<std::string> tags;
  if (arguments.reference) {
    VENEER_TRY(std::string tag, NormalizeTag(*arguments.reference));
    tags.push_back(std::move(tag));
  }
  VENEER_TRY(const std::vector<ConfigChange> changes, ReadChanges(arguments.changes));
  VENEER_TRY(const Timestamp created, CreationTime());
  VENEER_TRY_VOID(context.EnterUserNamespaceIfNeeded());
  VENEER_TRY(const std::unique_ptr<Store> store, context.OpenStore(Store::Missing::kFail));
  VENEER_TRY_VOID(FindContainer(*store, arguments.container));
  Interrupt interrupt;
  const Result<Digest> id = Commit{*store, arguments, tags, changes, created, interrupt}.Run();
  if (!id) {
    interrupt.EndIfAsked();
    return tl::unexpected(id.error());
  }
  PrintLine(id->ToString());
  return 0;
}

}  // namespace

CommandSpec CommitCommand() {
  auto arguments = std::make_shared<CommitArguments>();
  return {
      .name = "commit",
      .summary = "Make an image of a container's image and its changes",
      .positionals = {{ContainerValue(), &arguments->container, "The container"},
                      {ImageValue("REF"), &arguments->reference, "The name of the new image",
                       Need::kOptional}},
      .options =
          {
              {"-a,--author", &arguments->author, TextValue("TEXT"), "The author of the image"},
              {"-m,--message", &arguments->message, TextValue("TEXT"),
               "The text that history shows for the layer"},
              {"-c,--change", &arguments->changes, TextValue("INSTRUCTION"),
               "Change the config by a Dockerfile's instruction, as in -c 'CMD [\"nginx\"]'"},
              {"-p,--pause", &arguments->pause,
               "Has no effect: what programs write meanwhile is in the image or is not"},
              {"--progress", &arguments->progress, ProgressValue(), kProgressHelp},
              {"-q,--quiet", &arguments->quiet, "Show no progress"},
              {"--rm", &arguments->remove,
               "Remove the container, moving its files instead of copying them"},
          },
      .run = [arguments](Context& context) { return RunCommit(context, *arguments); },
  };
}

}  // namespace veneer
