// SPDX-License-Identifier: Apache-2.0
#include "tools/build/stage_builder.h"

#include <utility>

#include "tools/build/run_step.h"
#include "tools/dockerfile/config_change.h"
#include "tools/dockerfile/config_values.h"
#include "tools/dockerfile/instruction_history.h"
#include "tools/dockerfile/instruction_options.h"
#include "tools/dockerfile/run_options.h"

namespace veneer {

namespace {

// An error of an instruction says which, unless it does already.
tl::unexpected<Error> At(const Instruction& instruction, Error error) {
  const std::string place = "line " + std::to_string(instruction.first_line) + ": ";
  if (error.message().starts_with("line ") || error.code() == ECANCELED) {
    return tl::unexpected(std::move(error));
  }
  const bool named = error.message().starts_with(instruction.name + ": ");
  return tl::unexpected(std::move(error).Context(named ? place.substr(0, place.size() - 2)
                                                       : place + instruction.name));
}

StageImage WithPath(StageImage image) {
  AddPath(&image);
  return image;
}

bool MakesLayer(const std::string& instruction) {
  return instruction == "RUN" || instruction == "COPY" || instruction == "ADD" ||
         instruction == "WORKDIR";
}

std::string Title(const Instruction& instruction) {
  const size_t end = instruction.original.find('\n');
  return instruction.original.substr(0, end);
}

}  // namespace

size_t CountSteps(const Stage& stage, bool config) {
  size_t count = 1;
  for (const Instruction& each : stage.instructions) {
    count += MakesLayer(each.name) || config ? 1 : 0;
  }
  return count;
}

StageBuilder::StageBuilder(const BuildEnvironment& environment, const StageWork& work)
    : environment_(environment),
      work_(work),
      image_(WithPath(work.base)),
      variables_(work.variables ? work.variables->OfChild()
                                : StageVariables(environment.arguments, image_.config.env)),
      recorder_(environment.store) {}

Result<StageImage> StageBuilder::Run() {
  TellBase();
  VENEER_TRY_VOID(BeginWithTriggers());
  for (const Instruction& instruction : work_.stage.instructions) {
    VENEER_TRY_VOID(Cancellation::Check(work_.cancel));
    Result<void> done = Step(instruction);
    if (!done) {
      failed_ = FailedInstruction{instruction.first_line, instruction.last_line};
      return At(instruction, std::move(done).error());
    }
  }
  VENEER_TRY_VOID(recorder_.Flush());
  return std::move(image_);
}

size_t StageBuilder::Begin(const std::string& text) {
  const size_t count = CountSteps(work_.stage, environment_.progress.TellsConfigSteps());
  ++number_;
  return environment_.progress.Begin(
      {work_.title, number_, count, text, work_.first_order + number_, work_.total});
}

void StageBuilder::TellBase() {
  std::string text = "FROM " + work_.stage.base;
  if (!work_.stage.name.empty()) text += " AS " + work_.stage.name;
  environment_.progress.End(Begin(text), false, image_.id);
}

// Triggers do not go on to what is built upon this image. Those of an image are instructions of the
// stage by now (PrepareBuild()).
Result<void> StageBuilder::BeginWithTriggers() {
  if (!work_.stage.base_stage && work_.stage.base == "scratch") {
    VENEER_TRY_VOID(recorder_.Add(image_));
    return {};
  }
  VENEER_TRY(const std::vector<Instruction> triggers, TriggersOf(image_, work_.stage.line));
  if (triggers.empty()) return {};
  image_.config.document["config"].erase("OnBuild");
  if (!work_.stage.base_stage) return {};
  for (const Instruction& trigger : triggers) VENEER_TRY_VOID(Step(trigger));
  return {};
}

// A step that has to wait for another stage has not begun.
Result<void> StageBuilder::WaitForSources(const Instruction& instruction) const {
  std::vector<std::string> names;
  if (instruction.name == "COPY") {
    VENEER_TRY(const CopyOptions options, ParseCopy(instruction));
    if (options.from) names.push_back(*options.from);
  } else if (instruction.name == "RUN") {
    VENEER_TRY(names, RunMountSources(instruction));
  }
  for (const std::string& name : names) VENEER_TRY_VOID(work_.find(name));
  return {};
}

Result<void> StageBuilder::Step(const Instruction& instruction) {
  VENEER_TRY_VOID(WaitForSources(instruction));
  if (!MakesLayer(instruction.name) && !environment_.progress.TellsConfigSteps()) {
    return Carry(instruction, 0);
  }
  const size_t progress = Begin(Title(instruction));
  cached_ = true;
  Result<void> done = Carry(instruction, progress);
  if (done) {
    environment_.progress.End(progress, cached_, image_.id);
  } else {
    environment_.progress.Fail(progress, done.error());
  }
  return done;
}

Result<void> StageBuilder::Carry(const Instruction& instruction, size_t progress) {
  if (instruction.name == "ARG") return Declare(instruction);
  if (instruction.name == "RUN") return Run(instruction, progress);
  if (instruction.name == "COPY" || instruction.name == "ADD") return Copy(instruction, progress);
  return ChangeConfig(instruction, progress);
}

Result<std::string> StageBuilder::Expand(std::string_view word) const {
  const auto lookup = [this](std::string_view name) { return variables_.Lookup(name); };
  return ExpandWord(word, lookup, environment_.escape);
}

Result<void> StageBuilder::Declare(const Instruction& instruction) {
  const auto lookup = [this](std::string_view name) { return variables_.Lookup(name); };
  const auto given = [this](std::string_view name) -> std::optional<std::string> {
    const auto found = environment_.arguments.given.find(std::string(name));
    return found == environment_.arguments.given.end() ? std::nullopt
                                                       : std::optional(found->second);
  };
  const StageScope scope{lookup, environment_.escape, &cmd_set_, &author_};
  VENEER_TRY(const std::vector<ArgWord> words, ParseArg(instruction, scope, given));
  for (const ArgWord& word : words) variables_.Declare(word);
  VENEER_TRY(image_, With(ArgHistory(words), RuntimeOf(image_), std::nullopt));
  VENEER_TRY(cached_, recorder_.Add(image_));
  return {};
}

Result<StageImage> StageBuilder::With(const std::string& history, const Json& runtime,
                                      const std::optional<StepResult>& files) const {
  // A step that changes the config alone is as old as what it began with, so that it is the same
  // image each time.
  const Timestamp created =
      files ? files->created
            : image_.config.created.value_or(Timestamp{environment_.settings.epoch.value_or(0), 0});
  StepChange change{
      runtime, {std::nullopt, created, history, author_, std::string(kHistoryComment)}, files};
  if (files && environment_.settings.epoch) change.layer.created = StepTime(environment_.settings);
  return WithStep(image_, change);
}

Result<void> StageBuilder::ChangeConfig(const Instruction& instruction, size_t progress) {
  const auto lookup = [this](std::string_view name) { return variables_.Lookup(name); };
  std::string history;  // ONBUILD has none
  std::vector<std::pair<std::string, std::string>> set;
  const StageScope scope{lookup, environment_.escape, &cmd_set_, &author_, &history, &set};
  Json runtime = RuntimeOf(image_);
  VENEER_TRY_VOID(ApplyInstruction(instruction, scope, &runtime));
  VENEER_TRY(const auto directory, GetString(runtime, "WorkingDir"));
  // The root is there, and BuildKit makes no layer for it.
  if (instruction.name == "WORKDIR" && directory.value_or("/") != "/") {
    VENEER_TRY(const auto user, GetString(runtime, "User"));
    const StepBase base{environment_, image_, progress, work_.cancel};
    WorkdirStep step(base, *directory, user.value_or(""));
    return TakeLayer(step, history, runtime);
  }
  for (const auto& [name, value] : set) variables_.Set(name, value);
  VENEER_TRY(image_, With(history, runtime, std::nullopt));
  VENEER_TRY(cached_, recorder_.Add(image_));
  return {};
}

Result<void> StageBuilder::Run(const Instruction& instruction, size_t progress) {
  const auto expand = [this](std::string_view word) { return Expand(word); };
  RunStepCommand command;
  VENEER_TRY(command.options, ParseRun(instruction, expand));
  VENEER_TRY(const std::vector<std::string> shell, ShellOf(RuntimeOf(image_)));
  RunWords words = WordsOfRun(instruction, shell);
  command.argv = std::move(words.argv);
  command.files = std::move(words.files);
  command.environment = variables_.Environment();
  command.proxies = variables_.Proxies();
  command.user = image_.config.user;
  command.working_dir = image_.config.working_dir;
  if (command.argv.empty()) return MakeError("the command is missing", ExitCode::kUsage);
  const std::string history = RunHistory(command.argv, variables_.Arguments());
  const StepBase base{environment_, image_, progress, work_.cancel};
  RunStep step(base, std::move(command), work_.find);
  return TakeLayer(step, history, RuntimeOf(image_));
}

Result<CopyCommand> StageBuilder::CopyCommandOf(const Instruction& instruction,
                                                const CopyOptions& options) {
  CopyCommand command;
  command.add = instruction.name == "ADD";
  for (const CopySource& source : options.sources) {
    if (source.heredoc) {
      const Heredoc& heredoc = instruction.heredocs[*source.heredoc];
      std::string text = heredoc.content;
      if (heredoc.expand) {
        VENEER_TRY(text, Expand(text));
      }
      command.texts.emplace_back(source.path, std::move(text));
      continue;
    }
    VENEER_TRY(std::string path, Expand(source.path));
    // Else a variable that is not set would copy all of the context in silence.
    if (path.empty() && !source.path.empty()) {
      return MakeError("the source " + source.path + " is empty; write . for the whole context",
                       ExitCode::kUsage);
    }
    command.sources.push_back(std::move(path));
  }
  VENEER_TRY(const std::string destination, Expand(options.destination));
  command.destination = JoinPath(image_.config.working_dir, destination);
  const bool slash = destination.empty() || destination.ends_with('/') || destination == "." ||
                     destination.ends_with("/.");
  if (slash && !command.destination.ends_with('/')) command.destination += '/';
  if (options.chown) {
    VENEER_TRY(command.chown, Expand(*options.chown));
  }
  if (options.chmod) {
    VENEER_TRY(command.chmod, Expand(*options.chmod));
  }
  for (const std::string& pattern : options.exclude) {
    VENEER_TRY(std::string expanded, Expand(pattern));
    command.exclude.push_back(std::move(expanded));
  }
  if (options.checksum) {
    VENEER_TRY(command.checksum, Expand(*options.checksum));
  }
  command.parents = options.parents;
  command.keep_git_dir = options.keep_git_dir;
  command.unpack = options.unpack;
  return command;
}

Result<void> StageBuilder::Copy(const Instruction& instruction, size_t progress) {
  VENEER_TRY(const CopyOptions options, ParseCopy(instruction));
  VENEER_TRY(CopyCommand command, CopyCommandOf(instruction, options));
  std::vector<CopySource> told = options.sources;
  for (CopySource& source : told) {
    VENEER_TRY(source.path, Expand(source.path));
  }
  VENEER_TRY(const std::string destination, Expand(options.destination));
  const std::string history = CopyHistory(instruction.name, told, destination);
  BuildFiles files = environment_.context;
  if (options.from) {
    VENEER_TRY(files, work_.find(*options.from));
  }
  const StepBase base{environment_, image_, progress, work_.cancel};
  CopyStep step(base, std::move(command), std::move(files));
  return TakeLayer(step, history, RuntimeOf(image_));
}

bool StageBuilder::UsesCache() const {
  const BuildSettings& settings = environment_.settings;
  const auto named = [&](const std::string& name) {
    return !name.empty() && settings.no_cache_stages.contains(name);
  };
  return !settings.no_cache && !named(work_.stage.name) && !named(std::to_string(work_.index));
}

Result<void> StageBuilder::TakeLayer(FilesStep& step, const std::string& history,
                                     const Json& runtime) {
  if (writer_ == nullptr) {
    VENEER_TRY(writer_, environment_.store.Begin());
  }
  Result<void> taken = TakeOrMake(step, *writer_, history, runtime);
  step.End();
  // A writer is good for one layer. Most steps that the cache has write nothing, and share one.
  if (!writer_->IsUnused()) writer_.reset();
  return taken;
}

Result<void> StageBuilder::TakeOrMake(FilesStep& step, StoreWriter& writer,
                                      const std::string& history, const Json& runtime) {
  VENEER_TRY(const Digest key, step.Key(writer));
  const StepTurns::Turn turn(environment_.turns, key);
  if (UsesCache()) {
    VENEER_TRY(const std::optional<StepResult> known, FindStep(key, writer));
    if (known) {
      VENEER_TRY_VOID(TakeResult(key, *known, history, runtime));
      return recorder_.FlushIfWaiting(writer);
    }
  }
  cached_ = false;
  // The container, and whoever looks at a failed step, begin with the image so far.
  VENEER_TRY_VOID(recorder_.Flush());
  VENEER_TRY(const MadeLayer made, step.Make(writer));
  VENEER_TRY_VOID(TakeResult(key, made.result, history, runtime));
  if (!environment_.settings.trial) recorder_.Know(key, made.result);
  return recorder_.Flush(writer, made.spent);
}

Result<std::optional<StepResult>> StageBuilder::FindStep(const Digest& key, StoreWriter& writer) {
  VENEER_TRY(std::optional<StepResult> known, environment_.store.step_results().Find(key));
  if (known || !environment_.find_elsewhere) return known;
  VENEER_TRY(known, environment_.find_elsewhere(key, writer, work_.cancel));
  if (known) recorder_.Know(key, *known);
  return known;
}

Result<void> StageBuilder::TakeResult(const Digest& key, const StepResult& result,
                                      const std::string& history, const Json& runtime) {
  VENEER_TRY(image_, With(history, runtime, result));
  VENEER_TRY_VOID(recorder_.Add(image_));
  if (environment_.used != nullptr) environment_.used->Add(key, result, image_.chain_id);
  return {};
}

}  // namespace veneer
