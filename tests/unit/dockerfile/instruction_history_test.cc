// SPDX-License-Identifier: Apache-2.0
//
// The texts are those of BuildKit in Docker 20.10, but for what it does not know: heredocs and the
// interval at the start of a health check.
#include "tools/dockerfile/instruction_history.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace veneer {
namespace {

using testing::ElementsAre;
using testing::Pair;

struct Stage {
  Json config = Json::object();
  std::map<std::string, std::string, std::less<>> variables = {{"A", "1"}, {"V", "v"}};
  std::vector<std::pair<std::string, std::string>> set;

  // "! " and the error; "-": nothing is told.
  std::string Tell(const std::string& text) {
    const auto instruction = ParseInstruction(text);
    if (!instruction) return "! " + instruction.error().message();
    const auto lookup = [this](std::string_view name) -> std::optional<std::string> {
      const auto found = variables.find(name);
      if (found == variables.end()) return std::nullopt;
      return found->second;
    };
    bool cmd_set = false;
    std::string author;
    std::string history = "-";
    const StageScope scope = {.lookup = lookup,
                              .escape = '\\',
                              .cmd_set = &cmd_set,
                              .author = &author,
                              .history = &history,
                              .set = &set};
    const Result<void> done = ApplyInstruction(*instruction, scope, &config);
    return done ? history : "! " + done.error().message();
  }
};

TEST(InstructionHistory, TellsTheValueThatAnInstructionSets) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {R"(ENV A=1 B="two words" C='s "q"' D=a\ b E=$A$V)",
       R"(ENV A=1 B=two words C=s "q" D=a b E=1v)"},
      {R"(ENV old form "x"   y)", "ENV old=form x   y"},
      {"ENV X=\"a\tb\\n\" Y='$Z' Z=ä", "ENV X=a\tb\\n Y=$Z Z=ä"},
      {R"(LABEL a=$A b="two words" "c d"=e$V)", "LABEL a=1 b=two words c d=ev"},
      {R"(LABEL ab "c d")", "LABEL ab=c d"},
      {"LABEL z=1 z=2", "LABEL z=1 z=2"},
      {"LABEL a=\"\" b=''", "LABEL a= b="},
      {"LABEL multi=\"a \\\nb\"", "LABEL multi=a b"},
      {"EXPOSE 80 53/udp 9-11 100/tcp",
       "EXPOSE map[10/tcp:{} 100/tcp:{} 11/tcp:{} 53/udp:{} 80/tcp:{} 9/tcp:{}]"},
      {"EXPOSE 9 9", "EXPOSE map[9/tcp:{}]"},
      {"VOLUME /v /w", "VOLUME [/v /w]"},
      {R"(VOLUME ["/a b", "/$A"])", "VOLUME [/a b /1]"},
      {"USER 0:$A", "USER 0:1"},
      {"STOPSIGNAL SIG${UNSET}TERM", "STOPSIGNAL SIGTERM"},
      {R"(CMD echo  $A   "x")", R"(CMD ["/bin/sh" "-c" "echo  $A   \"x\""])"},
      {R"(CMD ["echo", "a b", "$A"])", R"(CMD ["echo" "a b" "$A"])"},
      {"CMD [\"a\\tb\", \"ä\", \"\\u0001\", \"\\\\\"]", R"(CMD ["a\tb" "ä" "\x01" "\\"])"},
      {"CMD []", "CMD []"},
      {"CMD", R"(CMD ["/bin/sh" "-c" ""])"},
      {"ENTRYPOINT echo   $A", R"(ENTRYPOINT ["/bin/sh" "-c" "echo   $A"])"},
      {R"(ENTRYPOINT ["a", "b \"q\""])", R"(ENTRYPOINT ["a" "b \"q\""])"},
      {"ENTRYPOINT []", "ENTRYPOINT []"},
      {R"(SHELL ["/bin/sh", "-e", "-c"])", "SHELL [/bin/sh -e -c]"},
      {"MAINTAINER me   myself <a@b>", "MAINTAINER me   myself <a@b>"},
      {"ONBUILD RUN echo   \"x\" $A", "-"},
  };
  for (const auto& [text, history] : cases) EXPECT_EQ(Stage{}.Tell(text), history) << text;
}

TEST(InstructionHistory, TellsTheWholeWorkingDirectory) {
  Stage stage;
  EXPECT_EQ(stage.Tell("WORKDIR $UNSET"), "WORKDIR /");
  EXPECT_EQ(stage.Tell("WORKDIR /w/$A"), "WORKDIR /w/1");
  EXPECT_EQ(stage.Tell("WORKDIR sub"), "WORKDIR /w/1/sub");
  EXPECT_EQ(stage.Tell("WORKDIR $UNSET"), "WORKDIR /w/1/sub");
  EXPECT_EQ(stage.Tell("WORKDIR \"x y\""), "WORKDIR /w/1/sub/x y");
}

TEST(InstructionHistory, TellsAHealthCheckAsGoPrintsIt) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"NONE", R"({["NONE"] "0s" "0s" "0s" '\x00'})"},
      {R"(--interval=1m30s --timeout=500ms --start-period=2s --retries=3 CMD curl -f  "x" || exit 1)",
       R"({["CMD-SHELL" "curl -f  \"x\" || exit 1"] "1m30s" "500ms" "2s" '\x03'})"},
      {R"(CMD ["a", "b c"])", R"({["CMD" "a" "b c"] "0s" "0s" "0s" '\x00'})"},
      {"--retries=10 CMD x", R"({["CMD-SHELL" "x"] "0s" "0s" "0s" '\n'})"},
      {"--retries=39 CMD x", R"({["CMD-SHELL" "x"] "0s" "0s" "0s" '\''})"},
      {"--retries=300 CMD x", R"({["CMD-SHELL" "x"] "0s" "0s" "0s" 'Ĭ'})"},
      {"--retries=2000000 CMD x", R"({["CMD-SHELL" "x"] "0s" "0s" "0s" '�'})"},
      {"--retries=65 --interval=1h CMD x", R"({["CMD-SHELL" "x"] "1h0m0s" "0s" "0s" 'A'})"},
      {"--start-interval=5s CMD x", R"({["CMD-SHELL" "x"] "0s" "0s" "0s" "5s" '\x00'})"},
  };
  for (const auto& [text, history] : cases) {
    EXPECT_EQ(Stage{}.Tell("HEALTHCHECK " + text), "HEALTHCHECK &" + history) << text;
  }
}

TEST(InstructionHistory, EnvGivesTheVariablesThatItSets) {
  Stage stage;
  EXPECT_EQ(stage.Tell("ENV a=$A A=2 b=$A"), "ENV a=1 A=2 b=1");
  EXPECT_EQ(stage.Tell("LABEL c=d"), "LABEL c=d");
  EXPECT_THAT(stage.set, ElementsAre(Pair("a", "1"), Pair("A", "2"), Pair("b", "1")));
}

TEST(InstructionHistory, ArgTellsTheDefaultAlone) {
  EXPECT_EQ(ArgHistory({{"V", "1"}}), "ARG V=1");
  EXPECT_EQ(ArgHistory({{"A", "two words"}, {"B", std::nullopt}, {"C", ""}}),
            "ARG A=two words B C=");
}

TEST(InstructionHistory, CopyTellsNoFlags) {
  const std::vector<CopySource> two = {{"f", std::nullopt}, {"two words", std::nullopt}};
  EXPECT_EQ(CopyHistory("COPY", two, "/o o/"), "COPY f two words /o o/ # buildkit");
  EXPECT_EQ(CopyHistory("ADD", {{"http://h/f", std::nullopt}}, "."), "ADD http://h/f . # buildkit");
  EXPECT_EQ(CopyHistory("COPY", {{"a.txt", 0}, {"f", std::nullopt}, {"b", 1}}, "/d/"),
            "COPY f <<a.txt <<b /d/ # buildkit");
}

TEST(InstructionHistory, RunTellsTheArgumentsBeforeTheCommand) {
  EXPECT_EQ(RunHistory({"/bin/sh", "-c", "echo   \"a  b\"   $A"}, {}),
            "RUN /bin/sh -c echo   \"a  b\"   $A # buildkit");
  EXPECT_EQ(RunHistory({"/bin/sh", "-e", "-c", "true"}, {"V=1", "W=", "Q=two words"}),
            "RUN |3 V=1 W= Q=two words /bin/sh -e -c true # buildkit");
  EXPECT_EQ(RunHistory({"echo", "a b", "$A"}, {"V=1"}), "RUN |1 V=1 echo a b $A # buildkit");
  EXPECT_EQ(RunHistory({"/bin/sh", "-c", ""}, {}), "RUN /bin/sh -c  # buildkit");
  EXPECT_EQ(RunHistory({"/bin/sh", "-c", "a\nb\n"}, {}), "RUN /bin/sh -c a\nb\n # buildkit");
}

}  // namespace
}  // namespace veneer
