// SPDX-License-Identifier: Apache-2.0
//
// What the instructions of a Dockerfile do to the config of its stage. config_change_test.cc has
// more of what they share with --change.
#include <gtest/gtest.h>

#include <map>

#include "tools/dockerfile/config_change.h"

namespace veneer {
namespace {

struct Stage {
  Json config = Json::object();
  std::map<std::string, std::string, std::less<>> variables = {{"a", "A"}, {"dir", "d e"}};
  char escape = '\\';
  bool cmd_set = false;
  std::string author;

  Result<void> Apply(const std::string& text) {
    const auto instruction = ParseInstruction(text);
    if (!instruction) return tl::unexpected(instruction.error());
    const auto lookup = [this](std::string_view name) -> std::optional<std::string> {
      const auto found = variables.find(name);
      if (found == variables.end()) return std::nullopt;
      return found->second;
    };
    return ApplyInstruction(
        *instruction, {.lookup = lookup, .escape = escape, .cmd_set = &cmd_set, .author = &author},
        &config);
  }
};

// The config after the instructions; or "! " and the error.
std::string Build(const std::string& base, const std::vector<std::string>& texts) {
  Stage stage;
  stage.config = Json::parse(base);
  for (const std::string& text : texts) {
    const Result<void> applied = stage.Apply(text);
    if (!applied) return "! " + applied.error().message();
  }
  return DumpJson(stage.config);
}
std::string Build(const std::string& text) { return Build("null", {text}); }

TEST(DockerfileInstruction, ChangesTheConfigAsBuildKitDoes) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"CMD", R"({"Cmd":["/bin/sh","-c",""]})"},
      {"CMD []", R"({"Cmd":[]})"},
      {"CMD echo $a", R"({"Cmd":["/bin/sh","-c","echo $a"]})"},
      {"CMD [\"$a\"]", R"({"Cmd":["$a"]})"},
      {"CMD [\"a\",]", R"({"Cmd":["/bin/sh","-c","[\"a\",]"]})"},
      {"ENTRYPOINT", R"({"Entrypoint":["/bin/sh","-c",""]})"},
      {"ENV x=$a a=2 y=$a \"q r\"=\"s t\"", R"({"Env":["x=A","a=2","y=A","q r=s t"]})"},
      {"ENV z  two  words  and \"q\"", R"({"Env":["z=two  words  and q"]})"},
      {"ENV a b=c", R"({"Env":["a=b=c"]})"},
      {"LABEL $a.b=\"c\" 'd'=$none", R"({"Labels":{"A.b":"c","d":""}})"},
      {"EXPOSE 80-82 8080:90 443/UDP",
       R"({"ExposedPorts":{"80/tcp":{},"81/tcp":{},"82/tcp":{},"90/tcp":{},"443/udp":{}}})"},
      {"VOLUME /$a /b", R"({"Volumes":{"/A":{},"/b":{}}})"},
      {"VOLUME [\"/$a b\"]", R"({"Volumes":{"/A b":{}}})"},
      {"VOLUME [/a]", R"({"Volumes":{"[/a]":{}}})"},
      {"USER $a", R"({"User":"A"})"},
      {"WORKDIR two words", R"({"WorkingDir":"/two words"})"},
      {"WORKDIR \"/q\"/$dir", R"({"WorkingDir":"/q/d e"})"},
      {"WORKDIR $none", "{}"},
      {"STOPSIGNAL ${none:-TERM}", R"({"StopSignal":"TERM"})"},
      {"HEALTHCHECK --interval=1s --retries=2 CMD a $a",
       R"({"Healthcheck":{"Test":["CMD-SHELL","a $a"],"Interval":1000000000,"Retries":2}})"},
      {"HEALTHCHECK CMD [\"a\"]", R"({"Healthcheck":{"Test":["CMD","a"]}})"},
      {"HEALTHCHECK NONE", R"({"Healthcheck":{"Test":["NONE"]}})"},
      {"ONBUILD copy --link $a b", R"({"OnBuild":["copy --link $a b"]})"},
      {"ONBUILD RUN <<-'E' x\n\ta\nE", R"({"OnBuild":["RUN <<-'E' x\na\nE"]})"},
      {"SHELL [\"/bin/bash\", \"-c\"]", R"({"Shell":["/bin/bash","-c"]})"},
  };
  for (const auto& [text, config] : cases) EXPECT_EQ(Build(text), config) << text;
}

TEST(DockerfileInstruction, WhatIsWrongIsRefusedWithItsLine) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"\n\nENV a=b c", "line 3: ENV: it takes NAME=VALUE...; 'c' has no ="},
      {"ENV a", "line 1: ENV: it takes NAME=VALUE"},
      {"ENV a=\"${none:?say why}\"", "line 1: ENV: none: say why"},
      {"WORKDIR", "WORKDIR: the directory is missing"},
      {"MAINTAINER", "MAINTAINER: the name is missing"},
      {"USER $none", "USER: USER[:GROUP] is missing"},
      {"HEALTHCHECK --retries=1 NONE", "HEALTHCHECK: NONE takes no arguments"},
      {"HEALTHCHECK CMD [\"a\"] b", "HEALTHCHECK: there is text behind the list"},
      {"ONBUILD ONBUILD RUN x", "ONBUILD: ONBUILD cannot be put off"},
      {"ONBUILD FROM x", "ONBUILD: FROM cannot be put off"},
      {"ONBUILD maintainer x", "ONBUILD: MAINTAINER cannot be put off"},
      {"ONBUILD", "ONBUILD: the instruction is missing"},
      {"RUN x", "RUN: it does not change a config"},
      {"SHELL /bin/sh", "SHELL: it takes a list in brackets"},
  };
  for (const auto& [text, error] : cases) {
    const std::string got = Build(text);
    EXPECT_NE(got.find(error), std::string::npos) << text << " gave " << got;
    EXPECT_EQ(got.substr(0, 2), "! ") << text;
  }
}

TEST(DockerfileInstruction, AnEntrypointEmptiesTheCommandOfTheBaseAlone) {
  const std::string base = R"({"Cmd":["old"]})";
  EXPECT_EQ(Build(base, {"ENTRYPOINT [\"k\"]"}), R"({"Entrypoint":["k"]})");
  EXPECT_EQ(Build(base, {"ENTRYPOINT []"}), R"({"Entrypoint":[]})");
  EXPECT_EQ(Build(base, {"CMD [\"n\"]", "ENTRYPOINT [\"k\"]"}),
            R"({"Cmd":["n"],"Entrypoint":["k"]})");
  EXPECT_EQ(Build(base, {"ENTRYPOINT [\"k\"]", "CMD [\"n\"]"}),
            R"({"Entrypoint":["k"],"Cmd":["n"]})");
}

TEST(DockerfileInstruction, TheShellFormUsesTheShellOfTheStage) {
  EXPECT_EQ(Build("{}", {"SHELL [\"/bin/busybox\", \"sh\", \"-c\"]", "CMD c"}),
            R"({"Shell":["/bin/busybox","sh","-c"],"Cmd":["/bin/busybox","sh","-c","c"]})");
  EXPECT_EQ(*ShellOf(Json::object()), (std::vector<std::string>{"/bin/sh", "-c"}));
  EXPECT_EQ(*ShellOf(Json{{"Shell", {"a", "b"}}}), (std::vector<std::string>{"a", "b"}));
  EXPECT_FALSE(ShellOf(Json{{"Shell", 1}}));
}

TEST(DockerfileInstruction, PathsGoOnWhereTheOnesBeforeEnd) {
  EXPECT_EQ(Build(R"({"WorkingDir":"/srv"})", {"WORKDIR a", "WORKDIR $none", "WORKDIR ../b"}),
            R"({"WorkingDir":"/srv/b"})");
}

TEST(DockerfileInstruction, MembersKeepTheirPlaces) {
  EXPECT_EQ(Build(R"({"Env":["x=1","y=2",7,"x=3"],"Labels":{"l":"1","m":"2"}})",
                  {"ENV y=8 x=9 z=0 z=1", "LABEL m=3 l=4 n=5 n=6"}),
            R"({"Env":["x=9","y=8",7,"x=3","z=1"],"Labels":{"l":"4","m":"3","n":"6"}})");
  EXPECT_GT(Build("EXPOSE 1-65535").size(), 65'535U * 8);
}

TEST(DockerfileInstruction, TheMaintainerIsTheAuthor) {
  Stage stage;
  EXPECT_TRUE(stage.Apply("MAINTAINER  Me $a <m@example.org> "));
  EXPECT_EQ(stage.author, "Me $a <m@example.org>");
  EXPECT_TRUE(stage.config.empty());
}

TEST(DockerfileInstruction, TheEscapeCharacterIsThatOfTheFile) {
  Stage stage;
  stage.escape = '`';
  EXPECT_TRUE(stage.Apply("ENV p=C:\\x` y q=`$a"));
  EXPECT_EQ(DumpJson(stage.config), R"({"Env":["p=C:\\x y","q=$a"]})");
}

// NAME=DEFAULT|NAME, or "! " and the error.
std::string Args(const std::string& text) {
  const auto lookup = [](std::string_view name) -> std::optional<std::string> {
    if (name == "a") return "A";
    return std::nullopt;
  };
  const auto given = [](std::string_view name) -> std::optional<std::string> {
    if (name == "given") return "G";
    return std::nullopt;
  };
  bool cmd_set = false;
  std::string author;
  const auto args =
      ParseArg(*ParseInstruction(text),
               {.lookup = lookup, .escape = '\\', .cmd_set = &cmd_set, .author = &author}, given);
  if (!args) return "! " + args.error().message();
  std::string shown;
  for (const ArgWord& arg : *args) {
    shown += (shown.empty() ? "" : "|") + arg.name + (arg.value ? "=" + *arg.value : "");
  }
  return shown;
}

TEST(DockerfileInstruction, EachNameOfAnArgSeesThoseBefore) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"ARG x", "x"},
      {"ARG x= y=\"\" z='1 2'", "x=|y=|z=1 2"},
      {"ARG x=$a y=$x$later later=1", "x=A|y=A|later=1"},
      {"ARG x=1 x y=$x", "x=1|x|y=1"},
      {"ARG given=1 y=$given", "given=1|y=G"},
      {"ARG y=$given", "y="},
      {"ARG $a=1", "A=1"},
      {"ARG a y=$a", "a|y=A"},
      {"ARG", "! line 1: ARG: NAME[=DEFAULT] is missing"},
      {"ARG =1", "! line 1: ARG: a name is empty"},
      {"ARG x=\"${no:?give it}\"", "! line 1: ARG: no: give it"},
  };
  for (const auto& [text, shown] : cases) EXPECT_EQ(Args(text), shown) << text;
}

}  // namespace
}  // namespace veneer
