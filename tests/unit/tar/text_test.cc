// SPDX-License-Identifier: Apache-2.0
//
// The texts of an archive: names, PAX records, times, ACLs, and the order of a diff.
#include <gtest/gtest.h>

#include "layerdb/base/printable.h"
#include "layerdb/tar/acl_text.h"
#include "layerdb/tar/mapping.h"
#include "layerdb/tar/names.h"
#include "layerdb/tar/pax.h"

namespace veneer {
namespace {

using std::string_literals::operator""s;

std::string Joined(const TreePath& path) {
  std::string out;
  for (const std::string_view part : path) out.append(out.empty() ? "" : "/").append(part);
  return out;
}

TEST(TarPathTest, IsNormalisedAndStaysBelowTheRoot) {
  const std::pair<const char*, const char*> cases[] = {
      {"a/b", "a/b"},
      {"./a", "a"},
      {"/a//b/", "a/b"},
      {".", ""},
      {"./", ""},
      {"/", ""},
      {"../../a", "a"},
      {"a/../../b", "b"},
      {"/../etc/passwd", "etc/passwd"},
      {"a/./b/../c", "a/c"},
      {"..", ""},
      {"...", "..."},
  };
  for (const auto& [name, want] : cases) {
    const Result<TreePath> path = ParseTarPath(name, kMaxName);
    ASSERT_TRUE(path) << name;
    EXPECT_EQ(Joined(*path), want) << name;
  }
}

TEST(TarPathTest, BoundsComponentsAndDepthButNotLength) {
  EXPECT_TRUE(ParseTarPath(std::string(255, 'x'), kMaxName));
  EXPECT_FALSE(ParseTarPath(std::string(256, 'x'), kMaxName));
  EXPECT_FALSE(ParseTarPath("a\0b"s, kMaxName));
  std::string deep;
  for (size_t i = 0; i < kMaxTreeDepth; ++i) deep += "d/";
  EXPECT_TRUE(ParseTarPath(deep, kMaxName));
  EXPECT_FALSE(ParseTarPath(deep + "d", kMaxName));
  std::string longer;
  for (int i = 0; i < 100; ++i) longer += std::string(200, 'n') + "/";
  EXPECT_TRUE(ParseTarPath(longer, kMaxName));
}

TEST(LayerNameTest, TellsWhiteoutsFromObjects) {
  using Kind = LayerName::Kind;
  const std::tuple<const char*, Kind, const char*> cases[] = {
      {"etc/passwd", Kind::kObject, "etc/passwd"},
      {"etc/.wh.passwd", Kind::kWhiteout, "etc/passwd"},
      {"./.wh.etc", Kind::kWhiteout, "etc"},
      {".wh..wh..opq", Kind::kOpaque, ""},
      {"a/b/.wh..wh..opq", Kind::kOpaque, "a/b"},
      {".wh..wh.plnk", Kind::kIgnored, ".wh..wh.plnk"},
      {".wh..wh.plnk/1.2", Kind::kIgnored, ".wh..wh.plnk/1.2"},
      {".wh....", Kind::kWhiteout, "..."},
      {".wh", Kind::kObject, ".wh"},
      {".wh.a/b", Kind::kObject, ".wh.a/b"},
      {".wh.a/.wh.b", Kind::kWhiteout, ".wh.a/b"},
      {"a.wh.b", Kind::kObject, "a.wh.b"},
  };
  for (const auto& [name, kind, path] : cases) {
    const Result<LayerName> parsed = ParseLayerName(name);
    ASSERT_TRUE(parsed) << name << ": " << parsed.error().message();
    EXPECT_EQ(parsed->kind, kind) << name;
    EXPECT_EQ(Joined(parsed->path), path) << name;
  }
}

TEST(LayerNameTest, RefusesWhiteoutsOfNoName) {
  for (const char* name : {".wh.", "a/.wh.", ".wh..", ".wh...", "x/.wh...", ""}) {
    const Result<LayerName> parsed = ParseLayerName(name);
    ASSERT_FALSE(parsed) << name;
    EXPECT_EQ(parsed.error().message().find('\n'), std::string::npos);
  }
  // The whiteout of the longest name is longer than any name.
  EXPECT_TRUE(ParseLayerName(".wh." + std::string(255, 'x')));
  EXPECT_FALSE(ParseLayerName(".wh." + std::string(256, 'x')));
  EXPECT_FALSE(ParseLayerName(std::string(256, 'x')));
}

TEST(LayerNameTest, GivesTheNamesOfMarks) {
  EXPECT_EQ(WhiteoutPath("a/b"), "a/.wh.b");
  EXPECT_EQ(WhiteoutPath("b"), ".wh.b");
  EXPECT_EQ(OpaquePath("a/b"), "a/b/.wh..wh..opq");
  EXPECT_EQ(OpaquePath(""), ".wh..wh..opq");
  EXPECT_TRUE(IsReservedInLayers(".wh.x"));
  EXPECT_FALSE(IsReservedInLayers(".wham"));
  EXPECT_EQ(PrintablePath("a\nb\x1b"), "a\\x0ab\\x1b");
}

TEST(PaxTest, ReadsTimesBeforeAndAfterTheUsualRange) {
  const std::tuple<const char*, int64_t, uint32_t> cases[] = {
      {"0", 0, 0},
      {"1.5", 1, 500000000},
      {"-1.5", -2, 500000000},
      {"-0.25", -1, 750000000},
      {"-1", -1, 0},
      {"1.0000000019", 1, 1},
      {"-1.0000000011", -2, 999999998},
      {"4294967296.000000001", 4294967296, 1},
      {"-9223372036854775806", -9223372036854775806, 0},
  };
  for (const auto& [text, sec, nsec] : cases) {
    const std::optional<Timestamp> time = ParsePaxTime(text);
    ASSERT_TRUE(time) << text;
    EXPECT_EQ(time->sec, sec) << text;
    EXPECT_EQ(time->nsec, nsec) << text;
  }
  for (const char* text : {"", "-", "x", "1.x", "1e5", "99999999999999999999", " 1"}) {
    EXPECT_FALSE(ParsePaxTime(text)) << text;
  }
}

TEST(PaxTest, TimesRoundTrip) {
  for (const Timestamp time :
       {Timestamp{0, 0}, Timestamp{-1, 1}, Timestamp{-1, 999999999}, Timestamp{-2, 500000000},
        Timestamp{5, 10}, Timestamp{-7, 0}, Timestamp{int64_t{1} << 40, 123456789}}) {
    EXPECT_EQ(ParsePaxTime(FormatPaxTime(time)), time) << FormatPaxTime(time);
  }
}

TEST(PaxTest, RecordsCountTheirOwnLength) {
  for (size_t size = 1; size < 1100; ++size) {
    const std::string record = PaxRecord("key", std::string(size, 'v'));
    EXPECT_EQ(std::stoul(record), record.size());
    PaxAttributes attributes;
    EXPECT_TRUE(ParsePax(record, &attributes));
  }
}

TEST(PaxTest, ReadsWhatWritersWrite) {
  PaxAttributes pax;
  const std::string body = PaxRecord("path", "a\xff\n=b") + PaxRecord("size", "8589934592") +
                           PaxRecord("SCHILY.xattr.user.a%3Db%25", "x\0y\n"s) +
                           PaxRecord("LIBARCHIVE.xattr.user.%25c", "AAEC") +
                           PaxRecord("GNU.sparse.map", "0,1,5,2") +
                           PaxRecord("VENDOR.unknown", "whatever") + PaxRecord("mtime", "-1.5");
  ASSERT_TRUE(ParsePax(body, &pax));
  EXPECT_EQ(pax.path, "a\xff\n=b");
  EXPECT_EQ(pax.size, 8589934592U);
  ASSERT_EQ(pax.xattrs.size(), 2U);
  EXPECT_EQ(pax.xattrs[0], Xattr("user.a=b%", "x\0y\n"s));
  EXPECT_EQ(pax.xattrs[1], Xattr("user.%c", "\0\1\2"s));
  EXPECT_EQ(pax.sparse_map, (std::vector<SparseExtent>{{0, 1}, {5, 2}}));
  EXPECT_EQ(PaxXattrKey("user.a=b%"), "SCHILY.xattr.user.a%3Db%25");
  // An empty value takes a global record back.
  ASSERT_TRUE(ParsePax(PaxRecord("path", "") + PaxRecord("mtime", ""), &pax));
  EXPECT_FALSE(pax.path);
  EXPECT_FALSE(pax.mtime);
}

TEST(PaxTest, RefusesWhatIsMalformed) {
  for (const std::string& body : {"x"s,
                                  "5 a=b"s,
                                  "99 a=b\n"s,
                                  "0 a=b\n"s,
                                  "6 =bc\n"s,
                                  "7 abc\n\n"s,
                                  "-6 a=b\n"s,
                                  "6  a=b"s,
                                  "18446744073709551617 a=b\n"s,
                                  "6 a=b\nrest"s,
                                  PaxRecord("size", "-1"),
                                  PaxRecord("size", "1x"),
                                  PaxRecord("uid", "99999999999999999999"),
                                  PaxRecord("mtime", "noon"),
                                  PaxRecord("path", "a\0b"s),
                                  PaxRecord("GNU.sparse.map", "1,2,3"),
                                  PaxRecord("GNU.sparse.major", "x"),
                                  PaxRecord("GNU.sparse.offset", "1"),
                                  PaxRecord("GNU.sparse.numbytes", "1"),
                                  PaxRecord("SCHILY.xattr.", "v"),
                                  PaxRecord("LIBARCHIVE.xattr.user.x", "?!")}) {
    PaxAttributes pax;
    EXPECT_FALSE(ParsePax(body, &pax)) << body;
  }
}

constexpr auto kNobody = [](bool, std::string_view) -> std::optional<uint32_t> {
  return std::nullopt;
};

TEST(TarAclTest, RoundTrips) {
  const std::string text = "user::rwx,user:1000:r-x,group::r--,group:27:-w-,mask::rwx,other::---";
  const Result<std::string> value = AclFromText(text, kNobody);
  ASSERT_TRUE(value);
  EXPECT_EQ(value->size(), 4U + 6 * 8);
  EXPECT_EQ(AclToText(*value), text);
}

TEST(TarAclTest, ReadsTheFormsOfOtherWriters) {
  const std::string want =
      *AclFromText("user::rw-,user:7:r--,group::r--,mask::r--,other::r--", kNobody);
  // star's fourth field, lines, comments, short forms, spaces, another order.
  for (const char* text :
       {"user::rw-,user:lisa:r--:7,group::r--,mask::r--,other::r--",
        "user::rw-\nuser:7:r--\t#effective:r--\ngroup::r--\nmask::r--\nother::r--\n",
        "o::r,m:r, g::r--, u:7:r,u::rw"}) {
    const Result<std::string> value = AclFromText(text, kNobody);
    ASSERT_TRUE(value) << text;
    EXPECT_EQ(*value, want) << text;
  }
  const Result<std::string> named =
      AclFromText("user::rw-,user:lisa:r--,group::r--,mask::r--,other::r--",
                  [](bool user, std::string_view name) -> std::optional<uint32_t> {
                    return user && name == "lisa" ? std::optional<uint32_t>(7) : std::nullopt;
                  });
  ASSERT_TRUE(named);
  EXPECT_EQ(*named, want);
}

TEST(TarAclTest, AnAclThatSaysNoMoreThanTheModeIsNone) {
  EXPECT_EQ(*AclFromText("user::rwx,group::r-x,other::r-x", kNobody), "");
  EXPECT_EQ(*AclFromText("", kNobody), "");
}

TEST(TarAclTest, RefusesWhatTheKernelWould) {
  for (const char* text :
       {"user::rwx", "user::rwx,group::r-x,other::r-x,user:1:r--", "nonsense",
        "user::rwz,group::r-x,other::r-x", "user::rwx,user::rwx,group::r-x,other::r-x",
        "user:1:r--,user:1:r--,user::rwx,group::r-x,mask::r--,other::r-x", "user:rwx"}) {
    EXPECT_FALSE(AclFromText(text, kNobody)) << text;
  }
  EXPECT_FALSE(AclToText("short"));
  EXPECT_FALSE(AclToText(std::string(12, '\0')));
}

}  // namespace
}  // namespace veneer
