// SPDX-License-Identifier: Apache-2.0
#include "tools/build/copy_step.h"

#include "layerdb/base/printable.h"
#include "layerdb/transfer/commit.h"
#include "tools/build/archive_tree.h"
#include "tools/build/step_key.h"
#include "tools/build/tree_account.h"
#include "tools/format/time_format.h"

namespace veneer {

namespace {

bool IsRemote(const std::string& source) {
  return source.starts_with("http://") || source.starts_with("https://");
}

// Whether the dots of a path lead above where it begins.
bool LeavesRoot(const std::string& path) {
  std::vector<std::string> todo;
  AddComponents(path, &todo);
  int depth = 0;
  for (auto name = todo.rbegin(); name != todo.rend(); ++name) {
    depth += *name == ".." ? -1 : 1;
    if (depth < 0) return true;
  }
  return false;
}

}  // namespace

Timestamp StepTime(const BuildSettings& settings) {
  return settings.epoch ? Timestamp{*settings.epoch, 0} : Now();
}

Result<Digest> PutStep::Key(StoreWriter& writer) {
  Store& store = base_.environment.store;
  VENEER_TRY(const std::string index, store.EnsureTree(LayersWithFiles(base_.image)));
  VENEER_TRY(below_, SourceTree::OfIndex(store, index));
  tree_ = std::make_unique<CopyTree>(below_.get(), base_.cancel, base_.environment.settings.epoch);
  VENEER_TRY_VOID(Put(writer, tree_.get()));
  StepKey key("put/1", base_.image.chain_id);
  if (base_.environment.settings.epoch) key.Add(std::to_string(*base_.environment.settings.epoch));
  VENEER_TRY_VOID(tree_->Describe(key.hash()));
  return key.Finish();
}

Result<MadeLayer> PutStep::Make(StoreWriter& writer) {
  CommitOptions options;
  options.cancel = base_.cancel;
  VENEER_TRY(const CommittedLayer layer,
             CommitEntries(base_.environment.store, writer, *tree_, options));
  return MadeLayer{{layer.diff_id, layer.content_bytes, StepTime(base_.environment.settings)},
                   std::nullopt};
}

Result<void> WorkdirStep::Put(StoreWriter& /*writer*/, CopyTree* into) {
  VENEER_TRY(const auto owner, OwnerOfUser(below(), user_));
  const NewDirectory made{owner.first, owner.second, 0755, StepTime(base_.environment.settings)};
  VENEER_TRY_VOID(into->Directory(directory_, made));
  return {};
}

CopyStep::CopyStep(const StepBase& base, CopyCommand command, BuildFiles files)
    : PutStep(base), command_(std::move(command)), files_(std::move(files)) {}

CopyStep::~CopyStep() = default;

Result<void> CopyStep::Put(StoreWriter& writer, CopyTree* into) {
  CopyRequest request;
  request.destination = command_.destination;
  request.parents = command_.parents;
  request.time = StepTime(base_.environment.settings);
  request.cancel = base_.cancel;
  if (command_.chown) {
    VENEER_TRY(request.owner, OwnerOfChown(below(), *command_.chown));
  }
  if (command_.chmod) {
    VENEER_TRY(request.chmod, ChmodChange::Parse(*command_.chmod));
  }
  VENEER_TRY(request.exclude, IgnoreFile::FromPatterns(command_.exclude));
  const bool slash = command_.destination.ends_with('/');
  if (command_.sources.size() + command_.texts.size() > 1 && !slash) {
    return MakeError("several sources need a directory as the destination: write " +
                         QuotedPath(command_.destination + "/"),
                     ExitCode::kUsage);
  }
  std::vector<std::string> local;
  for (const std::string& source : command_.sources) {
    std::optional<GitUrl> repository;
    if (command_.add) {
      VENEER_TRY(repository, ParseGitUrl(source));
    }
    if (repository && !repository->may_be_path) {
      VENEER_TRY_VOID(PutRepository(*repository, request, writer, into));
    } else if (command_.add && IsRemote(source)) {
      VENEER_TRY_VOID(PutRemote(source, request, writer, into));
    } else {
      local.push_back(source);
    }
  }
  if (!local.empty()) VENEER_TRY_VOID(PutFiles(local, request, writer, into));
  for (const auto& [name, text] : command_.texts) {
    VENEER_TRY_VOID(PutText(name, text, request, into));
  }
  return {};
}

void CopyStep::UnpackArchives(SourceTree& from, StoreWriter& writer, CopyTree* into,
                              CopyRequest* request) {
  NewDirectory made{0, 0, 0755, request->time};
  if (request->owner) {
    made.uid = request->owner->first;
    made.gid = request->owner->second;
  }
  request->take = [this, &from, &writer, into, made](const LayerObject& file,
                                                     const std::string& path) -> Result<bool> {
    if (file.attr.size == 0) return false;
    const SourceEntry entry{path, file.attr, {}};
    VENEER_TRY(const SourceContent content, from.Open(entry, file.ref));
    VENEER_TRY(const Fd start, ReadFromStart(content));
    VENEER_TRY(const bool archive, IsArchive(start.get(), base_.cancel));
    if (!archive) return false;
    VENEER_TRY(std::unique_ptr<SourceTree> tree,
               ReadArchive(base_.environment.store, writer, start.get(), path, base_.cancel));
    SourceTree& unpacked = *open_.emplace_back(std::move(tree));
    VENEER_TRY_VOID(UnpackInto(unpacked, command_.destination, made, into, base_.cancel));
    return true;
  };
}

// A download is unpacked only where that is asked for.
Result<void> CopyStep::PutRemote(const std::string& url, const CopyRequest& request,
                                 StoreWriter& writer, CopyTree* into) {
  RemoteFileRequest fetch;
  fetch.url = url;
  fetch.directory = writer.dir();
  fetch.checksum = command_.checksum;
  fetch.needs_name = command_.destination.ends_with('/');
  fetch.cancel = base_.cancel;
  VENEER_TRY(RemoteFile file, FetchRemoteFile(fetch));
  VENEER_TRY(std::unique_ptr<SourceTree> tree, SourceTree::OfDirectory(file.directory.path()));
  SourceTree& from = *open_.emplace_back(std::move(tree));
  fetched_.push_back(std::move(file));
  CopyRequest copy = request;
  copy.sources = {"*"};
  copy.exclude = IgnoreFile();
  if (command_.unpack == true) UnpackArchives(from, writer, into, &copy);
  return CopyFiles(from, copy, into);
}

Result<void> CopyStep::PutRepository(const GitUrl& url, const CopyRequest& request,
                                     StoreWriter& writer, CopyTree* into) {
  GitRequest wanted{url, writer.dir(), command_.checksum, command_.keep_git_dir, true, {}, {}};
  wanted.cancel = base_.cancel;
  const auto& agents = base_.environment.settings.agents;
  if (const auto agent = agents.find("default"); agent != agents.end()) {
    wanted.agent = agent->second;
  }
  VENEER_TRY(GitClone clone, CloneGit(wanted));
  VENEER_TRY(std::unique_ptr<SourceTree> tree, SourceTree::OfDirectory(clone.path));
  SourceTree& from = *open_.emplace_back(std::move(tree));
  cloned_.push_back(std::move(clone));
  CopyRequest copy = request;
  copy.sources = {"."};
  return CopyFiles(from, copy, into);
}

Result<void> CopyStep::PutFiles(const std::vector<std::string>& sources, const CopyRequest& request,
                                StoreWriter& writer, CopyTree* into) {
  if (!files_.open) return MakeError(files_.missing);
  VENEER_TRY(std::unique_ptr<SourceTree> tree, files_.open());
  SourceTree& from = *open_.emplace_back(std::move(tree));
  from.UseHashes(base_.environment.hashes);
  for (const std::string& source : sources) {
    // BuildKit would take it for the file of that name in the context.
    if (!files_.stored && LeavesRoot(source)) {
      return MakeError(QuotedPath(source) + " is outside of the context", ExitCode::kUsage);
    }
  }
  CopyRequest copy = request;
  copy.sources = sources;
  copy.ignored = files_.ignored;
  // What an archive or a directory of the host says of owners means nothing in an image.
  if (!files_.stored && !copy.owner) copy.owner = {0, 0};
  if (command_.add && command_.unpack.value_or(true)) {
    UnpackArchives(from, writer, into, &copy);
  }
  return CopyFiles(from, copy, into);
}

Result<void> CopyStep::PutText(const std::string& name, const std::string& text,
                               const CopyRequest& request, CopyTree* into) const {
  PutObject object;
  object.attr.type = FileType::kRegular;
  object.attr.mode = 0644;
  object.attr.size = text.size();
  object.attr.mtime = request.time;
  if (request.owner) {
    object.attr.uid = request.owner->first;
    object.attr.gid = request.owner->second;
  }
  if (request.chmod) object.attr.mode = request.chmod->Apply(object.attr.mode, false);
  object.bytes = std::make_shared<const std::string>(text);
  const NewDirectory made{object.attr.uid, object.attr.gid, 0755, request.time};
  if (!request.destination.ends_with('/')) {
    VENEER_TRY(const CopyTree::Target target, into->Locate(request.destination, made));
    if (target.object == nullptr || !CopyTree::IsDirectory(*target.object)) {
      return into->PutFile(target.directory, target.name, std::move(object), OtherType::kRefuse);
    }
  }
  VENEER_TRY(CopyTree::Node* const directory, into->Directory(request.destination, made));
  return into->PutFile(directory, name, std::move(object), OtherType::kRefuse);
}

}  // namespace veneer
