// SPDX-License-Identifier: Apache-2.0
#include "tools/run/seccomp_profile.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>

#include "tests/support/temp_dir.h"
#include "tools/run/seccomp_filter.h"

namespace veneer {
namespace {

namespace fs = std::filesystem;

const SeccompFacts kFacts{"SCMP_ARCH_X86_64", "amd64", "6.1.0-18-amd64", ContainerCapabilities()};

std::vector<std::string> NamesOf(const SeccompProfile& profile) {
  std::vector<std::string> names;
  for (const SeccompRule& rule : profile.rules) {
    names.insert(names.end(), rule.names.begin(), rule.names.end());
  }
  return names;
}

std::string ProblemOf(std::string_view json) {
  const Result<SeccompProfile> profile = ParseSeccompProfile(json, kFacts);
  return profile ? "" : profile.error().message();
}

// A profile of one rule, whose members beside name and action are given.
Result<SeccompProfile> WithRule(const std::string& members) {
  return ParseSeccompProfile(R"({"defaultAction":"SCMP_ACT_ERRNO","syscalls":[)"
                             R"({"names":["bpf"],"action":"SCMP_ACT_ALLOW",)" +
                                 members + "}]}",
                             kFacts);
}

TEST(SeccompProfileTest, VerdictsHaveTheirErrnoAndEpermWithoutOne) {
  const auto profile = ParseSeccompProfile(R"({"defaultAction":"SCMP_ACT_ERRNO",
      "defaultErrnoRet":38, "syscalls":[
      {"names":["a","b"],"action":"SCMP_ACT_ALLOW","errnoRet":9,"args":null},
      {"names":["c"],"action":"SCMP_ACT_ERRNO"},
      {"name":"d","action":"SCMP_ACT_ERRNO","errnoRet":1,"errno":"EINVAL"},
      {"names":["e"],"action":"SCMP_ACT_KILL"}]})",
                                           kFacts);
  ASSERT_TRUE(profile) << profile.error().message();
  EXPECT_EQ(profile->otherwise, (SeccompVerdict{SeccompAction::kErrno, ENOSYS}));
  ASSERT_EQ(profile->rules.size(), 4U);
  EXPECT_EQ(profile->rules[0].verdict, (SeccompVerdict{SeccompAction::kAllow, 0}));
  EXPECT_EQ(profile->rules[1].verdict, (SeccompVerdict{SeccompAction::kErrno, EPERM}));
  EXPECT_EQ(profile->rules[2].verdict, (SeccompVerdict{SeccompAction::kErrno, EINVAL}));
  EXPECT_EQ(profile->rules[3].verdict, (SeccompVerdict{SeccompAction::kKillThread, 0}));
  EXPECT_EQ(NamesOf(*profile), (std::vector<std::string>{"a", "b", "c", "d", "e"}));
}

TEST(SeccompProfileTest, ConditionsKeepEveryBitOfTheirValues) {
  const auto profile = WithRule(R"("args":[
      {"index":0,"value":18446744073709551615,"valueTwo":0,"op":"SCMP_CMP_NE"},
      {"index":5,"value":2114060288,"valueTwo":7,"op":"SCMP_CMP_MASKED_EQ"}])");
  ASSERT_TRUE(profile) << profile.error().message();
  EXPECT_EQ(
      profile->rules[0].conditions,
      (std::vector<SeccompCondition>{{0, SeccompOperator::kNotEqual, 18446744073709551615U, 0},
                                     {5, SeccompOperator::kMaskedEqual, 2114060288, 7}}));
}

TEST(SeccompProfileTest, RulesForOtherCapabilitiesMachinesAndKernelsAreLeftOut) {
  const auto holds = [](const std::string& members) {
    const auto profile = WithRule(members);
    EXPECT_TRUE(profile) << members << ": " << profile.error().message();
    return profile && !profile->rules.empty();
  };
  EXPECT_TRUE(holds(R"("includes":{},"excludes":null)"));
  EXPECT_TRUE(holds(R"("includes":{"caps":["CAP_CHOWN"]})"));
  EXPECT_FALSE(holds(R"("includes":{"caps":["CAP_CHOWN","CAP_SYS_ADMIN"]})"));
  EXPECT_FALSE(holds(R"("excludes":{"caps":["CAP_SYS_ADMIN","CAP_CHOWN"]})"));
  EXPECT_TRUE(holds(R"("excludes":{"caps":["CAP_SYS_ADMIN"]})"));
  EXPECT_TRUE(holds(R"("includes":{"arches":["x32","amd64"]})"));
  EXPECT_FALSE(holds(R"("includes":{"arches":["s390"]})"));
  EXPECT_FALSE(holds(R"("excludes":{"arches":["amd64"]})"));
  EXPECT_TRUE(holds(R"("includes":{"minKernel":"4.8"})"));
  EXPECT_TRUE(holds(R"("includes":{"minKernel":"6.1"})"));
  EXPECT_FALSE(holds(R"("includes":{"minKernel":"6.2"})"));
  EXPECT_FALSE(holds(R"("includes":{"minKernel":"10.0"})"));
  EXPECT_FALSE(holds(R"("excludes":{"minKernel":"4.8"})"));
}

TEST(SeccompProfileTest, TheNativeArchitectureBringsItsOthersAndNobodyElses) {
  const auto profile = ParseSeccompProfile(R"({"defaultAction":"SCMP_ACT_ALLOW","archMap":[
      {"architecture":"SCMP_ARCH_AARCH64","subArchitectures":["SCMP_ARCH_ARM"]},
      {"architecture":"SCMP_ARCH_X86_64","subArchitectures":["SCMP_ARCH_X86","SCMP_ARCH_X32"]}]})",
                                           kFacts);
  ASSERT_TRUE(profile) << profile.error().message();
  EXPECT_EQ(profile->architectures, (std::vector<std::string>{"SCMP_ARCH_X86", "SCMP_ARCH_X32"}));
}

TEST(SeccompProfileTest, ADamagedProfileIsOneLineThatNamesTheMember) {
  EXPECT_NE(ProblemOf("{"), "");
  EXPECT_NE(ProblemOf("[]"), "");
  EXPECT_EQ(ProblemOf("{}"), "defaultAction: '' is not supported");
  EXPECT_EQ(ProblemOf(R"({"defaultAction":"SCMP_ACT_ERRNO","defaultErrnoRet":-1})"),
            "defaultErrnoRet is no number from 0 to 4095");
  EXPECT_EQ(ProblemOf(R"({"defaultAction":"SCMP_ACT_ALLOW","syscalls":[3]})"),
            "syscalls[0] is no object");
  EXPECT_EQ(ProblemOf(R"({"defaultAction":"SCMP_ACT_ALLOW","architectures":["a"],
                          "archMap":[{"architecture":"b"}]})"),
            "it has both architectures and archMap");
  const auto problem = [](const std::string& members) {
    return WithRule(members).error().message();
  };
  EXPECT_EQ(problem(R"("name":"x")"), "syscalls[0]: it has both name and names");
  EXPECT_EQ(problem(R"("errno":"EMADEUP")"), "syscalls[0]: errno: EMADEUP is no errno");
  EXPECT_EQ(problem(R"("args":[{"index":6,"op":"SCMP_CMP_EQ"}])"),
            "syscalls[0]: args: index is no number from 0 to 5");
  EXPECT_EQ(problem(R"("args":[{"index":0,"op":"=="}])"),
            "syscalls[0]: args: op: '==' is not supported");
  EXPECT_EQ(problem(R"("includes":{"minKernel":"new"})"),
            "syscalls[0]: minKernel: 'new' is no version");
}

TEST(SeccompProfileTest, TheFirstFileThatIsThereHolds) {
  const std::string dir = MakeTempDir("profile");
  const std::string first = dir + "/first.json";
  const std::string second = dir + "/second.json";
  auto read = ReadSeccompProfile({first, second}, kFacts);
  ASSERT_TRUE(read);
  EXPECT_FALSE(read->has_value());
  std::ofstream(second) << R"({"defaultAction":"SCMP_ACT_LOG"})";
  read = ReadSeccompProfile({first, second}, kFacts);
  ASSERT_TRUE(read && *read);
  EXPECT_EQ((*read)->otherwise.action, SeccompAction::kLog);
  std::ofstream(first) << "damaged";
  read = ReadSeccompProfile({first, second}, kFacts);
  ASSERT_FALSE(read);
  EXPECT_TRUE(read.error().message().starts_with(first + ": ")) << read.error().message();
  EXPECT_EQ(read.error().message().find('\n'), std::string::npos);
  fs::remove_all(dir);
}

TEST(SeccompFilterTest, TheInstalledProfileCompiles) {
  const auto profile =
      ReadSeccompProfile(SeccompProfilePaths(), FactsOfThisMachine(ContainerCapabilities()));
  ASSERT_TRUE(profile) << profile.error().message();
  if (!*profile) GTEST_SKIP() << "golang-github-containers-common is not installed";
  const auto filter = CompileSeccomp(**profile);
  ASSERT_TRUE(filter) << filter.error().message();
  EXPECT_GT(filter->size(), 100U);
}

TEST(SeccompFilterTest, SystemCallsThatNobodyKnowsMeanNothing) {
  SeccompProfile profile{{SeccompAction::kAllow, 0}, {}, {}};
  const auto bare = CompileSeccomp(profile);
  ASSERT_TRUE(bare) << bare.error().message();
  profile.rules.push_back({{"no_such_call"}, {SeccompAction::kErrno, EPERM}, {}});
  const auto filter = CompileSeccomp(profile);
  ASSERT_TRUE(filter) << filter.error().message();
  EXPECT_EQ(filter->size(), bare->size());
  profile.architectures = {"SCMP_ARCH_PDP11"};
  EXPECT_EQ(CompileSeccomp(profile).error().message(),
            "seccomp: no architecture SCMP_ARCH_PDP11 is known");
}

TEST(CapabilitiesTest, AContainerHasDockersFourteen) {
  std::vector<std::string> names = CapabilityNames(ContainerCapabilities());
  std::ranges::sort(names);
  EXPECT_EQ(names,
            (std::vector<std::string>{
                "CAP_AUDIT_WRITE", "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID",
                "CAP_KILL", "CAP_MKNOD", "CAP_NET_BIND_SERVICE", "CAP_NET_RAW", "CAP_SETFCAP",
                "CAP_SETGID", "CAP_SETPCAP", "CAP_SETUID", "CAP_SYS_CHROOT"}));
  EXPECT_EQ(ContainerCapabilities(), 0xa80425fbU);  // what /proc/self/status shows in Docker
}

}  // namespace
}  // namespace veneer
