// SPDX-License-Identifier: Apache-2.0
//
// Chooses operations. It keeps a rough idea of which names exist, so that most operations meet
// something; being wrong is harmless, since the outcome is compared and never predicted.
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>

#include "tests/mount/parity/op.h"
#include "tests/mount/parity/repertoire.h"

namespace veneer::parity {
namespace {

using Kind = OpKind;

std::string ParentOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

class Generator {
 public:
  Generator(Rng& rng, const std::map<std::string, ItemType>& tree, const Choices& choices)
      : rng_(rng), model_(tree), choices_(choices) {
    for (const Weight& w : choices.weights) total_ += w.weight;
  }

  Op Next() {
    Op op;
    op.kind = PickKind();
    op.who = rng_.Percent(60) ? 0 : static_cast<int>(rng_.Below(Credentials().size()));
    op.umask = rng_.Pick(std::vector<mode_t>{022, 022, 0, 077, 027, 0137});
    op.slot = static_cast<int>(rng_.Below(kSlots));
    op.slot2 = static_cast<int>(rng_.Below(kSlots));
    op.offset = RandomOffset();
    op.offset2 = RandomOffset();
    op.size = RandomSize();
    op.pattern = rng_.Below(1000);
    op.mode = RandomMode();
    op.uid = rng_.Pick(choices_.uids);
    op.gid = rng_.Pick(choices_.gids);
    op.look = rng_.Percent(60);
    op.look_inside = rng_.Percent(15);
    Fill(op);
    return op;
  }

 private:
  enum class Want { kAny, kFile, kDirectory, kNew };

  Kind PickKind() {
    uint64_t at = rng_.Below(total_);
    for (const Weight& w : choices_.weights) {
      if (at < w.weight) return w.kind;
      at -= w.weight;
    }
    return Kind::kStat;
  }

  uint64_t RandomOffset() {
    switch (rng_.Below(8)) {
      case 0: return 0;
      case 1: return rng_.Below(100);
      case 2: return rng_.Between(4090, 4100);
      case 3: return rng_.Below(9000);
      case 4: return rng_.Below(140000);
      case 5: return 4096 * rng_.Below(40);
      case 6: return rng_.Between(131060, 131090);
      default: return rng_.Percent(20) ? rng_.Below(3000000) : 0;
    }
  }

  uint64_t RandomSize() {
    switch (rng_.Below(7)) {
      case 0: return rng_.Below(3);
      case 1: return rng_.Below(100);
      case 2: return 4096;
      case 3: return rng_.Below(9000);
      case 4: return rng_.Below(150000);
      case 5: return rng_.Between(4090, 4100);
      default: return 16;
    }
  }

  uint32_t RandomMode() {
    return rng_.Pick(std::vector<uint32_t>{0644, 0600, 0755, 0666, 0777, 0444, 0000, 02755, 04755,
                                           06777, 01777, 02644, 04644, 0640, 02775, 07777});
  }

  std::string RandomName() {
    const uint64_t what = rng_.Below(200);
    if (what == 0) return std::string(256, 'q');
    if (what < 3) return std::string(255, 'p');
    if (what == 3) return ".";
    if (what == 4) return "..";
    if (what == 5) return std::string(251, 'r') + ".tmp";
    return rng_.Pick(choices_.names);
  }

  std::string RandomDirectory() {
    std::vector<const std::string*> all;
    for (const auto& [path, type] : model_) {
      if (type == ItemType::kDirectory && std::count(path.begin(), path.end(), '/') < 5)
        all.push_back(&path);
    }
    if (all.empty() || rng_.Percent(15)) return ".";
    return *all[rng_.Below(all.size())];
  }

  std::string Existing(Want want) {
    std::vector<const std::string*> all;
    for (const auto& [path, type] : model_) {
      const bool fits =
          want == Want::kAny || (want == Want::kDirectory) == (type == ItemType::kDirectory);
      if (fits && (path != "." || rng_.Percent(20))) all.push_back(&path);
    }
    return all.empty() ? "." : *all[rng_.Below(all.size())];
  }

  std::string Inside(const std::string& dir) {
    return dir == "." ? RandomName() : dir + "/" + RandomName();
  }

  // A path, mostly of the wanted kind, now and then spelled in an odd way.
  std::string Path(Want want) {
    std::string path;
    if (want == Want::kNew ? rng_.Percent(90) : rng_.Percent(10)) {
      path = Inside(rng_.Percent(96) ? RandomDirectory() : Existing(Want::kAny));
    } else {
      path = Existing(rng_.Percent(85) ? want : Want::kAny);
    }
    switch (rng_.Below(120)) {
      case 0: return path + "/";
      case 1: return "/" + path;
      case 2: return "./" + path;
      case 3: return path + "/.";
      case 4: return path + "/../" + path;
      case 5: return "";
      case 6: return "link/" + path;
      case 7: return path + "/..";
      default: return path;
    }
  }

  // A path whose attributes are to be changed.
  std::string Changed() {
    return choices_.percent_of_root != 0 && rng_.Percent(choices_.percent_of_root)
               ? "."
               : Path(Want::kAny);
  }

  int OpenFlags() {
    int flags = rng_.Pick(std::vector<int>{O_RDONLY, O_RDWR, O_RDWR, O_WRONLY});
    if (rng_.Percent(30)) flags |= O_CREAT;
    if (rng_.Percent(12)) flags |= O_EXCL;
    if (rng_.Percent(15)) flags |= O_TRUNC;
    if (rng_.Percent(15)) flags |= O_APPEND;
    if (rng_.Percent(8)) flags |= O_DIRECTORY;
    if (rng_.Percent(10)) flags |= O_NOFOLLOW;
    if (rng_.Percent(5)) flags |= O_SYNC;
    if (rng_.Percent(4)) flags |= O_NOATIME;
    if (rng_.Percent(4)) flags |= O_PATH;
    return flags;
  }

  timespec RandomTime() {
    timespec t{};
    switch (rng_.Below(5)) {
      case 0: t.tv_nsec = UTIME_NOW; break;
      case 1: t.tv_nsec = UTIME_OMIT; break;
      default:
        t.tv_sec = rng_.Pick(choices_.seconds);
        t.tv_nsec = rng_.Percent(30) ? 0 : static_cast<long>(rng_.Below(1000000000));
    }
    return t;
  }

  void FillXattr(Op& op) {
    op.flags = static_cast<int>(rng_.Below(3));
    op.path = Changed();
    op.name = rng_.Pick(choices_.xattrs);
    // tmpfs takes set-group-ID away when somebody outside the group removes an ACL; no other does.
    if (op.name == "system.posix_acl_access") op.who = op.kind == Kind::kRemoveXattr ? 0 : op.who;
    if (op.kind != Kind::kSetXattr) return;
    op.mode = rng_.Pick(
        std::vector<uint32_t>{0, 0, 0, XATTR_CREATE, XATTR_REPLACE, XATTR_CREATE | XATTR_REPLACE});
    if (op.name.rfind("system.posix_acl", 0) == 0) {
      op.value = op.who != 0 || rng_.Percent(90) ? RandomAcl(rng_) : std::string();
    } else if (op.name == "security.capability") {
      op.value = rng_.Percent(90) ? RandomCapability(rng_) : std::string("bad");
    } else {
      op.value.resize(rng_.Pick(choices_.xattr_sizes));
      FillPattern(rng_.Next(), 0, op.value.data(), op.value.size());
    }
  }

  void Fill(Op& op) {
    switch (op.kind) {
      case Kind::kOpen:
        op.flags = OpenFlags();
        op.path = Path((op.flags & O_DIRECTORY) != 0                   ? Want::kDirectory
                       : (op.flags & O_CREAT) != 0 && rng_.Percent(60) ? Want::kNew
                                                                       : Want::kFile);
        if ((op.flags & O_CREAT) != 0) Appears(op.path, ItemType::kFile);
        break;
      case Kind::kTmpfile:
        op.path = Path(Want::kDirectory);
        op.flags = O_TMPFILE | O_RDWR | (rng_.Percent(20) ? O_EXCL : 0);
        break;
      case Kind::kFallocate:
        op.flags = rng_.Pick(
            std::vector<int>{0, FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                             FALLOC_FL_ZERO_RANGE, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE,
                             FALLOC_FL_PUNCH_HOLE});
        // What is not supported fails after set-user-ID was dropped: the kernel drops it before it
        // asks FUSE.
        if ((op.flags & FALLOC_FL_ZERO_RANGE) != 0 || op.flags == FALLOC_FL_PUNCH_HOLE) op.who = 0;
        break;
      case Kind::kSeek: op.flags = rng_.Pick(std::vector<int>{SEEK_SET, SEEK_CUR, SEEK_END}); break;
      case Kind::kFutimens:
      case Kind::kUtimens:
        op.path = Changed();
        op.flags = rng_.Percent(50) ? AT_SYMLINK_NOFOLLOW : 0;
        op.times[0] = RandomTime();
        op.times[1] = RandomTime();
        break;
      case Kind::kFlock:
        op.flags = rng_.Pick(std::vector<int>{LOCK_SH, LOCK_EX, LOCK_UN}) | LOCK_NB;
        break;
      case Kind::kRangeLock:
        op.flags = rng_.Pick(std::vector<int>{F_RDLCK, F_WRLCK, F_UNLCK});
        break;
      case Kind::kSetFlags:
        op.flags = rng_.Pick(std::vector<int>{0, FS_NODUMP_FL, FS_NOATIME_FL});
        break;
      case Kind::kMap:
      case Kind::kMapRead:
      case Kind::kMapWrite:
      case Kind::kMapSync:
      case Kind::kUnmap:
        op.slot = static_cast<int>(rng_.Below(kMaps));
        op.offset = op.kind == Kind::kMap ? op.offset / 4096 * 4096 : op.offset % 20000;
        op.size = op.kind == Kind::kMap ? op.size % 100000 + 1 : op.size % 9000;
        op.flags = rng_.Percent(60) ? PROT_READ | PROT_WRITE : PROT_READ;
        break;
      case Kind::kTruncate:
      case Kind::kReadFile: op.path = Path(Want::kFile); break;
      case Kind::kWriteFile:
        op.path = Path(rng_.Percent(50) ? Want::kNew : Want::kFile);
        op.flags = rng_.Pick(std::vector<int>{0, 0, O_TRUNC, O_APPEND, O_EXCL}) | O_WRONLY |
                   O_CREAT | O_NOFOLLOW;
        Appears(op.path, ItemType::kFile);
        break;
      case Kind::kChmod: op.path = Changed(); break;
      case Kind::kStat:
      case Kind::kHandle:
        op.path = Path(Want::kAny);
        op.flags = rng_.Percent(60) ? AT_SYMLINK_NOFOLLOW : 0;
        break;
      case Kind::kChown:
        op.path = Changed();
        op.flags = rng_.Percent(50) ? AT_SYMLINK_NOFOLLOW : 0;
        break;
      case Kind::kAccess:
        op.path = Path(Want::kAny);
        op.flags = static_cast<int>(rng_.Below(8));
        break;
      case Kind::kStatfs:
      case Kind::kReadlink: op.path = Path(Want::kAny); break;
      case Kind::kList:
      case Kind::kWalk:
        op.path = Path(Want::kDirectory);
        op.size = rng_.Pick(std::vector<uint64_t>{300, 600, 4096, 32768});
        break;
      case Kind::kMkdir:
        op.path = Path(Want::kNew);
        Appears(op.path, ItemType::kDirectory);
        break;
      case Kind::kRmdir:
        op.path = Path(Want::kDirectory);
        if (rng_.Percent(40)) Vanishes(op.path);
        break;
      case Kind::kRemoveTree:
        // As root, whom no permission stops half way. Never of the root directory.
        op.who = 0;
        op.path = Existing(Want::kDirectory);
        if (op.path == ".") op.path = rng_.Pick(choices_.names);
        op.flags = rng_.Percent(60) ? 1 : 0;
        Vanishes(op.path);
        if (op.flags == 0) break;
        Appears(op.path, ItemType::kDirectory);
        Appears(op.path + "/a", ItemType::kFile);
        break;
      case Kind::kUnlink:
        op.path = Path(Want::kFile);
        Vanishes(op.path);
        break;
      case Kind::kSymlink:
        op.path = Path(Want::kNew);
        op.path2 = rng_.Percent(80) ? Path(Want::kAny) : std::string(rng_.Between(1, 4095), 's');
        Appears(op.path, ItemType::kSymlink);
        break;
      case Kind::kLink:
      case Kind::kLinkFd:
        op.path = Path(Want::kFile);
        op.path2 = Path(Want::kNew);
        op.flags = rng_.Percent(10) ? AT_SYMLINK_FOLLOW : 0;
        Appears(op.path2, ItemType::kFile);
        break;
      case Kind::kMknod:
        op.path = Path(Want::kNew);
        op.flags = rng_.Pick(choices_.node_types);
        op.size = rng_.Between(1, 70000);
        Appears(op.path, ItemType::kFifo);
        break;
      case Kind::kRename: FillRename(op); break;
      case Kind::kLongPath: op.flags = static_cast<int>(rng_.Between(4090, 4097)); break;
      case Kind::kSetXattr:
      case Kind::kGetXattr:
      case Kind::kListXattr:
      case Kind::kRemoveXattr: FillXattr(op); break;
      default: break;
    }
  }

  void FillRename(Op& op) {
    op.path = Path(rng_.Percent(50) ? Want::kDirectory : Want::kFile);
    op.path2 = Path(rng_.Percent(50)   ? Want::kNew
                    : rng_.Percent(50) ? Want::kDirectory
                                       : Want::kFile);
    const uint64_t what = rng_.Below(100);
    if (what < 10)
      op.flags = RENAME_NOREPLACE;
    else if (what < 28)
      op.flags = RENAME_EXCHANGE;
    else if (what < 29)
      op.flags = RENAME_EXCHANGE | RENAME_NOREPLACE;
    else if (what < 30)
      op.flags = 64;
    if (op.flags != 0) return;
    const auto it = model_.find(op.path);
    if (op.path == "." || it == model_.end() || op.path2.rfind(op.path + "/", 0) == 0) return;
    // What vanishes under the new name may be the old name too: it is the same, or in it.
    const ItemType moved_type = it->second;
    Vanishes(op.path2);
    std::map<std::string, ItemType> moved;
    const std::string prefix = op.path + "/";
    moved[op.path2] = moved_type;
    for (const auto& [p, type] : model_) {
      if (p.rfind(prefix, 0) == 0) moved[op.path2 + "/" + p.substr(prefix.size())] = type;
    }
    Vanishes(op.path);
    if (model_.count(ParentOf(op.path2)) != 0) model_.insert(moved.begin(), moved.end());
  }

  void Appears(const std::string& path, ItemType type) {
    const auto parent = model_.find(ParentOf(path));
    const std::string last =
        path.substr(path.rfind('/') == std::string::npos ? 0 : path.rfind('/') + 1);
    if (parent == model_.end() || last.empty() || last == "." || last == ".." || last.size() > 255)
      return;
    if (parent->second == ItemType::kDirectory && path.front() != '/') model_.emplace(path, type);
  }

  void Vanishes(const std::string& path) {
    if (path == ".") return;
    const std::string prefix = path + "/";
    for (auto it = model_.begin(); it != model_.end();) {
      it = it->first == path || it->first.rfind(prefix, 0) == 0 ? model_.erase(it) : std::next(it);
    }
  }

  Rng& rng_;
  std::map<std::string, ItemType> model_;
  const Choices& choices_;
  uint64_t total_ = 0;
};

}  // namespace

const std::array<Credential, 6>& Credentials() {
  static const std::array<Credential, 6> all = {{
      {0, 0, {}},
      {1000, 1000, {1000, 2000}},
      {1001, 1001, {}},
      {1000, 3000, {0}},
      {2000, 2000, {1000, 1001, 3000}},
      {1001, 2000, {2000}},
  }};
  return all;
}

std::vector<Op> GenerateOps(Rng& rng, const std::map<std::string, ItemType>& tree, int steps,
                            Repertoire repertoire) {
  Generator generator(rng, tree, ChoicesOf(repertoire));
  std::vector<Op> ops;
  ops.reserve(static_cast<size_t>(steps));
  for (int i = 0; i < steps; ++i) ops.push_back(generator.Next());
  return ops;
}

}  // namespace veneer::parity
