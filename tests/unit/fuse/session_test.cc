// SPDX-License-Identifier: Apache-2.0
//
// A session without a mount: the test plays the kernel over a socket pair, which the session takes
// for a connection that a parent has mounted ("/dev/fd/N"). What is on the wire is as linux/fuse.h
// says.
#include "fs/fuse/session.h"

#include <dirent.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/fs.h>
#include <linux/fuse.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <thread>

#include "fs/upper/upper.h"
#include "layerdb/layer/dir_layer.h"
#include "layerdb/layer/layer_stack.h"
#include "tests/support/temp_dir.h"

namespace veneer {
namespace {

namespace stdfs = std::filesystem;

constexpr uint32_t kOffered =
    FUSE_ASYNC_READ | FUSE_ATOMIC_O_TRUNC | FUSE_EXPORT_SUPPORT | FUSE_DONT_MASK |
    FUSE_SPLICE_READ | FUSE_FLOCK_LOCKS | FUSE_POSIX_LOCKS | FUSE_AUTO_INVAL_DATA |
    FUSE_DO_READDIRPLUS | FUSE_READDIRPLUS_AUTO | FUSE_ASYNC_DIO | FUSE_WRITEBACK_CACHE |
    FUSE_NO_OPEN_SUPPORT | FUSE_PARALLEL_DIROPS | FUSE_HANDLE_KILLPRIV | FUSE_POSIX_ACL |
    FUSE_MAX_PAGES | FUSE_CACHE_SYMLINKS | FUSE_NO_OPENDIR_SUPPORT | FUSE_EXPLICIT_INVAL_DATA |
    FUSE_HANDLE_KILLPRIV_V2 | FUSE_SETXATTR_EXT;

template <class T>
std::string Bytes(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof(value)};
}

std::string Name(std::string_view name) { return std::string(name) + '\0'; }

struct Reply {
  int error = 0;  // as positive errno
  std::string body;
  // The struct at `offset` of the body.
  template <class T>
  T As(size_t offset = 0) const {
    T value = {};
    EXPECT_GE(body.size(), offset + sizeof(T));
    if (body.size() >= offset + sizeof(T)) std::memcpy(&value, body.data() + offset, sizeof(T));
    return value;
  }
};

class SessionTest : public ::testing::Test {
 protected:
  SessionTest() {
    root_ = MakeTempDir("session");
    for (const char* dir : {"lower/dir", "upper", "work"}) stdfs::create_directories(root_ / dir);
    std::ofstream(root_ / "lower/file") << "contents";
  }
  ~SessionTest() override {
    TearDownSession();
    stdfs::remove_all(root_);
  }

  void TearDownSession() {
    kernel_.Reset();  // the device ends
    if (runner_.joinable()) runner_.join();
    session_.reset();
    fs_.reset();
  }

  // Builds the session as veneerfs does, and says hello.
  void Start() {
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    kernel_ = Fd(ends[0]);
    Result<std::shared_ptr<DirLayer>> layer = DirLayer::Open(root_ / "lower", {});
    ASSERT_TRUE(layer.has_value());
    Result<std::unique_ptr<Upper>> upper =
        Upper::Open({.upperdir = root_ / "upper", .workdir = root_ / "work"});
    ASSERT_TRUE(upper.has_value()) << upper.error().message();
    fs_ = std::make_unique<UnionFs>(
        std::make_shared<LayerStack>(std::vector<std::shared_ptr<const Layer>>{*layer}),
        std::move(*upper),
        UnionOptions{.acl = options_.acl,
                     .before_blocking = Session::BeforeBlocking,
                     .given_up = Session::CallerIsBeingKilled});
    MountPaths places;
    places.device_fd = ends[1];  // the session owns it now
    places.mount_point = "/dev/fd/" + std::to_string(ends[1]);
    places.upper = root_ / "upper";
    Result<std::unique_ptr<Session>> session = Session::Create(options_, places, *fs_);
    ASSERT_TRUE(session.has_value()) << session.error().message();
    session_ = std::move(*session);
    runner_ = std::thread([this] { session_->Run(); });
    fuse_init_in init = {};
    init.major = FUSE_KERNEL_VERSION;
    init.minor = FUSE_KERNEL_MINOR_VERSION;
    init.max_readahead = 131072;
    init.flags = static_cast<uint32_t>(offered_);
    init.flags2 = static_cast<uint32_t>(offered_ >> 32);
    init_ = Call(FUSE_INIT, 0, Bytes(init)).As<fuse_init_out>();
  }

  void Post(uint32_t opcode, uint64_t node, const std::string& body) {
    fuse_in_header header = {};
    header.len = static_cast<uint32_t>(sizeof(header) + body.size());
    header.opcode = opcode;
    header.unique = ++unique_;
    header.nodeid = node;
    header.uid = uid_;
    header.gid = gid_;
    header.pid = static_cast<uint32_t>(::getpid());
    const std::string request = Bytes(header) + body;
    ASSERT_EQ(::send(kernel_.get(), request.data(), request.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(request.size()));
  }
  Reply Call(uint32_t opcode, uint64_t node, const std::string& body) {
    Post(opcode, node, body);
    return Receive();
  }
  Reply Receive() {
    std::string packet(1 << 17, '\0');
    const ssize_t n = ::recv(kernel_.get(), packet.data(), packet.size(), 0);
    Reply reply;
    fuse_out_header header = {};
    EXPECT_GE(n, static_cast<ssize_t>(sizeof(header)));
    if (n < static_cast<ssize_t>(sizeof(header))) return Reply{EIO, ""};
    std::memcpy(&header, packet.data(), sizeof(header));
    if (header.unique == 0) {  // a notification, on the way to the reply
      notified_.push_back(header.error);
      return Receive();
    }
    EXPECT_EQ(header.unique, unique_);
    EXPECT_EQ(header.len, n);
    reply.error = -header.error;
    reply.body = packet.substr(sizeof(header), static_cast<size_t>(n) - sizeof(header));
    return reply;
  }

  uint64_t Lookup(std::string_view name) {
    const Reply reply = Call(FUSE_LOOKUP, FUSE_ROOT_ID, Name(name));
    EXPECT_EQ(reply.error, 0);
    return reply.As<fuse_entry_out>().nodeid;
  }
  fuse_attr GetAttr(uint64_t node) {
    const Reply reply = Call(FUSE_GETATTR, node, Bytes(fuse_getattr_in{}));
    EXPECT_EQ(reply.error, 0);
    return reply.As<fuse_attr_out>().attr;
  }
  Reply SetAttr(uint64_t node, const fuse_setattr_in& change) {
    return Call(FUSE_SETATTR, node, Bytes(change));
  }
  void SetMode(uint64_t node, uint32_t mode) {
    fuse_setattr_in change = {};
    change.valid = FATTR_MODE;
    change.mode = mode;
    EXPECT_EQ(SetAttr(node, change).error, 0);
  }
  Reply SetXattr(uint64_t node, std::string_view name, const std::string& value, uint32_t how = 0) {
    fuse_setxattr_in in = {};
    in.size = static_cast<uint32_t>(value.size());
    in.setxattr_flags = how;
    // The kernel sends the longer header only when that was agreed upon.
    const bool is_long = (init_.flags & FUSE_SETXATTR_EXT) != 0;
    const std::string header =
        Bytes(in).substr(0, is_long ? sizeof(in) : FUSE_COMPAT_SETXATTR_IN_SIZE);
    return Call(FUSE_SETXATTR, node, header + Name(name) + value);
  }
  Reply GetXattr(uint64_t node, std::string_view name, uint32_t size = 4096) {
    fuse_getxattr_in in = {};
    in.size = size;
    return Call(FUSE_GETXATTR, node, Bytes(in) + Name(name));
  }
  void Forget(uint64_t node, uint64_t references) {
    Post(FUSE_FORGET, node, Bytes(fuse_forget_in{references}));
  }

  stdfs::path root_;
  MountOptions options_;
  uint64_t offered_ = kOffered;  // flags of INIT, flags2 in the upper half
  uint32_t uid_ = ::geteuid();
  uint32_t gid_ = ::getegid();
  Fd kernel_;
  std::unique_ptr<UnionFs> fs_;
  std::unique_ptr<Session> session_;
  std::thread runner_;
  uint64_t unique_ = 0;
  std::vector<int> notified_;  // codes of the notifications that came
  fuse_init_out init_ = {};
};

TEST_F(SessionTest, AgreesOnAProtocolWithoutStateAndWithInfiniteCaches) {
  Start();
  for (const uint32_t flag :
       {FUSE_ASYNC_READ, FUSE_DONT_MASK, FUSE_DO_READDIRPLUS, FUSE_READDIRPLUS_AUTO,
        FUSE_PARALLEL_DIROPS, FUSE_POSIX_ACL, FUSE_MAX_PAGES, FUSE_CACHE_SYMLINKS,
        FUSE_EXPLICIT_INVAL_DATA, FUSE_HANDLE_KILLPRIV_V2, FUSE_SETXATTR_EXT}) {
    EXPECT_NE(init_.flags & flag, 0u) << std::hex << flag;
  }
  for (const uint32_t flag :
       {FUSE_ATOMIC_O_TRUNC, FUSE_WRITEBACK_CACHE, FUSE_FLOCK_LOCKS, FUSE_POSIX_LOCKS,
        FUSE_AUTO_INVAL_DATA, FUSE_HANDLE_KILLPRIV, FUSE_EXPORT_SUPPORT, FUSE_ASYNC_DIO}) {
    EXPECT_EQ(init_.flags & flag, 0u) << std::hex << flag;
  }
  EXPECT_EQ(init_.max_write, 1u << 20);
  EXPECT_EQ(init_.max_pages, 256);
  EXPECT_EQ(init_.time_gran, 1u);
}

TEST_F(SessionTest, AKernelThatOffersEverythingIsTakenAtNothingMore) {
  Start();
  const uint32_t agreed = init_.flags;
  TearDownSession();
  offered_ = UINT64_MAX;
  Start();
  EXPECT_EQ(init_.flags & ~FUSE_INIT_EXT, agreed);
  constexpr uint32_t kNoExport = 1 << (38 - 32);
  EXPECT_EQ(init_.flags2, kNoExport);
}

TEST_F(SessionTest, AnOlderKernelSendsTheShortSetxattr) {
  offered_ = kOffered & ~(FUSE_HANDLE_KILLPRIV_V2 | FUSE_SETXATTR_EXT);
  Start();
  EXPECT_EQ(init_.flags & (FUSE_HANDLE_KILLPRIV_V2 | FUSE_SETXATTR_EXT), 0u);
  const uint64_t file = Lookup("file");
  ASSERT_EQ(SetXattr(file, "user.name", "value").error, 0);
  EXPECT_EQ(GetXattr(file, "user.name").body, "value");
}

TEST_F(SessionTest, AsksForPassthroughOnlyWhereItIsWantedAndOffered) {
  constexpr uint32_t kPassthrough2 = 1 << (37 - 32);
  const auto asked = [this](IoMode io, uint64_t offered) {
    TearDownSession();
    options_.io = io;
    offered_ = kOffered | offered;
    Start();
    return (init_.flags2 & kPassthrough2) != 0;
  };
  constexpr uint64_t kBoth = uint64_t{1} << 30 | uint64_t{1} << 37;
  EXPECT_FALSE(asked(IoMode::kAuto, kBoth));
  EXPECT_FALSE(asked(IoMode::kCached, kBoth));
  EXPECT_FALSE(asked(IoMode::kPassthrough, uint64_t{1} << 30));
  EXPECT_TRUE(asked(IoMode::kPassthrough, kBoth));
  EXPECT_NE(init_.flags & (1U << 30), 0u);
  uint32_t stack_depth = 0;
  std::memcpy(&stack_depth,
              reinterpret_cast<const char*>(&init_) + offsetof(fuse_init_out, flags2) + 4,
              sizeof(stack_depth));
  EXPECT_EQ(stack_depth, 1u);
}

TEST_F(SessionTest, WithoutPassthroughOpenIsRefusedForGood) {
  options_.io = IoMode::kPassthrough;
  offered_ = kOffered | uint64_t{1} << 30 | uint64_t{1} << 37;
  Start();
  // This connection has no ioctl for a backing file. Until the session has seen that, it opens
  // files cached.
  const uint64_t file = Lookup("file");
  Reply reply;
  for (int turn = 0; turn < 1000 && reply.error != ENOSYS; ++turn) {
    reply = Call(FUSE_OPEN, file, Bytes(fuse_open_in{}));
    if (reply.error == 0) {
      EXPECT_EQ(reply.As<fuse_open_out>().open_flags, uint32_t{FOPEN_KEEP_CACHE});
    }
  }
  EXPECT_EQ(reply.error, ENOSYS);
}

TEST_F(SessionTest, NoaclLeavesAclsOut) {
  options_.acl = false;
  Start();
  EXPECT_EQ(init_.flags & FUSE_POSIX_ACL, 0u);
}

TEST_F(SessionTest, OpeningIsNeverServed) {
  Start();
  const uint64_t file = Lookup("file");
  EXPECT_EQ(Call(FUSE_OPEN, file, Bytes(fuse_open_in{})).error, ENOSYS);
  EXPECT_EQ(Call(FUSE_OPENDIR, FUSE_ROOT_ID, Bytes(fuse_open_in{})).error, ENOSYS);
  EXPECT_EQ(Call(FUSE_FLUSH, file, Bytes(fuse_flush_in{})).error, ENOSYS);
  EXPECT_EQ(Call(FUSE_RELEASE, file, Bytes(fuse_release_in{})).error, 0);
  Post(FUSE_INTERRUPT, 0, Bytes(fuse_interrupt_in{1}));  // none is due
  const Reply attributes = Call(FUSE_GETATTR, file, Bytes(fuse_getattr_in{}));
  EXPECT_EQ(attributes.error, 0);
  EXPECT_EQ(attributes.As<fuse_attr_out>().attr.size, 8u);
}

TEST_F(SessionTest, AMissingNameIsNodeZeroThatTheKernelMayKeep) {
  Start();
  const Reply reply = Call(FUSE_LOOKUP, FUSE_ROOT_ID, Name("absent"));
  EXPECT_EQ(reply.error, 0);
  EXPECT_EQ(reply.As<fuse_entry_out>().nodeid, 0u);
  EXPECT_GE(reply.As<fuse_entry_out>().entry_valid, 1'000'000'000u);
}

TEST_F(SessionTest, TheTimeoutOptionCounts) {
  options_.timeout = 1.5;
  Start();
  const auto entry = Call(FUSE_LOOKUP, FUSE_ROOT_ID, Name("file")).As<fuse_entry_out>();
  EXPECT_EQ(entry.entry_valid, 1u);
  EXPECT_EQ(entry.attr_valid_nsec, 500'000'000u);
  EXPECT_EQ(entry.generation, 0u);
}

TEST_F(SessionTest, ReadsAndWrites) {
  Start();
  const uint64_t file = Lookup("file");
  fuse_read_in read = {};
  read.offset = 3;
  read.size = 100;
  EXPECT_EQ(Call(FUSE_READ, file, Bytes(read)).body, "tents");
  fuse_write_in write = {};
  write.size = 3;
  EXPECT_EQ(Call(FUSE_WRITE, file, Bytes(write) + "CON").As<fuse_write_out>().size, 3u);
  read.offset = 0;
  EXPECT_EQ(Call(FUSE_READ, file, Bytes(read)).body, "CONtents");
  std::ifstream below(root_ / "lower/file");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(below), {}), "contents");
}

TEST_F(SessionTest, AWriteThatMustTakesSetUserIdAway) {
  Start();
  const uint64_t file = Lookup("file");
  fuse_write_in write = {};
  write.size = 1;
  SetMode(file, S_IFREG | 06775);
  EXPECT_EQ(Call(FUSE_WRITE, file, Bytes(write) + "x").error, 0);
  EXPECT_EQ(GetAttr(file).mode & 07777, 06775u);
  EXPECT_TRUE(notified_.empty());
  write.write_flags = FUSE_WRITE_KILL_SUIDGID;
  EXPECT_EQ(Call(FUSE_WRITE, file, Bytes(write) + "x").error, 0);
  EXPECT_EQ(GetAttr(file).mode & 07777, 0775u);
  // The kernel would execute the file with the mode that it knows.
  EXPECT_EQ(notified_, std::vector<int>{FUSE_NOTIFY_INVAL_INODE});
}

TEST_F(SessionTest, ATruncationThatMustTakesSetUserIdAway) {
  Start();
  const uint64_t file = Lookup("file");
  SetMode(file, S_IFREG | 04755);
  fuse_setattr_in change = {};
  change.valid = FATTR_SIZE | FATTR_KILL_SUIDGID;
  change.size = 2;
  const Reply reply = SetAttr(file, change);
  EXPECT_EQ(reply.As<fuse_attr_out>().attr.mode & 07777, 0755u);
  EXPECT_EQ(reply.As<fuse_attr_out>().attr.size, 2u);
}

TEST_F(SessionTest, CreateMakesAFileOnce) {
  Start();
  fuse_create_in create = {};
  create.mode = S_IFREG | 0666;
  create.umask = 027;
  create.flags = O_RDWR;
  const Reply reply = Call(FUSE_CREATE, FUSE_ROOT_ID, Bytes(create) + Name("new"));
  ASSERT_EQ(reply.error, 0);
  ASSERT_EQ(reply.body.size(), sizeof(fuse_entry_out) + sizeof(fuse_open_out));
  EXPECT_EQ(reply.As<fuse_entry_out>().attr.mode, static_cast<uint32_t>(S_IFREG | 0640));
  EXPECT_EQ(Lookup("new"), reply.As<fuse_entry_out>().nodeid);
  EXPECT_TRUE(stdfs::exists(root_ / "upper/new"));
  for (const char* taken : {"new", "file"}) {
    EXPECT_EQ(Call(FUSE_CREATE, FUSE_ROOT_ID, Bytes(create) + Name(taken)).error, EEXIST);
  }
}

TEST_F(SessionTest, TmpfileMakesAFileThatLinkNames) {
  Start();
  fuse_create_in create = {};
  create.mode = S_IFREG | 0666;
  create.umask = 027;
  const Reply reply = Call(FUSE_TMPFILE, FUSE_ROOT_ID, Bytes(create) + Name(""));
  ASSERT_EQ(reply.error, 0);
  ASSERT_EQ(reply.body.size(), sizeof(fuse_entry_out) + sizeof(fuse_open_out));
  const auto entry = reply.As<fuse_entry_out>();
  EXPECT_EQ(entry.attr.mode, static_cast<uint32_t>(S_IFREG | 0640));
  EXPECT_EQ(entry.attr.nlink, 0u);
  const Reply linked =
      Call(FUSE_LINK, FUSE_ROOT_ID, Bytes(fuse_link_in{entry.nodeid}) + Name("named"));
  EXPECT_EQ(linked.As<fuse_entry_out>().nodeid, entry.nodeid);
  EXPECT_EQ(linked.As<fuse_entry_out>().attr.nlink, 1u);
  EXPECT_TRUE(stdfs::exists(root_ / "upper/named"));
}

// name -> node of the entries in a READDIRPLUS reply; `last` becomes the last cookie.
std::map<std::string, uint64_t> PlusEntries(const std::string& body, uint64_t& last) {
  std::map<std::string, uint64_t> entries;
  for (size_t at = 0; at < body.size();) {
    fuse_direntplus entry = {};
    std::memcpy(&entry, body.data() + at, FUSE_NAME_OFFSET_DIRENTPLUS);
    entries[body.substr(at + FUSE_NAME_OFFSET_DIRENTPLUS, entry.dirent.namelen)] =
        entry.entry_out.nodeid;
    last = entry.dirent.off;
    at += FUSE_DIRENTPLUS_SIZE(&entry);
  }
  return entries;
}

TEST_F(SessionTest, AListingTakesReferencesForWhatFitsAndNoneForDots) {
  for (int i = 0; i < 50; ++i) std::ofstream(root_ / "lower/dir" / ("f" + std::to_string(i)));
  Start();
  const uint64_t dir = Lookup("dir");
  std::map<std::string, uint64_t> all;
  fuse_read_in read = {};
  read.size = 1000;  // a few entries each
  int replies = 0;
  while (true) {
    const Reply reply = Call(FUSE_READDIRPLUS, dir, Bytes(read));
    ASSERT_EQ(reply.error, 0);
    ASSERT_LE(reply.body.size(), read.size);
    if (reply.body.empty()) break;
    for (const auto& [name, node] : PlusEntries(reply.body, read.offset)) {
      EXPECT_TRUE(all.emplace(name, node).second) << name << " twice";
    }
    ++replies;
  }
  EXPECT_GT(replies, 5);
  EXPECT_EQ(all.size(), 52u);
  EXPECT_EQ(all["."], 0u);
  EXPECT_EQ(all[".."], 0u);
  // One reference each: one FORGET and the node is gone, and not before.
  for (const auto& [name, node] : all) {
    if (node == 0) continue;
    GetAttr(node);
    Forget(node, 1);
    EXPECT_EQ(Call(FUSE_GETATTR, node, Bytes(fuse_getattr_in{})).error, ESTALE) << name;
  }
}

TEST_F(SessionTest, APlainListingGivesTypesAndTakesNoReferences) {
  Start();
  fuse_read_in read = {};
  read.size = 4096;
  const Reply reply = Call(FUSE_READDIR, FUSE_ROOT_ID, Bytes(read));
  std::map<std::string, uint32_t> types;
  for (size_t at = 0; at < reply.body.size();) {
    fuse_dirent entry = {};
    std::memcpy(&entry, reply.body.data() + at, FUSE_NAME_OFFSET);
    types[reply.body.substr(at + FUSE_NAME_OFFSET, entry.namelen)] = entry.type;
    at += FUSE_DIRENT_SIZE(&entry);
  }
  const std::map<std::string, uint32_t> expected = {
      {".", DT_DIR}, {"..", DT_DIR}, {"dir", DT_DIR}, {"file", DT_REG}};
  EXPECT_EQ(types, expected);
}

TEST_F(SessionTest, IdsAreTranslatedAtTheBoundary) {
  const std::string kept = std::to_string(::geteuid());
  options_.ids.users = *IdMap::Parse(kept + ":5000:1");
  options_.ids.groups = *IdMap::Parse(std::to_string(::getegid()) + ":6000:1");
  Start();
  uid_ = 5000;
  gid_ = 6000;
  const uint64_t file = Lookup("file");
  EXPECT_EQ(GetAttr(file).uid, 5000u);
  EXPECT_EQ(GetAttr(file).gid, 6000u);
  fuse_setattr_in change = {};
  change.valid = FATTR_UID | FATTR_GID;
  change.uid = 5000;
  change.gid = 6000;
  EXPECT_EQ(SetAttr(file, change).As<fuse_attr_out>().attr.uid, 5000u);
  change.uid = 5001;
  EXPECT_EQ(SetAttr(file, change).error, EINVAL);
  const Reply made = Call(FUSE_MKDIR, FUSE_ROOT_ID, Bytes(fuse_mkdir_in{0777, 022}) + Name("made"));
  EXPECT_EQ(made.As<fuse_entry_out>().attr.uid, 5000u);
  struct stat st = {};
  ASSERT_EQ(::stat((root_ / "upper/made").c_str(), &st), 0);
  EXPECT_EQ(st.st_uid, ::geteuid());
  EXPECT_EQ(st.st_mode & 07777, 0755u);
}

TEST_F(SessionTest, XattrsComeWholeOrWithTheirLength) {
  Start();
  const uint64_t file = Lookup("file");
  EXPECT_EQ(SetXattr(file, "user.name", "value").error, 0);
  EXPECT_EQ(GetXattr(file, "user.name").body, "value");
  EXPECT_EQ(GetXattr(file, "user.name", 0).As<fuse_getxattr_out>().size, 5u);
  EXPECT_EQ(GetXattr(file, "user.name", 4).error, ERANGE);
  EXPECT_EQ(GetXattr(file, "user.other").error, ENODATA);
}

TEST_F(SessionTest, AnAclMayTakeSetGroupIdAway) {
  // version 2; user::rwx group::r-x other::---
  std::string acl("\x02\0\0\0", 4);
  for (const char* entry : {"\x01\0\x07\0", "\x04\0\x05\0", "\x20\0\0\0"}) {
    acl += std::string(entry, 4) + std::string(4, '\xff');
  }
  Start();
  const uint64_t file = Lookup("file");
  SetMode(file, S_IFREG | 02755);
  EXPECT_EQ(SetXattr(file, "system.posix_acl_access", acl).error, 0);
  EXPECT_EQ(GetAttr(file).mode & 07777, 02750u);
  EXPECT_EQ(SetXattr(file, "system.posix_acl_access", acl, FUSE_SETXATTR_ACL_KILL_SGID).error, 0);
  EXPECT_EQ(GetAttr(file).mode & 07777, 0750u);
}

TEST_F(SessionTest, AnIoctlNeedsRoomForItsAnswer) {
  Start();
  const uint64_t file = Lookup("file");
  fuse_ioctl_in in = {};
  in.cmd = FS_IOC_GETFLAGS;
  in.out_size = 4;
  const Reply flags = Call(FUSE_IOCTL, file, Bytes(in));
  ASSERT_EQ(flags.error, 0);
  EXPECT_EQ(flags.body.size(), sizeof(fuse_ioctl_out) + 4);
  in.out_size = 2;
  EXPECT_EQ(Call(FUSE_IOCTL, file, Bytes(in)).error, ENOTTY);
  in.cmd = FS_IOC_FSGETXATTR;
  in.out_size = sizeof(fsxattr);
  EXPECT_EQ(Call(FUSE_IOCTL, file, Bytes(in)).body.size(),
            sizeof(fuse_ioctl_out) + sizeof(fsxattr));
  in.cmd = FS_IOC_GETVERSION;
  EXPECT_EQ(Call(FUSE_IOCTL, file, Bytes(in)).error, ENOTTY);
}

TEST_F(SessionTest, AMergedDirectoryHasOneLinkAndOthersWhatTheyHaveOnDisk) {
  Start();
  stdfs::create_hard_link(root_ / "lower/file", root_ / "lower/second");
  EXPECT_EQ(GetAttr(FUSE_ROOT_ID).nlink, 1u);
  EXPECT_EQ(GetAttr(Lookup("dir")).nlink, stdfs::hard_link_count(root_ / "lower/dir"));
  EXPECT_EQ(GetAttr(Lookup("file")).nlink, 2u);
}

TEST_F(SessionTest, WithFsyncOffSyncingAWrongNodeIsNotEvenNoticed) {
  options_.fsync = false;
  Start();
  EXPECT_EQ(Call(FUSE_FSYNC, 4711, Bytes(fuse_fsync_in{})).error, 0);
  EXPECT_EQ(Call(FUSE_FSYNCDIR, 4711, Bytes(fuse_fsync_in{})).error, 0);
}

TEST_F(SessionTest, AnUnknownNodeIsStaleAndAnUnknownRequestUnsupported) {
  Start();
  EXPECT_EQ(Call(FUSE_GETATTR, 4711, Bytes(fuse_getattr_in{})).error, ESTALE);
  EXPECT_EQ(Call(4000, FUSE_ROOT_ID, "").error, ENOSYS);
}

}  // namespace
}  // namespace veneer
