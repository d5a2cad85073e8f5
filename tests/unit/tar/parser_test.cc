// SPDX-License-Identifier: Apache-2.0
//
// The tar parser and writer against each other, and the parser against archives that try to be read
// in two ways.
#include "layerdb/tar/parser.h"

#include <gtest/gtest.h>

#include <random>

#include "layerdb/tar/writer.h"

namespace veneer {
namespace {

using std::string_literals::operator""s;

struct Parsed {
  std::vector<TarEntry> entries;
  std::vector<std::string> contents;
  std::string error;
};

// Feeds the archive in pieces of the given size.
Parsed Parse(const std::string& archive, size_t piece = SIZE_MAX) {
  Parsed out;
  TarParser parser;
  for (size_t at = 0; at < archive.size(); at += std::min(piece, archive.size() - at)) {
    std::string_view input = std::string_view(archive).substr(at, piece);
    for (;;) {
      const Result<TarParser::Event> event = parser.Next(&input);
      if (!event) {
        out.error = event.error().message();
        return out;
      }
      if (*event == TarParser::Event::kNeedInput) break;
      if (*event == TarParser::Event::kEntry) {
        out.entries.push_back(parser.entry());
        out.contents.emplace_back();
      } else if (*event == TarParser::Event::kData) {
        std::string& content = out.contents.back();
        if (content.size() < parser.data_offset()) content.resize(parser.data_offset());
        content += parser.data();
      }
    }
    EXPECT_TRUE(input.empty());
  }
  EXPECT_EQ(parser.position(), archive.size());
  const Result<void> end = parser.Finish();
  if (!end) out.error = end.error().message();
  return out;
}

std::string Padded(std::string bytes) {
  bytes.append(TarPadding(bytes.size()), '\0');
  return bytes;
}

std::string Block(char type, std::string_view name, uint64_t size = 0, std::string_view link = "") {
  TarBlockFields fields;
  fields.type = type;
  fields.name = name;
  fields.size = size;
  fields.link = link;
  fields.mode = 0644;
  return EncodeTarBlock(fields);
}

std::string Special(char type, const std::string& body) {
  return Block(type, "special", body.size()) + Padded(body);
}

std::string File(std::string_view name, const std::string& content) {
  return Block('0', name, content.size()) + Padded(content);
}

// The archive with other bytes in its first header, and a checksum that fits.
std::string Patched(std::string archive, size_t at, std::string_view bytes) {
  archive.replace(at, bytes.size(), bytes);
  archive.replace(148, 8, "        ");
  unsigned sum = 0;
  for (size_t i = 0; i < kTarBlock; ++i) sum += static_cast<uint8_t>(archive[i]);
  for (size_t i = 6; i-- > 0; sum >>= 3) archive[148 + i] = static_cast<char>('0' + (sum & 7));
  archive[154] = '\0';
  return archive;
}

TEST(TarWriterTest, WhatItWritesIsReadAgain) {
  TarOutput out;
  out.path = "dir/file";
  out.attr.mode = 04755;
  out.attr.uid = 3000000;
  out.attr.gid = 4294967294;
  out.attr.size = 3;
  out.attr.mtime = {-2, 500000000};
  const XattrList xattrs{{"security.capability", "\0\1"s}, {"user.a=b", "v"}};
  out.xattrs = &xattrs;
  const Parsed parsed = Parse(EncodeTarEntry(out) + Padded("abc") + TarEndMark());
  ASSERT_EQ(parsed.error, "");
  ASSERT_EQ(parsed.entries.size(), 1U);
  const TarEntry& entry = parsed.entries[0];
  EXPECT_EQ(entry.path, "dir/file");
  EXPECT_EQ(entry.attr.mode, 04755U);
  EXPECT_EQ(entry.attr.uid, 3000000U);
  EXPECT_EQ(entry.attr.gid, 4294967294U);
  EXPECT_EQ(entry.attr.mtime, (Timestamp{-2, 500000000}));
  EXPECT_EQ(entry.xattrs, xattrs);
  EXPECT_EQ(parsed.contents[0], "abc");
}

TEST(TarWriterTest, NamesOfEveryLengthAreReadAgain) {
  for (const size_t size : {1, 99, 100, 101, 155, 156, 157, 255, 256, 257, 300, 5000}) {
    for (const bool directory : {false, true}) {
      for (const size_t step : {20, 101, 156, 6000}) {
        std::string path(size, 'n');
        for (size_t i = step; i + 1 < size; i += step) path[i] = '/';
        TarOutput out;
        out.path = path;
        out.attr.type = directory ? FileType::kDirectory : FileType::kSymlink;
        const std::string link(size, 'l');
        if (!directory) out.link = link;
        const Parsed parsed = Parse(EncodeTarEntry(out) + TarEndMark(), 100);
        ASSERT_EQ(parsed.error, "") << size << " " << step;
        EXPECT_EQ(parsed.entries[0].path, directory ? path + "/" : path);
        EXPECT_EQ(parsed.entries[0].attr.type, out.attr.type);
        EXPECT_EQ(parsed.entries[0].link, directory ? std::string() : link);
      }
    }
  }
}

TEST(TarWriterTest, SparseFilesAreReadAgain) {
  const std::vector<SparseExtent> extents{{4096, 3}, {1000000, 5}};
  TarOutput out;
  out.path = "s";
  out.attr.size = 2000000;
  out.sparse = &extents;
  const Parsed parsed = Parse(EncodeTarEntry(out) + Padded("abcdefgh") + TarEndMark(), 7);
  ASSERT_EQ(parsed.error, "");
  EXPECT_EQ(parsed.entries[0].path, "s");
  EXPECT_EQ(parsed.entries[0].attr.size, 2000000U);
  EXPECT_EQ(parsed.entries[0].extents, extents);
  ASSERT_EQ(parsed.contents[0].size(), 1000005U);
  EXPECT_EQ(parsed.contents[0].substr(4096, 3), "abc");
  EXPECT_EQ(parsed.contents[0].substr(1000000), "defgh");
}

TEST(TarWriterTest, OnlyLargeHolesOfLongRunsOfZerosMakeAFileSparse) {
  bool sparse = true;
  EXPECT_TRUE(DataExtents({{0, kMinHoles - 1}}, kMinHoles, &sparse).empty());
  EXPECT_FALSE(sparse);
  EXPECT_EQ(DataExtents({{4096, kMinHoles}}, 2 * kMinHoles, &sparse),
            (std::vector<SparseExtent>{{0, 4096}, {4096 + kMinHoles, kMinHoles - 4096}}));
  EXPECT_TRUE(sparse);
  EXPECT_TRUE(DataExtents({{0, kMinHoles}}, kMinHoles, &sparse).empty());
  EXPECT_TRUE(sparse);
  // Short runs neither count nor part the data.
  EXPECT_EQ(DataExtents({{0, kMinHoles}, {kMinHoles + 1, kSparseRun - 1}}, 2 * kMinHoles, &sparse),
            (std::vector<SparseExtent>{{kMinHoles, kMinHoles}}));
  EXPECT_TRUE(DataExtents({{0, kMinHoles - kSparseRun}, {kMinHoles + 1, kSparseRun - 1}},
                          2 * kMinHoles, &sparse)
                  .empty());
  EXPECT_FALSE(sparse);
}

TEST(TarParserTest, PiecesOfAnySizeGiveTheSame) {
  std::string archive = File("a", std::string(1000, 'a')) +
                        Special('x', PaxRecord("path", std::string(200, 'p'))) + File("b", "b") +
                        Special('L', std::string(150, 'l') + '\0') + File("c", "") + TarEndMark() +
                        std::string(3000, '\0') + "garbage";
  for (const size_t piece : {1, 7, 511, 512, 513, 4096}) {
    const Parsed parsed = Parse(archive, piece);
    ASSERT_EQ(parsed.error, "") << piece;
    ASSERT_EQ(parsed.entries.size(), 3U);
    EXPECT_EQ(parsed.contents[0], std::string(1000, 'a'));
    EXPECT_EQ(parsed.entries[1].path, std::string(200, 'p'));
    EXPECT_EQ(parsed.contents[1], "b");
    EXPECT_EQ(parsed.entries[2].path, std::string(150, 'l'));
  }
}

TEST(TarParserTest, ThePaxSizeCountsForTheEntryAlone) {
  // ustar says 0, PAX says 1024: the file's data looks like another entry (CVE-2025-62518).
  const std::string inner = File("smuggled", "");
  const std::string inner_padded = inner + std::string(512, 'x');
  const std::string smuggle = Special('x', PaxRecord("size", "1024")) + Block('0', "outer", 0) +
                              inner_padded + File("next", "n") + TarEndMark();
  Parsed parsed = Parse(smuggle);
  ASSERT_EQ(parsed.error, "");
  ASSERT_EQ(parsed.entries.size(), 2U);
  EXPECT_EQ(parsed.contents[0], inner_padded);
  EXPECT_EQ(parsed.entries[1].path, "next");
  // With a long-name header between: its own size counts for it.
  parsed = Parse(Special('x', PaxRecord("size", "3")) + Special('L', std::string(200, 'n') + '\0') +
                 Block('0', "short", 0) + Padded("abc") + TarEndMark());
  ASSERT_EQ(parsed.error, "");
  EXPECT_EQ(parsed.entries[0].path, std::string(200, 'n'));
  EXPECT_EQ(parsed.contents[0], "abc");
}

TEST(TarParserTest, GlobalRecordsCountUntilTheyAreTakenBack) {
  const Parsed parsed =
      Parse(Special('g', PaxRecord("uid", "77") + PaxRecord("mtime", "5.25")) + File("a", "") +
            Special('x', PaxRecord("uid", "1")) + File("b", "") + File("c", "") +
            Special('g', PaxRecord("uid", "")) + File("d", "") + TarEndMark());
  ASSERT_EQ(parsed.error, "");
  EXPECT_EQ(parsed.entries[0].attr.uid, 77U);
  EXPECT_EQ(parsed.entries[0].attr.mtime, (Timestamp{5, 250000000}));
  EXPECT_EQ(parsed.entries[1].attr.uid, 1U);
  EXPECT_EQ(parsed.entries[2].attr.uid, 77U);
  EXPECT_EQ(parsed.entries[3].attr.uid, 0U);
}

TEST(TarParserTest, DataBehindAHardLinkIsLeftOut) {
  // POSIX.1-2001 lets a link carry data; GNU tar and Go do not look for it.
  const std::string data = Padded("no header, for its checksum is wrong");
  Parsed parsed =
      Parse(File("a", "A") + Block('1', "b", 36, "a") + data + File("c", "C") + TarEndMark());
  ASSERT_EQ(parsed.error, "");
  ASSERT_EQ(parsed.entries.size(), 3U);
  EXPECT_EQ(parsed.contents[1], "");
  EXPECT_EQ(parsed.contents[2], "C");
  // A header there is an entry.
  parsed = Parse(File("a", "A") + Block('1', "b", 36, "a") + File("c", "C") + TarEndMark(), 300);
  ASSERT_EQ(parsed.error, "");
  ASSERT_EQ(parsed.entries.size(), 3U);
  EXPECT_EQ(parsed.contents[2], "C");
}

TEST(TarParserTest, RefusesWhatReadersDisagreeOn) {
  const std::pair<const char*, std::string> cases[] = {
      {"two names",
       Special('x', PaxRecord("path", "one")) + Special('L', "two\0"s) + File("a", "")},
      {"malformed PAX", Special('x', "12 path=x") + File("a", "")},
      {"negative PAX size", Special('x', PaxRecord("size", "-1")) + File("a", "")},
      {"NUL in a name", Special('x', PaxRecord("path", "a\0b"s)) + File("a", "")},
      {"header without an entry", Special('x', PaxRecord("path", "a")) + TarEndMark()},
      {"volumes", Block('M', "part") + TarEndMark()},
      {"damaged second header", File("a", "") + std::string(512, 'x')},
      {"huge PAX header", Block('x', "pax", TarParser::kMaxHeaderBody + 1)},
      {"global path", Special('g', PaxRecord("path", "all")) + File("a", "")},
      {"owner", Special('x', PaxRecord("uid", "4294967295")) + File("a", "")},
      {"sparse outside",
       Special('x', PaxRecord("GNU.sparse.map", "0,10") + PaxRecord("GNU.sparse.size", "5")) +
           File("a", "0123456789")},
      {"sparse overlap",
       Special('x', PaxRecord("GNU.sparse.map", "4,2,0,2") + PaxRecord("GNU.sparse.size", "9")) +
           File("a", "0123")},
      {"sparse without data",
       Special('x', PaxRecord("GNU.sparse.map", "0,600") + PaxRecord("GNU.sparse.size", "999")) +
           File("a", "0123")},
      {"sparse overflow", Special('x', PaxRecord("GNU.sparse.map", "18446744073709551615,2") +
                                           PaxRecord("GNU.sparse.size", "9")) +
                              File("a", "01")},
      {"sparse map count",
       Special('x', PaxRecord("GNU.sparse.major", "1") + PaxRecord("GNU.sparse.minor", "0") +
                        PaxRecord("GNU.sparse.realsize", "5")) +
           File("a", Padded("99999999999\n"))},
      {"sparse map cut",
       Special('x', PaxRecord("GNU.sparse.major", "1") + PaxRecord("GNU.sparse.minor", "0") +
                        PaxRecord("GNU.sparse.realsize", "5")) +
           File("a", Padded("3\n0\n1\n"))},
      // libarchive leaves out the names then, GNU tar and Python do not, Go refuses.
      {"NULs behind the PAX records",
       Special('x', PaxRecord("path", "b") + std::string(9, '\0')) + File("a", "")},
      {"global size", Special('g', PaxRecord("size", "512")) + File("a", "")},
      {"global link", Special('g', PaxRecord("linkpath", "b")) + Block('2', "a")},
      {"global ACL", Special('g', PaxRecord("SCHILY.acl.access", "user::rwx")) + File("a", "")},
      {"two PAX headers",
       Special('x', PaxRecord("uid", "1")) + Special('x', PaxRecord("gid", "1")) + File("a", "")},
      {"two long names", Special('L', "one\0"s) + Special('L', "two\0"s) + File("a", "")},
      {"two long links", Special('K', "one\0"s) + Special('K', "two\0"s) + Block('2', "a")},
      {"a global header behind a PAX header",
       Special('x', PaxRecord("uid", "1")) + Special('g', PaxRecord("uid", "2")) + File("a", "")},
      {"a global header behind a long name",
       Special('L', "one\0"s) + Special('g', PaxRecord("uid", "2")) + File("a", "")},
      {"digits behind a NUL", Patched(File("a", std::string(512, 'x')), 124, "\0001000"s)},
      {"PAX size of a directory",
       Special('x', PaxRecord("size", "512")) + Block('5', "a") + Padded("abc")},
      {"volume label with a body", Special('V', "label") + File("a", "")},
      {"sparse map in the header of a whole file",
       Patched(Patched(File("a", "abc"), 257, "ustar  \0"s), 386,
               "00000000000\0"
               "00000000003\0"s)},
      {"mode", Patched(File("a", ""), 100, "\xff\xff\xff\xff\xff\xff\xff\xff")},
      {"hard link with contents, its target in a long name alone",
       Special('K', "b\0"s) + Block('1', "a", 512) + std::string(512, 'x')},
      {"hard link with contents, its target in a PAX record alone",
       Special('x', PaxRecord("linkpath", "b") + PaxRecord("size", "512")) + Block('1', "a") +
           std::string(512, 'x')},
      {"hard link to nothing", Block('1', "a")},
      {"sparse with more data than its map says",
       Special('x', PaxRecord("GNU.sparse.map", "0,1") + PaxRecord("GNU.sparse.size", "9")) +
           File("a", "0123")},
      {"directory by its slash, with contents", File("a/", "b")},
      {"Solaris ACL", Special('A', "0") + File("a", "")},
      {"NUL in a sparse name", Special('x', PaxRecord("GNU.sparse.name", "a\0b"s)) + File("a", "")},
      {"empty PAX size", Special('x', PaxRecord("size", "")) + File("a", "b")},
      {"sparse name without a map",
       Special('x', PaxRecord("GNU.sparse.name", "b")) + File("a", "")},
      {"holes as Solaris writes them",
       Special('x', PaxRecord("SUN.holesdata", " 0 1")) + File("a", "b")},
      {"sparse without GNU magic", Block('S', "a", 3) + Padded("abc")},
      {"sparse directory",
       Special('x', PaxRecord("GNU.sparse.map", "0,1") + PaxRecord("GNU.sparse.size", "1")) +
           Block('5', "a")},
      {"sparse name of a directory",
       Special('x', PaxRecord("GNU.sparse.name", "b")) + Block('5', "a")},
      {"sparse record not known",
       Special('x', PaxRecord("GNU.sparse.future", "1")) + Block('2', "a", 0, "b")},
      {"sparse size of a hard link",
       Special('x', PaxRecord("GNU.sparse.size", "0")) + Block('1', "a", 0, "b")},
      {"sparse size of a directory by its slash",
       Special('x', PaxRecord("GNU.sparse.realsize", "9")) + File("a/", "")},
      {"impossible PAX size, and another behind it",
       Special('x', PaxRecord("size", "9223372036854775807") + PaxRecord("size", "1")) +
           File("a", "b")},
      {"impossible size in the header, another in the PAX header",
       Special('x', PaxRecord("size", "1")) +
           Patched(File("a", "b"), 124, "\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff"s)},
      {"another size without a map",
       Special('x', PaxRecord("GNU.sparse.realsize", "9")) + File("a", "0123")},
      {"sparse format",
       Special('x', PaxRecord("GNU.sparse.major", "2") + PaxRecord("GNU.sparse.realsize", "5")) +
           File("a", "x")},
  };
  for (const auto& [what, archive] : cases) {
    const Parsed parsed = Parse(archive + TarEndMark());
    EXPECT_NE(parsed.error, "") << what;
    EXPECT_EQ(parsed.error.find('\n'), std::string::npos) << what;
  }
  std::string nested;
  for (int i = 0; i <= TarParser::kMaxHeadersInARow; ++i) nested += Special('L', "name\0"s);
  EXPECT_NE(Parse(nested + File("a", "") + TarEndMark()).error, "");
}

TEST(TarParserTest, NoticesWhatIsCutShort) {
  const std::string archive = File("a", std::string(1000, 'a')) +
                              Special('x', PaxRecord("path", "p")) + File("b", "b") + TarEndMark();
  const std::vector<size_t> whole{1536,
                                  1536 + 2048};  // between entries: an end mark may be missing
  for (size_t size = 0; size < archive.size() - 512; ++size) {
    // Between entries, where an end mark may be missing, and the padding before it; and behind the
    // first block of one.
    const bool at_entry =
        (size >= 512 + 1000 && size <= 1536) || (size > 3072 && size <= 3584) || size >= 3584 + 512;
    EXPECT_EQ(Parse(archive.substr(0, size)).error.empty(), at_entry) << size;
  }
  EXPECT_EQ(Parse(std::string(1024, '\0')).error, "");
  EXPECT_NE(Parse("").error, "");
  EXPECT_NE(Parse("hello").error, "");
  EXPECT_NE(Parse(std::string(10240, 'x')).error, "");
}

TEST(TarParserTest, OldFormsAreRead) {
  // v7: no magic, a directory told by its slash; base-256 and signed checksums.
  std::string block = Block('\0', "olddir/");
  std::fill_n(block.begin() + 257, 8, '\0');
  std::fill_n(block.begin() + 148, 8, ' ');
  unsigned sum = 0;
  for (const char c : block) sum += static_cast<uint8_t>(c);
  snprintf(block.data() + 148, 8, "%06o", sum);
  Parsed parsed = Parse(block + TarEndMark());
  ASSERT_EQ(parsed.error, "");
  EXPECT_EQ(parsed.entries[0].attr.type, FileType::kDirectory);

  block = Block('0', "big");
  block[124] = '\x80';
  std::fill_n(block.begin() + 125, 11, '\0');
  block[135] = 3;  // size 3
  block[136] = '\xff';
  std::fill_n(block.begin() + 137, 11, '\xff');  // mtime -1
  block.replace(0, 3, "b\xffg");
  std::fill_n(block.begin() + 148, 8, ' ');
  int with_sign = 0;
  for (const char c : block) with_sign += static_cast<int8_t>(c);
  snprintf(block.data() + 148, 8, "%06o", static_cast<unsigned>(with_sign));
  if (with_sign < 0) GTEST_FAIL() << "the test wants a positive sum";
  parsed = Parse(block + Padded("abc") + TarEndMark());
  ASSERT_EQ(parsed.error, "");
  EXPECT_EQ(parsed.contents[0], "abc");
  EXPECT_EQ(parsed.entries[0].attr.mtime.sec, -1);
  EXPECT_EQ(parsed.entries[0].path, "b\xffg");
}

TEST(TarParserTest, RandomDamageIsAnErrorOrAnArchiveAndNothingElse) {
  const std::vector<SparseExtent> extents{{0, 600}, {5000, 512}};
  TarOutput sparse;
  sparse.path = "s";
  sparse.attr.size = 10000;
  sparse.sparse = &extents;
  const std::string good =
      File("a", std::string(700, 'a')) + Special('g', PaxRecord("uid", "5")) +
      Special('x', PaxRecord("path", "pax") + PaxRecord("SCHILY.xattr.user.x", "v")) +
      File("b", "b") + Special('L', std::string(120, 'l') + '\0') + Block('5', "d") +
      EncodeTarEntry(sparse) + Padded(std::string(1112, 's')) + Block('1', "h", 0, "a") +
      TarEndMark();
  ASSERT_EQ(Parse(good).error, "");
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 20000; ++round) {
    std::string bad = good;
    for (unsigned i = 0, n = 1 + random() % 4; i < n; ++i) {
      const size_t at = random() % bad.size();
      bad[at] = static_cast<char>(random());
      if (random() % 2 == 0) {
        // A checksum that fits again, so that the damage gets past it.
        char* block = bad.data() + at / 512 * 512;
        if (at / 512 * 512 + 512 > bad.size()) continue;
        std::fill_n(block + 148, 8, ' ');
        unsigned sum = 0;
        for (int k = 0; k < 512; ++k) sum += static_cast<uint8_t>(block[k]);
        snprintf(block + 148, 8, "%06o", sum);
      }
    }
    if (random() % 4 == 0) bad.resize(random() % bad.size());
    TarParser parser;
    std::string_view input = bad;
    uint64_t data = 0;
    for (int events = 0;; ++events) {
      ASSERT_LT(events, 100000);
      const Result<TarParser::Event> event = parser.Next(&input);
      if (!event || *event == TarParser::Event::kNeedInput) break;
      if (*event == TarParser::Event::kData) data += parser.data().size();
    }
    EXPECT_LE(data, bad.size());
    EXPECT_LE(parser.position(), bad.size());
    IgnoreError(parser.Finish(), "either is right");
  }
}

TEST(TarParserTest, AReaderOfHeadersSeeksOverContents) {
  const std::string archive = Block('0', "a", 700) + std::string(1024, 'x') +
                              Special('x', "13 path=long\n") + Block('0', "b", 512) +
                              std::string(512, 'y') + Block('5', "d") + Block('1', "l", 0, "a") +
                              TarEndMark();
  TarParser parser;
  std::string names;
  for (std::string_view input = archive;;) {
    const Result<TarParser::Event> event = parser.Next(&input);
    ASSERT_TRUE(event) << event.error().message();
    if (*event == TarParser::Event::kEnd) break;
    EXPECT_NE(*event, TarParser::Event::kData);
    if (*event != TarParser::Event::kEntry) continue;
    names += parser.entry().path + " ";
    EXPECT_EQ(parser.position(), archive.size() - input.size());
    input.remove_prefix(parser.SkipData());
    EXPECT_EQ(parser.position(), archive.size() - input.size());
  }
  EXPECT_EQ(names, "a long d l ");
}

}  // namespace
}  // namespace veneer
