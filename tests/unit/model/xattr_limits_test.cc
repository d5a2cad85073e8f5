// SPDX-License-Identifier: Apache-2.0
#include "layerdb/model/xattr_limits.h"

#include <gtest/gtest.h>

#include <vector>

#include "layerdb/model/posix_acl.h"

namespace veneer {
namespace {

using std::string_literals::operator""s;

std::string ErrorOf(const XattrList& xattrs, FileType type = FileType::kRegular) {
  const Result<void> checked = CheckXattrs(xattrs, type);
  return checked ? "" : checked.error().message();
}

std::string Entry(uint16_t tag, uint16_t perm, uint32_t id = UINT32_MAX) {
  std::string out = {static_cast<char>(tag), 0, static_cast<char>(perm),
                     static_cast<char>(perm >> 8)};
  for (int i = 0; i < 4; ++i) out += static_cast<char>(id >> (8 * i));
  return out;
}

TEST(XattrLimits, AreThoseOfTheKernel) {
  EXPECT_EQ(ErrorOf({}), "");
  EXPECT_EQ(ErrorOf({{"user." + std::string(250, 'n'), std::string(65536, 'v')},
                     {"trusted.x", ""},
                     {"security.capability", "\0\1"s},
                     {"com.apple.provenance", "x"}}),
            "");
  for (const std::string& name :
       {""s, "user"s, "user."s, ".user"s, "user.a\0b"s, "user." + std::string(251, 'n')}) {
    EXPECT_NE(ErrorOf({{name, "v"}}), "") << name;
  }
  EXPECT_NE(ErrorOf({{"user.x", std::string(65537, 'v')}}), "");
  XattrList many;
  for (int i = 1000; i < 1256; ++i) {
    many.emplace_back("user." + std::to_string(i) + std::string(246, 'n'), "");
  }
  EXPECT_EQ(ErrorOf(many), "");  // 256 times 256 bytes
  many.emplace_back("user.x", "");
  EXPECT_NE(ErrorOf(many), "");
}

TEST(XattrLimits, SayWhichAttributeAndWhy) {
  EXPECT_EQ(ErrorOf({{"user.ok", "v"}, {"a\nb", "v"}}),
            "extended attribute \"a\\x0ab\" is no name in a namespace");
}

TEST(XattrLimits, LetAclsBeAcls) {
  const std::string head("\2\0\0\0", 4);
  const std::string owner = Entry(1, 7);
  const std::string group = Entry(4, 5);
  const std::string mask = Entry(16, 7);
  const std::string other = Entry(32, 0);
  for (const std::string& good :
       {head, head + owner + group + other, head + owner + group + mask + other,
        head + owner + Entry(2, 7, 1000) + Entry(2, 5, 1001) + group + Entry(8, 1, 5) + mask +
            other}) {
    EXPECT_EQ(ErrorOf({{kAclAccess, good}}), "");
    EXPECT_EQ(ErrorOf({{kAclDefault, good}}, FileType::kDirectory), "");
    EXPECT_NE(ErrorOf({{kAclDefault, good}}), "");
  }
  const std::vector<std::string> bad = {
      "",
      "rubbish",
      "\1\0\0\0"s + owner + group + other,
      head + "x",
      head + owner,
      head + owner + group + other + other,
      head + group + owner + other,
      head + owner + Entry(2, 7, 1000) + group + other,   // no mask
      head + owner + Entry(2, 7) + group + mask + other,  // nobody
      head + Entry(1, 8) + group + other,                 // more than rwx
      head + owner + group + other + Entry(64, 7),        // no such tag
  };
  for (size_t i = 0; i < bad.size(); ++i) EXPECT_NE(ErrorOf({{kAclAccess, bad[i]}}), "") << i;
}

}  // namespace
}  // namespace veneer
