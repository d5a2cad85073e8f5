// SPDX-License-Identifier: Apache-2.0
//
// The numbers are those of statements about Docker's builders.
#include "tools/build/stage_variables.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace veneer {
namespace {

using testing::ElementsAre;

TEST(StageVariablesTest, OfArgAndEnvTheLaterCounts) {
  const BuildArguments none;
  StageVariables variables(none, {"PATH=/bin", "BASE=b"});
  variables.Set("Y", "env");
  variables.Declare({"Y", "arg"});
  EXPECT_EQ(variables.Lookup("Y"), "arg");  // E59
  variables.Set("Y", "again");
  EXPECT_THAT(variables.Environment(), ElementsAre("PATH=/bin", "BASE=b", "Y=again"));
}

TEST(StageVariablesTest, WhatIsGivenGoesBeforeTheDefaultAndThatBeforeTheFirstFrom) {
  BuildArguments arguments;
  arguments.given = {{"A", "given"}};
  arguments.global = {{"A", "global"}, {"B", "global"}, {"C", "global"}, {"D", std::nullopt}};
  arguments.predefined = {{"TARGETARCH", "amd64"}};
  StageVariables variables(arguments, {});
  variables.Declare({"A", "default"});
  variables.Declare({"B", "default"});
  variables.Declare({"C", std::nullopt});
  variables.Declare({"D", std::nullopt});
  variables.Declare({"TARGETARCH", std::nullopt});
  EXPECT_THAT(variables.Environment(),
              ElementsAre("A=given", "B=default", "C=global", "TARGETARCH=amd64"));
  // The history of a RUN has those without a value, too.
  EXPECT_THAT(variables.Arguments(),
              ElementsAre("A=given", "B=default", "C=global", "D=", "TARGETARCH=amd64"));
}

TEST(StageVariablesTest, AnArgumentIsUnknownWhereItIsNotDeclared) {
  BuildArguments arguments;
  arguments.given = {{"A", "given"}};
  const StageVariables variables(arguments, {});
  EXPECT_EQ(variables.Lookup("A"), std::nullopt);
  EXPECT_TRUE(variables.Environment().empty());
}

TEST(StageVariablesTest, AnArgRepeatedWithoutADefaultKeepsItsValue) {
  const BuildArguments none;
  StageVariables variables(none, {});
  variables.Declare({"A", "1"});
  variables.Declare({"A", std::nullopt});
  EXPECT_EQ(variables.Lookup("A"), "1");  // E61
}

TEST(StageVariablesTest, ProxiesComeInBothCasesAndAreNoArguments) {
  BuildArguments arguments;
  arguments.given = {{"http_proxy", "p"}};
  StageVariables variables(arguments, {});
  EXPECT_THAT(variables.Proxies(), ElementsAre("HTTP_PROXY=p", "http_proxy=p"));  // E62
  EXPECT_TRUE(variables.Arguments().empty());
  variables.Declare({"http_proxy", std::nullopt});
  EXPECT_THAT(variables.Arguments(), ElementsAre("http_proxy=p"));
  EXPECT_THAT(variables.Proxies(), ElementsAre("HTTP_PROXY=p"));
}

}  // namespace
}  // namespace veneer
