// SPDX-License-Identifier: Apache-2.0
#include "layerdb/base/printable.h"

#include <gtest/gtest.h>

namespace veneer {
namespace {

TEST(PrintableTest, WhatSteersATerminalBecomesAQuestionMark) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"plain", "plain"},
      {"na\xc3\xafve \xe2\x82\xac \xf0\x9f\x98\x80", "na\xc3\xafve \xe2\x82\xac \xf0\x9f\x98\x80"},
      {"\x1b[31m", "?[31m"},
      {"a\x7f\n\t", "a???"},
      {"\xc2\x9b"
       "31m",
       "?31m"},  // CSI as C1
      {"a\xe2\x80\xae"
       "b",
       "a?b"},  // right-to-left override
      {"a\xe2\x81\xa6"
       "b",
       "a?b"},  // isolate
      {"\xff\xfe", "??"},
      {"\xc2", "?"},                 // cut
      {"\xc0\xaf", "??"},            // overlong
      {"\xed\xa0\x80", "???"},       // surrogate
      {"\xf4\x90\x80\x80", "????"},  // behind the last
  };
  for (const auto& [text, safe] : cases) EXPECT_EQ(Printable(text), safe);
  EXPECT_EQ(Printable("a\nb\tc\r", "\n\t"), "a\nb\tc?");
}

TEST(PrintableTest, MessagesQuoteNamesWholeAndTextsByTheirBeginning) {
  EXPECT_EQ(QuotedPath("a\x1b/b"), "\"a\\x1b/b\"");
  EXPECT_EQ(QuotedExcerpt("a\x1b b"), "\"a? b\"");
  EXPECT_EQ(QuotedExcerpt(std::string(1000, 'x')), '"' + std::string(80, 'x') + '"');
}

}  // namespace
}  // namespace veneer
