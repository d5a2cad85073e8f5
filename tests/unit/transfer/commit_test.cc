// SPDX-License-Identifier: Apache-2.0
//
// Commits and diffs of writable layers, which the tests make by hand in the kernel's user.overlay
// form. Above all: image and committed layer merged must be the tree that the union of image and
// writable layer shows.
#include "layerdb/transfer/commit.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <random>

#include "layerdb/layer/dir_layer.h"
#include "layerdb/layer/indexed_layer.h"
#include "layerdb/layer/layer_stack.h"
#include "layerdb/tar/pax.h"
#include "layerdb/transfer/container_diff.h"
#include "layerdb/transfer/image_diff.h"
#include "layerdb/transfer/layer_tar.h"
#include "tests/unit/transfer/transfer_testing.h"

namespace veneer {
namespace {

namespace fs = std::filesystem;

class CommitTest : public TransferTest {
 protected:
  // The image: one layer, made of this archive.
  void Image(const std::string& archive) {
    base_ = ImportBytes(archive).diff_id;
    const Result<std::string> tree = store().EnsureTree(std::vector<Digest>{base_});
    ASSERT_TRUE(tree) << tree.error().message();
    tree_ = *tree;
    fs::create_directories(Path("upper"));
    fs::create_directories(Path("work"));
    ::chmod(Path("upper").c_str(), 0755);
    SetRootTime(0);
  }
  // A new container's root is as old as the image's.
  void SetRootTime(time_t seconds) {
    const timespec times[2] = {{seconds, 0}, {seconds, 0}};
    ASSERT_EQ(::utimensat(AT_FDCWD, Path("upper").c_str(), times, 0), 0);
  }
  std::string Up(const std::string& path) { return Path("upper/" + path); }
  void UpFile(const std::string& path, const std::string& content) {
    fs::create_directories(fs::path(Up(path)).parent_path());
    fs::remove_all(Up(path));
    Write("upper/" + path, content);
  }
  void UpDir(const std::string& path) { fs::create_directories(Up(path)); }
  void Whiteout(const std::string& path) {
    fs::create_directories(fs::path(Up(path)).parent_path());
    fs::remove_all(Up(path));
    ASSERT_EQ(::mknod(Up(path).c_str(), S_IFCHR | 0600, makedev(0, 0)), 0);
  }
  void Mark(const std::string& path, const std::string& mark, const std::string& value) {
    ASSERT_EQ(::lsetxattr(Up(path).c_str(), ("user.overlay." + mark).c_str(), value.data(),
                          value.size(), 0),
              0)
        << path;
  }
  void Opaque(const std::string& path) {
    UpDir(path);
    Mark(path, "opaque", "y");
  }
  void Redirect(const std::string& path, const std::string& from) {
    UpDir(path);
    Mark(path, "redirect", "/" + from);
  }

  CommittedLayer Commit(CommitOptions options = {}) {
    const auto session = store().Begin();
    Result<CommittedLayer> made =
        CommitUpper(store(), **session, Path("upper"), Path("work"), tree_, options);
    if (!made) {
      ADD_FAILURE() << made.error().message();
      return {Digest::OfBytes(""), 0, 0, false, false, {}};
    }
    EXPECT_EQ(Digest::OfBytes(LayerTar(made->diff_id)), made->diff_id);
    return *made;
  }
  std::string Names(const Digest& diff_id) {
    Write("names.tar", LayerTar(diff_id));
    return Shell("tar -tf names.tar | tr '\\n' ' '");
  }
  std::string Diff() {
    const auto entries = DiffUpper(Path("upper"), Path("work"), tree_, store().layout().objects());
    EXPECT_TRUE(entries) << entries.error().message();
    std::string out;
    for (size_t i = 0; entries && i < entries->size(); ++i) {
      out += static_cast<char>((*entries)[i].kind) + std::string(" ") + (*entries)[i].path + "\n";
      EXPECT_TRUE(i == 0 || DiffPathLess((*entries)[i - 1].path, (*entries)[i].path)) << out;
    }
    return out;
  }

  // Every object of a tree, in words.
  static std::string Describe(const Layer& layer) {
    std::string out;
    std::function<void(const LayerObject&, const std::string&)> walk =
        [&](const LayerObject& object, const std::string& path) {
          const Attr& attr = object.attr;
          out += path + " " + std::to_string(static_cast<int>(attr.type)) + " " +
                 std::to_string(attr.mode) + " " + std::to_string(attr.uid) + " " +
                 std::to_string(attr.mtime.sec) + "." + std::to_string(attr.mtime.nsec);
          if (attr.type == FileType::kSymlink) out += " -> " + *layer.ReadLink(object.ref);
          if (attr.type == FileType::kRegular) {
            const Sys<Content> content = layer.Open(object.ref);
            EXPECT_TRUE(content) << path;
            std::string bytes(content->bytes);
            if (content->fd) {
              bytes.resize(attr.size);
              EXPECT_EQ(::pread(content->fd.get(), bytes.data(), bytes.size(), 0),
                        static_cast<ssize_t>(attr.size));
            }
            out += " " + Sha256Hex(bytes);
          }
          const Sys<XattrList> xattrs = layer.ListXattrs(object.ref);
          for (size_t i = 0; xattrs && i < xattrs->size(); ++i) {
            out += " " + (*xattrs)[i].first + "=" + (*xattrs)[i].second;
          }
          out += "\n";
          if (attr.type != FileType::kDirectory) return;
          std::vector<std::string> names;
          EXPECT_TRUE(layer.List(
              object.ref, [&](const LayerDirent& entry) { names.emplace_back(entry.name); }));
          std::sort(names.begin(), names.end());
          for (const std::string& name : names) {
            const auto child = layer.Lookup(object.ref, name, 0);
            ASSERT_TRUE(child && *child) << path << "/" << name;
            walk(**child, path + "/" + name);
          }
        };
    walk(layer.Root(), "");
    return out;
  }
  // What the union shows, and what image and layer give together.
  std::string Union() {
    DirLayerOptions options;
    options.aufs = false;
    return Describe(LayerStack({*DirLayer::Open(Path("upper"), options),
                                *IndexedLayer::Open(tree_, store().layout().objects())}));
  }
  std::string Merged(const Digest& layer) {
    const Result<std::string> tree = store().EnsureTree(std::vector<Digest>{base_, layer});
    EXPECT_TRUE(tree) << tree.error().message();
    return Describe(**IndexedLayer::Open(*tree, store().layout().objects()));
  }

  Digest base_ = Digest::OfBytes("");
  std::string tree_;
};

const std::string kLarge(5000, 'L');

std::string SmallImage() {
  return TarDir("./") + TarDir("etc") + TarFile("etc/passwd", "root") +
         TarFile("etc/hosts", "hosts") + TarDir("usr") + TarDir("usr/lib") +
         TarFile("usr/lib/libc", kLarge) + TarDir("usr/lib/sub") +
         TarFile("usr/lib/sub/deep", "deep") + TarDir("srv") + TarFile("srv/old", "old") + TarEnd();
}

TEST_F(CommitTest, NothingChangedIsAnEmptyArchive) {
  Image(SmallImage());
  const CommittedLayer layer = Commit();
  EXPECT_TRUE(layer.empty);
  EXPECT_EQ(layer.diff_id.hex(),
            "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef");
  EXPECT_EQ(Diff(), "");
}

TEST_F(CommitTest, AddedChangedAndDeletedNames) {
  Image(SmallImage());
  UpFile("etc/passwd", "root and me");
  UpFile("etc/new", "new");
  Whiteout("etc/hosts");
  Whiteout("srv");
  UpFile("opt/tool/bin", kLarge + "x");
  const CommittedLayer layer = Commit();
  EXPECT_EQ(Names(layer.diff_id),
            "./ etc/ etc/.wh.hosts etc/new etc/passwd opt/ opt/tool/ opt/tool/bin .wh.srv ");
  EXPECT_EQ(Diff(),
            "C /etc\nD /etc/hosts\nA /etc/new\nC /etc/passwd\nA /opt\nA /opt/tool\nA "
            "/opt/tool/bin\nD /srv\n");
  EXPECT_EQ(Merged(layer.diff_id), Union());
  EXPECT_FALSE(layer.empty);
}

TEST_F(CommitTest, ADirectoryMadeAnewIsOpaqueWithoutWhiteoutsInIt) {
  Image(SmallImage());
  Opaque("usr");
  UpFile("usr/lib/sub/other", "o");
  Whiteout("usr/lib/sub/deep");
  const CommittedLayer layer = Commit();
  EXPECT_EQ(Names(layer.diff_id),
            "./ usr/ usr/.wh..wh..opq usr/lib/ usr/lib/sub/ usr/lib/sub/other ");
  EXPECT_EQ(Diff(),
            "C /usr\nC /usr/lib\nD /usr/lib/libc\nC /usr/lib/sub\nD /usr/lib/sub/deep\nA "
            "/usr/lib/sub/other\n");
  EXPECT_EQ(Merged(layer.diff_id), Union());
}

TEST_F(CommitTest, ARenamedDirectoryIsThereWithAllOfItAndNothingIsCopied) {
  Image(SmallImage());
  Whiteout("usr");
  Redirect("system", "usr");
  UpFile("system/lib/added", "a");
  Whiteout("system/lib/sub");
  const size_t objects = CountObjects();
  const CommittedLayer layer = Commit();
  EXPECT_EQ(Names(layer.diff_id),
            "./ system/ system/lib/ system/lib/added system/lib/libc .wh.usr ");
  EXPECT_EQ(CountObjects(), objects);
  EXPECT_EQ(Diff(), "A /system\nA /system/lib\nA /system/lib/added\nA /system/lib/libc\nD /usr\n");
  EXPECT_EQ(Merged(layer.diff_id), Union());
}

TEST_F(CommitTest, ADirectoryRenamedOntoAnother) {
  Image(SmallImage());
  Whiteout("usr");
  Redirect("srv", "usr/lib");
  const CommittedLayer layer = Commit();
  EXPECT_EQ(Names(layer.diff_id),
            "./ srv/ srv/.wh..wh..opq srv/libc srv/sub/ srv/sub/deep .wh.usr ");
  EXPECT_EQ(Diff(), "C /srv\nA /srv/libc\nD /srv/old\nA /srv/sub\nA /srv/sub/deep\nD /usr\n");
  EXPECT_EQ(Merged(layer.diff_id), Union());
}

TEST_F(CommitTest, ARedirectToItsOwnPlaceIsNoRename) {
  Image(SmallImage());
  Redirect("usr/lib", "usr/lib");
  UpFile("usr/lib/x", "x");
  const CommittedLayer layer = Commit();
  EXPECT_EQ(Names(layer.diff_id), "./ usr/ usr/lib/ usr/lib/x ");
  EXPECT_EQ(Merged(layer.diff_id), Union());
}

TEST_F(CommitTest, ARedirectToItsOwnPlaceUnderAnOpaqueDirectoryBringsBackWhatWasThere) {
  Image(SmallImage());
  Opaque("usr");
  Redirect("usr/lib", "usr/lib");
  Whiteout("usr/lib/libc");
  const CommittedLayer layer = Commit();
  EXPECT_EQ(Names(layer.diff_id),
            "./ usr/ usr/.wh..wh..opq usr/lib/ usr/lib/sub/ usr/lib/sub/deep ");
  EXPECT_EQ(Diff(), "C /usr\nC /usr/lib\nD /usr/lib/libc\n");
  EXPECT_EQ(Merged(layer.diff_id), Union());
}

TEST_F(CommitTest, MetadataOnlyCopiesGetTheirContentsFromTheImage) {
  Image(SmallImage());
  const auto metacopy = [&](const std::string& path, size_t size) {
    UpFile(path, "");
    ASSERT_EQ(::truncate(Up(path).c_str(), static_cast<off_t>(size)), 0);
    ASSERT_EQ(::chmod(Up(path).c_str(), 0600), 0);
    Mark(path, "metacopy", "");
  };
  metacopy("etc/passwd", 4);
  metacopy("etc/moved", kLarge.size());
  Mark("etc/moved", "redirect", "/usr/lib/libc");
  const size_t objects = CountObjects();
  const CommittedLayer layer = Commit();
  EXPECT_EQ(Names(layer.diff_id), "./ etc/ etc/moved etc/passwd ");
  EXPECT_EQ(CountObjects(), objects);
  auto dump = Dump(layer.diff_id);
  EXPECT_EQ(dump["/etc/passwd"].substr(0, 9), "file 600 ");
  EXPECT_NE(dump["/etc/passwd"].find("\"root\""), std::string::npos);
  EXPECT_NE(dump["/etc/moved"].find("LLLL"), std::string::npos);
  EXPECT_EQ(Merged(layer.diff_id), Union());
}

TEST_F(CommitTest, TypesThatReplaceOneAnother) {
  Image(SmallImage());
  UpFile("usr", "now a file");
  UpFile("etc/passwd/inside", "now a directory");
  fs::create_symlink("../nowhere", Up("srv"));
  ASSERT_EQ(::mkfifo(Up("fifo").c_str(), 0640), 0);
  const CommittedLayer layer = Commit();
  EXPECT_EQ(Names(layer.diff_id), "./ etc/ etc/passwd/ etc/passwd/inside fifo srv usr ");
  EXPECT_EQ(Diff(), "C /etc\nC /etc/passwd\nA /etc/passwd/inside\nA /fifo\nC /srv\nC /usr\n");
  EXPECT_EQ(Merged(layer.diff_id), Union());
}

TEST_F(CommitTest, HardLinksStayLinked) {
  Image(SmallImage());
  UpFile("etc/one", kLarge + "new");
  fs::create_hard_link(Up("etc/one"), Up("etc/two"));
  const CommittedLayer layer = Commit();
  auto dump = Dump(layer.diff_id);
  EXPECT_NE(dump["/etc/two"].find("2 links, /etc/one"), std::string::npos) << dump["/etc/two"];
}

TEST_F(CommitTest, AFileChangedThroughOneOfItsNamesChangesThroughAll) {
  Image(TarDir("a") + TarFile("a/one", "before") + TarHardLink("a/two", "a/one") + TarDir("b") +
        TarDir("b/c") + TarHardLink("b/c/three", "a/one") + TarHardLink("b/gone", "a/one") +
        TarEnd());
  const auto index = IndexedLayer::Open(tree_, store().layout().objects());
  const LayerObject a = **(*index)->Lookup((*index)->Root().ref, "a", 0);
  const uint64_t ino = (**(*index)->Lookup(a.ref, "one", 0)).attr.ino;
  UpFile("a/one", "after");
  fs::create_directories(Path("work/veneer/links"));
  char name[17];
  std::snprintf(name, sizeof name, "%016llx", static_cast<unsigned long long>(ino));
  fs::create_hard_link(Up("a/one"), Path("work/veneer/links/" + std::string(name)));
  Whiteout("b/gone");
  const CommittedLayer layer = Commit();
  EXPECT_EQ(Names(layer.diff_id), "./ a/ a/one a/two b/ b/c/ b/c/three b/.wh.gone ");
  SetRootTime(0);
  EXPECT_EQ(Diff(), "C /a\nC /a/one\nC /a/two\nC /b\nC /b/c\nC /b/c/three\nD /b/gone\n");
  auto dump = Dump(layer.diff_id);
  for (const char* path : {"/a/one", "/a/two", "/b/c/three"}) {
    EXPECT_NE(dump[path].find("\"after\" 3 links, "), std::string::npos) << dump[path];
  }
  EXPECT_EQ(dump["/b/c"], "dir 755 0:0 0.0") << "its attributes stay the image's";
}

TEST_F(CommitTest, PrivateXattrsStayBehindAndTheUsersComeAlong) {
  Image(SmallImage());
  UpFile("etc/passwd", "x");
  Mark("etc/passwd", "veneer.origin", "7");
  Mark("etc/passwd", "overlay.opaque", "y");  // escaped: the user's own
  ASSERT_EQ(::setxattr(Up("etc/passwd").c_str(), "user.mine", "v", 1, 0), 0);
  auto dump = Dump(Commit().diff_id);
  EXPECT_NE(dump["/etc/passwd"].find(" user.mine=76 user.overlay.opaque=79"), std::string::npos)
      << dump["/etc/passwd"];
  EXPECT_EQ(dump["/etc/passwd"].find("origin"), std::string::npos);
}

TEST_F(CommitTest, TheSameTreeGivesTheSameDigest) {
  Image(SmallImage());
  auto make = [&] {
    Shell("rm -rf upper; mkdir -m 755 upper");
    UpFile("etc/passwd", "x");
    UpFile("z/y", "y");
    Whiteout("srv");
  };
  CommitOptions options;
  options.source_date_epoch = 1000000000;
  make();
  const Digest first = Commit(options).diff_id;
  Shell("sleep 0.02");
  make();
  EXPECT_EQ(Commit(options).diff_id, first);
  EXPECT_TRUE(Commit(options).existed);
  for (const auto& [path, line] : Dump(first)) {
    EXPECT_TRUE(line == "whiteout" || line.find(" 1000000000.0") != std::string::npos ||
                line.ends_with("implied"))
        << path << " " << line;
  }
  EXPECT_NE(Commit().diff_id, first);
}

TEST_F(CommitTest, MoveMakesTheFilesObjectsWithoutACopy) {
  Image(SmallImage());
  UpFile("big/one", std::string(3000000, 'b'));
  UpFile("big/two", std::string(2000000, 'c'));
  UpFile("small", "s");
  const std::string before = Shell("du -s --block-size=1K . | cut -f1");
  const auto session = store().Begin();
  CommitOptions options;
  options.move = true;
  const auto moved = CommitUpper(store(), **session, Path("upper"), Path("work"), tree_, options);
  ASSERT_TRUE(moved) << moved.error().message();
  const std::string inodes = Shell("stat -c %i upper/big/* | sort");
  ASSERT_TRUE((*session)->PublishLinked([&]() -> Result<void> {
    fs::remove_all(Path("upper"));
    return {};
  }));
  EXPECT_EQ(Shell("find store/objects -size +1M -printf '%i\n' | sort"), inodes);
  EXPECT_EQ(Shell("find store/objects -type f -printf '%m %n\n' | sort -u"), "444 1\n");
  EXPECT_LT(std::stol(Shell("du -s --block-size=1K . | cut -f1")), std::stol(before) + 500);
  EXPECT_EQ(Digest::OfBytes(LayerTar(moved->diff_id)), moved->diff_id);
  EXPECT_NE(Dump(moved->diff_id)["/big/two"].find(" 2000000 "), std::string::npos);
}

TEST_F(CommitTest, SparseFilesStaySparse) {
  Image(SmallImage());
  UpFile("disk", "start");
  ASSERT_EQ(::truncate(Up("disk").c_str(), off_t{5} << 30), 0);
  const CommittedLayer layer = Commit();
  EXPECT_LT(layer.tar_bytes, 100000U);
  EXPECT_NE(Dump(layer.diff_id)["/disk"].find(" 5368709120 \"start"), std::string::npos);
  EXPECT_LT(std::stol(Shell("du -s --block-size=1M store | cut -f1")), 5);
}

// Docker lets what it unpacks inherit the default ACL of the directory.
TEST_F(CommitTest, WhatIsInADirectoryWithADefaultAclInheritsNothingOfItElsewhere) {
  Image(SmallImage());
  Shell(
      "cd upper; mkdir -p d/sub/deep; echo a >d/plain; setfattr -n user.a -v b d/plain\n"
      "echo b >d/own; ln -s x d/link; ln d/plain d/z\n"
      "setfacl -m u:5:r d/own; setfacl -d -m u:1234:rwx d; chmod 700 d/sub");
  const std::string shown = Union();
  const CommittedLayer layer = Commit();
  EXPECT_EQ(Merged(layer.diff_id), shown);
  Write("layer.tar", LayerTar(layer.diff_id));
  const std::string records = Records("layer.tar");
  EXPECT_NE(records.find("\nd/z SCHILY.xattr.user.a mtime\n"), std::string::npos) << records;
  // In two steps, as Docker does it: made in the directory that has the ACL, then given its
  // attributes.
  Write("unpack.py", R"(import os, tarfile
for m in tarfile.open('layer.tar'):
  path = 'out/' + m.name
  if m.name == '.': continue
  if m.isdir(): os.mkdir(path)
  elif m.islnk(): os.link('out/' + m.linkname, path)
  elif m.issym(): os.symlink(m.linkname, path)
  else: open(path, 'w').close()
  if m.islnk() or m.issym(): continue
  for key, value in m.pax_headers.items():
    if key.startswith('SCHILY.xattr.'):
      os.setxattr(path, key[13:], value.encode('utf-8', 'surrogateescape'))
  os.chmod(path, m.mode)
)");
  Shell("mkdir out; python3 unpack.py");
  EXPECT_EQ(Shell("cd upper; getfacl -nR d"), Shell("cd out; getfacl -nR d"));
  // And it is none when it comes back.
  const std::string direct = DumpText(layer.diff_id);
  Shell("chmod -R u+w store; rm -rf store/layers/" + layer.diff_id.hex() + " store/trees/*");
  EXPECT_EQ(Import("layer.tar").diff_id, layer.diff_id);
  EXPECT_EQ(DumpText(layer.diff_id), direct);
}

// A sound digest over damaged contents would hide the damage for good.
TEST_F(CommitTest, DamagedContentsOfTheImageAreNotSealed) {
  for (const size_t size : {size_t{100'000}, size_t{1'500}}) {
    Image(TarDir("d") + TarFile("d/f", std::string(size, 'f')) + TarEnd());
    Redirect("moved", "d");
    Whiteout("d");
    Shell("chmod u+w store/objects/*/*");
    for (const char* damage : {"truncate -s 1200 store/objects/*/*",
                               "printf y | dd of=$(echo store/objects/*/*) bs=1 seek=700 "
                               "conv=notrunc status=none"}) {
      Shell(damage);
      const auto session = store().Begin();
      const Result<CommittedLayer> made =
          CommitUpper(store(), **session, Path("upper"), Path("work"), tree_, CommitOptions());
      ASSERT_FALSE(made) << size << " " << damage;
      EXPECT_EQ(made.error().reason(), Reason::kDamaged) << made.error().message();
    }
    Shell("rm -rf store/objects/* upper work");
  }
}

TEST_F(CommitTest, SocketsAreInTheLayerAndNotInItsArchive) {
  Image(SmallImage());
  Shell("cd upper; python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind(\"sock\")'");
  const CommittedLayer layer = Commit();
  EXPECT_EQ(Names(layer.diff_id), "./ ");
  EXPECT_EQ(Dump(layer.diff_id)["/sock"].substr(0, 5), "sock ");
  // What a socket replaced does not come back for other readers.
  Shell("mkdir upper/etc; mv upper/sock upper/etc/passwd");
  const CommittedLayer replaced = Commit();
  EXPECT_EQ(Names(replaced.diff_id), "./ etc/ etc/.wh.passwd ");
  EXPECT_EQ(Dump(replaced.diff_id)["/etc/passwd"].substr(0, 5), "sock ");
}

TEST_F(CommitTest, ANameThatMeansADeletionIsRefused) {
  Image(SmallImage());
  UpFile("etc/.wh.passwd", "a real file");
  const auto session = store().Begin();
  const Result<CommittedLayer> made =
      CommitUpper(store(), **session, Path("upper"), Path("work"), tree_, CommitOptions());
  ASSERT_FALSE(made);
  EXPECT_NE(made.error().message().find("/etc/.wh.passwd"), std::string::npos);
  SetRootTime(0);
  EXPECT_EQ(Diff(), "C /etc\nA /etc/.wh.passwd\n");
}

TEST_F(CommitTest, TheDirectoriesAboveAChangeComeAlongWithAllTheirAttributes) {
  std::string image = TarDir("./");
  image += TarPax(PaxRecord("SCHILY.xattr.user.k", "v")) + TarDir("root") + TarDir("root/deep");
  Image(image + TarFile("root/deep/rc", "a") + TarEnd());
  UpFile("root/deep/rc", "b");
  // As the daemon copies them up.
  for (const char* path : {"root/deep", "root"}) {
    const timespec times[2] = {{0, 0}, {0, 0}};
    ASSERT_EQ(::chmod(Up(path).c_str(), 0755), 0);
    ASSERT_EQ(::utimensat(AT_FDCWD, Up(path).c_str(), times, 0), 0);
  }
  ASSERT_EQ(::setxattr(Up("root").c_str(), "user.k", "v", 1, 0), 0);
  SetRootTime(0);
  CommitOptions options;
  options.source_date_epoch = -5;
  const CommittedLayer layer = Commit(options);
  EXPECT_EQ(Names(layer.diff_id), "./ root/ root/deep/ root/deep/rc ");
  auto dump = Dump(layer.diff_id);
  EXPECT_EQ(dump["/"], "dir 755 0:0 0.0") << "what did not change is as old as in the image";
  EXPECT_EQ(dump["/root"], "dir 755 0:0 0.0 user.k=76");
  EXPECT_EQ(dump["/root/deep"], "dir 755 0:0 0.0");
  EXPECT_NE(dump["/root/deep/rc"].find(" -5.0 "), std::string::npos) << dump["/root/deep/rc"];
  EXPECT_EQ(Diff(), "C /root\nC /root/deep\nC /root/deep/rc\n");
  // Entries that only stand above a change are no difference between the images.
  const auto changes =
      DiffImages(store(), std::vector<Digest>{base_}, std::vector<Digest>{base_, Commit().diff_id});
  ASSERT_TRUE(changes);
  EXPECT_EQ(changes->size(), 3U);
}

TEST_F(CommitTest, TheRootIsADirectoryLikeOthers) {
  Image(SmallImage());
  ASSERT_EQ(::chmod(Path("upper").c_str(), 0711), 0);
  EXPECT_EQ(Diff(), "C /\n");
  EXPECT_EQ(Names(Commit().diff_id), "./ ");
  ASSERT_EQ(::chmod(Path("upper").c_str(), 0755), 0);
  EXPECT_EQ(Diff(), "");
  ASSERT_EQ(::setxattr(Path("upper").c_str(), "user.k", "v", 1, 0), 0);
  EXPECT_EQ(Diff(), "C /\n");
  EXPECT_EQ(Dump(Commit().diff_id)["/"], "dir 755 0:0 0.0 user.k=76");
  ASSERT_EQ(::removexattr(Path("upper").c_str(), "user.k"), 0);
  SetRootTime(2000);
  EXPECT_EQ(Diff(), "C /\n");
  const CommittedLayer layer = Commit();
  EXPECT_EQ(Names(layer.diff_id), "./ ");
  EXPECT_EQ(Merged(layer.diff_id), Union());
  // As docker diff does: what makes the root younger is told, and that it is younger is not.
  UpFile("x", "x");
  EXPECT_EQ(Diff(), "A /x\n");
  SetRootTime(0);
  EXPECT_EQ(Names(Commit().diff_id), "./ x ");
  // A change further down does not.
  fs::remove(Up("x"));
  UpFile("etc/passwd", "x");
  SetRootTime(2000);
  EXPECT_EQ(Diff(), "C /\nC /etc\nC /etc/passwd\n");
}

// Random images and random writable layers over them.
TEST_F(CommitTest, MergedWithTheImageItIsWhatTheUnionShows) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  auto name = [&] { return std::string(1, static_cast<char>('a' + random() % 4)); };
  auto path = [&] {
    std::string out = name();
    while (random() % 3 != 0) out += "/" + name();
    return out;
  };
  for (int round = 0; round < 60; ++round) {
    std::string archive = TarDir("./");
    std::vector<std::string> directories;
    for (int i = 0; i < 25; ++i) {
      const std::string where = path();
      if (random() % 3 == 0) {
        archive += TarDir(where);
        directories.push_back(where);
      } else {
        archive += TarFile(where, std::string(random() % 2 == 0 ? 3000 : 3,
                                              static_cast<char>('0' + random() % 10)));
      }
    }
    Shell("rm -rf upper work");
    Image(archive + TarEnd());
    const auto lower = *IndexedLayer::Open(tree_, store().layout().objects());
    std::error_code ignored;
    for (int i = 0; i < 15; ++i) {
      const std::string where = path();
      // A file on the way is in the way.
      for (fs::path up = fs::path(where).parent_path(); !up.empty(); up = up.parent_path()) {
        const fs::file_status status = fs::symlink_status(Up(up));
        if (fs::exists(status) && !fs::is_directory(status)) fs::remove(Up(up));
      }
      fs::remove_all(Up(where), ignored);
      switch (random() % 6) {
        case 0: Whiteout(where); break;
        case 1: Opaque(where); break;
        case 2: UpDir(where); break;
        case 3:
          if (!directories.empty()) Redirect(where, directories[random() % directories.size()]);
          break;
        default:
          UpFile(where,
                 std::string(random() % 2 == 0 ? 3000 : 3, static_cast<char>('A' + random() % 10)));
      }
    }
    const std::string shown = Union();
    const CommittedLayer layer = Commit();
    ASSERT_EQ(Merged(layer.diff_id), shown)
        << "round " << round << "\n"
        << Shell("find upper -printf '%P %y\\n'; getfattr -dhR -m - upper") << DumpText(base_)
        << Diff();
    // The archive alone gives the same layer again.
    Write("layer.tar", LayerTar(layer.diff_id));
    const std::string direct = DumpText(layer.diff_id);
    Shell("chmod -R u+w store; rm -rf store/layers/" + layer.diff_id.hex() + " store/trees/*");
    EXPECT_EQ(Import("layer.tar").diff_id, layer.diff_id);
    EXPECT_EQ(DumpText(layer.diff_id), direct) << "round " << round;
  }
}

}  // namespace
}  // namespace veneer
