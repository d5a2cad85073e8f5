// SPDX-License-Identifier: Apache-2.0
//
// TarParser beside libarchive's tar reader, over random archives, real writers' archives, and
// archives that were tampered with. The rule: where TarParser accepts, libarchive sees the same
// entries, or the difference is one of kKnown.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <initializer_list>
#include <iostream>
#include <map>
#include <random>
#include <string>
#include <string_view>

#include "layerdb/model/tar_block.h"
#include "tests/unit/transfer/tar_random.h"
#include "tests/unit/transfer/tar_readings.h"
#include "tests/unit/transfer/transfer_testing.h"

namespace veneer {
namespace {

struct Difference {
  const std::string& archive;
  size_t index;       // of the entry
  std::string field;  // "list": the readers see other entries from here on
  std::string ours;
  std::string theirs;
  TarFields our_entry;
  TarFields their_entry;
};

// True when a block that is a header, or looks like one, is such.
template <typename Is>
bool HasHeader(const std::string& archive, Is is) {
  for (size_t at = 0; at + kTarBlock <= archive.size(); at += kTarBlock) {
    const std::string_view bytes = std::string_view(archive).substr(at, kTarBlock);
    if (IsZeroBlock(bytes) || !HasTarChecksum(bytes)) continue;
    const Result<TarBlock> block = DecodeTarBlock(bytes);
    if (block && is(*block)) return true;
  }
  return false;
}

bool IsOne(const std::string& field, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), field) != names.end();
}

// All that may differ, and why it may. "libarchive" is 3.6.2, Debian 12's.
struct Known {
  const char* name;
  bool (*fits)(const Difference&);
};

const Known kKnown[] = {
    // pax_time() of libarchive adds the fraction of "-1.5" instead of taking it off.
    {"libarchive reads times before 1970 wrong",
     [](const Difference& d) {
       return d.field == "mtime" && d.ours[0] == '-' && !d.ours.ends_with("+0.000000000");
     }},
    // pax, "pax Extended Header": with typeflag g the records "shall affect all subsequent files".
    {"libarchive ignores global PAX headers",
     [](const Difference& d) {
       return IsOne(d.field, {"mtime", "uid", "gid", "user", "group"}) &&
              HasHeader(d.archive, [](const TarBlock& b) { return b.type == 'g'; });
     }},
    // The group's bits of a mode are the mask when there is one (acl(5)); libarchive puts the
    // entries user::, group:: and other:: of the ACL there, whatever the header says.
    {"libarchive takes the mode from the ACL",
     [](const Difference& d) { return d.field == "mode" && d.our_entry.contains("~acl"); }},
    // tar_acl.h: an ACL the kernel would not take is an error when its entry is imported.
    {"an ACL that is refused later",
     [](const Difference& d) { return d.field.ends_with("acl") && d.ours == "malformed"; }},
    // RHT.security.selinux: IsHostXattr(), of the machine and not of the image.
    {"a SELinux label, left out on purpose",
     [](const Difference& d) { return d.field == "xattr security.selinux" && d.ours == "(none)"; }},
    // GNU tar writes '%' as %25 and '=' as %3D after SCHILY.xattr. and reads them so.
    {"libarchive does not unescape the names of extended attributes",
     [](const Difference& d) {
       return d.field.starts_with("xattr ") && d.field.find_first_of("%=") != std::string::npos;
     }},
    // pax, "pax Extended Header": an empty value deletes what was said before.
    {"libarchive takes an empty PAX value for 0",
     [](const Difference& d) {
       const std::string key = d.field == "device" ? "SCHILY.devmajor" : d.field;
       return IsOne(d.field, {"mtime", "uid", "gid", "device"}) &&
              d.archive.find(" " + key + "=\n") != std::string::npos;
     }},
    // It says so itself: records after one it cannot take, names of other character sets.
    {"libarchive leaves out records, with a warning",
     [](const Difference& d) {
       return d.field != "list" && d.field != "type" && d.field != "contents" &&
              d.their_entry.contains("~warning");
     }},
    // POSIX.1-2001 lets a link carry data, POSIX.1-1988 does not, and writers put a size there
    // either way. TarParser does as GNU tar and Go: what looks like a header is one.
    {"libarchive skips the data of a hard link",
     [](const Difference& d) {
       return d.field == "list" &&
              (d.archive.find(" size=") != std::string::npos ||
               HasHeader(d.archive, [](const TarBlock& b) { return b.type == '1' && b.size > 0; }));
     }},
    // Only type '0' may be sparse for it, not the old '\0' nor '7'.
    {"libarchive refuses sparse files of other types",
     [](const Difference& d) { return d.theirs == "header: Non-regular file cannot be sparse"; }},
    // It asks for more than a checksum before it takes a file for an archive.
    {"libarchive refuses the first header",
     [](const Difference& d) { return d.theirs == "open: Unrecognized archive format"; }},
};

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

// What differed, by name of kKnown.
struct Tally {
  int archives = 0;
  int accepted = 0;
  int entries = 0;
  std::map<std::string, int> known;

  void Add(const Difference& d) {
    for (const Known& one : kKnown) {
      if (one.fits(d)) {
        ++known[one.name];
        return;
      }
    }
    ADD_FAILURE() << "archive " << archives << " entry " << d.index << " " << d.field << ": "
                  << Escaped({{"ours", d.ours}, {"theirs", d.theirs}})
                  << "\n  ours:  " << Escaped(d.our_entry)
                  << "\n  theirs:" << Escaped(d.their_entry);
  }

  void Print() const {
    std::cout << archives << " archives, " << accepted << " accepted, " << entries << " entries\n";
    for (const auto& [name, count] : known) std::cout << count << "\t" << name << "\n";
  }
};

std::string Get(const TarFields& fields, const std::string& name) {
  const auto found = fields.find(name);
  return found == fields.end() ? std::string("(none)") : found->second;
}

// A name may be read in two ways; with another owner or mode it is another entry.
bool IsAnother(const TarFields& a, const TarFields& b) {
  int differ = 0;
  for (const char* field : {"type", "mode", "uid", "gid"}) differ += Get(a, field) != Get(b, field);
  return Get(a, "path") != Get(b, "path") && differ >= 2;
}

void Compare(const std::string& archive, Tally* tally) {
  ++tally->archives;
  const TarReading ours = ReadWithTarParser(archive);
  if (!ours.error.empty()) return;
  ++tally->accepted;
  const TarReading theirs = ReadWithLibarchive(archive);
  for (size_t i = 0; i < std::max(ours.entries.size(), theirs.entries.size()); ++i) {
    const TarFields a = i < ours.entries.size() ? ours.entries[i] : TarFields();
    const TarFields b = i < theirs.entries.size() ? theirs.entries[i] : TarFields();
    ++tally->entries;
    const bool stopped = i + 1 >= theirs.entries.size() && !theirs.error.empty();
    if (stopped || a.empty() || b.empty() || IsAnother(a, b)) {
      tally->Add({archive, i, "list", "", theirs.error, a, b});
      return;
    }
    TarFields all = a;
    all.insert(b.begin(), b.end());
    for (const auto& [field, value] : all) {
      const std::string our = Get(a, field);
      const std::string their = Get(b, field);
      if (our != their && field[0] != '~') tally->Add({archive, i, field, our, their, a, b});
    }
  }
}

class TarDifferentialTest : public TransferTest {};

TEST_F(TarDifferentialTest, RandomArchives) {
  for (const unsigned seed : {1U, 2U, std::random_device()()}) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::cout << "seed " << seed << ": ";
    std::mt19937 random(seed);
    Tally tally;
    for (int i = 0; i < 400; ++i) Compare(RandomTar(&random), &tally);
    EXPECT_EQ(tally.accepted, tally.archives);
    tally.Print();
  }
}

TEST_F(TarDifferentialTest, ArchivesOfLibarchive) {
  for (const unsigned seed : {1U, std::random_device()()}) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::cout << "seed " << seed << ": ";
    std::mt19937 random(seed);
    Tally tally;
    for (int i = 0; i < 400; ++i) {
      Compare(RandomLibarchiveTar(&random), &tally);
    }
    EXPECT_EQ(tally.accepted, tally.archives);
    tally.Print();
  }
}

TEST_F(TarDifferentialTest, ArchivesOfGnuTar) {
  Shell(
      "mkdir -p t/dir; cd t; head -c 70000 /dev/urandom > f; ln f hard; ln -s f soft;"
      "ln -s $(printf '%0200d' 0) far; touch -d 1950-01-01T00:00:00.25 old; mkfifo pipe;"
      "touch -d '2300-01-01 12:00:00.123456789' new; echo x > $(printf '%0180d' 0);"
      "truncate -s 3M hole; for i in $(seq 12); do"
      " printf data | dd of=hole bs=1 seek=$((i * 200000)) conv=notrunc status=none; done;"
      "printf x > $(printf 'caf\\351'); touch -d 2001-02-03 -- dir 'a b' '%=';");
  Tally tally;
  for (const char* options :
       {"--format=v7", "--format=ustar", "--format=oldgnu", "--format=gnu", "--format=posix",
        "--format=oldgnu -S", "--format=gnu -S", "--format=posix -S --sparse-version=0.0",
        "--format=posix -S --sparse-version=0.1", "--format=posix -S --sparse-version=1.0",
        "--format=gnu -G", "--format=gnu --owner=a:3000000 --group=b:5000000"}) {
    SCOPED_TRACE(options);
    Shell("tar --sort=name -cf a.tar " + std::string(options) + " t 2>/dev/null || [ $? -eq 2 ]");
    Compare(Read("a.tar"), &tally);
  }
  EXPECT_EQ(tally.accepted, tally.archives);
  tally.Print();
}

TEST_F(TarDifferentialTest, TamperedArchives) {
  for (const unsigned seed : {3U, std::random_device()()}) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::cout << "seed " << seed << ": ";
    std::mt19937 random(seed);
    Tally tally;
    for (int i = 0; i < 2000; ++i) {
      Compare(TamperedTar(i % 3 == 0 ? RandomLibarchiveTar(&random) : RandomTar(&random), &random),
              &tally);
    }
    tally.Print();
  }
}

}  // namespace
}  // namespace veneer
