// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <set>

#include "layerdb/base/parse.h"
#include "tools/build/build.h"
#include "tools/build/build_context.h"
#include "tools/build/build_progress.h"
#include "tools/build/files_step.h"
#include "tools/build/reproducible.h"
#include "tools/build/squash.h"
#include "tools/cli/build_checks.h"
#include "tools/cli/build_options.h"
#include "tools/cli/commands.h"
#include "tools/cli/finish_build.h"
#include "tools/cli/interrupt.h"
#include "tools/cli/remote_cache.h"
#include "tools/dockerfile/excerpt.h"
#include "tools/dockerfile/proxy_arguments.h"
#include "tools/run/new_container.h"
#include "tools/run/user_namespace.h"

namespace veneer {

namespace {

// What BuildKit takes without an ARG, beside the proxies.
constexpr std::string_view kOtherArguments[] = {"SOURCE_DATE_EPOCH", "BUILDKIT_INLINE_CACHE",
                                                "BUILDKIT_DOCKERFILE_CHECK", "BUILDKIT_SYNTAX"};

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
    VENEER_TRY(
        progress_,
        MakeBuildProgress(given_.progress, given_.quiet,
                          WritesToStandardOutput() ? STDERR_FILENO : STDOUT_FILENO, STDERR_FILENO));
    VENEER_TRY(writer_, store_->Begin());
    VENEER_TRY_VOID(OpenContexts());
    Result<Dockerfile> dockerfile = ParseDockerfile(build_context_->text());
    if (!dockerfile) return Misread(dockerfile.error());
    WarnOfArguments(*dockerfile);
    if (given_.check) return Check(*dockerfile);
    Result<PreparedBuild> prepared = Prepare(*dockerfile);
    if (!prepared) return Misread(prepared.error());
    const Result<BuildChecks> checks = FindMistakes(*dockerfile);
    if (!checks) return Misread(checks.error());
    WarnOf(*checks, *progress_);
    if (const auto fails = FailIfWanted(*checks); !fails) return Ended(fails.error());
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

  bool StoresImage() const {
    return std::ranges::any_of(request_.outputs, [](const BuildOutput& each) {
      return each.kind == BuildOutput::Kind::kStore;
    });
  }
  // An archive there is not mixed with anything.
  bool WritesToStandardOutput() const {
    return std::ranges::any_of(request_.outputs, &BuildOutput::ToStandardOutput);
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

  static BuildFiles FilesOf(const BuildContext& context) {
    BuildFiles files;
    if (context.has_files()) files.open = [&context] { return context.OpenTree(); };
    files.missing = "there is no context: the Dockerfile came alone from standard input";
    files.ignored = &context.ignored();
    return files;
  }

  void WarnOfArguments(const Dockerfile& dockerfile) {
    if (!dockerfile.syntax.empty()) {
      progress_->Warn("syntax=" + dockerfile.syntax +
                      " is not fetched: the instructions of today are known");
    }
    std::set<std::string> known(kProxyArguments.begin(), kProxyArguments.end());
    known.insert(std::begin(kOtherArguments), std::end(kOtherArguments));
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

  StagePlanOptions PlanOptions() const {
    StagePlanOptions options;
    options.build_args = request_.build_args;
    options.predefined = PlatformArguments(request_.platform);
    options.target = given_.target;
    for (const auto& [name, files] : named_) options.contexts.insert(name);
    return options;
  }

  Result<PreparedBuild> Prepare(const Dockerfile& dockerfile) {
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
    return PrepareBuild(*store_, dockerfile, PlanOptions(), find);
  }

  // --- checks ---
  Result<BuildChecks> FindMistakes(const Dockerfile& dockerfile) {
    return CheckDockerfile(*store_, request_, *build_context_, dockerfile, image_of_);
  }

  // Needs none of the images.
  Result<int> Check(const Dockerfile& dockerfile) {
    const Result<BuildChecks> checks = FindMistakes(dockerfile);
    if (!checks) return Misread(checks.error());
    progress_->Finish({});
    PrintReport(*checks, *build_context_);
    const Result<StagePlan> plan = PlanStages(dockerfile, PlanOptions());
    if (!plan) return Misread(plan.error());
    return checks->findings.empty() ? 0 : 1;
  }

  // --- the build ---

  Result<int> Build(const Dockerfile& dockerfile, const PreparedBuild& prepared) {
    Interrupt interrupt;
    RemoteCache remote(*store_, *progress_, given_.missing.registry, interrupt.cancellation());
    if (!request_.settings.no_cache) {
      const Result<void> imported = remote.Import(request_.cache_from, request_.platform);
      if (!imported) return Ended(imported.error(), &interrupt);
    }
    const auto built = BuildOnce(dockerfile, prepared, request_.settings, interrupt.cancellation(),
                                 &remote, nullptr);
    if (!built) return Failed(built.error(), &interrupt);
    Result<StageImage> image = Squashed(prepared, *built, interrupt.cancellation());
    if (!image) return Ended(image.error(), &interrupt);
    const FinishedBuild finished{*store_,
                                 *writer_,
                                 *progress_,
                                 given_,
                                 request_,
                                 !ordinary_user_,
                                 interrupt.cancellation(),
                                 request_.cache_to.in_image ? &used_ : nullptr};
    Result<Digest> id = FinishBuild(finished, *image);
    if (!id) return Ended(id.error(), &interrupt);
    const Result<void> exported = remote.Export(request_.cache_to.registries, used_, *image);
    if (!exported) return Ended(exported.error(), &interrupt);
    if (given_.check_reproducible) return Repeat(dockerfile, prepared, *built, *id, &interrupt);
    End(*id);
    return 0;
  }

  // `remote`: null for a build that neither takes steps from elsewhere nor gives any.
  tl::expected<StageImage, BuildFailure> BuildOnce(
      const Dockerfile& dockerfile, const PreparedBuild& prepared, const BuildSettings& settings,
      const Cancellation* cancel, const RemoteCache* remote, std::vector<StageImage>* stages) {
    const BuildArguments arguments{request_.build_args, PlatformArguments(request_.platform),
                                   prepared.plan.arguments};
    ContentHashes hashes(store_->layout().content_hashes());
    StepTurns turns;
    BuildEnvironment environment{
        *store_,
        *sessions_,
        *progress_,
        settings,
        arguments,
        turns,
        FilesOf(*build_context_),
        {},
        request_.platform,
        dockerfile.escape,
        &hashes,
        [this](ContainerSpec spec) { return NewOwnedContainer(*store_, std::move(spec)); }};
    for (const auto& [name, files] : named_) {
      environment.named_contexts[name] = FilesOf(*files);
    }
    if (remote != nullptr) environment.used = &used_;
    if (remote != nullptr && !remote->empty()) {
      environment.find_elsewhere = [remote](const Digest& key, StoreWriter& writer,
                                            const Cancellation* stop) {
        return remote->Find(key, writer, stop);
      };
    }
    return RunBuild(environment, prepared, given_.progress == "classic", cancel, stages);
  }

  // Builds once more, and tells how the result differs from `first`. Nothing stays of it.
  Result<int> Repeat(const Dockerfile& dockerfile, const PreparedBuild& prepared,
                     const StageImage& first, const Digest& id, Interrupt* interrupt) {
    VENEER_TRY(const std::set<Digest> kept, AllImages(*store_));
    BuildSettings settings = request_.settings;
    settings.trial = true;
    std::vector<StageImage> stages;
    const auto second =
        BuildOnce(dockerfile, prepared, settings, interrupt->cancellation(), nullptr, &stages);
    Result<BuildComparison> compared = BuildComparison();
    if (second) {
      compared = CompareBuilds(*store_, first, *second, settings.epoch.has_value());
    }
    named_.clear();
    writer_.reset();
    RemoveBuilt(*store_, stages, kept);
    if (!second) return Failed(second.error(), interrupt);
    if (!compared) return Ended(compared.error(), interrupt);
    End(id);
    for (const std::string& line : compared->lines) {
      if (WritesToStandardOutput()) {
        std::fputs((line + "\n").c_str(), stderr);
      } else {
        PrintLine(line);
      }
    }
    return compared->same ? 0 : 1;
  }

  void End(const Digest& id) {
    progress_->Finish({false, id, StoresImage() ? request_.tags : std::vector<std::string>()});
    if (given_.quiet && !WritesToStandardOutput()) PrintLine(id.ToString());
  }

  Result<StageImage> Squashed(const PreparedBuild& prepared, const StageImage& image,
                              const Cancellation* cancel) {
    if (!given_.squash) return image;
    VENEER_TRY(const StageImage base, BaseOfTarget(prepared, request_.platform));
    const size_t step = progress_->Begin({"", 0, 0, "squashing layers", 0, 0});
    Result<StageImage> squashed =
        SquashImage(*store_, *writer_, base, image, StepTime(request_.settings), cancel);
    if (squashed) {
      progress_->End(step, false, squashed->id);
    } else {
      progress_->Fail(step, squashed.error());
    }
    return squashed;
  }

  tl::unexpected<Error> Ended(const Error& error) {
    progress_->Finish({true, std::nullopt, {}});
    return tl::unexpected(error);
  }

  // A failure of what comes behind the steps.
  tl::unexpected<Error> Ended(const Error& error, Interrupt* interrupt) {
    tl::unexpected<Error> ended = Ended(error);
    EndIfAsked(interrupt);
    return ended;
  }

  // What a Dockerfile says wrong is no wrong command line.
  static Error InDockerfile(const Error& error) {
    return Error(error.message(), ExitCode::kFailed, error.code())
        .Because(error.reason(), error.subject());
  }

  void ShowLines(int first, int last) const {
    const std::string excerpt =
        DockerfileExcerpt(build_context_->name(), build_context_->text(), first, last);
    std::fputs(excerpt.c_str(), stderr);
  }

  // An error before the first step, which may say of which line it is.
  tl::unexpected<Error> Misread(const Error& error) const {
    std::string_view text = error.message();
    int line = 0;
    if (text.starts_with("line ")) {
      text.remove_prefix(std::string_view("line ").size());
      if (TakeNumber(&text, &line)) ShowLines(line, line);
    }
    return tl::unexpected(InDockerfile(error));
  }

  // The lines of the Dockerfile first, then the error as for every command.
  Result<int> Failed(const BuildFailure& failure, Interrupt* interrupt) {
    progress_->Finish({true, std::nullopt, {}});
    EndIfAsked(interrupt);
    if (failure.instruction) {
      ShowLines(failure.instruction->first_line, failure.instruction->last_line);
    }
    return tl::unexpected(InDockerfile(failure.error));
  }

  Context& context_;
  const BuildArgumentsGiven& given_;
  BuildRequest request_;
  const bool ordinary_user_ = IsOrdinaryUser();  // outside of the namespace
  std::unique_ptr<SessionHost> sessions_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<BuildProgress> progress_;
  std::unique_ptr<StoreWriter> writer_;  // of what is fetched
  std::unique_ptr<BuildContext> build_context_;
  std::map<std::string, std::unique_ptr<BuildContext>> named_;
  UsedSteps used_;
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
