// SPDX-License-Identifier: Apache-2.0
#include "tools/dockerfile/excerpt.h"

#include <gtest/gtest.h>

namespace veneer {
namespace {

TEST(DockerfileExcerpt, MarksTheLinesOfTheErrorWithTwoAroundThem) {
  const std::string text = "FROM debian\n\nRUN false\nRUN true\n";
  EXPECT_EQ(DockerfileExcerpt("Dockerfile", text, 3, 3), R"(Dockerfile:3
--------------------
   1 |     FROM debian
   2 |
   3 | >>> RUN false
   4 |     RUN true
--------------------
)");
  EXPECT_EQ(DockerfileExcerpt("a/b", text, 1, 1), R"(a/b:1
--------------------
   1 | >>> FROM debian
   2 |
   3 |     RUN false
--------------------
)");
}

TEST(DockerfileExcerpt, SeveralLines) {
  std::string text;
  for (int i = 1; i <= 12; ++i) text += "RUN " + std::to_string(i) + " \\\r\n";
  EXPECT_EQ(DockerfileExcerpt("D", text, 9, 11), R"(D:9
--------------------
   7 |     RUN 7 \
   8 |     RUN 8 \
   9 | >>> RUN 9 \
  10 | >>> RUN 10 \
  11 | >>> RUN 11 \
  12 |     RUN 12 \
--------------------
)");
  // The last line without a new line, and lines that are not there.
  EXPECT_EQ(DockerfileExcerpt("D", "A\nB", 2, 9), R"(D:2
--------------------
   1 |     A
   2 | >>> B
--------------------
)");
  EXPECT_EQ(DockerfileExcerpt("D", "A\nB", 1, 0), R"(D:1
--------------------
   1 | >>> A
   2 |     B
--------------------
)");
}

TEST(DockerfileExcerpt, TheRestOfALongLineIsLeftOut) {
  const std::string shown = DockerfileExcerpt("D", std::string(5000, 'a'), 1, 1);
  EXPECT_LT(shown.size(), 1100U);
  EXPECT_NE(shown.find("aa...\n"), std::string::npos);
}

TEST(DockerfileExcerpt, WhereThereIsNoSuchLine) {
  EXPECT_EQ(DockerfileExcerpt("D", "A\n", 2, 2), "");
  EXPECT_EQ(DockerfileExcerpt("D", "", 1, 1), "");
  EXPECT_EQ(DockerfileExcerpt("D", "A\n", 0, 0), "");
}

TEST(DockerfileExcerpt, DoesNotSteerTheTerminal) {
  EXPECT_EQ(DockerfileExcerpt("D\n", "RUN\t\x1b[2J\xff\n", 1, 1), R"(D?:1
--------------------
   1 | >>> RUN	?[2J?
--------------------
)");
}

}  // namespace
}  // namespace veneer
