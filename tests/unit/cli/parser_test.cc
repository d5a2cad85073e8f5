// SPDX-License-Identifier: Apache-2.0
//
// The command line as a whole, run in this process: what is refused, with which exit code and which
// one line; and that the manual page and the completions name the same commands and options as the
// parser.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "tests/support/temp_dir.h"
#include "tools/cli/commands.h"

namespace veneer {
namespace {

class VeneerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    dir_ = MakeTempDir("cli");
    setenv("VENEER_ROOT", (dir_ + "/store").c_str(), 1);
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }

  int Run(std::vector<std::string> words) {
    words.insert(words.begin(), "veneer");
    std::vector<const char*> argv;
    for (const std::string& word : words) argv.push_back(word.c_str());
    ::testing::internal::CaptureStdout();
    ::testing::internal::CaptureStderr();
    const int code = RunVeneer(static_cast<int>(argv.size()), argv.data());
    output_ = ::testing::internal::GetCapturedStdout();
    error_ = ::testing::internal::GetCapturedStderr();
    return code;
  }

  std::string dir_;
  std::string output_;
  std::string error_;
};

TEST_F(VeneerTest, UsageErrorsAreOneLineAndExitCodeTwo) {
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {},
           {"mont"},
           {"import"},
           {"import", "a", "b", "c"},
           {"import", "--progress=loud", "x"},
           {"import", "/dev/null", "Not:A:Name"},
           {"mount"},
           {"umount"},
           {"chroot"},
           {"images", "--bogus"},
           {"images", "UPPER CASE"},
           {"import", "-c", "RUN x", "/dev/null"},
           {"import", "--platform", "windows", "/dev/null"},
           {"import", "--platform", "windows/amd64", "/dev/null"},
           {"import", "--platform", "linux/a/b/c", "/dev/null"},
           {"diff", "--format", "xml", "x"},
           {"image", "nonsense"},
           {"image", "prune", "--filter", "age=1"},
           {"builder", "prune", "-f", "--filter", "age=1"},
           {"builder", "prune", "-f", "--filter", "type=image"},
           {"builder", "prune", "-f", "--keep-storage", "much"},
           {"builder", "du", "--verbose", "--format", "json"},
           {"create"},
           {"rename", "x"},
           {"help", "nonsense"},
           {"--root"},
           {"--root=", "images"},
       }) {
    std::string line;
    for (const std::string& word : words) line += word + " ";
    // chroot has Docker's exit codes: 125 is a fault of its own, and lower ones are its command's.
    EXPECT_EQ(Run(words), line.starts_with("chroot ") ? 125 : 2) << line;
    EXPECT_EQ(error_.rfind("veneer: ", 0), 0u) << error_;
    EXPECT_EQ(std::count(error_.begin(), error_.end(), '\n'), 1) << error_;
    EXPECT_EQ(output_, "") << line;
  }
  Run({"mont"});
  EXPECT_NE(error_.find("mount"), std::string::npos) << error_;
}

TEST_F(VeneerTest, UsageErrorsSayWhatIsWrongInOurWords) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{}, "no command given; `veneer help` lists the commands"},
      {{"run", "debian:12"}, "no command 'run'; did you mean chroot? (`veneer help` lists them)"},
      {{"rm"}, "rm: CONTAINER is missing; see `veneer help rm`"},
      {{"import"}, "import: FILE|DIR|URL|- is missing; see `veneer help import`"},
      {{"import", "a", "b", "c"}, "import: one argument too many: 'c'; see `veneer help import`"},
      {{"ps", "--al"}, "ps: no option '--al'; did you mean --all?; see `veneer help ps`"},
      {{"ps", "-x"}, "ps: no option '-x'; see `veneer help ps`"},
      {{"mount", "-n"}, "mount: --name needs NAME; see `veneer help mount`"},
      {{"mount", "-n", "a", "-n", "b", "c"},
       "mount: --name may be given only once; see `veneer help mount`"},
      {{"-D", "images"}, "no option '-D'; `veneer help` lists the commands"},
      {{"-H", "tcp://x", "images"}, "no option '-H'; `veneer help` lists the commands"},
      {{"--rot", "x", "images"},
       "no option '--rot'; did you mean --root?; `veneer help` lists the commands"},
      {{"mount", "-name", "x", "debian:12"},
       "mount: no option '-name'; did you mean --name?; see `veneer help mount`"},
      {{"image", "ls", "-format=json"},
       "image ls: no option '-format'; did you mean --format?; see `veneer help image ls`"},
      {{"load", "d.tar"},
       "load: one argument too many: 'd.tar'; did you mean -i d.tar?; see `veneer help load`"},
      {{"layer", "ls"}, "layer ls: IMAGE is missing; see `veneer help layer ls`"},
      {{"images", "--root"}, "images: --root needs DIR; see `veneer help images`"},
  };
  for (const auto& [words, line] : cases) {
    EXPECT_EQ(Run(words), 2) << line;
    EXPECT_EQ(error_, "veneer: " + line + "\n");
  }
}

TEST_F(VeneerTest, ANounAloneShowsItsVerbs) {
  for (const char* noun : {"image", "container", "system", "layer"}) {
    EXPECT_EQ(Run({noun}), 0);
    EXPECT_NE(output_.find(std::string("\nUsage: veneer ") + noun + " [OPTION...] COMMAND\n"),
              std::string::npos)
        << output_;
  }
}

TEST_F(VeneerTest, TheVersionHasAShortOption) {
  EXPECT_EQ(Run({"-v"}), 0);
  EXPECT_EQ(output_.rfind("veneer ", 0), 0u) << output_;
}

TEST_F(VeneerTest, HelpHoldsNothingOfTheLibrary) {
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {"images", "--help"}, {"inspect", "--help"}, {"stats", "--help"}}) {
    EXPECT_EQ(Run(words), 0);
    for (const char* text : {"Excludes", "{", ":{"}) {
      EXPECT_EQ(output_.find(text), std::string::npos) << text << ": " << output_;
    }
  }
}

TEST_F(VeneerTest, HelpShowsTheWholeCommand) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{"help"}, "veneer [OPTION...] COMMAND"},
      {{"help", "layer", "tar"}, "veneer layer tar [OPTION...] IMAGE[@N]|DIFF-ID"},
      {{"layer", "tar", "--help"}, "veneer layer tar [OPTION...] IMAGE[@N]|DIFF-ID"},
      {{"help", "chroot"}, "veneer chroot [OPTION...] CONTAINER|IMAGE [-- COMMAND [ARG...]]"},
      {{"rm", "-h"}, "veneer rm [OPTION...] CONTAINER..."},
      {{"mount", "-h"}, "veneer mount [OPTION...] CONTAINER|IMAGE [DIR]"},
  };
  for (const auto& [words, usage] : cases) {
    EXPECT_EQ(Run(words), 0);
    EXPECT_NE(output_.find("\nUsage: " + usage + "\n"), std::string::npos) << output_;
  }
}

// `veneer chroot` needs mounts to do anything with it; here it only must not be a usage error.
TEST_F(VeneerTest, ChrootTakesWhatDockerRunIsGiven) {
  if (geteuid() != 0) return;  // would leave this process in a user namespace
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {"chroot", "-it", "nothing"},
           {"chroot", "-i", "-t", "nothing", "bash"},
           {"chroot", "nothing", "-it", "bash"},
           {"chroot", "--interactive", "--tty", "-v", "/a:/b", "nothing"},
           {"chroot", "-v/a:/b", "--volume=/a:/b", "--volume", "/a:/b", "nothing", "ls", "-v"}}) {
    std::vector<std::string> line = words;
    line.insert(line.begin() + 1, "--pull=never");
    EXPECT_EQ(Run(line), 125);
    EXPECT_NE(error_.find("there is no store in"), std::string::npos) << error_;
  }
  EXPECT_EQ(Run({"chroot", "-ix", "nothing"}), 125);
  EXPECT_NE(error_.find("'-x'"), std::string::npos) << error_;
}

TEST_F(VeneerTest, WhatIsNotThereIsExitCodeThreeAndTheNearestIsNamed) {
  std::ofstream(dir_ + "/file") << "contents";
  std::filesystem::create_directory(dir_ + "/tree");
  std::filesystem::copy_file(dir_ + "/file", dir_ + "/tree/file");
  ASSERT_EQ(Run({"import", dir_ + "/tree", "debian:12"}), 0) << error_;
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"mount", "debain:12"},
                                             {"chroot", "debain:12"},
                                             {"history", "debain:12"},
                                             {"rmi", "debain:12"},
                                             {"layer", "tar", "debain:12"},
                                             {"layer", "ls", "debain:12"}}) {
    if (words[0] == "chroot" && geteuid() != 0)
      continue;  // would leave this process in a user namespace
    EXPECT_EQ(Run(words), words[0] == "chroot" ? 125 : 3) << words[0];
    EXPECT_NE(error_.find("debian:12"), std::string::npos) << error_;
  }
  EXPECT_EQ(Run({"history", "Not:A:Name"}), 3);
  EXPECT_EQ(Run({"rmi", "Not:A:Name"}), 3);
  EXPECT_EQ(Run({"umount", "web"}), 3);
  EXPECT_EQ(Run({"umount", "debian:12"}), 3);
  EXPECT_EQ(error_, "veneer: debian:12 is an image, not a container (`veneer ps -a` lists them)\n");
  EXPECT_EQ(Run({"layer", "tar", "debian:12@2"}), 3);
  EXPECT_EQ(error_, "veneer: debian:12 has layers 1 to 1, not 2\n");
}

TEST_F(VeneerTest, ContainersAreNamedWhenNobodyDoes) {
  std::filesystem::create_directory(dir_ + "/tree");
  ASSERT_EQ(Run({"import", dir_ + "/tree", "app"}), 0) << error_;
  std::set<std::string> names;
  for (int i = 0; i < 20; ++i) {
    ASSERT_EQ(Run({"create", "app"}), 0) << error_;
    names.insert(output_);
  }
  EXPECT_EQ(names.size(), 20U);
}

TEST_F(VeneerTest, ACommandThatReadsMakesNoStoreWhereNoneIs) {
  EXPECT_EQ(Run({"history", "debian"}), 3);
  EXPECT_EQ(Run({"umount", "web"}), 3);
  EXPECT_FALSE(std::filesystem::exists(dir_ + "/store"));
}

TEST_F(VeneerTest, ImportsListsAndRemoves) {
  setenv("SOURCE_DATE_EPOCH", "1700000000", 1);
  std::filesystem::create_directory(dir_ + "/tree");
  std::ofstream(dir_ + "/tree/file") << std::string(5000, 'x');
  ASSERT_EQ(Run({"import", "-m", "first", dir_ + "/tree", "debian:12"}), 0) << error_;
  const std::string id = output_.substr(0, output_.size() - 1);
  ASSERT_EQ(Run({"import", "-m", "first", dir_ + "/tree", "localhost:5000/other"}), 0) << error_;
  EXPECT_EQ(output_, id + "\n");
  unsetenv("SOURCE_DATE_EPOCH");

  ASSERT_EQ(Run({"images"}), 0);
  EXPECT_EQ(output_.substr(0, output_.find('\n')),
            "REPOSITORY             TAG       IMAGE ID       CREATED       SIZE");
  EXPECT_NE(output_.find("localhost:5000/other   latest    " + id.substr(7, 12)), std::string::npos)
      << output_;
  ASSERT_EQ(Run({"images", "-q", "--no-trunc", "debian"}), 0);
  EXPECT_EQ(output_, id + "\n");
  ASSERT_EQ(Run({"images", "-q", "debian:13"}), 0);
  EXPECT_EQ(output_, "");
  ASSERT_EQ(Run({"history", "debian:12"}), 0);
  EXPECT_NE(output_.find("5kB       first"), std::string::npos) << output_;

  ASSERT_EQ(Run({"layer", "ls", "debian:12"}), 0);
  const std::string layer = output_.substr(output_.find("sha256:"), id.size());
  EXPECT_EQ(Run({"rmi", id}), 4);  // it has two names
  ASSERT_EQ(Run({"rmi", "debian:12"}), 0);
  EXPECT_EQ(output_, "Untagged: debian:12\n");
  ASSERT_EQ(Run({"rmi", "localhost:5000/other"}), 0);
  EXPECT_EQ(output_,
            "Untagged: localhost:5000/other:latest\nDeleted: " + id + "\nDeleted: " + layer + "\n");
  ASSERT_EQ(Run({"images", "-q"}), 0);
  EXPECT_EQ(output_, "");
}

TEST_F(VeneerTest, TagsAreMovedAndIdsMayComeTwice) {
  std::filesystem::create_directory(dir_ + "/tree");
  const auto import = [&](const std::string& what, const std::string& name) {
    std::ofstream(dir_ + "/tree/file") << what;
    EXPECT_EQ(Run({"import", "-c", "LABEL what=" + what, dir_ + "/tree", name}), 0) << error_;
    return output_.substr(0, output_.size() - 1);
  };
  const std::string one = import("one", "app:1");
  const std::string two = import("two", "app:2");
  EXPECT_EQ(Run({"tag", "app:1", "Not:A:Name"}), 2);
  EXPECT_EQ(Run({"tag", "none", "app:3"}), 3);
  ASSERT_EQ(Run({"tag", one.substr(7, 12), "app:2"}), 0) << error_;
  EXPECT_EQ(output_, "");
  ASSERT_EQ(Run({"images"}), 0);
  EXPECT_NE(output_.find("<none>       <none>    " + two.substr(7, 12)), std::string::npos)
      << output_;
  ASSERT_EQ(Run({"tag", "app@" + one, "host:5000/app"}), 0) << error_;

  EXPECT_EQ(Run({"image", "prune", "-f", "--filter", "label=what=one"}), 0);
  EXPECT_EQ(output_.find("deleted"), std::string::npos) << output_;
  EXPECT_EQ(Run({"image", "prune", "-f", "--filter", "label=what=two"}), 0);
  EXPECT_EQ(output_.find("Deleted Images:\ndeleted: " + two + "\ndeleted: sha256:"), 0u) << output_;
  EXPECT_NE(output_.find("\n\nTotal reclaimed space: "), std::string::npos) << output_;

  EXPECT_EQ(Run({"rmi", one, one}), 4) << output_;  // three names
  ASSERT_EQ(Run({"rmi", one, one.substr(7, 12), one}), 0) << error_;
  EXPECT_EQ(output_.find("Untagged: app:1\nUntagged: app:2\nUntagged: host:5000/app:latest\n"
                         "Deleted: " +
                         one + "\nDeleted: sha256:"),
            0u)
      << output_;
  EXPECT_EQ(Run({"rmi", one}), 3);
}

TEST_F(VeneerTest, TheStoreIsGivenByOptionBeforeEnvironment) {
  ASSERT_EQ(Run({"--root", dir_ + "/else", "info"}), 0) << error_;
  EXPECT_NE(output_.find("Store: " + dir_ + "/else\n"), std::string::npos);
  ASSERT_EQ(Run({"info", "--root", dir_ + "/behind"}), 0) << error_;
  EXPECT_NE(output_.find("Store: " + dir_ + "/behind\n"), std::string::npos);
  ASSERT_EQ(Run({"info"}), 0);
  EXPECT_NE(output_.find("Store: " + dir_ + "/store\n"), std::string::npos);
}

// --- the parser against what describes it
// ----------------------------------------------------------------------------

std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  EXPECT_TRUE(file) << path;
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// The names of an option as they are typed: "-m", "--message".
std::set<std::string> NamesOf(const Option& option) {
  std::set<std::string> names;
  std::istringstream text{std::string(option.names)};
  std::string name;
  while (std::getline(text, name, ',')) names.insert(name);
  return names;
}

// Every option of a command that people are told of.
std::set<std::string> OptionsOf(const CommandSpec& command) {
  std::set<std::string> names;
  for (const Option& option : command.options) {
    if (!option.hidden) names.merge(NamesOf(option));
  }
  return names;
}

// "import" -> {"-m", "--message", ...}
std::map<std::string, std::set<std::string>> CommandsOfTables() {
  Context context;
  const CommandSpec veneer = VeneerCommand(context);
  std::map<std::string, std::set<std::string>> commands = {{"", OptionsOf(veneer)}};
  for (const CommandSpec& command : veneer.commands) {
    if (!command.hidden) commands[std::string(command.name)] = OptionsOf(command);
  }
  return commands;
}

// The option lists of the manual page: ".It Fl n , -name Ar name" below ".Cm mount". A command
// begins with ".It Xo"/".Cm NAME" or ".It Cm NAME".
std::map<std::string, std::set<std::string>> CommandsOfManual() {
  std::map<std::string, std::set<std::string>> commands;
  std::istringstream text(ReadFile(VENEER_SOURCE_DIR "/man/veneer.1"));
  std::string line, command, before;
  while (std::getline(text, line)) {
    std::istringstream words(line);
    std::string macro, kind, word;
    words >> macro >> kind;
    if (line == ".Sh ENVIRONMENT") break;
    if (macro == ".It" && kind == "Cm") {
      words >> command;
      commands[command];
    } else if (before == ".It Xo" && macro == ".Cm") {
      command = kind;
      commands[command];
    } else if (macro == ".It" && kind == "Fl") {
      while (words >> word && word != "Ar" && word != "Cm") {
        if (word != ",") commands[command].insert("-" + word);
      }
    }
    before = line;
  }
  return commands;
}

TEST(ManualPageTest, NamesTheSameCommandsAndOptionsAsTheTables) {
  EXPECT_EQ(CommandsOfManual(), CommandsOfTables());
}

// A list of values as a page shows it, in the letters of the tables: ".Ar key Ns = Ns Ar value" is
// KEY=VALUE.
std::string ValueOfManual(std::istringstream& words) {
  std::string value, word;
  bool optional = false;
  while (words >> word) {
    if (word == "Op") {
      value += "[";
      optional = true;
    } else if (word != "Ar" && word != "Cm" && word != "Ns") {
      value += word;
    }
  }
  for (char& c : value) c = static_cast<char>(toupper(static_cast<unsigned char>(c)));
  return optional ? value + "]" : value;
}

// The options of a page with their values: ".It Fl f , -filter Ar key Ns = Ns Ar value".
std::map<std::string, std::string> OptionsOfPage(const std::string& text) {
  std::map<std::string, std::string> options;
  std::istringstream lines(text);
  std::string line, word;
  while (std::getline(lines, line)) {
    if (!line.starts_with(".It Fl ")) continue;
    std::istringstream words(line.substr(std::string(".It Fl ").size()));
    std::vector<std::string> names;
    std::streampos before = 0;
    while (words >> word && word != "Ar" && word != "Cm") {
      if (word != ",") names.push_back("-" + word);
      before = words.tellg();
    }
    words.clear();
    words.seekg(before);
    const std::string value = before == std::streampos(-1) ? "" : ValueOfManual(words);
    for (const std::string& name : names) options[name] = value;
  }
  return options;
}

// man/veneer-image-prune.1 is the page of `veneer image prune`. Every command has a page; `veneer
// image` and its like need none, as what is below them has pages. Section 7 tells of no command.
TEST(ManualPageTest, PagesOfCommandsNameTheSameOptionsAndValuesAsTheTables) {
  Context context;
  const CommandSpec veneer = VeneerCommand(context);
  std::set<std::string> pages;
  for (const auto& file : std::filesystem::directory_iterator(VENEER_SOURCE_DIR "/man")) {
    const std::string page = file.path().stem().string();
    if (!page.starts_with("veneer-") || file.path().extension() != ".1") continue;
    const std::string words_of_name = page.substr(std::string("veneer-").size());
    pages.insert(words_of_name);
    const CommandSpec* command = &veneer;
    std::istringstream words(words_of_name);
    std::string word;
    while (command != nullptr && std::getline(words, word, '-')) {
      command = FindCommand(*command, word);
    }
    ASSERT_NE(command, nullptr) << page;
    std::map<std::string, std::string> table;
    for (const Option& option : command->options) {
      if (option.hidden) continue;
      for (const std::string& name : NamesOf(option)) {
        std::string value(option.value.name);
        for (char& c : value) c = static_cast<char>(toupper(static_cast<unsigned char>(c)));
        table[name] = value;
      }
    }
    const std::string text = ReadFile(file.path().string());
    EXPECT_NE(text.find("\n.Sh EXAMPLES\n"), std::string::npos) << page;
    EXPECT_EQ(OptionsOfPage(text), table) << page;
  }
  for (const CommandSpec& command : veneer.commands) {
    const std::string name(command.name);
    if (command.hidden || (command.is_group() && name != "layer")) continue;
    EXPECT_TRUE(pages.contains(name)) << "man/veneer-" << name << ".1 is missing";
  }
}

}  // namespace
}  // namespace veneer
