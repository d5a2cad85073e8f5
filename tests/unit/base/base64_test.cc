// SPDX-License-Identifier: Apache-2.0
#include "layerdb/base/base64.h"

#include <gtest/gtest.h>

namespace veneer {
namespace {

TEST(Base64Test, EncodesTheExamplesOfTheStandard) {
  EXPECT_EQ(Base64Encode(""), "");
  EXPECT_EQ(Base64Encode("f"), "Zg==");
  EXPECT_EQ(Base64Encode("fo"), "Zm8=");
  EXPECT_EQ(Base64Encode("foo"), "Zm9v");
  EXPECT_EQ(Base64Encode("foob"), "Zm9vYg==");
  EXPECT_EQ(Base64Encode("fooba"), "Zm9vYmE=");
  EXPECT_EQ(Base64Encode("foobar"), "Zm9vYmFy");
  EXPECT_EQ(Base64Encode(std::string_view("\xff\xef\xbe\x00", 4)), "/+++AA==");
}

TEST(Base64Test, DecodesWhatItEncodes) {
  std::string bytes;
  for (int i = 0; i < 256; ++i) {
    bytes += static_cast<char>(i * 7);
    EXPECT_EQ(Base64Decode(Base64Encode(bytes), Base64Form::kStrict), bytes);
  }
}

TEST(Base64Test, TheStrictFormIsTheOneTextOfTheBytes) {
  for (const char* text : {"Zg", "Zg=", "Zg===", "Zh==", "Z", "Z===", "====", "Zg==\n",
                           "Z g=", "Zg==Zg==", "Zm9v-_==", "Zm9v=", "=Zg="}) {
    EXPECT_EQ(Base64Decode(text, Base64Form::kStrict), std::nullopt) << text;
  }
}

TEST(Base64Test, TheLooseFormNeedsNoPadding) {
  EXPECT_EQ(Base64Decode("Zg", Base64Form::kLoose), "f");
  EXPECT_EQ(Base64Decode("Zg==", Base64Form::kLoose), "f");
  EXPECT_EQ(Base64Decode("", Base64Form::kLoose), "");
  EXPECT_EQ(Base64Decode("Z!", Base64Form::kLoose), std::nullopt);
  EXPECT_EQ(Base64Decode("Zg==Zg==", Base64Form::kLoose), std::nullopt);
}

}  // namespace
}  // namespace veneer
