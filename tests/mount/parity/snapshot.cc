// SPDX-License-Identifier: Apache-2.0
#include "tests/mount/parity/snapshot.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>
#include <sstream>

#include "layerdb/base/fd.h"

namespace veneer::parity {
namespace {

std::string MagicPath(int fd) { return "/proc/self/fd/" + std::to_string(fd); }

std::string ReadXattrs(int fd) {
  const std::string path = MagicPath(fd);
  std::string names(65536, '\0');
  const ssize_t size = ::listxattr(path.c_str(), names.data(), names.size());
  if (size < 0) return std::string("listxattr: ") + std::strerror(errno) + "\n";
  std::set<std::string> sorted;
  std::string out;
  for (const char* p = names.data(); p < names.data() + size; p += std::strlen(p) + 1) {
    if (!sorted.insert(p).second) out += std::string("listed twice: ") + p + "\n";
  }
  std::string value(65536, '\0');
  for (const std::string& name : sorted) {
    const ssize_t n = ::getxattr(path.c_str(), name.c_str(), value.data(), value.size());
    out += name + "=";
    out += n < 0 ? std::strerror(errno) : std::string(value.data(), static_cast<size_t>(n));
    out += "\n";
  }
  return out;
}

uint64_t ReadContent(int dir_fd, const char* name, std::string* complaint) {
  const Fd fd(::openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd) {
    *complaint = std::string("open: ") + std::strerror(errno);
    return 0;
  }
  static thread_local std::string buffer(1 << 17, '\0');
  uint64_t hash = HashBytes(nullptr, 0);
  for (;;) {
    const ssize_t n = ::read(fd.get(), buffer.data(), buffer.size());
    if (n < 0) *complaint = std::string("read: ") + std::strerror(errno);
    if (n <= 0) return hash;
    hash = HashBytes(buffer.data(), static_cast<size_t>(n), hash);
  }
}

class Walker {
 public:
  explicit Walker(bool with_identity) : with_identity_(with_identity) {}

  void Walk(int fd, const std::string& path) {
    DIR* dir = ::fdopendir(::openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (dir == nullptr) return Complain(path, std::string("opendir: ") + std::strerror(errno));
    std::set<std::string> seen;
    struct Child {
      std::string name;
      uint8_t type;
      ino_t ino;
    };
    std::vector<Child> children;
    errno = 0;
    while (const dirent* entry = ::readdir(dir)) {
      const std::string name = entry->d_name;
      if (!seen.insert(name).second) Complain(path, "lists " + name + " twice");
      if (name != "." && name != "..") children.push_back({name, entry->d_type, entry->d_ino});
      errno = 0;
    }
    if (errno != 0) Complain(path, std::string("readdir: ") + std::strerror(errno));
    if (seen.count(".") == 0 || seen.count("..") == 0) Complain(path, "does not list . and ..");
    ::closedir(dir);
    for (const Child& child : children) {
      Visit(fd, path == "." ? child.name : path + "/" + child.name, child.name, child.type,
            child.ino);
    }
  }

  void Visit(int dir_fd, const std::string& path, const std::string& name, uint8_t type,
             ino_t ino) {
    const Fd fd(::openat(dir_fd, name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    if (!fd) return Complain(path, std::string("is listed, but: ") + std::strerror(errno));
    TreeEntry entry;
    entry.path = path;
    entry.look = LookAt(fd.get(), "", with_identity_, AT_EMPTY_PATH);
    const struct stat& st = entry.look.st;
    if (entry.look.error != 0)
      return Complain(path, std::string("fstat: ") + std::strerror(entry.look.error));
    if (type != DT_UNKNOWN && type != IFTODT(st.st_mode))
      Complain(path, "d_type differs from st_mode");
    if (ino != 0 && ino != st.st_ino) {
      Complain(path, "d_ino " + std::to_string(ino) + " differs from st_ino " +
                         std::to_string(st.st_ino));
    }
    std::string problem;
    if (S_ISREG(st.st_mode)) entry.content = ReadContent(dir_fd, name.c_str(), &problem);
    if (!problem.empty()) Complain(path, problem);
    if (S_ISLNK(st.st_mode)) {
      char text[8192];
      const ssize_t n = ::readlinkat(fd.get(), "", text, sizeof text);
      if (n < 0) Complain(path, std::string("readlink: ") + std::strerror(errno));
      entry.link.assign(text, static_cast<size_t>(std::max<ssize_t>(n, 0)));
    }
    entry.xattrs = ReadXattrs(fd.get());
    tree.entries.push_back(entry);
    if (S_ISDIR(st.st_mode)) Walk(fd.get(), path);
  }

  Tree tree;

 private:
  void Complain(const std::string& path, const std::string& what) {
    tree.complaints.push_back(path + ": " + what);
  }

  bool with_identity_;
};

}  // namespace

uint64_t HashBytes(const char* data, size_t size, uint64_t hash) {
  for (size_t i = 0; i < size; ++i) {
    hash ^= static_cast<unsigned char>(data[i]);
    hash *= 1099511628211u;
  }
  return hash;
}

Look LookAt(int dir_fd, const char* path, bool with_identity, int flags) {
  Look look;
  if (::fstatat(dir_fd, path, &look.st, flags) != 0) {
    look.error = errno;
    return look;
  }
  if (with_identity) {
    alignas(file_handle) char space[sizeof(file_handle) + MAX_HANDLE_SZ];
    auto* handle = reinterpret_cast<file_handle*>(space);
    handle->handle_bytes = MAX_HANDLE_SZ;
    int mount_id = 0;
    const int at =
        (flags & AT_EMPTY_PATH) | ((flags & AT_SYMLINK_NOFOLLOW) != 0 ? 0 : AT_SYMLINK_FOLLOW);
    if (::name_to_handle_at(dir_fd, path, handle, &mount_id, at) == 0) {
      look.identity.assign(reinterpret_cast<const char*>(handle->f_handle), handle->handle_bytes);
    } else {
      look.identity = "ino " + std::to_string(look.st.st_ino);
    }
  }
  return look;
}

Tree WalkTree(int root_fd, bool with_identity) {
  Walker walker(with_identity);
  walker.Visit(root_fd, ".", ".", DT_UNKNOWN, 0);
  std::sort(walker.tree.entries.begin(), walker.tree.entries.end(),
            [](const TreeEntry& a, const TreeEntry& b) { return a.path < b.path; });
  return std::move(walker.tree);
}

std::string FreezeTree(const std::string& root) {
  const Fd fd(::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return std::string("open: ") + std::strerror(errno);
  const Tree tree = WalkTree(fd.get(), false);
  std::ostringstream out;
  for (const TreeEntry& e : tree.entries) {
    const struct stat& st = e.look.st;
    out << e.path << " ino " << st.st_ino << " mode " << std::oct << st.st_mode << std::dec
        << " nlink " << st.st_nlink << " owner " << st.st_uid << ":" << st.st_gid << " rdev "
        << st.st_rdev << " size " << st.st_size << " blocks " << st.st_blocks << " mtime "
        << st.st_mtim.tv_sec << "." << st.st_mtim.tv_nsec << " ctime " << st.st_ctim.tv_sec << "."
        << st.st_ctim.tv_nsec << " content " << e.content << " link " << e.link << "\n"
        << e.xattrs;
  }
  for (const std::string& complaint : tree.complaints) out << complaint << "\n";
  return out.str();
}

}  // namespace veneer::parity
