// SPDX-License-Identifier: Apache-2.0
#include "tools/cli/annotation_option.h"

#include <gtest/gtest.h>

namespace veneer {
namespace {

const Platform kPlatform{"linux", "amd64", ""};

TEST(AnnotationOption, IsOfTheManifestWhereNoPlaceIsNamed) {
  const auto read = ReadAnnotations({"org.example.title=a=b:c", "empty="}, kPlatform);
  ASSERT_TRUE(read) << read.error().message();
  const std::map<std::string, std::string> expected = {{"org.example.title", "a=b:c"},
                                                       {"empty", ""}};
  EXPECT_EQ(read->manifest, expected);
  EXPECT_TRUE(read->descriptor.empty());
}

TEST(AnnotationOption, MayNamePlacesAndPlatforms) {
  const auto read =
      ReadAnnotations({"manifest,manifest-descriptor:a=1", "manifest[linux/amd64]:b=2",
                       "manifest-descriptor[linux/arm64]:c=3"},
                      kPlatform);
  ASSERT_TRUE(read) << read.error().message();
  const std::map<std::string, std::string> manifest = {{"a", "1"}, {"b", "2"}};
  const std::map<std::string, std::string> descriptor = {{"a", "1"}};
  EXPECT_EQ(read->manifest, manifest);
  EXPECT_EQ(read->descriptor, descriptor);
}

TEST(AnnotationOption, OfAnIndexAndWithoutAValueIsAUsageError) {
  for (const char* text :
       {"index:a=1", "index-descriptor:a=1", "a", "=1", "manifest[linux/amd64:a=1", "manifests:a=1",
        "manifest[nonsense]x:a=1"}) {
    const auto read = ReadAnnotations({text}, kPlatform);
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().exit(), ExitCode::kUsage) << read.error().message();
  }
}

}  // namespace
}  // namespace veneer
