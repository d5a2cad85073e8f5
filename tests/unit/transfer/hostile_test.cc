// SPDX-License-Identifier: Apache-2.0
//
// Archives made to get out of the tree, to be read in two ways, or to exhaust the machine; damage;
// death in the middle; a full disk. In every case: nothing outside is touched, one clear line, and
// the store goes on.
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <random>
#include <thread>

#include "layerdb/catalog/images.h"
#include "layerdb/store/fsck.h"
#include "layerdb/store/prune.h"
#include "layerdb/store/tar_split_check.h"
#include "layerdb/tar/pax.h"
#include "layerdb/transfer/layer_tar.h"
#include "tests/unit/transfer/transfer_testing.h"

namespace veneer {
namespace {

using std::string_literals::operator""s;

class HostileTest : public TransferTest {
 protected:
  HostileTest() {
    Shell("mkdir outside; echo secret > outside/victim; chmod 640 outside/victim");
    before_ = Outside();
  }
  ~HostileTest() override {
    EXPECT_EQ(Outside(), before_) << "something outside of the store was touched";
  }

  std::string Outside() {
    return Shell(
        "find outside . -maxdepth 1 -path ./store -prune -o -newer outside/victim "
        "-name 'outside*' -print; find outside -printf '%p %m %s %T@ %n %l\\n'; cat outside/*");
  }
  // The path of the victim as an archive would name it.
  std::string Victim() { return Path("outside/victim"); }
  std::string Tree(const std::string& archive) {
    return DumpText(ImportBytes(archive + TarEnd()).diff_id);
  }

 private:
  std::string before_;
};

TEST_F(HostileTest, NothingReplacesTheRoot) {
  for (const char* name : {".", "/", "./", "a/..", "/.", "./.", "../.."}) {
    EXPECT_NE(ImportBytesError(TarLink(name, Path("outside")) + TarFile("victim", "x") + TarEnd())
                  .find("can only be a directory"),
              std::string::npos)
        << name;
    EXPECT_NE(ImportBytesError(TarHeader('0', "x", 0) + TarHardLink(name, "x") + TarEnd()), "");
    EXPECT_NE(ImportBytesError(TarHeader('3', name) + TarEnd()), "");
  }
}

TEST_F(HostileTest, NamesAndSymlinksStayInside) {
  const std::string out = Path("outside");
  const std::string tree =
      Tree(TarFile("../../../../" + out + "/victim", "1") + TarFile(out + "/victim", "2") +
           TarLink("abs", out) + TarFile("abs/victim", "3") +
           TarLink("up", "../../../../../../../.." + out) + TarFile("up/victim", "4") +
           TarLink("chain", "abs") + TarFile("chain/victim", "5") +
           // A parent that was looked up, then replaced.
           TarFile("d/x", "6") + TarLink("d", out) + TarFile("d/victim", "7"));
  EXPECT_NE(tree.find(out + "/victim file 644 0:0 0.0 1 \"7\""), std::string::npos) << tree;
}

TEST_F(HostileTest, WhiteoutsStayInside) {
  const std::string out = Path("outside");
  const std::string tree =
      Tree(TarLink("x", out) + TarFile("x/.wh.victim", "") + TarFile("x/.wh..wh..opq", ""));
  EXPECT_EQ(tree.find("whiteout"), std::string::npos)
      << "inside an opaque directory there is nothing to delete";
  for (const char* name : {".wh...", ".wh..", ".wh.", "a/.wh...", "a/.wh..", "a/.wh."}) {
    const std::string error = ImportBytesError(TarFile(name, "") + TarEnd());
    EXPECT_NE(error.find("whiteout"), std::string::npos) << name << ": " << error;
  }
}

TEST_F(HostileTest, HardLinksAreToFilesOfTheArchiveOnly) {
  for (const std::string& target :
       {Victim(), "../../../../../.." + Victim(), "etc/shadow"s, "/etc/shadow"s, ""s, "."s}) {
    EXPECT_NE(ImportBytesError(TarHardLink("l", target) + TarEnd()).find("hard link"),
              std::string::npos)
        << target;
  }
  // Through a symlink that leads outside.
  EXPECT_NE(
      ImportBytesError(TarLink("x", Path("outside")) + TarHardLink("l", "x/victim") + TarEnd()),
      "");
  // With data (CVE: it was written through the link), and to a symlink, which is not followed.
  const std::string records = PaxRecord("size", "5");
  const std::string tree = Tree(TarFile("a", "12345") + TarPax(records) + TarHardLink("l", "a") +
                                TarPad("XXXXX") + TarLink("s", Victim()) + TarHardLink("t", "s"));
  EXPECT_NE(tree.find("/a file 644 0:0 0.0 5 \"12345\" 2 links"), std::string::npos) << tree;
  EXPECT_NE(tree.find("/t link 777 0:0 0.0 -> " + Victim()), std::string::npos) << tree;
}

TEST_F(HostileTest, AttributesFollowNoSymlink) {
  // A directory with a mode, replaced by a symlink, and more entries for the same name.
  std::string mode = TarHeader('5', "d");
  const std::string tree =
      Tree(mode + TarLink("d", Path("outside")) +
           TarPax(PaxRecord("mtime", "5") +
                  PaxRecord("SCHILY.acl.access", "user::rwx,group::rwx,other::rwx")) +
           TarLink("d", Path("outside")));
  EXPECT_NE(tree.find("/d link 777 0:0 5.0 -> " + Path("outside")), std::string::npos);
}

TEST_F(HostileTest, LoopsOfSymlinksEnd) {
  EXPECT_NE(ImportBytesError(TarLink("a", "b") + TarLink("b", "a") + TarFile("a/x", "") + TarEnd())
                .find("symbolic links"),
            std::string::npos);
}

TEST_F(HostileTest, NamesThatCannotBe) {
  EXPECT_NE(ImportBytesError(TarPax(PaxRecord("path", std::string(256, 'n'))) + TarFile("x", "") +
                             TarEnd())
                .find("too long"),
            std::string::npos);
  EXPECT_NE(ImportBytesError(TarPax(PaxRecord("path", "a\0b"s)) + TarFile("x", "") + TarEnd()), "");
  EXPECT_NE(ImportBytesError(TarHeader('0', "") + TarEnd()), "");
  EXPECT_NE(ImportBytesError(TarLink("l", "") + TarEnd()), "");
  // What a line says of a name spoils no terminal.
  EXPECT_EQ(ImportBytesError(TarLink("a\x1b[2J\nb", "") + TarEnd()).find('\x1b'),
            std::string::npos);
}

// A file that had them could never be changed in a container: its copy-up would fail.
TEST_F(HostileTest, AttributesThatNoFileCanHaveAreRefusedByName) {
  for (const auto& [name, value] :
       std::vector<std::pair<std::string, std::string>>{{"user." + std::string(251, 'n'), "v"},
                                                        {"user.big", std::string(65537, 'v')},
                                                        {"nospace", "v"},
                                                        {"user.", "v"},
                                                        {"user.a\0b"s, "v"},
                                                        {"system.posix_acl_access", "rubbish"}}) {
    const std::string error = ImportBytesError(TarPax(PaxRecord("SCHILY.xattr." + name, value)) +
                                               TarFile("bad", "x") + TarEnd());
    EXPECT_NE(error.find("entry \"bad\": extended attribute \"" + name.substr(0, 5)),
              std::string::npos)
        << error;
    EXPECT_EQ(error.find('\0'), std::string::npos);
  }
  // What a Mac writes is kept; a kernel that does not know it leaves it out.
  const std::string good =
      Tree(TarPax(PaxRecord("SCHILY.xattr.com.apple.provenance", "x")) + TarFile("good", "x"));
  EXPECT_NE(good.find("com.apple.provenance"), std::string::npos) << good;
}

TEST_F(HostileTest, ThePaxSizeHidesNoEntry) {
  const std::string inner = TarFile("smuggled", "s");
  const std::string tree = Tree(TarPax(PaxRecord("size", std::to_string(inner.size()))) +
                                TarHeader('0', "outer", 0) + inner + TarFile("next", "n"));
  EXPECT_EQ(tree.find("/smuggled"), std::string::npos);
  EXPECT_NE(tree.find("/next"), std::string::npos);
  // GNU tar and libarchive agree.
  EXPECT_EQ(Shell("tar -tf bytes.tar; bsdtar -tf bytes.tar"), "outer\nnext\nouter\nnext\n");
}

TEST_F(HostileTest, BombsEndWithAnErrorOrTakeNoSpace) {
  // A sparse file of 4 EiB in a kilobyte: holes cost nothing, and what the file system cannot hold
  // is an error.
  Write("sparse.tar", TarPax(PaxRecord("GNU.sparse.size", "4611686018427387904") +
                             PaxRecord("GNU.sparse.map", "0,1")) +
                          TarFile("s", "x") + TarEnd());
  const std::string error = ImportError("sparse.tar");
  EXPECT_NE(error.find("\"s\""), std::string::npos) << error;
  // Too many entries.
  std::string many;
  for (int i = 0; i < 2000; ++i) many += TarFile("f" + std::to_string(i), "");
  Write("many.tar", many + TarEnd());
  ImportOptions options;
  options.max_entries = 1000;
  EXPECT_NE(ImportError("many.tar", options).find("more than 1000 entries"), std::string::npos);
  // Directories in directories without end.
  std::string deep;
  for (int i = 0; i < 9000; ++i) deep += "d/";
  EXPECT_NE(
      ImportBytesError(TarPax(PaxRecord("path", deep)) + TarDir("x") + TarEnd()).find("deeper"),
      std::string::npos);
  // A header of many megabytes.
  EXPECT_NE(ImportBytesError(TarHeader('x', "pax", uint64_t{1} << 30) + std::string(4096, 'x'))
                .find("too large"),
            std::string::npos);
  EXPECT_LT(std::stol(Shell("du -s --block-size=1M store | cut -f1")), 3);
}

TEST_F(HostileTest, TimeIsLinearInTheArchive) {
  // Entries that alternate between deep directories, each of which is replaced over and over.
  std::string archive;
  std::string deep(4000, 'd');
  for (size_t i = 1; i < deep.size(); i += 2) deep[i] = '/';
  for (int i = 0; i < 300; ++i) {
    archive += TarPax(PaxRecord("path", "a/" + deep + "/f" + std::to_string(i))) + TarFile("x", "");
    archive += TarPax(PaxRecord("path", "b/" + deep + "/f")) + TarFile("x", "");
    if (i % 10 == 9) archive += TarFile("a", "");
  }
  const auto start = std::chrono::steady_clock::now();
  ImportBytes(archive + TarEnd());
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
}

TEST_F(HostileTest, DamagedArchivesAreAnErrorOrALayerAndTheStoreStaysWhole) {
  Shell(
      "mkdir -p t/d; head -c 5000 /dev/urandom > t/d/f; echo x > t/small; ln t/small t/link; ln -s "
      "d t/s;"
      "truncate -s 2M t/hole; tar -S --format=pax --xattrs -b1 -cf good.tar t; gzip -k good.tar; "
      "zstd -q good.tar");
  const Digest good = RoundTrip("good.tar");
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  size_t errors = 0;
  for (const char* name : {"good.tar", "good.tar.gz", "good.tar.zst"}) {
    const std::string bytes = Read(name);
    for (int round = 0; round < 60; ++round) {
      std::string bad = bytes;
      if (random() % 3 == 0) bad.resize(random() % bad.size());
      for (unsigned i = 0, n = random() % 4; i < n && !bad.empty(); ++i) {
        bad[random() % bad.size()] = static_cast<char>(random());
      }
      Write("bad", bad);
      const auto session = store().Begin();
      ASSERT_TRUE(session);
      const Result<ImportedLayer> imported = ImportLayer(store(), **session, Path("bad"), {});
      if (imported) {
        const Result<void> verified = VerifyLayer(store(), imported->diff_id);
        EXPECT_TRUE(verified) << verified.error().message();
      } else {
        ++errors;
        EXPECT_EQ(imported.error().message().find('\n'), std::string::npos);
      }
    }
  }
  EXPECT_GT(errors, 20U);
  EXPECT_TRUE(VerifyLayer(store(), good));
}

TEST_F(HostileTest, AFailedImportLeavesTheStoreAsItWas) {
  Shell(
      "mkdir t; for i in $(seq 100); do head -c 20000 /dev/urandom > t/$i; head -c 2000 t/$i > "
      "t/s$i; done; "
      "head -c 3000000 /dev/urandom > t/large; tar --sort=name -cf good.tar t; "
      "head -c 4900000 good.tar > cut.tar");
  const auto files = [&] { return Shell("find store | sort"); };
  EXPECT_TRUE(store().Begin());  // makes the lock file
  const std::string before = files();
  EXPECT_NE(ImportError("cut.tar"), "");
  EXPECT_EQ(files(), before);
  EXPECT_NE(ImportBytesError(TarFile("a", std::string(5000, 'a')) + TarLink("l", "") + TarEnd()),
            "");
  EXPECT_EQ(files(), before);
  ImportOptions options;
  options.expected_diff_id = Digest::OfBytes("another");
  EXPECT_NE(ImportError("good.tar", options), "");
  EXPECT_EQ(files(), before);

  // What a layer has stays, wherever it is found again.
  Shell("mkdir u; cp t/1 t/2 u; tar -cf u.tar u");
  const Digest shared = RoundTrip("u.tar");
  const std::string with_layer = files();
  EXPECT_NE(ImportError("cut.tar"), "");
  EXPECT_EQ(files(), with_layer);
  EXPECT_TRUE(VerifyLayer(store(), shared));

  // Another session may have found them.
  {
    const auto session = store().Begin();
    ASSERT_TRUE(session);
    EXPECT_NE(ImportError("cut.tar"), "");
    // How many were written when the end was met is a matter of the threads.
    EXPECT_GT(CountObjects(), 2U);
  }
  const auto pruned = Prune(store(), {});
  ASSERT_TRUE(pruned);
  EXPECT_GT(pruned->objects, 0U);
}

// Where it lies, so that mounts which look there go on and other layers have their part back.
TEST_F(HostileTest, ADamagedPackOfSmallContentsIsHealedByTheSameImportAgain) {
  Shell("mkdir t; for i in $(seq 20); do head -c 3000 /dev/urandom > t/$i; done; tar -cf a.tar t");
  const Digest diff_id = RoundTrip("a.tar");
  ASSERT_EQ(CountObjects(), 1U);
  const std::string pack = Shell("find store/objects -type f | tr -d '\\n'");
  const std::string good = Read(pack);
  const std::string index = Shell("stat -c %i store/layers/*/index");
  for (const char* damage : {"printf XXXXXXXX | dd of=$f bs=1 seek=31000 conv=notrunc",
                             "truncate -s 40000 $f", "rm $f"}) {
    Shell("f=" + pack + "; chmod u+w $f; { " + damage + "; } 2>&1");
    EXPECT_FALSE(VerifyLayer(store(), diff_id)) << damage;
    EXPECT_TRUE(Import("a.tar").existed);
    const Result<void> verified = VerifyLayer(store(), diff_id);
    EXPECT_TRUE(verified) << damage << ": " << verified.error().message();
    EXPECT_TRUE(Read(pack) == good) << damage;
    EXPECT_EQ(Shell("stat -c %i store/layers/*/index"), index) << damage;
  }
}

TEST_F(HostileTest, ADamagedTarSplitOrObjectIsNamed) {
  Shell("mkdir t; head -c 500000 /dev/urandom > t/f; echo small > t/s; tar -cf a.tar t");
  const Digest diff_id = RoundTrip("a.tar");
  const std::string recipe = "store/layers/" + diff_id.hex() + "/recipe";
  Shell("chmod -R u+w store");
  const std::string good = Read(recipe);
  for (size_t at = 0; at < good.size(); at += 1 + good.size() / 60) {
    for (const bool cut : {false, true}) {
      std::string bad = cut ? good.substr(0, at) : good;
      if (!cut) bad[at] = static_cast<char>(bad[at] ^ 0x20);
      Write(recipe, bad);
      const Result<void> verified = VerifyLayer(store(), diff_id);
      // Some bits are not used (those that fill up a compressed block).
      if (verified) continue;
      EXPECT_EQ(verified.error().reason(), Reason::kDamaged) << verified.error().message();
    }
  }
  Write(recipe, good);
  EXPECT_TRUE(VerifyLayer(store(), diff_id));
  Shell(
      "f=$(find store/objects -type f); printf X | dd of=$f bs=1 seek=1000 conv=notrunc "
      "2>/dev/null");
  const Result<void> changed = VerifyLayer(store(), diff_id);
  ASSERT_FALSE(changed);
  EXPECT_NE(changed.error().message().find(diff_id.ToString()), std::string::npos);
  Shell("f=$(find store/objects -type f); truncate -s 1000 $f");
  const Result<void> cut = VerifyLayer(store(), diff_id);
  ASSERT_FALSE(cut);
  EXPECT_NE(cut.error().message().find("store/objects/"), std::string::npos)
      << cut.error().message();
}

// Whichever byte is damaged, and wherever it is cut.
TEST_F(HostileTest, ATarSplitThatCannotBeReadComesBackWithTheNextLoad) {
  Shell("mkdir t; head -c 5000 /dev/urandom > t/f; tar -cf a.tar t");
  const Digest diff_id = RoundTrip("a.tar");
  const std::string recipe = "store/layers/" + diff_id.hex() + "/recipe";
  ImportOptions options;
  options.expected_diff_id = diff_id;
  for (const std::string damage :
       {"rm r; mkdir r", "rm r; ln -s f r", "rm r; mkfifo r", "rm r", "truncate -s 5 r"}) {
    Shell("cd " + Path("store/layers/" + diff_id.hex()) + "; chmod u+w . recipe; mv recipe r; " +
          damage + "; [ ! -e r -a ! -L r ] || mv r recipe");
    EXPECT_EQ(Import("a.tar", options).diff_id, diff_id) << damage;
    EXPECT_EQ(LayerTar(diff_id), Read("a.tar")) << damage;
    EXPECT_TRUE(Fsck(store(), [](uint64_t, uint64_t) {})->problems.empty()) << damage;
  }
}

TEST_F(HostileTest, DamageOfATarSplitIsFoundWithoutReadingObjects) {
  // Inline contents, objects, a sparse file, and contents that only the tar-split has.
  Shell(
      "mkdir t; head -c 5000 /dev/urandom > t/f; echo small > t/s; truncate -s 2M t/hole; "
      "echo data >> t/hole; tar -S --format=pax -cf a.tar t; echo other > t/s; "
      "head -c 4000 /dev/urandom > t/f; tar -S --format=pax -rf a.tar t");
  const Digest diff_id = RoundTrip("a.tar");
  Shell("chmod -R u+w store");
  const std::string path = Path("store/layers/" + diff_id.hex() + "/recipe");
  const auto index = *store().OpenLayer(diff_id);
  const auto fsck = [&] { return *Fsck(store(), [](uint64_t, uint64_t) {}); };
  EXPECT_EQ(CheckTarSplit(path, *index), "");
  const std::string name = "store/layers/" + diff_id.hex() + "/recipe";
  const std::string good = Read(name);
  const size_t end = good.size() - 56;  // its last part, not compressed
  size_t harmless = 0;
  for (size_t at = 0; at < good.size(); at += at < 64 || at >= end ? 1 : 5) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 1 << at % 8);
    Write(name, bad);
    const std::string what = CheckTarSplit(path, *index);
    if (what.empty()) {
      // Some bits are not used (those that fill up a compressed block).
      ++harmless;
      EXPECT_TRUE(at >= 8 && at < end) << at;
      EXPECT_TRUE(VerifyLayer(store(), diff_id)) << at;
    } else {
      EXPECT_TRUE(what.starts_with("damaged (")) << at << ": " << what;
      EXPECT_EQ(what.find("fsck"), std::string::npos) << what;
    }
    Write(name, good.substr(0, at));
    EXPECT_NE(CheckTarSplit(path, *index), "") << at;
  }
  EXPECT_LT(harmless, 40U);
  // That of another layer is sound, and does not fit.
  Shell("mkdir u; head -c 7000 /dev/urandom > u/f; tar -cf b.tar u");
  const Digest other = ImportBytes(Read("b.tar")).diff_id;
  Write(name, Read("store/layers/" + other.hex() + "/recipe"));
  EXPECT_NE(CheckTarSplit(path, *index), "");

  // The check of the store finds it for layers that an image has.
  auto session = *store().Begin();
  const Digest id = *session->PutBlob("{}");
  const std::vector<Digest> diff_ids = {diff_id};
  ASSERT_TRUE(store().images().Put({id, diff_ids, ChainIdOf(diff_ids), {}, 0, {}},
                                   std::vector<std::string>{"a"}));
  session.reset();
  const FsckReport report = fsck();
  ASSERT_EQ(report.problems.size(), 1U);
  EXPECT_EQ(report.problems[0].path, "layers/" + diff_id.hex() + "/recipe");
  EXPECT_EQ(report.problems[0].images, std::vector<std::string>{"a:latest"});
  Write(name, good);
  EXPECT_TRUE(fsck().problems.empty());
}

TEST_F(HostileTest, KilledAtAnyMomentItLeavesOnlyWhatPruneRemoves) {
  Shell(
      "mkdir t; for i in $(seq 200); do head -c 20000 /dev/urandom > t/$i; done; head -c 9000000 "
      "/dev/urandom > t/big;"
      "tar -cf a.tar t; mkdir u; echo kept > u/f; tar -cf kept.tar u");
  const Digest kept = Import("kept.tar").diff_id;
  std::mt19937 random(std::random_device{}());
  for (int round = 0; round < 8; ++round) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      const auto own = Store::Open(Path("store"));
      if (!own) ::_exit(1);
      const auto session = (*own)->Begin();
      const bool done = session && ImportLayer(**own, **session, Path("a.tar"), {});
      ::_exit(done ? 0 : 1);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(random() % 120));
    ::kill(child, SIGKILL);
    ASSERT_EQ(::waitpid(child, nullptr, 0), child);
    EXPECT_TRUE(VerifyLayer(store(), kept));
  }
  const Result<PruneReport> pruned = Prune(store(), PruneOptions());
  ASSERT_TRUE(pruned) << pruned.error().message();
  EXPECT_FALSE(pruned->writers_active);
  EXPECT_EQ(Shell("ls -A store/staging"), "");
  EXPECT_EQ(CountObjects(), 0U);
  RoundTrip("a.tar");
}

TEST_F(HostileTest, AFullDiskIsAnErrorAndTheStoreGoesOn) {
  Shell(
      "mkdir t; for i in $(seq 30); do head -c 200000 /dev/urandom > t/$i; done; tar -cf big.tar t;"
      "mkdir u; head -c 5000 /dev/urandom > u/f; tar -cf small.tar u; mkdir disk");
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    // A disk of four megabytes that this process alone sees.
    const uid_t uid = ::getuid();
    const gid_t gid = ::getgid();
    if (::unshare(CLONE_NEWNS | (uid == 0 ? 0 : CLONE_NEWUSER)) != 0) ::_exit(10);
    if (uid != 0) {
      std::ofstream("/proc/self/setgroups") << "deny";
      std::ofstream("/proc/self/uid_map") << "0 " << uid << " 1";
      std::ofstream("/proc/self/gid_map") << "0 " << gid << " 1";
    }
    if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) ::_exit(11);
    if (::mount("tmpfs", Path("disk").c_str(), "tmpfs", 0, "size=4m") != 0) ::_exit(12);
    const auto full = Store::Open(Path("disk/store"));
    if (!full) ::_exit(13);
    std::optional<Digest> small;
    {
      const auto session = (*full)->Begin();
      const auto imported = ImportLayer(**full, **session, Path("small.tar"), {});
      if (!imported) ::_exit(14);
      small = imported->diff_id;
    }
    {
      const auto session = (*full)->Begin();
      const auto imported = ImportLayer(**full, **session, Path("big.tar"), {});
      if (imported) ::_exit(15);
      if (imported.error().code() != ENOSPC) ::_exit(16);
      if (imported.error().message().find("No space left") == std::string::npos) ::_exit(17);
    }
    if (!VerifyLayer(**full, *small)) ::_exit(18);
    if (!Prune(**full, PruneOptions())) ::_exit(19);
    const auto session = (*full)->Begin();
    ::_exit(session && ImportLayer(**full, **session, Path("small.tar"), {}) ? 0 : 20);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace veneer
