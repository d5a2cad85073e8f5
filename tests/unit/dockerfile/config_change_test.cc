// SPDX-License-Identifier: Apache-2.0
#include "tools/dockerfile/config_change.h"

#include <gtest/gtest.h>

#include <limits>

#include "tools/dockerfile/config_values.h"
#include "tools/format/go_duration.h"

namespace veneer {
namespace {

// The "config" object that comes out, as text; or "! " and the error.
std::string Apply(const std::string& config, const std::vector<std::string>& texts) {
  const auto changes = ParseConfigChanges(texts);
  if (!changes) {
    EXPECT_EQ(changes.error().exit(), ExitCode::kUsage);
    return "! " + changes.error().message();
  }
  Json document = Json::parse(config);
  const Result<void> applied = ApplyConfigChanges(*changes, &document);
  return applied ? DumpJson(document) : "! " + applied.error().message();
}
std::string Apply(const std::string& text) { return Apply("null", std::vector<std::string>{text}); }

TEST(ConfigChangeTest, EveryInstructionHasItsPlaceInTheConfig) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {R"(CMD ["nginx", "-g", "daemon off;"])", R"({"Cmd":["nginx","-g","daemon off;"]})"},
      {"CMD echo \"$HOME\"  x", R"({"Cmd":["/bin/sh","-c","echo \"$HOME\"  x"]})"},
      {"CMD []", R"({"Cmd":[]})"},
      {"CMD [ -f /x ] && y", R"({"Cmd":["/bin/sh","-c","[ -f /x ] && y"]})"},
      {"entrypoint [\"/e\"]", R"({"Entrypoint":["/e"]})"},
      {"EntryPoint run it", R"({"Entrypoint":["/bin/sh","-c","run it"]})"},
      {"ENV a=b c=\"d e\" f='g h' i=j\\ k", R"({"Env":["a=b","c=d e","f=g h","i=j k"]})"},
      {"ENV a b  c ", R"({"Env":["a=b  c"]})"},
      {"ENV a=", R"({"Env":["a="]})"},
      {"ENV a=1=2", R"({"Env":["a=1=2"]})"},
      {"EXPOSE 8080:80 127.0.0.1:90-91:81/udp [::1]::82",
       R"({"ExposedPorts":{"80/tcp":{},"81/udp":{},"82/tcp":{}}})"},
      {"EXPOSE 80 53/UDP 8000-8002/tcp",
       R"({"ExposedPorts":{"80/tcp":{},"53/udp":{},"8000/tcp":{},"8001/tcp":{},"8002/tcp":{}}})"},
      {"LABEL a=b \"c d\"='e f'", R"({"Labels":{"a":"b","c d":"e f"}})"},
      {"LABEL a b", R"({"Labels":{"a":"b"}})"},
      {"USER www-data:1000", R"({"User":"www-data:1000"})"},
      {"WORKDIR a/../b//c/.", R"({"WorkingDir":"/b/c"})"},
      {"VOLUME /a /b", R"({"Volumes":{"/a":{},"/b":{}}})"},
      {R"(VOLUME ["/a b"])", R"({"Volumes":{"/a b":{}}})"},
      {"STOPSIGNAL SIGRTMIN+3", R"({"StopSignal":"SIGRTMIN+3"})"},
      {"HEALTHCHECK none", R"({"Healthcheck":{"Test":["NONE"]}})"},
      {"HEALTHCHECK --interval=1m30s --retries=3 CMD curl -f http://x || exit 1",
       R"({"Healthcheck":{"Test":["CMD-SHELL","curl -f http://x || exit 1"],"Interval":90000000000,)"
       R"("Retries":3}})"},
      {R"(HEALTHCHECK --timeout=1.5s --start-period=0 CMD ["a","b"])",
       R"({"Healthcheck":{"Test":["CMD","a","b"],"Timeout":1500000000,"StartPeriod":0}})"},
      {"ONBUILD  run make  all", R"({"OnBuild":["run make  all"]})"},
      {R"(SHELL ["/bin/bash", "-c"])", R"({"Shell":["/bin/bash","-c"]})"},
  };
  for (const auto& [text, config] : cases) EXPECT_EQ(Apply(text), config) << text;
}

TEST(ConfigChangeTest, WhatIsWrongIsRefusedAndTheInstructionNamed) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "the instruction is missing"},
      {" # only a comment", "the instruction is missing"},
      {"MAINTAINER me", "MAINTAINER: it is obsolete: LABEL"},
      {"RUN make", "RUN: it does not change a config; one of CMD, "},
      {"COPY $a $b", "COPY: it does not change a config"},
      {"FRM x", "FRM: no such instruction"},
      {"CMD", "CMD: the command is missing"},
      {"CMD [1]", "CMD: a list in brackets holds strings"},
      {"CMD [\"a\"] x", "CMD: there is text behind the list in brackets"},
      {"ENV", "ENV: NAME=VALUE is missing"},
      {"ENV a", "ENV: it takes NAME=VALUE...; 'a' has no ="},
      {"ENV a=b c", "'c' has no ="},
      {"ENV =b", "a name before = is empty"},
      {"ENV a=\"b", "a double quote is not closed"},
      {"ENV a='b", "a single quote is not closed"},
      {"LABEL ", "LABEL: NAME=VALUE is missing"},
      {"EXPOSE", "PORT[/PROTOCOL] is missing"},
      {"EXPOSE 0", "'0' is not PORT"},
      {"EXPOSE 65536", "'65536' is not PORT"},
      {"EXPOSE 80/icmp", "the protocol is tcp, udp or sctp"},
      {"EXPOSE 9-8", "'9-8' is not PORT"},
      {"EXPOSE 1-2:80-82", "'1-2:80-82' is not PORT"},
      {"EXPOSE x:80", "'x:80' is not PORT"},
      {"EXPOSE host:1:80", "'host:1:80' is not PORT"},
      {"EXPOSE 80:", "'80:' is not PORT"},
      {"EXPOSE 1-", "'1-' is not PORT"},
      {"USER", "USER: USER[:GROUP] is missing"},
      {"USER 2147483648", "'2147483648' is not USER"},
      {"USER a:b:c", "is not USER[:GROUP]"},
      {"USER :0", "is not USER[:GROUP]"},
      {"WORKDIR", "the directory is missing"},
      {"VOLUME", "the directory is missing"},
      {"VOLUME [\"\"]", "a directory is empty"},
      {"STOPSIGNAL SIGNONE", "no signal 'SIGNONE'"},
      {"STOPSIGNAL 0", "no signal '0'"},
      {"STOPSIGNAL 65", "no signal '65'"},
      {"HEALTHCHECK", "NONE or CMD is missing"},
      {"HEALTHCHECK NONE x", "NONE takes no arguments"},
      {"HEALTHCHECK CMD", "the command behind CMD is missing"},
      {"HEALTHCHECK curl", "'curl' is none of NONE and CMD"},
      {"HEALTHCHECK --interval=1us CMD x", "at least 1ms"},
      {"HEALTHCHECK --interval=-1s CMD x", "a time is like"},
      {"HEALTHCHECK --often CMD x", "no option '--often'"},
      {"HEALTHCHECK --retries CMD x", "--retries needs a value"},
      {"HEALTHCHECK --retries=-1 CMD x", "not a number of times"},
      {"HEALTHCHECK --retries=1 --retries=2 CMD x", "--retries may be given only once"},
      {"ONBUILD", "the instruction is missing"},
      {"ONBUILD FROM x", "FROM cannot be put off"},
      {"ONBUILD ONBUILD RUN x", "ONBUILD cannot be put off"},
      {"ONBUILD fly x", "no such instruction: FLY"},
      {"ONBUILD RUN", "RUN has no arguments"},
      {"SHELL /bin/sh -c", "it takes a list in brackets"},
      {"SHELL []", "it takes a list in brackets"},
  };
  for (const auto& [text, error] : cases) {
    const std::string got = Apply(text);
    EXPECT_NE(got.find(error), std::string::npos) << text << " gave " << got;
    EXPECT_EQ(got.substr(0, 2), "! ") << text;
  }
}

TEST(ConfigChangeTest, ChangesWhatIsNamedAndNothingElse) {
  const std::string parent =
      R"({"Env":["PATH=/bin","HOME=/root"],"Cmd":["old"],"Labels":{"a":"1"},"WorkingDir":"/srv",)"
      R"("x-unknown":{"kept":[1,2]},"OnBuild":null})";
  EXPECT_EQ(Apply(parent, {"ENV PATH=/opt:$PATH NEW=${HOME}/x", "ENV FOUND=$NEW", "LABEL b=2",
                           "WORKDIR www", "ONBUILD RUN x"}),
            R"({"Env":["PATH=/opt:/bin","HOME=/root","NEW=/root/x","FOUND=/root/x"],"Cmd":["old"],)"
            R"("Labels":{"a":"1","b":"2"},"WorkingDir":"/srv/www","x-unknown":{"kept":[1,2]},)"
            R"("OnBuild":["RUN x"]})");
}

TEST(ConfigChangeTest, AnEntrypointTakesTheParentsCommandAwayAndNotItsOwn) {
  const std::string parent = R"({"Cmd":["old"],"Shell":["/bin/ash","-c"]})";
  EXPECT_EQ(Apply(parent, {"ENTRYPOINT [\"/e\"]"}),
            R"({"Shell":["/bin/ash","-c"],"Entrypoint":["/e"]})");
  EXPECT_EQ(Apply(parent, {"CMD new", "ENTRYPOINT [\"/e\"]"}),
            R"({"Cmd":["/bin/ash","-c","new"],"Shell":["/bin/ash","-c"],"Entrypoint":["/e"]})");
}

TEST(ConfigChangeTest, SeveralInstructionsMayStandInOneText) {
  EXPECT_EQ(Apply("USER a\n# a comment\n\nENV x=1 \\\n    y=2\nWORKDIR /w\n"),
            R"({"User":"a","Env":["x=1","y=2"],"WorkingDir":"/w"})");
}

TEST(ConfigChangeTest, AConfigOfAStrangerMayHoldAnything) {
  EXPECT_EQ(Apply(R"({"Labels":[1]})", {"LABEL a=b"}),
            R"(! LABEL: "Labels" of the image's config is not an object)");
  EXPECT_EQ(Apply(R"({"Env":7})", {"ENV a=$b"}),
            R"(! ENV: "Env" of the image's config is not a list)");
  EXPECT_EQ(Apply(R"({"Env":[1,"a"]})", {"ENV a=b"}), R"({"Env":[1,"a=b"]})");
  EXPECT_EQ(Apply(R"({"Shell":"x"})", {"CMD a"}), R"(! CMD: "Shell" is not a list)");
  EXPECT_EQ(Apply(R"({"WorkingDir":7})", {"WORKDIR a"}),
            R"(! WORKDIR: "WorkingDir" is not a string)");
  EXPECT_EQ(Apply(R"([])", {"USER a"}), R"(! "config" of the image's config is not an object)");
  // What a variable holds is checked when it is known.
  EXPECT_EQ(Apply(R"({"Env":["P=x"]})", {"EXPOSE $P"}),
            "! EXPOSE: 'x' is not PORT[-PORT][/PROTOCOL], ports from 1 to 65535");
}

TEST(GoDurationTest, ReadsWhatGoReads) {
  const std::vector<std::pair<std::string, int64_t>> good = {
      {"0", 0},
      {"1s", 1'000'000'000},
      {"1h30m", 5'400'000'000'000},
      {"1.5s", 1'500'000'000},
      {".5ms", 500'000},
      {"-2m", -120'000'000'000},
      {"10ns", 10},
      {"1us1µs", 2'000},
  };
  for (const auto& [text, value] : good) EXPECT_EQ(ParseGoDuration(text), value) << text;
  for (const char* bad : {"", "1", "s", "1d", "1 s", "1s ", "--1s", ".s", "1.2.3s", "9999999h"}) {
    EXPECT_EQ(ParseGoDuration(bad), std::nullopt) << bad;
  }
}

TEST(GoDurationTest, WritesWhatGoWrites) {
  const std::vector<std::pair<int64_t, std::string>> cases = {
      {0, "0s"},
      {1, "1ns"},
      {1'500, "1.5µs"},
      {500'000'000, "500ms"},
      {1'000'000'000, "1s"},
      {90'000'000'000, "1m30s"},
      {3'600'000'000'000, "1h0m0s"},
      {61'050'000'000, "1m1.05s"},
      {-1'500'000'000, "-1.5s"},
      {std::numeric_limits<int64_t>::min(), "-2562047h47m16.854775808s"},
  };
  for (const auto& [value, text] : cases) EXPECT_EQ(GoDurationText(value), text);
}

TEST(ConfigValuesTest, PathsAreJoinedAndCleaned) {
  EXPECT_EQ(JoinPath("", "a"), "/a");
  EXPECT_EQ(JoinPath("/a", ".."), "/");
  EXPECT_EQ(JoinPath("/a", "/b/"), "/b");
  EXPECT_EQ(JoinPath("/a", "../../../b"), "/b");
}

}  // namespace
}  // namespace veneer
