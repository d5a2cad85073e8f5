// SPDX-License-Identifier: Apache-2.0
#include "tools/dockerfile/run_options.h"

#include <gtest/gtest.h>

#include "tools/dockerfile/config_values.h"
#include "tools/dockerfile/words.h"

namespace veneer {
namespace {

using Type = RunMount::Type;

Result<RunOptions> Parse(std::vector<InstructionFlag> flags) {
  Instruction instruction;
  instruction.name = "RUN";
  instruction.flags = std::move(flags);
  return ParseRun(instruction, [](std::string_view word) {
    return ExpandWord(word, [](std::string_view name) -> std::optional<std::string> {
      return name == "V" ? std::optional<std::string>("cache") : std::nullopt;
    });
  });
}

RunMount Mount(const std::string& text) {
  const auto options = Parse({{"mount", text}});
  EXPECT_TRUE(options) << text << ": " << options.error().message();
  return options ? options->mounts.at(0) : RunMount();
}

std::string ErrorOf(std::vector<InstructionFlag> flags) {
  const auto options = Parse(std::move(flags));
  if (options) return "no error";
  EXPECT_EQ(options.error().exit(), ExitCode::kUsage);
  return options.error().message();
}

TEST(RunOptionsTest, ReadsNetworkAndSecurity) {
  const auto plain = Parse({});
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->network, RunOptions::Network::kDefault);
  EXPECT_FALSE(plain->insecure);
  const auto options = Parse({{"network", "none"}, {"security", "insecure"}});
  ASSERT_TRUE(options);
  EXPECT_EQ(options->network, RunOptions::Network::kNone);
  EXPECT_TRUE(options->insecure);
  EXPECT_EQ(Parse({{"network", "host"}})->network, RunOptions::Network::kHost);
  EXPECT_EQ(ErrorOf({{"network", "bridge"}}),
            "RUN: --network=bridge: the value is default, none or host");
  EXPECT_EQ(ErrorOf({{"security", "off"}}),
            "RUN: --security=off: the value is sandbox or insecure");
  EXPECT_EQ(ErrorOf({{"device", "x"}}), "RUN: --device is not supported");
  EXPECT_EQ(ErrorOf({{"privileged", {}}}),
            "RUN: --privileged is no flag of it; it has --mount, --network, --security");
}

TEST(RunMountTest, ABindMountIsTheDefaultAndReadOnly) {
  const RunMount plain = Mount("target=/x");
  EXPECT_EQ(plain.type, Type::kBind);
  EXPECT_TRUE(plain.read_only);
  const RunMount full = Mount("TYPE=BIND,src=/s,from=build,dst=y,rw");
  EXPECT_EQ(full.source, "/s");
  EXPECT_EQ(full.from, "build");
  EXPECT_EQ(full.target, "y");
  EXPECT_FALSE(full.read_only);
  EXPECT_FALSE(Mount("target=/x,ro=false").read_only);
  EXPECT_TRUE(Mount("destination=/x,readwrite=0").read_only);
}

TEST(RunMountTest, ACacheHasTheDefaultsOfBuildKit) {
  const RunMount plain = Mount("type=cache,target=/var//cache/");
  EXPECT_EQ(plain.type, Type::kCache);
  EXPECT_EQ(plain.id, "/var/cache");
  EXPECT_EQ(plain.target, "/var//cache/");
  EXPECT_EQ(plain.sharing, RunMount::Sharing::kShared);
  EXPECT_EQ(plain.mode, 0755);
  EXPECT_FALSE(plain.read_only);
  const RunMount full =
      Mount("target=/c,type=$V,id=${V}1,sharing=LOCKED,mode=1777,uid=5,gid=6,from=b,source=s,ro");
  EXPECT_EQ(full.type, Type::kCache);
  EXPECT_EQ(full.id, "cache1");
  EXPECT_EQ(full.sharing, RunMount::Sharing::kLocked);
  EXPECT_EQ(full.mode, 01777);
  EXPECT_EQ(full.uid, 5);
  EXPECT_EQ(full.gid, 6);
  EXPECT_TRUE(full.read_only);
  EXPECT_EQ(Mount("type=cache,target=/c,sharing=private").sharing, RunMount::Sharing::kPrivate);
}

TEST(RunMountTest, ATmpfsHasASize) {
  EXPECT_EQ(Mount("type=tmpfs,target=/t").size, std::nullopt);
  const std::vector<std::pair<std::string, uint64_t>> cases = {
      {"100", 100},   {"64m", 64 << 20}, {"1.5GiB", 3 << 29},
      {"2 kb", 2048}, {"7B", 7},         {"1T", uint64_t{1} << 40}};
  for (const auto& [size, bytes] : cases) {
    EXPECT_EQ(Mount("type=tmpfs,target=/t,size=" + size).size, bytes) << size;
  }
  for (const char* size : {"", "x", "-1", "1x", "1kk", "1ibb", "1e30", "inf", "1  m"}) {
    const std::string error =
        ErrorOf({{"mount", std::string("type=tmpfs,target=/t,size=") + size}});
    EXPECT_NE(error.find("a size is like"), std::string::npos) << size;
  }
}

TEST(RunMountTest, ASecretIsAFileOrAVariable) {
  const RunMount plain = Mount("type=secret,id=a/token");
  EXPECT_EQ(plain.id, "a/token");
  EXPECT_EQ(plain.target, "/run/secrets/token");
  EXPECT_EQ(plain.mode, 0400);
  EXPECT_FALSE(plain.required);
  const RunMount by_target = Mount("type=secret,target=/root/key,required,mode=0440,uid=7");
  EXPECT_EQ(by_target.id, "key");
  EXPECT_TRUE(by_target.required);
  EXPECT_EQ(by_target.mode, 0440);
  EXPECT_EQ(by_target.uid, 7);
  EXPECT_EQ(Mount("required=true,type=secret,src=s").id, "s");
  const RunMount variable = Mount("type=secret,id=k,env=KEY");
  EXPECT_EQ(variable.env, "KEY");
  EXPECT_EQ(variable.target, "");
  EXPECT_EQ(Mount("type=secret,id=k,env=KEY,target=/k").target, "/k");
}

TEST(RunMountTest, AgentsAreNumbered) {
  const auto options = Parse({{"mount", "type=ssh"},
                              {"mount", "type=tmpfs,target=/t"},
                              {"mount", "type=ssh,id=x,target=/s,required=1"},
                              {"mount", "type=ssh,mode=0666"}});
  ASSERT_TRUE(options);
  ASSERT_EQ(options->mounts.size(), 4);
  EXPECT_EQ(options->mounts[0].target, "/run/buildkit/ssh_agent.0");
  EXPECT_EQ(options->mounts[0].id, "default");
  EXPECT_EQ(options->mounts[0].mode, 0600);
  EXPECT_EQ(options->mounts[2].target, "/s");
  EXPECT_TRUE(options->mounts[2].required);
  EXPECT_EQ(options->mounts[3].target, "/run/buildkit/ssh_agent.2");
  EXPECT_EQ(options->mounts[3].mode, 0666);
}

TEST(RunMountTest, WhatIsWrongIsRefused) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "the options are missing"},
      {"type=bind", "the target is missing"},
      {"type=cache,target=", "the target is missing"},
      {"target=/", "the root cannot be the target"},
      {"type=secret,id=a,target=//", "the root cannot be the target"},
      {"type=volume,target=/x", "type=volume: the type is bind, cache, tmpfs, secret or ssh"},
      {"type,target=/x", "the type is bind"},
      {"target=/x,mode=1",
       "\"mode\" is no option of a mount of type bind; it has type, target, dst, destination, "
       "source, src, from, rw, readwrite, ro, readonly"},
      {"type=tmpfs,target=/x,from=a", "\"from\" is no option of a mount of type tmpfs"},
      {"target=/x,required", "\"required\" is no option of a mount of type bind"},
      {"type=ssh,source=a", "\"source\" is no option"},
      {"type=secret,id=a,sharing=shared", "\"sharing\" is no option"},
      {"type=cache,target=/x,env=A", "\"env\" is no option"},
      {"target=/x,,ro", "\"\" is no option"},
      {"target=/x,source", "source needs a value, with ="},
      {"target=/x,dst=/y", "target is given twice"},
      {"target=/x,ro,readonly", "readonly is given twice"},
      {"target=/x,ro,rw", "readonly and readwrite are both given"},
      {"target=/x,ro=yes", "ro=yes: the value is true or false"},
      {"type=secret,id=a,required=maybe", "required=maybe: the value is true or false"},
      {"type=cache,target=/x,sharing=all", "the value is shared, private or locked"},
      {"type=cache,target=/x,mode=rwx", "mode=rwx: a mode is octal"},
      {"type=cache,target=/x,mode=10000", "a mode is octal"},
      {"type=cache,target=/x,uid=root", "uid=root: it is no number"},
      {"type=cache,target=/x,gid=4294967295", "gid=4294967295: it is no number"},
      {"type=secret", "the id of the secret is missing"},
      {"type=secret,env=A", "the id of the secret is missing"},
      {"type=secret,id=a,source=b", "id and source are both given"},
      {"type=secret,id=..", "is no name of a file: give a target"},
      {"type=secret,id=a,env=", "it is no name of a variable"},
      {"target=/x,source=\"a\"", "a quote stands within a field"},
      {"target=/${x", "a brace is not closed"},
  };
  for (const auto& [text, error] : cases) {
    const std::string got = ErrorOf({{"mount", text}});
    EXPECT_NE(got.find(error), std::string::npos) << text << " gave " << got;
    EXPECT_TRUE(got.starts_with("RUN: --mount=" + text + ": ")) << got;
  }
}

TEST(RunMountTest, SourcesAreKnownBeforeVariables) {
  Instruction instruction;
  instruction.name = "RUN";
  instruction.flags = {{"mount", "type=$T,from=build,target=$X"},
                       {"mount", "type=tmpfs,target=/t"},
                       {"mount", "target=/x,FROM=image:1$"}};
  const auto sources = RunMountSources(instruction);
  ASSERT_TRUE(sources);
  EXPECT_EQ(*sources, (std::vector<std::string>{"build", "image:1$"}));
  instruction.flags = {{"mount", "from=$B,target=/x"}};
  const auto wrong = RunMountSources(instruction);
  ASSERT_FALSE(wrong);
  EXPECT_NE(wrong.error().message().find("\"from\" takes no variable"), std::string::npos);
}

TEST(CsvLineTest, ReadsFieldsAsGoDoes) {
  const auto join = [](std::string_view line) {
    const auto fields = ParseCsvLine(line);
    if (!fields) return "! " + fields.error().message();
    std::string joined;
    for (const std::string& field : *fields) joined += "[" + field + "]";
    return joined;
  };
  EXPECT_EQ(join("a,b c,"), "[a][b c][]");
  EXPECT_EQ(join("\"a,b\",c"), "[a,b][c]");
  EXPECT_EQ(join("\"a\"\"b\""), "[a\"b]");
  EXPECT_EQ(join("\"\""), "[]");
  EXPECT_EQ(join(" a , b"), "[ a ][ b]");
  EXPECT_EQ(join(""), "! the options are missing");
  EXPECT_EQ(join("a\"b"), "! a quote stands within a field: the quotes go around all of it");
  EXPECT_EQ(join("\"a\"b"), "! text follows a field in quotes");
  EXPECT_EQ(join("\"a"), "! a quote is not closed");
}

}  // namespace
}  // namespace veneer
