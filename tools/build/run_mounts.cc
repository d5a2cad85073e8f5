// SPDX-License-Identifier: Apache-2.0
#include "tools/build/run_mounts.h"

#include <sys/stat.h>

#include <cstdlib>
#include <optional>
#include <utility>

#include "layerdb/base/files.h"
#include "layerdb/base/printable.h"
#include "layerdb/base/sys.h"
#include "layerdb/transfer/commit.h"
#include "layerdb/transfer/directory_sink.h"
#include "tools/build/build_cache_dir.h"
#include "tools/build/copy_files.h"
#include "tools/dockerfile/config_values.h"

namespace veneer {

namespace {

// BuildKit's limit.
constexpr size_t kMaxSecretBytes = 500 * 1000;

// The mode of a cache that none is given for (run_mount.cc).
constexpr uint32_t kCacheMode = 0755;

// Entries below another root than their own.
class RootedSink final : public EntrySink {
 public:
  RootedSink(EntrySink& sink, const SourceEntry& root) : sink_(sink), root_(root) {}
  Result<void> Begin() {
    return sink_.Add(root_, [] { return std::nullopt; });
  }

  Result<void> Add(const SourceEntry& entry, OpenContent open_content) override {
    return entry.path.empty() ? Result<void>() : sink_.Add(entry, open_content);
  }
  Result<void> Whiteout(std::string_view path) override { return sink_.Whiteout(path); }
  Result<void> Opaque(std::string_view path) override { return sink_.Opaque(path); }

 private:
  EntrySink& sink_;
  const SourceEntry& root_;
};

std::string Shown(const RunMount& mount) {
  return "RUN: the mount on " + QuotedPath(mount.target.empty() ? mount.id : mount.target);
}

}  // namespace

struct RunMounts::Prepared {
  RunMount mount;
  // Of a bind, or a cache with files to begin with: the files, the tree that is made of those of
  // the context, and where in the tree what is mounted lies.
  BuildFiles files = {};
  std::unique_ptr<SourceTree> from = {};
  std::unique_ptr<CopyTree> copy = {};
  std::string source = {};
};

RunMounts::RunMounts(const StepBase& base, FilesFinder find, std::string working_dir)
    : base_(base), find_(std::move(find)), working_dir_(std::move(working_dir)) {}

RunMounts::~RunMounts() = default;

std::string RunMounts::TargetOf(const RunMount& mount) const {
  return JoinPath(working_dir_, mount.target);
}

Result<void> RunMounts::Prepare(const std::vector<RunMount>& mounts, StepKey* key) {
  key->Add(uint64_t{mounts.size()});
  for (const RunMount& mount : mounts) {
    key->Add(std::vector<std::string>{mount.target.empty() ? "" : TargetOf(mount), mount.source,
                                      mount.from, mount.id, mount.env.value_or("")});
    for (const uint64_t number :
         {static_cast<uint64_t>(mount.type), static_cast<uint64_t>(mount.sharing),
          uint64_t{mount.read_only}, uint64_t{mount.required}, uint64_t{mount.mode},
          uint64_t{mount.uid}, uint64_t{mount.gid}, mount.size.value_or(0)}) {
      key->Add(number);
    }
    auto prepared = std::make_unique<Prepared>(Prepared{mount});
    const bool cache = mount.type == RunMount::Type::kCache && !mount.from.empty();
    if (mount.type == RunMount::Type::kBind || cache) {
      Result<void> tree = PrepareTree(prepared.get(), key);
      if (!tree) return tl::unexpected(std::move(tree).error().Context(Shown(mount)));
    }
    prepared_.push_back(std::move(prepared));
  }
  return {};
}

// Of the context a copy is made, which holds neither what is ignored nor anything that a symlink
// would reach outside; it is the key, too. A tree of the store is what it is.
Result<void> RunMounts::PrepareTree(Prepared* prepared, StepKey* key) {
  VENEER_TRY(prepared->files, find_(prepared->mount.from));
  const BuildFiles& files = prepared->files;
  if (!files.open) return MakeError(files.missing);
  VENEER_TRY(prepared->from, files.open());
  prepared->from->UseHashes(base_.environment.hashes);
  const std::string& source = prepared->mount.source;
  VENEER_TRY(const std::optional<LocatedObject> located,
             LocateIn(prepared->from->layer(), source, LastLink::kFollow));
  if (!located) return MakeError(QuotedPath(source) + " is not there", ExitCode::kNotFound);
  if (files.stored) {
    prepared->source = located->path;
    key->Add(files.stored->chain_id.hex());
    key->Add(located->path);
    return {};
  }
  const bool directory = located->object.attr.type == FileType::kDirectory;
  prepared->copy = std::make_unique<CopyTree>(nullptr, base_.cancel);
  CopyRequest request;
  request.sources = {source.empty() ? "." : source};
  request.destination = directory ? "/" : "/file";
  request.ignored = files.ignored;
  request.cancel = base_.cancel;
  VENEER_TRY_VOID(CopyFiles(*prepared->from, request, prepared->copy.get()));
  prepared->source = directory ? "" : "file";
  return prepared->copy->Describe(key->hash());
}

Result<void> RunMounts::AddTo(StoreWriter& writer, SessionSpec* spec) {
  for (const auto& prepared : prepared_) {
    const RunMount& mount = prepared->mount;
    Result<void> added;
    switch (mount.type) {
      case RunMount::Type::kBind: added = AddTree(*prepared, writer, spec); break;
      case RunMount::Type::kCache: added = AddCache(prepared.get(), spec); break;
      case RunMount::Type::kTmpfs:
        spec->tmpfs.push_back({TargetOf(mount), mount.size.value_or(0), 01777});
        break;
      case RunMount::Type::kSecret: added = AddSecret(mount, spec); break;
      case RunMount::Type::kSsh: added = AddAgent(mount, spec); break;
    }
    if (!added) return tl::unexpected(std::move(added).error().Context(Shown(mount)));
  }
  return {};
}

// What is written to a tree that is not read-only is thrown away with the session.
Result<void> RunMounts::AddTree(const Prepared& prepared, StoreWriter& writer, SessionSpec* spec) {
  Store& store = base_.environment.store;
  std::string index;
  if (prepared.files.stored) {
    VENEER_TRY(index, store.EnsureTree(prepared.files.stored->diff_ids));
  } else {
    CommitOptions options;
    options.cancel = base_.cancel;
    VENEER_TRY(const CommittedLayer layer, CommitEntries(store, writer, *prepared.copy, options));
    VENEER_TRY(index, store.EnsureTree({&layer.diff_id, 1}));
  }
  TreeMount tree;
  tree.daemon.lowers = {index};
  tree.daemon.objects = store.layout().objects();
  tree.daemon.source = "veneer-build";
  tree.source = prepared.source;
  tree.destination = TargetOf(prepared.mount);
  if (!prepared.mount.read_only) {
    const std::string place = writer.dir() + "/tmp-mount-" + std::to_string(spec->trees.size());
    tree.daemon.upper = place + "/upper";
    tree.daemon.work = place + "/work";
    for (const std::string& path : {place, tree.daemon.upper, tree.daemon.work}) {
      VENEER_TRY_CTX_VOID(sys::MakeDir(sys::Path(path), 0755), path);
    }
  }
  spec->trees.push_back(std::move(tree));
  return {};
}

Result<void> RunMounts::AddCache(Prepared* prepared, SessionSpec* spec) {
  const RunMount& mount = prepared->mount;
  CacheFiller fill;
  if (prepared->from) fill = [&](int directory) { return FillCache(prepared, directory); };
  const BuildEnvironment& environment = base_.environment;
  const bool fresh = environment.settings.no_cache &&
                     environment.turns.IsFirst(mount.id + '\0' + mount.from + '\0' + mount.source);
  VENEER_TRY(OpenCacheDir cache,
             OpenBuildCache(environment.store, mount, fresh, fill, base_.cancel));
  spec->binds.push_back({cache.path, TargetOf(mount), mount.read_only});
  locks_.push_back(std::move(cache.lock));
  return {};
}

// As with BuildKit, the directory has the attributes of the source; those that the mount asks for
// count where they are not the defaults.
Result<void> RunMounts::FillCache(Prepared* prepared, int directory) const {
  const RunMount& mount = prepared->mount;
  const Layer& layer = prepared->from->layer();
  VENEER_TRY(const std::optional<LocatedObject> source,
             LocateIn(layer, mount.source, LastLink::kFollow));
  if (!source || source->object.attr.type != FileType::kDirectory) {
    return MakeError(QuotedPath(mount.source) + " is no directory");
  }
  SourceEntry root{"", source->object.attr, {}};
  VENEER_TRY_CTX(XattrList xattrs, layer.ListXattrs(source->object.ref), QuotedPath(mount.source));
  root.xattrs = ArchivedXattrs(std::move(xattrs));
  if (mount.uid != 0) root.attr.uid = mount.uid;
  if (mount.gid != 0) root.attr.gid = mount.gid;
  if (mount.mode != kCacheMode) root.attr.mode = mount.mode;
  if (prepared->copy == nullptr) {
    prepared->copy = std::make_unique<CopyTree>(nullptr, base_.cancel);
    CopyRequest request;
    request.sources = {source->path.empty() ? "." : source->path};
    request.destination = "/";
    request.cancel = base_.cancel;
    VENEER_TRY_VOID(CopyFiles(*prepared->from, request, prepared->copy.get()));
  }
  DirectorySink sink(directory, {.owners = true, .root = true, .cancel = base_.cancel});
  RootedSink rooted(sink, root);
  VENEER_TRY_VOID(rooted.Begin());
  VENEER_TRY_VOID(prepared->copy->Run(rooted));
  VENEER_TRY_VOID(sink.Finish());
  return {};
}

// A secret goes from its file, or from the environment, into the memory of the session.
Result<void> RunMounts::AddSecret(const RunMount& mount, SessionSpec* spec) {
  const auto& secrets = base_.environment.settings.secrets;
  const auto known = secrets.find(mount.id);
  if (known == secrets.end()) {
    if (mount.required) return MakeError("the secret " + mount.id + " is required and not given");
    return {};
  }
  std::string content;
  if (!known->second.variable.empty()) {
    const char* value = ::getenv(known->second.variable.c_str());
    content = value != nullptr ? value : "";
  } else {
    VENEER_TRY_CTX(content, ReadFile(known->second.file, kMaxSecretBytes + 1),
                   "read the secret " + mount.id + " from " + QuotedPath(known->second.file));
  }
  if (content.size() > kMaxSecretBytes) {
    return MakeError("the secret " + mount.id + " has more than 500 kB");
  }
  if (mount.env) spec->process.environment.push_back(*mount.env + "=" + content);
  if (mount.target.empty()) return {};
  spec->files.push_back(
      {TargetOf(mount), std::move(content), static_cast<mode_t>(mount.mode), mount.uid, mount.gid});
  return {};
}

Result<void> RunMounts::AddAgent(const RunMount& mount, SessionSpec* spec) {
  const auto& agents = base_.environment.settings.agents;
  const auto known = agents.find(mount.id);
  if (known == agents.end()) {
    if (mount.required) return MakeError("the agent " + mount.id + " is required and not given");
    return {};
  }
  VENEER_TRY_CTX(const struct stat st, sys::Stat(sys::Path(known->second)), known->second);
  if (!S_ISSOCK(st.st_mode)) return MakeError(QuotedPath(known->second) + " is no socket");
  spec->binds.push_back({known->second, TargetOf(mount), false});
  spec->process.environment.push_back("SSH_AUTH_SOCK=" + TargetOf(mount));
  return {};
}

}  // namespace veneer
