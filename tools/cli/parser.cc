// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>

#include "layerdb/store/suggest.h"
#include "tools/cli/commands.h"

namespace veneer {

namespace {

constexpr int kUsage = static_cast<int>(ExitCode::kUsage);

std::vector<std::string> CommandNames(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(command->get_name());
  }
  return names;
}

// The first word that is no option and no option's value: the command.
std::string CommandWord(const std::vector<std::string>& words) {
  for (size_t i = 0; i < words.size(); ++i) {
    if (words[i] == "--root") {
      ++i;
    } else if (!words[i].starts_with('-')) {
      return words[i];
    }
  }
  return {};
}

// `veneer chroot NAME -- COMMAND`: what follows the dashes is not looked at.
void CutAtDashes(std::vector<std::string>* words, Context* context) {
  if (CommandWord(*words) != "chroot") return;
  const auto dashes = std::ranges::find(*words, "--");
  if (dashes == words->end()) return;
  context->after_dashes.assign(dashes + 1, words->end());
  words->erase(dashes, words->end());
}

int ReportUsage(const CLI::App& app, const std::vector<std::string>& words,
                const std::string& problem) {
  const std::string command = CommandWord(words);
  const std::vector<std::string> names = CommandNames(app);
  if (command.empty()) {
    PrintError("no command given; `veneer help` lists them");
  } else if (std::ranges::find(names, command) == names.end()) {
    PrintError("no command '" + command + "'" + DidYouMean(command, names) +
               " (`veneer help` lists them)");
  } else {
    PrintError(command + ": " + problem + "; see `veneer help " + command + "`");
  }
  return kUsage;
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
  app->set_help_flag("-h,--help", "Show this help");
  app->set_version_flag("--version", std::string("veneer ") + VENEER_VERSION, "Show the version");
  app->require_subcommand(1);
  app->fallthrough();
  app->option_defaults()->always_capture_default(false);
  app->add_option("--root", context.root_option,
                  "The store; default $VENEER_ROOT, else /var/lib/veneer as root, else "
                  "~/.local/share/veneer")
      ->type_name("DIR");
  AddImportCommand(*app, context);
  AddMountCommand(*app, context);
  AddUmountCommand(*app, context);
  AddChrootCommand(*app, context);
  AddDiffCommand(*app, context);
  AddCommitCommand(*app, context);
  AddImagesCommand(*app, context);
  AddHistoryCommand(*app, context);
  AddPsCommand(*app, context);
  AddRmCommand(*app, context);
  AddRmiCommand(*app, context);
  AddPruneCommand(*app, context);
  AddFsckCommand(*app, context);
  AddLayerCommand(*app, context);
  AddInfoCommand(*app, context);
  AddVersionCommand(*app, context);
  AddHelpCommand(*app, context);
  return app;
}

int RunVeneer(int argc, const char* const* argv) {
  Context context;
  const std::unique_ptr<CLI::App> app = MakeParser(context);
  std::vector<std::string> words(argv + 1, argv + argc);
  CutAtDashes(&words, &context);
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
    return ReportUsage(*app, words, error.what());
  }
  const Result<int> code = context.action();
  if (!code) {
    PrintError(code.error().message());
    return FlushOutput(static_cast<int>(code.error().exit()));
  }
  return FlushOutput(*code);
}

}  // namespace veneer
