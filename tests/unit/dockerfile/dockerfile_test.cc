// SPDX-License-Identifier: Apache-2.0
#include "tools/dockerfile/dockerfile.h"

#include <gtest/gtest.h>

#include "tools/format/json.h"

namespace veneer {
namespace {

// An instruction on one line: NAME --flag=value {arguments} ["list"] <<name:content.
std::string Show(const Instruction& each) {
  std::string text = each.name;
  for (const InstructionFlag& flag : each.flags) {
    text += " --" + flag.name + (flag.value ? "=" + *flag.value : "");
  }
  text += " {" + each.arguments + "}";
  if (each.list) text += " " + DumpJson(Json(*each.list));
  for (const Heredoc& heredoc : each.heredocs) {
    text += std::string(" <<") + (heredoc.expand ? "" : "'") + heredoc.name + ":" + heredoc.content;
  }
  return text;
}

std::string Refused(const Error& error) {
  EXPECT_EQ(error.exit(), ExitCode::kUsage);
  return "! " + error.message();
}

// The instructions behind a FROM that is put in front, in one line each; or "! " and the error.
std::string Parse(const std::string& text) {
  const auto file = ParseDockerfile("FROM scratch\n" + text);
  if (!file) return Refused(file.error());
  std::string all;
  for (size_t i = 1; i < file->instructions.size(); ++i) {
    all += (i == 1 ? "" : "|") + Show(file->instructions[i]);
  }
  return all;
}

TEST(DockerfileParser, JoinsLinesAndLeavesCommentsOut) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"run  echo a\n\n\tUser  b ", "RUN {echo a}|USER {b}"},
      {"RUN a \\\n  b\\\nc", "RUN {a   bc}"},
      {"RUN a \\ \t\nb", "RUN {a b}"},
      {"RUN a\\\\\nUSER b", "RUN {a\\\\}|USER {b}"},
      {"RUN a \\\n# comment \\\n  # another\n b", "RUN {a  b}"},
      {"RUN a \\\n\n \t\nUSER b", "RUN {a USER b}"},
      {"RUN a \\", "RUN {a}"},
      {"# only a comment \\\n  # and one more\nUSER b", "USER {b}"},
      {"RUN a # b", "RUN {a # b}"},
      {"\\\nUSER b", "USER {b}"},
      {"\\\n\\\n", ""},
      {"RUN a \\\r\n b\r\nUSER c\r\n", "RUN {a  b}|USER {c}"},
      {"RUN", "RUN {}"},
      {"ENV a=b", "ENV {a=b}"},
      {"Maintainer a  b", "MAINTAINER {a  b}"},
  };
  for (const auto& [text, shown] : cases) EXPECT_EQ(Parse(text), shown) << text;
}

TEST(DockerfileParser, KnowsTheLinesAndTheTextOfEachInstruction) {
  const auto file = ParseDockerfile("\n#\nFROM a\nrun x \\\n #c\n  y\nCOPY <<E /\nE\nUSER b");
  ASSERT_TRUE(file);
  ASSERT_EQ(file->instructions.size(), 4U);
  const auto lines = [&](size_t i) {
    return std::pair(file->instructions[i].first_line, file->instructions[i].last_line);
  };
  EXPECT_EQ(lines(0), std::pair(3, 3));
  EXPECT_EQ(lines(1), std::pair(4, 6));
  EXPECT_EQ(lines(2), std::pair(7, 8));
  EXPECT_EQ(lines(3), std::pair(9, 9));
  EXPECT_EQ(file->instructions[1].original, "run x   y");
  EXPECT_EQ(file->instructions[2].original, "COPY <<E /");
}

TEST(DockerfileParser, ABlankLineThatSwallowsAnInstructionIsAWarning) {
  const auto file = ParseDockerfile("FROM a\nRUN x \\\n\n\nENV A=1\nRUN y \\\n\n");
  ASSERT_TRUE(file);
  ASSERT_EQ(file->instructions.size(), 3U);
  ASSERT_EQ(file->warnings.size(), 1U);
  EXPECT_EQ(file->warnings[0].line, 3);
  EXPECT_EQ(file->warnings[0].text,
            "this blank line does not end the instruction of line 2, which ends with \\: line 5 "
            "belongs to it");
}

TEST(DockerfileParser, DirectivesStandBeforeAnythingElse) {
  const auto file = ParseDockerfile(
      "\xEF\xBB\xBF#  Syntax = docker/dockerfile:1 \r\n# ESCAPE=`\r\n#check=skip=all\r\nFROM a\r\n"
      "RUN b `\r\n c\\\r\nUSER d");
  ASSERT_TRUE(file);
  EXPECT_EQ(file->syntax, "docker/dockerfile:1");
  EXPECT_EQ(file->check, "skip=all");
  EXPECT_EQ(file->escape, '`');
  ASSERT_EQ(file->instructions.size(), 3U);
  EXPECT_EQ(file->instructions[1].arguments, "b  c\\");

  for (const char* before : {"# hi\n", "\n", "# other=x\n", "# syntax=\n", "FROM b\n", "#\n"}) {
    const auto late = ParseDockerfile(std::string(before) + "# escape=`\nFROM a");
    ASSERT_TRUE(late) << before;
    EXPECT_EQ(late->escape, '\\') << before;
  }
  EXPECT_EQ(Refused(ParseDockerfile("# escape=\\\n# Escape=`\nFROM a").error()),
            "! line 2: the directive ESCAPE may be given only once");
  EXPECT_EQ(Refused(ParseDockerfile("# escape=x\nFROM a").error()),
            "! line 1: the escape character is \\ or `, not \"x\"");
}

TEST(DockerfileParser, TakesFlagsOff) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"COPY --from=a --link  --chown=1:1 b c", "COPY --from=a --link --chown=1:1 {b c}"},
      {"COPY --a='b c'\\ d --e=\"f=\\\"\" g h", "COPY --a=b c d --e=f=\" {g h}"},
      {"RUN -- --a", "RUN {--a}"},
      {"RUN --a -- --b", "RUN --a {--b}"},
      {"RUN a --b", "RUN {a --b}"},
      {"RUN -x", "RUN {-x}"},
      {"RUN --a=", "RUN --a= {}"},
      {"FROM --platform=linux/arm64 a AS b", "FROM --platform=linux/arm64 {a AS b}"},
      {"HEALTHCHECK --retries=1 CMD [\"a\"]", "HEALTHCHECK --retries=1 {CMD [\"a\"]}"},
      {"ONBUILD COPY --from=a b c", "ONBUILD {COPY --from=a b c}"},
      {"CMD --a", "CMD {--a}"},
      {"RUN --a='b c", "! line 2: RUN: in \"--a='b c\" a quote is not closed"},
      {"RUN --=b c", "! line 2: RUN: a flag has no name"},
  };
  for (const auto& [text, shown] : cases) EXPECT_EQ(Parse(text), shown) << text;
}

TEST(DockerfileParser, ReadsListsInBrackets) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"CMD [\"a\", \"b\\n\"]", "CMD {[\"a\", \"b\\n\"]} [\"a\",\"b\\n\"]"},
      {"CMD [ \\\n \"a\" \\\n ]", "CMD {[  \"a\"  ]} [\"a\"]"},
      {"CMD []", "CMD {[]} []"},
      {"COPY --link [\"a b\", \"c\"]", "COPY --link {[\"a b\", \"c\"]} [\"a b\",\"c\"]"},
      {"CMD [\"a\",]", "CMD {[\"a\",]}"},
      {"CMD ['a']", "CMD {['a']}"},
      {"RUN [ -f /x ] && y", "RUN {[ -f /x ] && y}"},
      {"RUN [[ a == \"]\" ]] x", "RUN {[[ a == \"]\" ]] x}"},
      {"VOLUME [/a]", "VOLUME {[/a]}"},
      {"ENV [\"a\"]", "ENV {[\"a\"]}"},
      {"USER [\"a\"]", "USER {[\"a\"]}"},
  };
  for (const auto& [text, shown] : cases) EXPECT_EQ(Parse(text), shown) << text;
  for (const char* text : {"CMD [\"a\", 1]", "RUN [[\"a\"]]", "ONBUILD CMD [null]"}) {
    EXPECT_NE(Parse(text).find("a list in brackets holds strings in double quotes only"),
              std::string::npos)
        << text;
  }
  for (const char* text : {"CMD [\"a\"] x", "VOLUME [\"/a]\"] /b", "RUN [] [\"a\"]",
                           "ONBUILD SHELL [\"a\"]]", "RUN [\"a\"] <<E\nE"}) {
    EXPECT_NE(Parse(text).find("there is text behind the list in brackets"), std::string::npos)
        << text;
  }
}

TEST(DockerfileParser, ReadsHeredocs) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"RUN <<E\na \\\n#b\n\n E\nE\nUSER x", "RUN {<<E} <<E:a \\\n#b\n\n E\n|USER {x}"},
      {"COPY <<a <<'b c' /d\n1\na\n2\nb c\nUSER x",
       "COPY {<<a <<'b c' /d} <<a:1\n <<'b c:2\n|USER {x}"},
      {"RUN <<-E\n\t\ta\n\t b\n\tE", "RUN {<<-E} <<E:a\n b\n"},
      {"RUN cat 3<<E\nE", "RUN {cat 3<<E} <<E:"},
      {"ADD --link <<\"E\" /x\na\nE", "ADD --link {<<\"E\" /x} <<'E:a\n"},
      {"RUN a \\\n <<E b\nc\nE", "RUN {a  <<E b} <<E:c\n"},
      {"ONBUILD RUN <<E\na\nE", "ONBUILD {RUN <<E} <<E:a\n"},
      {"RUN <<E\r\na\r\nE\r\n", "RUN {<<E} <<E:a\r\n"},
      // These are none.
      {"RUN echo '<<E' \"<<E\" \\<<E a<<E <<<E << ''<<E",
       "RUN {echo '<<E' \"<<E\" \\<<E a<<E <<<E << ''<<E}"},
      {"RUN echo $((1<<2))", "RUN {echo $((1<<2))}"},
      {"RUN it's <<E", "RUN {it's <<E}"},
      {"CMD <<E", "CMD {<<E}"},
      {"ONBUILD CMD <<E", "ONBUILD {CMD <<E}"},
      {"RUN <<''", "RUN {<<''}"},
      {"RUN <<E <<F\na\nE\nb", "! line 2: RUN: the heredoc <<F does not end: no line is F"},
  };
  for (const auto& [text, shown] : cases) EXPECT_EQ(Parse(text), shown) << text;
}

TEST(DockerfileParser, RefusesWhatIsNoDockerfile) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "the Dockerfile is empty"},
      {"# a\n\n \\\n", "the Dockerfile is empty"},
      {"ARG a\n", "the Dockerfile has no FROM"},
      {"ARG a\n\nENV a=b\nFROM x", "line 3: ENV before the first FROM: only ARG may stand there"},
      {"FROM x\n\nCPOY a b", "line 3: unknown instruction: CPOY; did you mean COPY?"},
      {"FRM x", "line 1: unknown instruction: FRM; did you mean FROM?"},
      {"FROM x\nRUNN x", "line 2: unknown instruction: RUNN; did you mean RUN?"},
      {"FROM x\nECHO x", "line 2: unknown instruction: ECHO"},
      {"FROM x\nONBUILD NOPE x", "line 2: ONBUILD: unknown instruction: NOPE"},
      {std::string("FROM x\nRUN a\0b", 14), "the Dockerfile is no text: there is a NUL in it"},
      {"FROM x\n#" + std::string(kMaxDockerfileBytes, 'x'), "the Dockerfile has more than 1 MiB"},
  };
  for (const auto& [text, error] : cases) {
    const auto file = ParseDockerfile(text);
    ASSERT_FALSE(file) << text.substr(0, 80);
    EXPECT_EQ(Refused(file.error()), "! " + error);
  }
}

TEST(DockerfileParser, LargeFilesTakeTimeOfTheirSize) {
  const auto repeat = [](const std::string& text) {
    std::string all = "FROM a\nRUN ";
    while (all.size() + text.size() < kMaxDockerfileBytes) all += text;
    return all;
  };
  for (const char* text :
       {"a \\\n", "a \\\n\n", "[", "<<E ", "\"a\" ", "x\nRUN y", "x\nONBUILD ", "x\nCMD [\"a\","}) {
    IgnoreError(ParseDockerfile(repeat(text)), "some are right, others not; none takes long");
  }
  std::string nested = "FROM a\n";
  while (nested.size() < 1'000'000) nested += "ONBUILD ";
  EXPECT_TRUE(ParseDockerfile(nested));
}

TEST(DockerfileParser, ReadsTheInstructionOfATrigger) {
  const auto show = [](std::string_view text) {
    const auto instruction = ParseInstruction(text);
    return instruction ? Show(*instruction) : Refused(instruction.error());
  };
  EXPECT_EQ(show("RUN <<E\n# escape=`\nE"), "RUN {<<E} <<E:# escape=`\n");
  EXPECT_EQ(show("COPY --link a b"), "COPY --link {a b}");
  EXPECT_EQ(show("RUN a\nRUN b"), "! line 2: another instruction, where one is expected");
  EXPECT_EQ(show(""), "! the instruction is missing");
}

}  // namespace
}  // namespace veneer
