// SPDX-License-Identifier: Apache-2.0
#include "tests/mount/parity/sabotage.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "tests/mount/parity/snapshot.h"

namespace veneer::parity {
namespace {

// The first object of `root` that fits; the harness makes sure by the seed that there is one.
template <class Fits>
std::string Find(const std::string& root, Fits fits) {
  const Fd fd(::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  for (const TreeEntry& entry : WalkTree(fd.get(), false).entries) {
    if (fits(entry.look.st)) return root + "/" + entry.path;
  }
  std::fprintf(stderr, "sabotage: nothing fits in %s\n", root.c_str());
  std::abort();
}

void Check(bool done, const char* what) {
  if (done) return;
  std::perror(what);
  std::abort();
}

// Flips one byte and puts the time back, as a write past the file system would.
void FlipByte(const std::string& path) {
  struct stat st {};
  Check(::stat(path.c_str(), &st) == 0, "stat");
  const Fd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  char byte = 0;
  const off_t at = st.st_size / 2;
  Check(::pread(fd.get(), &byte, 1, at) == 1, "pread");
  byte = static_cast<char>(byte ^ 1);
  Check(::pwrite(fd.get(), &byte, 1, at) == 1, "pwrite");
  const timespec times[2] = {st.st_atim, st.st_mtim};
  Check(::futimens(fd.get(), times) == 0, "futimens");
}

void MoveTime(const std::string& path) {
  const timespec times[2] = {{0, UTIME_OMIT}, {12345, 678}};
  Check(::utimensat(AT_FDCWD, path.c_str(), times, 0) == 0, "utimensat");
}

// A file of the same looks in place of one name of a hard link.
void BreakLink(const std::string& path) {
  struct stat st {};
  Check(::lstat(path.c_str(), &st) == 0, "lstat");
  const std::string copy = path.substr(0, path.rfind('/')) + "/sabotage";
  const Fd fd(::open(copy.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, st.st_mode & 07777));
  Check(fd.get() >= 0 && ::rename(copy.c_str(), path.c_str()) == 0, "replace a link");
}

}  // namespace

void Commit(Sabotage sabotage, Target& target) {
  const std::string& root = target.root();
  const auto file = [](const struct stat& st) { return S_ISREG(st.st_mode) && st.st_size > 0; };
  switch (sabotage) {
    case Sabotage::kNone:
    case Sabotage::kResult: break;
    case Sabotage::kByte: FlipByte(Find(root, file)); break;
    case Sabotage::kSize:
      Check(::truncate(Find(root, file).c_str(), 1 << 20) == 0, "truncate");
      break;
    case Sabotage::kMode: Check(::chmod(Find(root, file).c_str(), 0123) == 0, "chmod"); break;
    case Sabotage::kOwner: Check(::chown(Find(root, file).c_str(), 77, -1U) == 0, "chown"); break;
    case Sabotage::kTime: MoveTime(Find(root, file)); break;
    case Sabotage::kXattr:
      Check(::setxattr(Find(root, file).c_str(), "user.sabotage", "x", 1, 0) == 0, "setxattr");
      break;
    case Sabotage::kSymlink: {
      const std::string path =
          Find(root, [](const struct stat& st) { return S_ISLNK(st.st_mode); });
      Check(::unlink(path.c_str()) == 0 && ::symlink("sabotage", path.c_str()) == 0, "symlink");
      break;
    }
    case Sabotage::kMissing: Check(::unlink(Find(root, file).c_str()) == 0, "unlink"); break;
    case Sabotage::kExtra: Check(::mkdir((root + "/sabotage").c_str(), 0700) == 0, "mkdir"); break;
    case Sabotage::kLinkBroken:
      BreakLink(
          Find(root, [](const struct stat& st) { return S_ISREG(st.st_mode) && st.st_nlink > 1; }));
      break;
    case Sabotage::kLowerByte: FlipByte(Find(target.layer_dirs().front(), file)); break;
    case Sabotage::kLowerTime: MoveTime(Find(target.layer_dirs().front(), file)); break;
  }
}

const char* SabotageName(Sabotage sabotage) {
  static const char* const names[] = {"nothing",
                                      "a byte",
                                      "a size",
                                      "a mode",
                                      "an owner",
                                      "a time",
                                      "an xattr",
                                      "a symlink",
                                      "a missing name",
                                      "an extra name",
                                      "a broken hard link",
                                      "a result",
                                      "a byte of a layer",
                                      "a time of a layer"};
  return names[static_cast<int>(sabotage)];
}

}  // namespace veneer::parity
