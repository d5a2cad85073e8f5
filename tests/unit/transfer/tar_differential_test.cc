// SPDX-License-Identifier: Apache-2.0
//
// TarParser beside libarchive's tar reader, over random archives, real writers' archives, and
// archives that were tampered with. The rule: where TarParser accepts, libarchive sees the same
// entries, or the difference is one of the list of tar_known.cc.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "layerdb/tar/pax.h"
#include "tests/unit/transfer/tar_known.h"
#include "tests/unit/transfer/tar_random.h"
#include "tests/unit/transfer/tar_readings.h"
#include "tests/unit/transfer/transfer_testing.h"

namespace veneer {
namespace {

std::string Escaped(const TarFields& fields) {
  std::string out;
  for (const auto& [name, value] : fields) {
    out += " " + name + "=";
    for (const char c : value) {
      char hex[8];
      std::snprintf(hex, sizeof(hex), "\\x%02x", static_cast<uint8_t>(c));
      out += c > ' ' && c < 127 ? std::string(1, c) : std::string(hex);
    }
  }
  return out;
}

std::string Hex(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) {
    constexpr char kDigits[] = "0123456789abcdef";
    out += kDigits[static_cast<uint8_t>(c) >> 4];
    out += kDigits[static_cast<uint8_t>(c) & 15];
  }
  return out;
}

// What was compared, and how often each known difference was met.
struct Tally {
  int archives = 0;
  int accepted = 0;
  int entries = 0;
  std::map<std::string, int> known;

  void Print() const {
    std::cout << archives << " archives, " << accepted << " accepted, " << entries << " entries\n";
    for (const auto& [why, count] : known) std::cout << count << "\t" << why << "\n";
  }
};

std::string Get(const TarFields& fields, const std::string& name) {
  const auto found = fields.find(name);
  return found == fields.end() ? std::string("(none)") : found->second;
}

void Compare(const std::string& archive, Tally* tally) {
  ++tally->archives;
  const TarReading ours = ReadWithTarParser(archive);
  if (!ours.error.empty()) return;
  ++tally->accepted;
  const TarReading theirs = ReadWithLibarchive(archive);
  auto differ = [&](size_t i, const std::string& field, const std::string& our,
                    const std::string& their) {
    auto entry = [&](const TarReading& reading) {
      return i < reading.entries.size() ? reading.entries[i] : TarFields();
    };
    auto head = [&](size_t at) { return at < ours.heads.size() ? ours.heads[at] : TarHead(); };
    const TarDifference difference{archive,       i,       field,      our, their, entry(ours),
                                   entry(theirs), head(i), head(i - 1)};
    if (const char* why = WhyKnown(difference)) {
      ++tally->known[why];
      return;
    }
    ADD_FAILURE() << "archive " << tally->archives << " entry " << i << " " << field << ": "
                  << Escaped({{"ours", our}, {"theirs", their}})
                  << "\n  ours:  " << Escaped(difference.our_entry)
                  << "\n  theirs:" << Escaped(difference.their_entry)
                  << "\n  records:" << Escaped(difference.head.records)
                  << "\n  archive, for xxd -r -p: " << Hex(archive);
  };
  // One more when libarchive stops where it should see the next entry or the end.
  const bool in_header = !theirs.error.empty() && !theirs.error.starts_with("data: ");
  const size_t their_end = theirs.entries.size() + (in_header ? 1 : 0);
  for (size_t i = 0; i < std::max(ours.entries.size(), their_end); ++i) {
    const TarFields a = i < ours.entries.size() ? ours.entries[i] : TarFields();
    const TarFields b = i < theirs.entries.size() ? theirs.entries[i] : TarFields();
    ++tally->entries;
    const bool stopped = i + 1 >= their_end && !theirs.error.empty();
    if (stopped || Get(a, "~start") != Get(b, "~start")) {
      differ(i, "list", "", theirs.error);
      return;
    }
    TarFields all = a;
    all.insert(b.begin(), b.end());
    for (const auto& [field, value] : all) {
      const std::string our = Get(a, field);
      const std::string their = Get(b, field);
      if (our != their && field[0] != '~') differ(i, field, our, their);
    }
  }
}

// The seeds of a run: some fixed ones, so that a run is like the one before, or, to look for more,
// FIRST-LAST of VENEER_TAR_SEEDS.
std::vector<unsigned> Seeds() {
  const char* range = std::getenv("VENEER_TAR_SEEDS");
  if (range == nullptr) return {1, 2, 3};
  unsigned first = 0;
  unsigned last = 0;
  std::vector<unsigned> seeds;
  EXPECT_EQ(std::sscanf(range, "%u-%u", &first, &last), 2) << range;
  for (; first <= last; ++first) seeds.push_back(first);
  return seeds;
}

// Compares `count` archives for each seed.
template <typename Make>
Tally CompareRandom(int count, Make make) {
  Tally tally;
  for (const unsigned seed : Seeds()) {
    SCOPED_TRACE("VENEER_TAR_SEEDS=" + std::to_string(seed) + "-" + std::to_string(seed));
    std::mt19937 random(seed);
    for (int i = 0; i < count; ++i) Compare(make(i, &random), &tally);
  }
  tally.Print();
  return tally;
}

class TarDifferentialTest : public TransferTest {};

TEST_F(TarDifferentialTest, RandomArchives) {
  const Tally tally =
      CompareRandom(300, [](int, std::mt19937* random) { return RandomTar(random); });
  EXPECT_EQ(tally.accepted, tally.archives);
}

TEST_F(TarDifferentialTest, ArchivesOfLibarchive) {
  const Tally tally =
      CompareRandom(300, [](int, std::mt19937* random) { return RandomLibarchiveTar(random); });
  EXPECT_EQ(tally.accepted, tally.archives);
}

// What real programs write must be taken.
class TarWritersTest : public TarDifferentialTest {
 protected:
  void Make(const std::string& script) {
    SCOPED_TRACE(script);
    Shell(script);
    Compare(Read("a.tar"), &tally_);
    EXPECT_EQ(tally_.accepted, tally_.archives) << ReadWithTarParser(Read("a.tar")).error;
    Import("a.tar");
  }
  void TearDown() override {
    EXPECT_GE(tally_.entries, 5 * tally_.archives);
    tally_.Print();
  }

 private:
  Tally tally_;
};

TEST_F(TarWritersTest, Programs) {
  Shell(
      "mkdir -p t/dir; cd t; head -c 70000 /dev/urandom > f; ln f hard; ln -s f soft;"
      "ln -s $(printf '%0200d' 0) far; touch -d 1950-01-01T00:00:00.25 old; mkfifo pipe;"
      "touch -d '2300-01-01 12:00:00.123456789' new; echo x > $(printf '%0180d' 0);"
      "truncate -s 3M hole; for i in $(seq 12); do"
      " printf data | dd of=hole bs=1 seek=$((i * 200000)) conv=notrunc status=none; done;"
      "printf x > $(printf 'caf\\351'); touch -d 2001-02-03 -- dir 'a b' '%='");
  // What a format has no room for is left out, with exit code 1 or 2.
  for (const char* options :
       {"--format=v7", "--format=ustar", "--format=oldgnu", "--format=gnu", "--format=posix",
        "--format=oldgnu -S", "--format=gnu -S", "--format=posix -S --sparse-version=0.0",
        "--format=posix -S --sparse-version=0.1", "--format=posix -S --sparse-version=1.0",
        "--format=gnu -g snapshot", "--format=posix -g snapshot2",
        "--format=gnu --owner=a:3000000 --group=b:5000000", "--format=gnu -V label",
        "--format=posix -V label", "--format=posix --pax-option=comment=x",
        "--format=posix --pax-option=mtime=1,delete=mtime",
        "--format=posix -b1 --no-recursion t/*"}) {
    Make("tar --sort=name -cf a.tar " + std::string(options) + " t 2>/dev/null || [ $? -le 2 ]");
  }
  for (const char* format : {"v7tar", "ustar", "gnutar", "pax", "paxr"}) {
    Make("bsdtar -cf a.tar --format=" + std::string(format) + " t 2>/dev/null || [ $? -le 2 ]");
  }
  Make("busybox tar -cf a.tar t");
  for (const char* options : {"format=USTAR_FORMAT", "format=GNU_FORMAT", "format=PAX_FORMAT",
                              "format=PAX_FORMAT, pax_headers={'comment': 'c', 'gname': 'x'}"}) {
    Make("python3 - <<'END'\nfrom tarfile import *\nimport glob\nt = open('a.tar', 'w', " +
         std::string(options) +
         ")\nfor name in sorted(glob.glob('t/**', recursive=True)):\n"
         "  try: t.add(name, recursive=False)\n  except ValueError as e: print(e)\nt.close()\nEND");
  }
}

TEST_F(TarWritersTest, GitArchive) {
  Shell(
      "mkdir -p g/dir; cd g; git init -q .; echo 1 > dir/f; ln -s f dir/soft; echo 2 > x; chmod +x "
      "x;"
      "mkdir -p $(printf '%090d/%090d' 0 0); echo 3 > $(printf '%090d/%090d' 0 0)/$(printf "
      "'%0180d' 0);"
      "ln -s $(printf '%0200d' 0) far; git add .;"
      "git -c user.name=n -c user.email=n@example.org commit -q -m first");
  // A commit's name is the comment of a global header; a tree has none.
  for (const char* what : {"HEAD", "HEAD^{tree}", "--prefix=p/ HEAD"}) {
    Make("git -C g archive --format=tar " + std::string(what) + " > a.tar");
  }
}

// The headers of Go's archive/tar, which docker, podman, buildah and umoci write with: records in
// order, a PAX header only where something does not fit, zeros in the fields of a device.
std::string GoHeader(char type, const std::string& name, int mode, uint64_t size, int64_t mtime,
                     const std::string& link = "", bool gnu = false) {
  std::string block(512, '\0');
  auto put = [&](size_t at, const std::string& text) { block.replace(at, text.size(), text); };
  auto octal = [&](size_t at, int digits, uint64_t value) {
    char text[24];
    std::snprintf(text, sizeof(text), "%0*llo", digits, static_cast<unsigned long long>(value));
    put(at, text);
  };
  put(0, name);
  octal(100, 7, static_cast<uint64_t>(mode));
  octal(108, 7, 0);
  octal(116, 7, 0);
  octal(124, 11, size);
  octal(136, 11, static_cast<uint64_t>(mtime));
  block[156] = type;
  put(157, link);
  put(257, gnu ? std::string("ustar  \0", 8) : std::string("ustar\00000", 8));
  octal(329, 7, 0);
  octal(337, 7, 0);
  // Three million in base 256.
  if (gnu) put(108, std::string("\x80\0\0\0\0\x2d\xc6\xc0", 8));
  put(148, "        ");
  unsigned sum = 0;
  for (const char c : block) sum += static_cast<uint8_t>(c);
  octal(148, 6, sum);
  block[154] = '\0';
  return block;
}

std::string GoPax(char type, const std::string& name, const std::string& records) {
  return GoHeader(type, name, 0, records.size(), 0) + TarPad(records);
}

TEST_F(TarWritersTest, Go) {
  const std::string time = PaxRecord("mtime", "1700000000.123456789");
  const std::string far(200, 'y');
  const std::string deep = std::string(90, 'n') + "/" + std::string(90, 'm');
  std::string tar =
      GoPax('g', "pax_global_header", PaxRecord("comment", std::string(40, '0'))) +
      GoPax('x', "PaxHeaders.0/dir", time) + GoHeader('5', "dir/", 0755, 0, 1700000000) +
      GoPax('x', "dir/PaxHeaders.0/f",
            time + PaxRecord("SCHILY.xattr.security.capability", std::string("\1\0\0\2", 4)) +
                PaxRecord("uid", "3000000")) +
      GoHeader('0', "dir/f", 04755, 4, 1700000000) + TarPad("data") +
      GoHeader('1', "dir/h", 0644, 0, 1700000000, "dir/f") +
      GoHeader('2', "dir/s", 0777, 0, 1700000000, "f") +
      GoHeader('6', "dir/p", 0600, 0, 1700000000) +
      GoPax('x', "dir/PaxHeaders.0/far", PaxRecord("linkpath", far)) +
      GoHeader('2', "dir/far", 0777, 0, 1700000000, far.substr(0, 100)) +
      GoPax('x', "PaxHeaders.0", PaxRecord("path", "é")) + GoHeader('0', "", 0644, 0, 1700000000) +
      GoPax('x', "PaxHeaders.0/l", PaxRecord("linkpath", "é")) +
      GoHeader('1', "l", 0644, 0, 1700000000) +
      GoPax('x', "PaxHeaders.0/m", PaxRecord("linkpath", "é")) +
      GoHeader('2', "m", 0777, 0, 1700000000) +
      GoPax('x', "PaxHeaders.0/" + deep.substr(0, 80), PaxRecord("path", deep)) +
      GoHeader('0', deep.substr(0, 100), 0644, 1, 1700000000) + TarPad("x") + TarEnd();
  Write("go.tar", tar);
  Make("cp go.tar a.tar");
  const std::string long_link = far + '\0';
  const std::string long_name = deep + '\0';
  tar = GoHeader('K', "././@LongLink", 0, long_link.size(), 0, "", true) + TarPad(long_link) +
        GoHeader('2', "s", 0777, 0, 1700000000, far.substr(0, 100), true);
  for (int i = 0; i < 4; ++i) {
    tar += GoHeader('L', "././@LongLink", 0, long_name.size(), 0, "", true) + TarPad(long_name) +
           GoHeader('0', deep.substr(0, 100), 0644, 4, 1700000000, "", true) + TarPad("data");
  }
  Write("go.tar", tar + TarEnd());
  Make("cp go.tar a.tar");
}

// A tree with extended attributes and ACLs, and an archive of Python's, each at random.
constexpr const char* kRandomTree = R"py(
import os, random, subprocess, sys, tarfile
seed = int(sys.argv[1])
rnd = random.Random(seed)
letters = ['a', 'b', 'usr', '%', '=', ' ', '\\', 'é', ':', '\n', '\udcff']
def name(longest): return ''.join(rnd.choice(letters) for _ in range(rnd.randint(1, longest))) + 'x'
os.mkdir('r')
made = ['r']
for i in range(25):
  parent = rnd.choice([d for d in made if os.path.isdir(d)])
  path = parent + '/' + str(i) + name(rnd.choice([5, 5, 40]))
  if rnd.random() < 0.2: os.mkdir(path)
  else: open(path, 'wb').write(rnd.randbytes(rnd.choice([0, 1, 512, 3000])))
  for _ in range(rnd.choice([0, 0, 1, 3])):
    os.setxattr(path, 'user.' + name(4), rnd.randbytes(rnd.randint(0, 40)))
  if rnd.random() < 0.3:
    subprocess.check_call(['setfacl', '-m', 'u:123456:rw,g:234567:x,m::' + rnd.choice(['r', 'rwx']), '--', path])
  if os.path.isdir(path) and rnd.random() < 0.5:
    subprocess.check_call(['setfacl', '-d', '-m', 'u::rwx,u:123456:r,g::rx,o::-', '--', path])
  os.utime(path, ns=(0, rnd.choice([0, 1, 1700000000123456789, -1500000000, 2**62])))
  made.append(path)
form = [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT][seed % 3]
with tarfile.open('python.tar', 'w', format=form) as tar:
  for i in range(40):
    t = tarfile.TarInfo('/'.join(name(rnd.choice([5, 60])) for _ in range(rnd.randint(1, 4))))
    t.type = rnd.choice([b'0', b'0', b'\0', b'1', b'2', b'3', b'4', b'5', b'6', b'7'])
    t.mode = rnd.randrange(0o10000)
    t.uid, t.gid = [rnd.choice([0, 1000, 2097152, 4294967294]) for _ in range(2)]
    t.uname, t.gname = [rnd.choice(['', 'root', 'é']) for _ in range(2)]
    t.mtime = rnd.choice([0, 1700000000, 1700000000.25, -1, -1.5, 2**33, 2**33 + 0.5])
    if form == tarfile.GNU_FORMAT: t.mtime = int(t.mtime)
    if t.type in (b'1', b'2'): t.linkname = name(rnd.choice([5, 90]))
    if t.type in (b'3', b'4'): t.devmajor, t.devminor = rnd.randrange(4000), rnd.randrange(1 << 18)
    data = rnd.randbytes(rnd.choice([0, 1, 512, 1025])) if t.type in (b'0', b'\0', b'7') else b''
    t.size = len(data)
    if form == tarfile.PAX_FORMAT and rnd.random() < 0.4:
      t.pax_headers = {'comment': name(5), 'SCHILY.xattr.user.' + rnd.choice(['a', 'b%25']): name(9)}
    try: head = t.tobuf(form, 'utf-8', 'surrogateescape')
    except ValueError: continue
    tar.addfile(t, __import__('io').BytesIO(data))
)py";

TEST_F(TarDifferentialTest, ArchivesOfProgramsAtRandom) {
  Write("tree.py", kRandomTree);
  Tally tally;
  for (const unsigned seed : Seeds()) {
    SCOPED_TRACE("VENEER_TAR_SEEDS=" + std::to_string(seed) + "-" + std::to_string(seed));
    Shell("rm -rf r; python3 tree.py " + std::to_string(seed) +
          "; tar --xattrs --acls --format=posix -cf gnu.tar r");
    Compare(Read("gnu.tar"), &tally);
    Compare(Read("python.tar"), &tally);
  }
  EXPECT_EQ(tally.accepted, tally.archives);
  tally.Print();
}

// An archive of no entries, whose first header libarchive does not take.
TEST_F(TarDifferentialTest, NoEntries) {
  std::string archive = TarHeader('g', "g");
  archive[329] = '9';
  archive.replace(148, 8, "        ");
  unsigned sum = 0;
  for (const char c : archive) sum += static_cast<uint8_t>(c);
  char text[8];
  std::snprintf(text, sizeof(text), "%06o", sum);
  archive.replace(148, 7, text, 7);
  Tally tally;
  Compare(archive, &tally);
  Compare(TarEnd(), &tally);
  EXPECT_EQ(tally.accepted, 2);
  EXPECT_EQ(tally.known["libarchive refuses the first header"], 1);
}

// The size of a PAX header is of the entry, whatever headers stand between them.
TEST_F(TarDifferentialTest, SizeInFrontOfLongNames) {
  const std::string name = std::string(120, 'n') + '\0';
  const std::string link = std::string(130, 'l') + '\0';
  const std::string pax = TarPax(PaxRecord("size", "600"));
  const std::string data = TarPad(std::string(600, 'd'));
  Tally tally;
  for (const std::string& archive :
       {pax + TarHeader('L', "@", name.size()) + TarPad(name) + TarHeader('0', "n") + data,
        pax + TarHeader('K', "@", link.size()) + TarPad(link) + TarHeader('0', "n") + data,
        pax + TarHeader('K', "@", link.size()) + TarPad(link) + TarHeader('L', "@", name.size()) +
            TarPad(name) + TarHeader('0', "n", 5000) + data,
        TarHeader('L', "@", name.size()) + TarPad(name) + pax + TarHeader('0', "n") + data}) {
    Compare(archive + TarFile("next", "abc") + TarEnd(), &tally);
    EXPECT_EQ(ReadWithTarParser(archive + TarFile("next", "abc") + TarEnd()).entries.size(), 2U);
  }
  EXPECT_EQ(tally.accepted, 4);
  EXPECT_TRUE(tally.known.empty());
}

TEST_F(TarDifferentialTest, TamperedArchives) {
  CompareRandom(1000, [](int i, std::mt19937* random) {
    return TamperedTar(i % 3 == 0 ? RandomLibarchiveTar(random) : RandomTar(random), random);
  });
}

}  // namespace
}  // namespace veneer
