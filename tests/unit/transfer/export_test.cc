// SPDX-License-Identifier: Apache-2.0
//
// Exports of writable layers, which the tests make by hand in the kernel's user.overlay form.
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include <filesystem>

#include "layerdb/layer/indexed_layer.h"
#include "layerdb/transfer/container_export.h"
#include "tests/unit/transfer/transfer_testing.h"

namespace veneer {
namespace {

namespace fs = std::filesystem;

class ExportTest : public TransferTest {
 protected:
  void Image(const std::string& archive) {
    base_ = ImportBytes(archive).diff_id;
    const Result<std::string> tree = store().EnsureTree(std::vector<Digest>{*base_});
    ASSERT_TRUE(tree) << tree.error().message();
    tree_ = *tree;
    fs::create_directories(Path("upper"));
    fs::create_directories(Path("work"));
    ::chmod(Path("upper").c_str(), 0755);
  }
  std::string Up(const std::string& path) { return Path("upper/" + path); }
  void Mark(const std::string& path, const std::string& mark, const std::string& value) {
    ASSERT_EQ(::lsetxattr(Up(path).c_str(), ("user.overlay." + mark).c_str(), value.data(),
                          value.size(), 0),
              0)
        << path;
  }
  void Whiteout(const std::string& path) {
    ASSERT_EQ(::mknod(Up(path).c_str(), S_IFCHR | 0600, makedev(0, 0)), 0);
  }

  Result<uint64_t> Run(std::string* out, const Cancellation* cancel = nullptr) {
    return ExportUpper(Path("upper"), Path("work"), tree_, store().layout().objects(), cancel,
                       [&](std::string_view bytes) -> Result<void> {
                         *out += bytes;
                         return {};
                       });
  }
  std::string Export() {
    std::string out;
    const Result<uint64_t> size = Run(&out);
    EXPECT_TRUE(size) << size.error().message();
    EXPECT_EQ(size.value_or(0), out.size());
    return out;
  }
  // What GNU tar says of the export: a line per entry with type, size and name.
  std::string List() {
    Write("export.tar", Export());
    return Shell(
        "tar --numeric-owner -tvf export.tar | "
        "awk '{ print substr($1, 1, 1), $3, $6, $7, $8, $9 }' | sed 's/ *$//'");
  }

  std::optional<Digest> base_;
  std::string tree_;
};

TEST_F(ExportTest, ATreeWithoutChangesIsTheImage) {
  Image(TarDir("d/") + TarFile("d/f", "content") + TarFile("large", std::string(2'500'000, 'x')) +
        TarHardLink("hard", "large") + TarLink("symlink", "d/f") + TarEnd());
  EXPECT_EQ(List(),
            "d 0 ./\n"
            "d 0 d/\n"
            "- 7 d/f\n"
            "- 2500000 hard\n"
            "h 0 large link to hard\n"
            "l 0 symlink -> d/f\n");
  EXPECT_EQ(Shell("tar -xOf export.tar hard | tr -d x | wc -c; tar -xOf export.tar d/f"),
            "0\ncontent");
}

TEST_F(ExportTest, DeletedNamesAreNotThereAndReplacedOnesAreNew) {
  Image(TarDir("d/") + TarFile("d/gone", "1") + TarFile("d/stays", "2") + TarFile("new", "old") +
        TarDir("again/") + TarFile("again/old", "3") + TarEnd());
  fs::create_directories(Up("d"));
  Whiteout("d/gone");
  Write("upper/new", "newer");
  fs::create_directories(Up("again"));
  Mark("again", "opaque", "y");
  Write("upper/again/fresh", "4");
  Write("upper/.wh.file", "a file of this name");
  EXPECT_EQ(List(),
            "d 0 ./\n"
            "- 19 .wh.file\n"
            "d 0 again/\n"
            "- 1 again/fresh\n"
            "d 0 d/\n"
            "- 1 d/stays\n"
            "- 5 new\n");
}

TEST_F(ExportTest, RenamesAndMetadataOnlyCopiesAreResolved) {
  Image(TarDir("from/") + TarFile("from/f", std::string(50'000, 'f')) + TarDir("from/sub/") +
        TarFile("from/sub/g", "g") + TarFile("meta", std::string(50'000, 'm')) + TarEnd());
  fs::create_directories(Up("to"));
  Mark("to", "redirect", "/from");
  Write("upper/to/added", "a");
  Whiteout("from");
  Write("upper/meta", "");
  fs::resize_file(Up("meta"), 50'000);
  Mark("meta", "metacopy", "");
  ::chmod(Up("meta").c_str(), 0600);
  EXPECT_EQ(List(),
            "d 0 ./\n"
            "- 50000 meta\n"
            "d 0 to/\n"
            "- 1 to/added\n"
            "- 50000 to/f\n"
            "d 0 to/sub/\n"
            "- 1 to/sub/g\n");
  EXPECT_EQ(Shell("tar -xOf export.tar meta | tr -d m | wc -c\n"
                  "tar -tvf export.tar meta | cut -c1-10"),
            "0\n-rw-------\n");
}

TEST_F(ExportTest, AFileChangedThroughOneOfItsNamesChangesThroughAll) {
  Image(TarFile("a", "old contents") + TarHardLink("b", "a") + TarHardLink("c", "a") + TarEnd());
  const auto index = IndexedLayer::Open(tree_, store().layout().objects());
  ASSERT_TRUE(index);
  const uint64_t ino = (**(*index)->Lookup((*index)->Root().ref, "a", 0)).attr.ino;
  // As fs/upper writes it: one name in its directory, and one in the link index.
  fs::create_directories(Path("work/veneer/links"));
  Write("upper/b", "new");
  char name[17];
  std::snprintf(name, sizeof name, "%016llx", static_cast<unsigned long long>(ino));
  fs::create_hard_link(Up("b"), Path("work/veneer/links/" + std::string(name)));
  EXPECT_EQ(List(),
            "d 0 ./\n"
            "- 3 a\n"
            "h 0 b link to a\n"
            "h 0 c link to a\n");
  EXPECT_EQ(Shell("tar -xOf export.tar a"), "new");
}

TEST_F(ExportTest, TheSameTreeGivesTheSameBytes) {
  Image(TarFile("a", "1") + TarDir("d/") + TarEnd());
  Write("upper/z", std::string(3'000'000, 'z'));
  EXPECT_EQ(Export(), Export());
}

TEST_F(ExportTest, ContentsThatAreDamagedAreAnErrorThatSaysWhatToDo) {
  Image(TarFile("large", std::string(100'000, 'x')) + TarEnd());
  Shell("chmod u+w store/objects/*/*; truncate -s 5000 store/objects/*/*");
  std::string out;
  Result<uint64_t> size = Run(&out);
  ASSERT_FALSE(size);
  EXPECT_NE(size.error().message().find("\"/large\""), std::string::npos) << size.error().message();
  EXPECT_EQ(size.error().reason(), Reason::kDamaged);
  Shell("rm -r store/objects/*");
  size = Run(&out);
  ASSERT_FALSE(size);
  EXPECT_EQ(size.error().reason(), Reason::kDamaged);
}

// Of the size that the index says, so that only the bytes tell.
TEST_F(ExportTest, ContentsThatAreOthersThanTheirNamesSayAreAnError) {
  for (const size_t size : {size_t{100'000}, size_t{1'500}}) {
    Image(TarFile("a", "in the index") + TarFile("file", std::string(size, 'x')) + TarEnd());
    Write("flip.py",
          "import os, sys\nfor path in sys.argv[1:]:\n  os.chmod(path, 0o600)\n"
          "  with open(path, 'r+b') as f:\n    f.seek(1000); f.write(b'y')\n");
    Shell("python3 flip.py store/objects/*/*");
    std::string out;
    const Result<uint64_t> exported = Run(&out);
    ASSERT_FALSE(exported) << size;
    EXPECT_EQ(exported.error().reason(), Reason::kDamaged) << exported.error().message();
    Shell("rm -rf store/objects/*");
  }
}

TEST_F(ExportTest, AFileIsSparseWhenItsHolesComeToAGibibyte) {
  Image(TarEnd());
  Write("upper/large", "start");
  ASSERT_EQ(::truncate(Up("large").c_str(), (off_t{1} << 30) + (1 << 20)), 0);
  Write("upper/small", "start");
  ASSERT_EQ(::truncate(Up("small").c_str(), 1 << 20), 0);
  const std::string archive = Export();
  EXPECT_LT(archive.size(), 2U << 20);
  EXPECT_GT(archive.size(), 1U << 20);
  Write("export.tar", archive);
  EXPECT_EQ(Shell("mkdir out; tar -xf export.tar -C out; cmp upper/large out/large; "
                  "cmp upper/small out/small; stat -c %s out/large out/small"),
            "1074790400\n1048576\n");
}

TEST_F(ExportTest, AnAclIsThereInBothForms) {
  Image(TarFile("f", "x") + TarEnd());
  Write("upper/f", "x");
  fs::create_directories(Up("d"));
  Shell("setfacl -m u:1234:rwx upper/f; setfacl -d -m g:77:r upper/d; setfacl -m u:5:--- upper");
  Write("export.tar", Export());
  EXPECT_EQ(Records("export.tar"),
            ". SCHILY.acl.access SCHILY.xattr.system.posix_acl_access mtime\n"
            "d SCHILY.acl.default SCHILY.xattr.system.posix_acl_default mtime\n"
            "f SCHILY.acl.access SCHILY.xattr.system.posix_acl_access mtime\n");
  // GNU tar takes them, and makes of them what was there.
  EXPECT_EQ(
      Shell("mkdir out; tar --acls --xattrs --xattrs-include='*' -C out -xf export.tar\n"
            "for p in f d .; do diff <(cd upper; getfacl -n $p) <(cd out; getfacl -n $p); done"),
      "");
}

TEST_F(ExportTest, EveryNameOfAFileHasItsAttributes) {
  Image(TarFile("f", "x") + TarEnd());
  Write("upper/f", "x");
  Shell("cd upper; setfattr -n user.a -v b f; ln f g; touch -d @0 f .");
  Write("export.tar", Export());
  EXPECT_EQ(Records("export.tar"), ".\nf SCHILY.xattr.user.a\ng SCHILY.xattr.user.a\n");
}

TEST_F(ExportTest, EndsWhenAsked) {
  Image(TarFile("large", std::string(100'000, 'x')) + TarEnd());
  Cancellation cancel;
  cancel.Request();
  std::string out;
  const Result<uint64_t> size = Run(&out, &cancel);
  ASSERT_FALSE(size);
  EXPECT_EQ(size.error().code(), ECANCELED);
}

}  // namespace
}  // namespace veneer
