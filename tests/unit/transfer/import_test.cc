// SPDX-License-Identifier: Apache-2.0
//
// Imports of archives that real programs made, and the same archives written again.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <clocale>
#include <thread>

#include "layerdb/tar/pax.h"
#include "tests/unit/transfer/transfer_testing.h"

namespace veneer {
namespace {

using std::string_literals::operator""s;

// A directory with a bit of everything that an ordinary user can make.
// clang-format off
constexpr const char* kMakeTree = R"sh(
mkdir -p t/dir/sub t/empty
echo hello > t/small
head -c 300000 /dev/urandom > t/large
head -c 5000 /dev/zero > t/zeros
head -c 3000000 /dev/urandom > t/huge
: > t/none
ln -s ../target t/symlink
ln -s "$(printf 'l%.0s' $(seq 150))" t/longlink
ln t/small t/dir/hard
ln t/large t/dir/hardlarge
mkfifo t/fifo
chmod 4755 t/small
chmod 000 t/none
chmod 1777 t/empty
n=$(printf 'n%.0s' $(seq 255))
echo long > "t/$n"
printf 'x' > "t/$(printf 'latin\344')"
printf 'y' > "t/$(printf 'new\nline')"
echo utf8 > "t/über"
p=t/deep
for i in 1 2 3 4 5; do p=$p/$(printf 'd%.0s' $(seq 90)); done
mkdir -p "$p"
echo deep > "$p/file"
touch -d '1969-12-31 23:59:58.5 UTC' t/old
touch -d '2200-01-01 00:00:00.123456789 UTC' t/future
truncate -s 4M t/sparse
printf data | dd of=t/sparse bs=1 seek=2000000 conv=notrunc 2>/dev/null
)sh";
// clang-format on

class FormatTest : public TransferTest, public testing::WithParamInterface<const char*> {};

TEST_P(FormatTest, RoundTripsAndKeepsEverything) {
  Shell(kMakeTree);
  // Formats without room for all of it leave some out; that is between tar and the format.
  Shell(std::string(GetParam()) + " || [ $? -lt 3 ]");
  const Digest diff_id = RoundTrip("a.tar");
  auto dump = Dump(diff_id);
  const bool v7 = std::string_view(GetParam()).find("v7") != std::string_view::npos;
  const std::string self = std::to_string(::getuid()) + ":" + std::to_string(::getgid());
  EXPECT_EQ(dump["/t/small"].substr(0, 10), "file 4755 ");
  EXPECT_NE(dump["/t/small"].find(" 6 \"hello\n\" 2 links, /t/small"), std::string::npos)
      << dump["/t/small"];
  EXPECT_NE(dump["/t/small"].find(" " + self + " "), std::string::npos);
  EXPECT_EQ(dump["/t/none"].substr(0, 7), "file 0 ");
  EXPECT_NE(dump["/t/symlink"].find("-> ../target"), std::string::npos);
  EXPECT_EQ(dump["/t/empty"].substr(0, 9), "dir 1777 ");
  EXPECT_NE(dump["/t/huge"].find(" 3000000 "), std::string::npos);
  EXPECT_EQ(dump["/t/fifo"].substr(0, 5), v7 ? "" : "fifo ");
  EXPECT_NE(dump["/t/latin\xe4"].find("\"x\""), std::string::npos);
  EXPECT_NE(dump["/t/new\nline"].find("\"y\""), std::string::npos);
  EXPECT_NE(dump["/t/sparse"].find(" 4194304 "), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(
    Writers, FormatTest,
    testing::Values("tar --format=v7 -cf a.tar t", "tar --format=oldgnu -cf a.tar t",
                    "tar --format=gnu -cf a.tar t", "tar --format=gnu -b1 -cf a.tar ./t",
                    "tar --format=ustar -cf a.tar t", "tar --format=pax -cf a.tar t",
                    "tar --format=pax --numeric-owner --sort=name -cf a.tar t",
                    "tar -S --format=oldgnu -cf a.tar t", "tar -S --format=gnu -cf a.tar t",
                    "tar -S --format=pax --sparse-version=0.0 -cf a.tar t",
                    "tar -S --format=pax --sparse-version=0.1 -cf a.tar t",
                    "tar -S --format=pax --sparse-version=1.0 -cf a.tar t",
                    "bsdtar --format=pax -cf a.tar t", "bsdtar --format=gnutar -cf a.tar t",
                    "bsdtar --format=ustar -cf a.tar t",
                    "python3 -c 'import tarfile; t=tarfile.open(\"a.tar\",\"w\","
                    "format=tarfile.PAX_FORMAT); t.add(\"t\"); t.close()'",
                    "python3 -c 'import tarfile; t=tarfile.open(\"a.tar\",\"w\","
                    "format=tarfile.GNU_FORMAT); t.add(\"t\"); t.close()'"));

TEST_F(TransferTest, LongNamesAndTimesSurviveWhereTheFormatHasThem) {
  Shell(kMakeTree);
  for (const char* format : {"tar --format=pax", "bsdtar --format=pax"}) {
    Shell(std::string(format) + " -cf a.tar t");
    auto dump = Dump(RoundTrip("a.tar"));
    EXPECT_NE(dump["/t/" + std::string(255, 'n')].find("\"long\n\""), std::string::npos);
    // libarchive writes times before 1970 half a second and more wrong.
    if (format[0] == 't') {
      EXPECT_NE(dump["/t/old"].find(" -2.500000000"), std::string::npos) << dump["/t/old"];
    }
    EXPECT_NE(dump["/t/future"].find(" 7258118400.123456789"), std::string::npos);
    std::string deep = "/t/deep";
    for (int i = 0; i < 5; ++i) deep += "/" + std::string(90, 'd');
    EXPECT_NE(dump[deep + "/file"].find("\"deep\n\""), std::string::npos);
    EXPECT_NE(dump["/t/longlink"].find("-> " + std::string(150, 'l')), std::string::npos);
    EXPECT_EQ(dump.count("/t/über"), 1U);
  }
}

TEST_F(TransferTest, TheLocaleDoesNotMatter) {
  Shell("mkdir t; touch \"t/über\" \"t/$(printf 'latin\\344')\"; tar --format=pax -cf a.tar t");
  ASSERT_NE(std::setlocale(LC_ALL, "C.UTF-8"), nullptr);
  const std::string in_utf8 = DumpText(RoundTrip("a.tar"));
  ASSERT_NE(std::setlocale(LC_ALL, "C"), nullptr);
  EXPECT_EQ(DumpText(RoundTrip("a.tar")), in_utf8);
  EXPECT_NE(in_utf8.find("/t/latin\xe4 "), std::string::npos);
}

TEST_F(TransferTest, EveryCompressionIsToldByItsContents) {
  Shell(kMakeTree);
  Shell("rm t/huge t/sparse");
  Shell(
      "tar -cf a.tar t; gzip -k a.tar; bzip2 -k a.tar; xz -k a.tar; zstd -q -k a.tar;"
      "lz4 -q a.tar a.tar.lz4; xz --format=lzma -k a.tar; bsdtar -caf a.tar.lz @a.tar;"
      "cat a.tar.gz > multi; split -n 3 a.tar part.; gzip part.*; cat part.*.gz > members;"
      "zstd -q -c part.aa.gz >/dev/null; cp a.tar.gz misnamed.zip; (cat a.tar.gz; head -c 512 "
      "/dev/zero) > padded");
  const Digest want = Import("a.tar").diff_id;
  for (const char* name : {"a.tar.gz", "a.tar.bz2", "a.tar.xz", "a.tar.zst", "a.tar.lz4",
                           "a.tar.lzma", "members", "misnamed.zip", "padded"}) {
    const ImportedLayer layer = Import(name);
    EXPECT_EQ(layer.diff_id, want) << name;
    EXPECT_TRUE(layer.existed) << name;
  }
}

TEST_F(TransferTest, DamagedCompressionIsAnError) {
  Shell(
      "mkdir t; head -c 200000 /dev/urandom > t/f; yes text | head -c 200000 > t/g; tar -cf a.tar "
      "t;"
      "gzip -k a.tar; bzip2 -k a.tar; xz -k a.tar; zstd -q -k a.tar; lz4 -q a.tar a.tar.lz4");
  for (const std::string ending : {"gz", "bz2", "xz", "zst", "lz4"}) {
    const std::string good = Read("a.tar." + ending);
    Write("cut", good.substr(0, good.size() / 2));
    EXPECT_NE(ImportError("cut"), "") << ending;
    std::string bad = good;
    // In the stored random bytes, where nothing but a checksum can notice.
    bad[good.size() / 4] = static_cast<char>(bad[good.size() / 4] ^ 1);
    Write("flipped", bad);
    EXPECT_NE(ImportError("flipped"), "") << ending;
  }
}

TEST_F(TransferTest, ExtendedAttributesAndAclsSurvive) {
  // Written by hand, so that no privilege is needed: what GNU tar --xattrs --acls and bsdtar write.
  const std::string archive =
      TarPax(PaxRecord("SCHILY.xattr.security.capability", "\1\0\0\2\0\4\0\0"s) +
             PaxRecord("SCHILY.xattr.user.nul", "a\0b"s) +
             PaxRecord("SCHILY.xattr.trusted.overlay.opaque", "y")) +
      TarFile("cap", "x") + TarPax(PaxRecord("LIBARCHIVE.xattr.user.b64", "aGk")) +
      TarFile("b64", "x") +
      TarPax(PaxRecord("SCHILY.acl.access",
                       "user::rwx,user:1000:r-x,group::r-x,mask::r-x,other::r--") +
             PaxRecord("SCHILY.acl.default",
                       "user::rwx,group::r-x,group:5:rwx,mask::rwx,other::---")) +
      TarDir("acl") +
      TarPax(PaxRecord("SCHILY.acl.access",
                       "user::rw-,user:lisa:r--,group::r--,mask::r--,other::r--")) +
      TarFile("named", "x") + TarPax(PaxRecord("uname", "lisa") + PaxRecord("uid", "4711")) +
      TarFile("hers", "x") + TarEnd();
  Write("x.tar", archive);
  auto dump = Dump(RoundTrip("x.tar"));
  EXPECT_NE(dump["/cap"].find(" security.capability=0100000200040000 "), std::string::npos);
  EXPECT_NE(dump["/cap"].find(" trusted.overlay.opaque=79 "), std::string::npos) << "data, no mark";
  EXPECT_NE(dump["/cap"].find(" user.nul=610062"), std::string::npos);
  EXPECT_NE(dump["/b64"].find(" user.b64=6869"), std::string::npos);
  EXPECT_NE(dump["/acl"].find(" system.posix_acl_access=02000000"
                              "01000700ffffffff"
                              "02000500e8030000"
                              "04000500ffffffff"
                              "10000500ffffffff"
                              "20000400ffffffff"),
            std::string::npos)
      << dump["/acl"];
  EXPECT_NE(dump["/acl"].find(" system.posix_acl_default="), std::string::npos);
  EXPECT_NE(dump["/named"].find("0200040067120000"), std::string::npos)
      << "a name is looked up among the archive's owners, also those that come later: "
      << dump["/named"];
}

TEST_F(TransferTest, DevicesAndLargeNumbersSurvive) {
  std::string device = TarHeader('3', "dev/null");
  std::string big =
      TarPax(PaxRecord("SCHILY.devmajor", "4294967295") + PaxRecord("SCHILY.devminor", "16777216") +
             PaxRecord("uid", "4294967294") + PaxRecord("mtime", "1000000000000.000000001")) +
      TarHeader('4', "dev/big");
  auto dump = Dump(ImportBytes(device + big + TarEnd()).diff_id);
  EXPECT_EQ(dump["/dev/null"], "char 644 0:0 0.0 0,0");
  EXPECT_EQ(dump["/dev/big"], "block 644 4294967294:0 1000000000000.1 4294967295,16777216");
}

TEST_F(TransferTest, PathsBeyondPathMaxAreKept) {
  std::string path;
  for (int i = 0; i < 40; ++i) path += std::string(250, static_cast<char>('a' + i % 26)) + "/";
  Write("long.tar",
        TarPax(PaxRecord("path", path + "file")) + TarFile("short", "far away") + TarEnd());
  auto dump = Dump(RoundTrip("long.tar"));
  EXPECT_NE(dump["/" + path + "file"].find("far away"), std::string::npos);
}

TEST_F(TransferTest, AFileOfTenGigabytesOfHolesTakesNoSpace) {
  Shell(
      "mkdir t; truncate -s 10G t/f; printf end | dd of=t/f bs=1 seek=10737418237 conv=notrunc "
      "2>/dev/null;"
      "tar -S --format=pax -cf a.tar t");
  const Digest diff_id = RoundTrip("a.tar");
  EXPECT_NE(Dump(diff_id)["/t/f"].find(" 10737418240 "), std::string::npos);
  EXPECT_LT(std::stol(Shell("du -s --block-size=1M store | cut -f1")), 5);
}

TEST_F(TransferTest, LayersOfDockersKindAreRead) {
  Write("layer.tar",
        TarDir("etc/") + TarFile("etc/.wh.passwd", "") + TarFile("var/.wh..wh..opq", "") +
            TarFile("var/lib/x", "x") + TarFile(".wh.srv", "") + TarFile("srv/new", "n") +
            TarFile(".wh..wh.plnk", "") + TarFile(".wh..wh.aufs", "ignored") + TarEnd());
  EXPECT_EQ(DumpText(RoundTrip("layer.tar")),
            "/ dir 755 0:0 0.0 implied\n"
            "/etc dir 755 0:0 0.0\n"
            "/etc/passwd whiteout\n"
            "/srv dir 755 0:0 0.0 opaque\n"
            "/srv/new file 644 0:0 0.0 1 \"n\"\n"
            "/var dir 755 0:0 0.0 opaque implied\n"
            "/var/lib dir 755 0:0 0.0 implied\n"
            "/var/lib/x file 644 0:0 0.0 1 \"x\"\n");
}

TEST_F(TransferTest, ContentsThatALaterEntryReplacedAreStillInTheArchive) {
  const std::string large(100000, 'L');
  const std::string huge(3000000, 'H');
  Write("dup.tar", TarFile("a", "small") + TarFile("b", large) + TarFile("c", huge) +
                       TarHardLink("keep", "a") + TarFile("a", "second") +
                       TarFile("b", "now small") + TarFile("c/d", "a directory now") + TarEnd());
  auto dump = Dump(RoundTrip("dup.tar"));
  EXPECT_NE(dump["/a"].find("\"second\""), std::string::npos);
  EXPECT_NE(dump["/keep"].find("\"small\""), std::string::npos);
  EXPECT_NE(dump["/b"].find("\"now small\""), std::string::npos);
  EXPECT_EQ(dump["/c"].substr(0, 4), "dir ");
}

TEST_F(TransferTest, EndMarksAndWhatFollowsThemBelongToTheDigest) {
  const std::string body = TarFile("a", "A");
  for (const std::string& tail :
       {""s, std::string(512, '\0'), TarEnd(), TarEnd() + std::string(9216, '\0'),
        TarEnd() + "garbage", TarEnd() + TarFile("not", "read")}) {
    Write("tail.tar", body + tail);
    auto dump = Dump(RoundTrip("tail.tar"));
    EXPECT_EQ(dump.size(), 2U);
  }
  Write("empty.tar", std::string(1024, '\0'));
  EXPECT_EQ(Dump(RoundTrip("empty.tar")).size(), 1U);
}

TEST_F(TransferTest, ASecondImportIsTheSameLayerAndSharedContentsAreStoredOnce) {
  Shell("mkdir t; for i in $(seq 20); do head -c 20000 /dev/urandom > t/$i; done; tar -cf a.tar t");
  EXPECT_FALSE(Import("a.tar").existed);
  EXPECT_EQ(CountObjects(), 20U);
  EXPECT_TRUE(Import("a.tar").existed);
  Shell("mkdir u; cp t/* u; cp t/1 u/again; head -c 20000 /dev/urandom > u/20; tar -cf b.tar u");
  EXPECT_FALSE(Import("b.tar").existed);
  EXPECT_EQ(CountObjects(), 21U);
}

TEST_F(TransferTest, StandardInputAndPipesAreRead) {
  Shell(
      "mkdir t; head -c 100000 /dev/urandom > t/f; tar -czf a.tgz t; gzip -dc a.tgz > a.tar; "
      "mkfifo pipe");
  std::thread writer([&] { Shell("cat a.tgz > pipe"); });
  EXPECT_EQ(Import("pipe").diff_id, Digest::OfBytes(Read("a.tar")));
  writer.join();
}

TEST_F(TransferTest, ProgressIsToldUpToTheEnd) {
  Shell("mkdir t; head -c 5000000 /dev/urandom > t/f; tar -cf a.tar t");
  uint64_t last = 0;
  uint64_t total = 0;
  ImportOptions options;
  options.progress = [&](uint64_t done, uint64_t of) {
    EXPECT_GE(done, last);
    last = done;
    total = of;
  };
  const ImportedLayer layer = Import("a.tar", options);
  EXPECT_EQ(last, layer.tar_bytes);
  EXPECT_EQ(total, layer.tar_bytes);
}

TEST_F(TransferTest, CancelAndAWrongDigestLeaveNothing) {
  Shell("mkdir t; head -c 3000000 /dev/urandom > t/f; tar -cf a.tar t");
  Cancellation cancel;
  cancel.Request();
  ImportOptions options;
  options.cancel = &cancel;
  EXPECT_EQ(ImportError("a.tar", options), "interrupted");
  options.cancel = nullptr;
  options.expected_diff_id = Digest::OfBytes("something else");
  EXPECT_NE(ImportError("a.tar", options).find("its contents have digest"), std::string::npos);
  options.expected_diff_id = Digest::OfBytes(Read("a.tar"));
  EXPECT_FALSE(Import("a.tar", options).existed);
  // The layer is known to be there: nothing has to be read.
  EXPECT_TRUE(Import("a.tar", options).existed);
}

TEST_F(TransferTest, CancelEndsTheWaitForAPipeInWhateverThread) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const Fd reader(ends[0]);
  const Fd writer(ends[1]);
  for (const std::string& sent : {std::string(), TarFile("f", std::string(5000, 'f'))}) {
    ASSERT_EQ(::write(writer.get(), sent.data(), sent.size()), static_cast<ssize_t>(sent.size()));
    Cancellation cancel;
    ImportOptions options;
    options.cancel = &cancel;
    const std::jthread later([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      cancel.Request();
    });
    const auto session = store().Begin();
    const auto made =
        ImportLayerFrom(store(), **session, reader.get(), "the pipe", std::nullopt, options);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code(), ECANCELED) << made.error().message();
  }
  EXPECT_EQ(CountLayers(), 0U);
}

TEST_F(TransferTest, ADirectoryIsImportedAsAnArchiveOfItWouldBe) {
  Shell(kMakeTree);
  Shell("python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind(\"t/sock\")'");
  const ImportedLayer layer = Import("t");
  EXPECT_EQ(Digest::OfBytes(LayerTar(layer.diff_id)), layer.diff_id);
  EXPECT_EQ(Import("t").diff_id, layer.diff_id);
  auto dump = Dump(layer.diff_id);
  EXPECT_EQ(dump["/sock"].substr(0, 5), "sock ");
  EXPECT_NE(dump["/small"].find("2 links, /small"), std::string::npos);
  EXPECT_NE(dump["/old"].find(" -2.500000000"), std::string::npos);
  EXPECT_NE(dump["/sparse"].find(" 4194304 "), std::string::npos);
  // Other readers see the same tree in the archive.
  Write("again.tar", LayerTar(layer.diff_id));
  for (const char* reader : {"tar", "bsdtar"}) {
    Shell("rm -rf x; mkdir x; " + std::string(reader) +
          " -C x -xpf again.tar; rm -f t/sock;"
          "diff -r --no-dereference <(cd t; find . -printf '%P %y %m %s %T@ %n %l\\n' | sort)"
          " <(cd x; find . -printf '%P %y %m %s %T@ %n %l\\n' | sort) | grep -v '^[0-9,acd]*$' |"
          " grep -vE ' d | old f| deep' || true");
    EXPECT_EQ(Shell("cd t; find . -type f -readable -exec sha256sum {} + | sort"),
              Shell("cd x; find . -type f -readable -exec sha256sum {} + | sort"))
        << reader;
  }
  // The archive of the archive's layer is the same one, so an import of either is one layer.
  EXPECT_EQ(Import("again.tar").diff_id, layer.diff_id);
}

TEST_F(TransferTest, EveryNameOfAFileHasItsAttributes) {
  Shell("mkdir t; cd t; echo x >f; setfattr -n user.a -v b f; ln f g; touch -d @0 f .");
  Write("x.tar", LayerTar(Import("t").diff_id));
  EXPECT_EQ(Records("x.tar"), ".\nf SCHILY.xattr.user.a\ng SCHILY.xattr.user.a\n");
}

TEST_F(TransferTest, ADirectoryWithAnEpochDoesNotDependOnTimes) {
  Shell("mkdir -p t/d; echo x > t/d/f");
  ImportOptions options;
  options.source_date_epoch = 1000000;
  const Digest first = Import("t", options).diff_id;
  Shell("sleep 0.02; touch t/d/f t/d t");
  EXPECT_EQ(Import("t", options).diff_id, first);
  EXPECT_NE(Import("t").diff_id, first);
}

TEST_F(TransferTest, ADeepDirectoryNeedsFewDescriptors) {
  // Deeper than the descriptors that are kept open on the way down.
  Shell(
      "python3 - <<'END'\nimport os\nos.mkdir('t'); os.chdir('t')\nfor i in range(300):\n"
      "    open('f%d' % i, 'w').write('x'); os.mkdir('dddddddddddddddddddd'); "
      "os.chdir('dddddddddddddddddddd')\nEND");
  const ImportedLayer layer = Import("t");
  EXPECT_EQ(layer.summary.entries, 601U);
}

TEST_F(TransferTest, WhatIsNotThereOrNoArchiveIsSaidInOneLine) {
  Write("text", std::string(5000, 't'));
  EXPECT_EQ(ImportError("text"), "not a tar archive, or compressed in a way not known here");
  Write("nothing", "");
  EXPECT_NE(ImportError("nothing").find("empty"), std::string::npos);
  const auto session = store().Begin();
  const Result<ImportedLayer> missing = ImportLayer(store(), **session, Path("missing"), {});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().exit(), ExitCode::kNotFound);
}

}  // namespace
}  // namespace veneer
