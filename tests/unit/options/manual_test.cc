// SPDX-License-Identifier: Apache-2.0
//
// --help and the man page name the same options, and the parser knows every one of them.
#include <gtest/gtest.h>

#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <string>

#include "fs/options/help.h"
#include "fs/options/options.h"

namespace veneer {
namespace {

std::string ManPage() {
  std::ifstream file(VENEER_MAN_PAGE);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// The option words of the help: those at the start of an indented line, and lists of words with
// commas.
std::set<std::string> HelpWords() {
  std::set<std::string> words;
  std::istringstream lines(HelpText());
  bool in_options = false;
  for (std::string line; std::getline(lines, line);) {
    if (line == "layers and directories:") in_options = true;
    if (!in_options || !line.starts_with("  ") || line.starts_with("   ")) continue;
    // The part before the explanation: two blanks or the end.
    std::string head = line.substr(2);
    head = head.substr(0, head.find("  "));
    static const std::regex kWord("(?:^|, )([a-z_]+)(?:=[^, ]*)?(?=,|$)");
    if (head.starts_with("sync, async")) head = "sync, async, dirsync";
    for (std::sregex_iterator it(head.begin(), head.end(), kWord), end; it != end; ++it) {
      words.insert((*it)[1]);
    }
  }
  return words;
}

// The option words of the man page: each Cm on a list item that opens an option.
std::set<std::string> ManWords() {
  std::set<std::string> words;
  std::istringstream lines(ManPage());
  static const std::regex kWord("(?:Cm|,) ([a-z_]+)(?= Ns =| ,|$)");
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with(".It Cm ")) continue;
    const size_t value = line.find(" Ns =");
    if (value != std::string::npos) line = line.substr(0, value);
    for (std::sregex_iterator it(line.begin(), line.end(), kWord), end; it != end; ++it) {
      words.insert((*it)[1]);
    }
  }
  return words;
}

TEST(ManualTest, HelpAndManPageNameTheSameOptions) {
  EXPECT_GT(HelpWords().size(), 40u);
  EXPECT_EQ(HelpWords(), ManWords());
}

TEST(ManualTest, HelpAndManPageNameTheSameSwitches) {
  for (const char* name : {"f", "r", "w", "o"}) {
    EXPECT_NE(HelpText().find(std::string("  -") + name + " "), std::string::npos) << name;
    EXPECT_NE(ManPage().find(std::string(".It Fl ") + name), std::string::npos) << name;
  }
  for (const char* name : {"d, --debug", "h, --help", "V, --version"}) {
    EXPECT_NE(HelpText().find(std::string("  -") + name), std::string::npos) << name;
    const std::string in_man =
        std::string(".It Fl ") + name[0] + " , Fl -" + std::string(name).substr(5);
    EXPECT_NE(ManPage().find(in_man), std::string::npos) << in_man;
  }
}

TEST(ManualTest, TheParserKnowsEveryWordOfTheHelp) {
  for (const std::string& word : HelpWords()) {
    // With a value that is wrong for most: only an unknown word gives the warning.
    const std::vector<std::string> args = {"-o", "lowerdir=/l," + word + "=1", "/m"};
    const Result<MountOptions> options = ParseOptions(args);
    if (options) {
      EXPECT_TRUE(options->warnings.empty()) << word;
    }
  }
}

TEST(ManualTest, NoLineOfTheHelpIsLongerThanATerminal) {
  std::istringstream lines(HelpText());
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 80u) << line;
}

TEST(ManualTest, VersionNamesBothVersions) {
  EXPECT_TRUE(VersionText("3.14.0").starts_with("veneerfs "));
  EXPECT_NE(VersionText("3.14.0").find("\nlibfuse 3."), std::string::npos);
}

}  // namespace
}  // namespace veneer
