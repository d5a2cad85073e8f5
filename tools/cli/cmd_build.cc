// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <set>

#include "tools/build/build.h"
#include "tools/build/build_context.h"
#include "tools/build/build_progress.h"
#include "tools/cli/build_options.h"
#include "tools/cli/commands.h"
#include "tools/cli/interrupt.h"
#include "tools/dockerfile/excerpt.h"
#include "tools/run/new_container.h"

namespace veneer {

namespace {

// What the classic builder and BuildKit take without an ARG.
constexpr std::string_view kProxyWords[] = {"HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY",
                                            "NO_PROXY",   "ALL_PROXY",   "SOURCE_DATE_EPOCH"};

// Everything of one run of the command.
class BuildCommandRun {
 public:
  BuildCommandRun(Context& context, const BuildArgumentsGiven& given, BuildRequest request)
      : context_(context), given_(given), request_(std::move(request)) {}

  Result<int> Run() {
    NoteSingleId();
    VENEER_TRY_VOID(context_.EnterUserNamespaceIfNeeded());
    VENEER_TRY(sessions_, SessionHost::Start());
    VENEER_TRY(store_, OpenStoreToPull(context_, given_.missing));
    RemoveDeadContainers(*store_);
    VENEER_TRY(progress_,
               MakeBuildProgress(given_.progress, given_.quiet, STDOUT_FILENO, STDERR_FILENO));
    VENEER_TRY(writer_, store_->Begin());
    VENEER_TRY_VOID(OpenContexts());
    Result<Dockerfile> dockerfile = ParseDockerfile(build_context_->text());
    if (!dockerfile) return tl::unexpected(InDockerfile(dockerfile.error()));
    WarnOf(*dockerfile);
    Result<PreparedBuild> prepared = Prepare(*dockerfile);
    if (!prepared) return tl::unexpected(InDockerfile(prepared.error()));
    if (given_.check) return Checked(*dockerfile);
    return Build(*dockerfile, *prepared);
  }

 private:
  // A signal ends this process at once: what was fetched goes before.
  void EndIfAsked(Interrupt* interrupt) {
    if (!interrupt->cancellation()->requested()) return;
    named_.clear();
    build_context_.reset();
    writer_.reset();
    sessions_.reset();
    interrupt->EndIfAsked();
  }

  // --- what a build begins with ---
  Result<void> OpenContexts() {
    Interrupt interrupt;
    const auto open_all = [&]() -> Result<void> {
      ContextRequest wanted;
      wanted.context = given_.context;
      wanted.file = given_.file;
      wanted.cancel = interrupt.cancellation();
      VENEER_TRY(build_context_, BuildContext::Open(*store_, *writer_, wanted));
      for (const auto& [name, what] : request_.contexts) {
        if (what.starts_with("docker-image://")) {
          image_of_[name] = what.substr(std::string_view("docker-image://").size());
          continue;
        }
        VENEER_TRY(named_[name],
                   BuildContext::OpenFiles(*store_, *writer_, what, interrupt.cancellation()));
      }
      return {};
    };
    Result<void> opened = open_all();
    if (!opened) EndIfAsked(&interrupt);
    return opened;
  }

  static BuildFiles FilesOf(const BuildContext& context, bool with_ignored) {
    BuildFiles files;
    if (context.has_files()) files.open = [&context] { return context.OpenTree(); };
    files.missing = "there is no context: the Dockerfile came alone from standard input";
    if (with_ignored) files.ignored = &context.ignored();
    return files;
  }

  void WarnOf(const Dockerfile& dockerfile) {
    for (const DockerfileWarning& warning : dockerfile.warnings) {
      progress_->Warn("line " + std::to_string(warning.line) + ": " + warning.text);
    }
    if (!dockerfile.syntax.empty()) {
      progress_->Warn("syntax=" + dockerfile.syntax +
                      " is not fetched: the instructions of today are known");
    }
    std::set<std::string> known(std::begin(kProxyWords), std::end(kProxyWords));
    for (const Instruction& each : dockerfile.instructions) {
      if (each.name != "ARG") continue;
      for (const std::string& word : SplitWords(each.arguments, dockerfile.escape)) {
        known.insert(word.substr(0, word.find('=')));
      }
    }
    std::string unused;
    for (const auto& [name, value] : request_.build_args) {
      std::string upper = name;
      for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
      if (!known.contains(name) && !known.contains(upper)) {
        unused += (unused.empty() ? "" : ", ") + name;
      }
    }
    if (!unused.empty()) {
      progress_->Warn("one or more build arguments were not consumed: [" + unused + "]");
    }
  }

  Result<PreparedBuild> Prepare(const Dockerfile& dockerfile) {
    StagePlanOptions options;
    options.build_args = request_.build_args;
    options.predefined = PlatformArguments(request_.platform);
    options.target = given_.target;
    for (const auto& [name, files] : named_) options.contexts.insert(name);
    const auto find = [this](const std::string& name,
                             const std::string& platform) -> Result<ImageRecord> {
      MissingImageOptions how = given_.missing;
      if (given_.pull) how.pull = "always";
      const std::string& wanted = platform.empty() ? given_.platform : platform;
      if (!wanted.empty()) {
        VENEER_TRY(how.platform, ParsePlatform(wanted));
      }
      const auto other = image_of_.find(name);
      VENEER_TRY(const FoundImage found,
                 FindOrPullImage(*store_, other == image_of_.end() ? name : other->second, how));
      return found.image;
    };
    return PrepareBuild(*store_, dockerfile, options, find);
  }

  // --- the build ---
  Result<int> Checked(const Dockerfile& dockerfile) {
    progress_->Finish({});
    if (dockerfile.warnings.empty()) {
      PrintLine("Check complete, no warnings found.");
      return 0;
    }
    PrintLine("Check complete, " + std::to_string(dockerfile.warnings.size()) +
              (dockerfile.warnings.size() == 1 ? " warning has" : " warnings have") +
              " been found!");
    return 1;
  }

  Result<int> Build(const Dockerfile& dockerfile, const PreparedBuild& prepared) {
    const BuildArguments arguments{request_.build_args, PlatformArguments(request_.platform),
                                   prepared.plan.arguments};
    ContentHashes hashes(store_->layout().content_hashes());
    BuildEnvironment environment{
        *store_,
        *sessions_,
        *progress_,
        request_.settings,
        arguments,
        FilesOf(*build_context_, true),
        {},
        request_.platform,
        dockerfile.escape,
        &hashes,
        [this](ContainerSpec spec) { return NewOwnedContainer(*store_, std::move(spec)); }};
    for (const auto& [name, files] : named_) {
      environment.named_contexts[name] = FilesOf(*files, true);
    }
    Interrupt interrupt;
    const auto built =
        RunBuild(environment, prepared, given_.progress == "classic", interrupt.cancellation());
    if (!built) {
      progress_->Finish({true, std::nullopt, {}});
      EndIfAsked(&interrupt);
      return Failed(built.error());
    }
    Result<Digest> id = Publish(*built);
    if (!id) {
      progress_->Finish({true, std::nullopt, {}});
      return tl::unexpected(std::move(id).error());
    }
    progress_->Finish({false, *id, request_.tags});
    if (given_.quiet) PrintLine(id->ToString());
    return 0;
  }

  // What a Dockerfile says wrong is no wrong command line.
  static Error InDockerfile(const Error& error) {
    return Error(error.message(), ExitCode::kFailed, error.code())
        .Because(error.reason(), error.subject());
  }

  // The lines of the Dockerfile first, then the error as for every command.
  Result<int> Failed(const BuildFailure& failure) {
    if (failure.instruction) {
      const std::string excerpt =
          DockerfileExcerpt(build_context_->name(), build_context_->text(),
                            failure.instruction->first_line, failure.instruction->last_line);
      std::fputs(excerpt.c_str(), stderr);
    }
    return tl::unexpected(InDockerfile(failure.error));
  }

  // Makes the result an image that somebody asked for, with its names.
  Result<Digest> Publish(StageImage image) {
    const size_t step = progress_->Begin({"", 0, 0, "exporting to image", 0, 0});
    if (!request_.labels.empty()) {
      VENEER_TRY(image, WithLabels(image, request_.labels));
    }
    const ImageRecord record = image.Record(false);
    VENEER_TRY_VOID(writer_->PutBlob(image.text));
    const NewImage made{record, request_.tags};
    VENEER_TRY_VOID(store_->images().PutAll({&made, 1}));
    progress_->Status(step, "writing image " + image.id.ToString());
    for (const std::string& tag : request_.tags) progress_->Status(step, "naming to " + tag);
    progress_->End(step, false, image.id);
    VENEER_TRY_VOID(WriteFiles(image));
    return image.id;
  }

  static Result<void> WriteFile(const std::string& path, const std::string& text) {
    std::ofstream file(path, std::ios::trunc);
    file << text;
    file.close();
    if (!file) return MakeError(Errno{errno}, "write " + path);
    return {};
  }

  Result<void> WriteFiles(const StageImage& image) const {
    if (given_.id_file) VENEER_TRY_VOID(WriteFile(*given_.id_file, image.id.ToString()));
    if (!given_.metadata_file) return {};
    Json document = {{"containerimage.config.digest", image.id.ToString()}};
    std::string names;
    for (const std::string& tag : request_.tags) names += (names.empty() ? "" : ",") + tag;
    if (!names.empty()) document["image.name"] = names;
    return WriteFile(*given_.metadata_file, document.dump(2) + "\n");
  }

  Context& context_;
  const BuildArgumentsGiven& given_;
  BuildRequest request_;
  std::unique_ptr<SessionHost> sessions_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<BuildProgress> progress_;
  std::unique_ptr<StoreWriter> writer_;  // of what is fetched
  std::unique_ptr<BuildContext> build_context_;
  std::map<std::string, std::unique_ptr<BuildContext>> named_;
  std::map<std::string, std::string> image_of_;  // --build-context NAME=docker-image://IMAGE
};

}  // namespace

CommandSpec BuildCommand() {
  auto given = std::make_shared<BuildArgumentsGiven>();
  CommandSpec command = {
      .name = "build",
      .summary = "Make an image by the instructions of a Dockerfile",
      .positionals = {{Value{"CONTEXT", Offer::kDirectories}, &given->context,
                       "The context: a directory, - for standard input, or a URL of an archive or "
                       "a Git repository"}},
      .options = BuildOptionTable(given.get()),
      .run = [given](Context& context) -> Result<int> {
        VENEER_TRY(BuildRequest request, ReadBuildOptions(*given));
        return BuildCommandRun(context, *given, std::move(request)).Run();
      },
  };
  AddRegistryOptions(&command, &given->missing.registry);
  return command;
}

}  // namespace veneer
