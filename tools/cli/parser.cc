// SPDX-License-Identifier: Apache-2.0
#include <cstdio>

#include "tools/cli/commands.h"
#include "tools/cli/groups.h"
#include "tools/cli/usage.h"

namespace veneer {

namespace {

// How many of the words from `index` on make one option: itself, and its value where it stands apart.
size_t OptionLength(const CLI::App& command, const std::vector<std::string>& words, size_t index) {
  const std::string& word = words[index];
  const auto takes_value = [&](const std::string& name) {
    const CLI::Option* option = command.get_option_no_throw(name);
    if (option == nullptr) option = command.get_parent()->get_option_no_throw(name);
    return option != nullptr && option->get_items_expected_max() > 0;
  };
  if (word.starts_with("--")) {
    return word.find('=') == std::string::npos && takes_value(word) ? 2 : 1;
  }
  for (size_t i = 1; i < word.size(); ++i) {  // -rufoo is -r -u foo
    if (takes_value(std::string("-") + word[i])) return i + 1 == word.size() ? 2 : 1;
  }
  return 1;
}

// What docker run is given: a terminal is used when there is one, so that -i and -t need not be said, and -v is -b. True
// when the word is to be left out.
bool TranslateHabit(std::string* word) {
  if (*word == "--interactive" || *word == "--tty") return true;
  if (word->size() > 1 && (*word)[0] == '-' &&
      word->find_first_not_of("it", 1) == std::string::npos)
    return true;
  if (*word == "--volume" || word->starts_with("--volume=")) {
    word->replace(0, std::string_view("--volume").size(), "--bind");
  } else if (word->starts_with("-v")) {
    (*word)[1] = 'b';
  }
  return false;
}

// `veneer chroot [OPTION...] NAME [OPTION...] [--] COMMAND...`: what belongs to the command is not looked at.
void CutCommand(const CLI::App& app, std::vector<std::string>* words, Context* context) {
  if (CommandWord(*words) != "chroot") return;
  const auto found = app.get_subcommands(
      [](const CLI::App* candidate) { return candidate->get_name() == "chroot"; });
  const CLI::App& chroot = *found.front();
  constexpr size_t kOurs = 2;  // "chroot" and the name
  size_t plain = 0;
  size_t i = 0;
  for (; i < words->size(); ++i) {
    std::string& word = (*words)[i];
    if (word == "--") break;
    if (word == "--entrypoint=") {  // the library would take the next word
      word.pop_back();
      words->insert(words->begin() + static_cast<ptrdiff_t>(++i), "");
    } else if (TranslateHabit(&word)) {
      words->erase(words->begin() + static_cast<ptrdiff_t>(i--));
    } else if (word.starts_with('-') && word.size() > 1) {
      i += OptionLength(chroot, *words, i) - 1;
    } else if (++plain > kOurs) {
      break;
    }
  }
  if (i >= words->size()) return;
  const size_t first = (*words)[i] == "--" ? i + 1 : i;
  context->command_words.assign(words->begin() + static_cast<ptrdiff_t>(first), words->end());
  words->resize(i);
}

// -H=false of `history`, -p=false of `commit`: Docker takes the value of a short flag behind a "=",
// the library behind the long name alone.
void TranslateShortValue(std::vector<std::string>* words) {
  const std::string command = CommandWord(*words);
  const bool history = command == "history" || command == "image";
  const bool commit = command == "commit" || command == "container";
  for (std::string& word : *words) {
    if (word == "--") return;
    if (history && word.starts_with("-H=")) word.replace(0, 2, "--human");
    if (commit && word.starts_with("-p=")) word.replace(0, 2, "--pause");
  }
}

// The exit status of a command that failed. That of chroot is its command's, so its own is the one that Docker, env(1) and
// their like have for it.
int ExitStatus(bool chroot, ExitCode code) {
  constexpr int kOwnFailure = 125;
  return chroot ? kOwnFailure : static_cast<int>(code);
}

// What was printed has reached its reader, or the program has failed.
int FlushOutput(int code) {
  if (fflush(stdout) == 0 && ferror(stdout) == 0) return code;
  PrintError("write to standard output: " + ErrnoText(errno));
  return code == 0 ? static_cast<int>(ExitCode::kFailed) : code;
}

}  // namespace

std::unique_ptr<CLI::App> MakeParser(Context& context) {
  auto app = std::make_unique<CLI::App>(
      "Union file systems from image layers: import, mount, change, commit.", "veneer");
  app->formatter(MakeHelpFormatter());
  app->set_help_flag("-h,--help", "Show this help");
  app->set_version_flag("-v,--version", std::string("veneer ") + VENEER_VERSION,
                        "Show the version");
  app->require_subcommand(1);
  app->fallthrough();
  app->option_defaults()->always_capture_default(false);
  app->add_option("--root", context.root_option,
                  "The store; default $VENEER_ROOT, else /var/lib/veneer as root, else "
                  "~/.local/share/veneer")
      ->type_name("DIR");
  AddImportCommand(*app, context);
  AddLoadCommand(*app, context);
  AddMountCommand(*app, context);
  AddUmountCommand(*app, context);
  AddChrootCommand(*app, context);
  AddDiffCommand(*app, context);
  AddCommitCommand(*app, context);
  AddExportCommand(*app, context);
  AddSaveCommand(*app, context);
  AddImagesCommand(*app, context);
  AddHistoryCommand(*app, context);
  AddPsCommand(*app, context);
  AddInspectCommand(*app, context);
  AddStatsCommand(*app, context);
  AddRmCommand(*app, context);
  AddRmiCommand(*app, context);
  AddTagCommand(*app, context);
  AddCreateCommand(*app, context);
  AddRenameCommand(*app, context);
  AddPruneCommand(*app, context);
  AddFsckCommand(*app, context);
  AddLayerCommand(*app, context);
  AddGroups(*app, context);
  AddInfoCommand(*app, context);
  AddVersionCommand(*app, context);
  AddHelpCommand(*app, context);
  return app;
}

int RunVeneer(int argc, const char* const* argv) {
  Context context;
  const std::unique_ptr<CLI::App> app = MakeParser(context);
  std::vector<std::string> words(argv + 1, argv + argc);
  const bool chroot = CommandWord(words) == "chroot";
  CutCommand(*app, &words, &context);
  TranslateShortValue(&words);
  if (const auto problem = SingleDashProblem(*app, words)) {
    PrintError(*problem);
    return ExitStatus(chroot, ExitCode::kUsage);
  }
  try {
    std::vector<std::string> reversed(words.rbegin(), words.rend());  // as CLI11 wants them
    app->parse(reversed);
  } catch (const CLI::CallForHelp&) {
    Print(app->help());
    return FlushOutput(0);
  } catch (const CLI::CallForVersion& version) {
    PrintLine(version.what());
    return FlushOutput(0);
  } catch (const CLI::ParseError& error) {
    if (LacksVerb(*app, error)) {
      Print(app->help());
      return FlushOutput(0);
    }
    PrintError(UsageProblem(*app, words, error));
    return ExitStatus(chroot, ExitCode::kUsage);
  }
  const Result<int> code = context.action();
  if (!code) {
    PrintError(code.error().message());
    return FlushOutput(ExitStatus(chroot, code.error().exit()));
  }
  return FlushOutput(*code);
}

}  // namespace veneer
