// SPDX-License-Identifier: Apache-2.0
#include "tests/mount/parity/stack_apply.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <map>
#include <sstream>

#include "layerdb/base/fd.h"

namespace veneer::parity {
namespace {

bool Failed(const std::string& what, std::string* error) {
  *error = what + ": " + std::strerror(errno);
  return false;
}

bool IsDirectory(const std::string& path) {
  struct stat st {};
  return ::lstat(path.c_str(), &st) == 0 && S_ISDIR(st.st_mode);
}

bool Exists(const std::string& path) {
  struct stat st {};
  return ::lstat(path.c_str(), &st) == 0;
}

std::string ParentOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

bool WriteData(const std::string& path, const Item& item, std::string* error) {
  Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd || ::ftruncate(fd.get(), static_cast<off_t>(item.size)) != 0) return Failed(path, error);
  for (const Extent& extent : item.data) {
    std::string bytes(extent.length, '\0');
    FillPattern(item.size + item.path.size(), extent.offset, bytes.data(), bytes.size());
    if (::pwrite(fd.get(), bytes.data(), bytes.size(), static_cast<off_t>(extent.offset)) !=
        static_cast<ssize_t>(bytes.size())) {
      return Failed(path, error);
    }
  }
  return true;
}

bool Attributes(const std::string& path, const Item& item, std::string* error) {
  if (::lchown(path.c_str(), item.uid, item.gid) != 0) return Failed("chown " + path, error);
  if (item.type != ItemType::kSymlink && ::chmod(path.c_str(), item.mode) != 0) {
    return Failed("chmod " + path, error);
  }
  for (const auto& [name, value] : item.xattrs) {
    if (::lsetxattr(path.c_str(), name.c_str(), value.data(), value.size(), 0) != 0) {
      return Failed("setxattr " + name + " on " + path, error);
    }
  }
  const timespec times[2] = {item.atime, item.mtime};
  if (::utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW) != 0) {
    return Failed("utimens " + path, error);
  }
  return true;
}

// Makes what is not a directory, with its attributes. REQUIRES: the name is free.
bool MakeLeaf(const std::string& base, const Item& item, std::string* error) {
  const std::string path = base + "/" + item.path;
  switch (item.type) {
    case ItemType::kFile:
      if (!WriteData(path, item, error)) return false;
      break;
    case ItemType::kSymlink:
      if (::symlink(item.target.c_str(), path.c_str()) != 0) return Failed(path, error);
      break;
    case ItemType::kHardLink:
      if (::link((base + "/" + item.target).c_str(), path.c_str()) != 0) return Failed(path, error);
      return true;
    case ItemType::kWhiteout:
      if (::mknod(path.c_str(), S_IFCHR, 0) != 0) return Failed(path, error);
      return true;
    default: {
      const mode_t type = item.type == ItemType::kFifo     ? S_IFIFO
                          : item.type == ItemType::kSocket ? S_IFSOCK
                          : item.type == ItemType::kChar   ? S_IFCHR
                                                           : S_IFBLK;
      const bool device = type == S_IFCHR || type == S_IFBLK;
      if (::mknod(path.c_str(), type | 0600,
                  device ? ::makedev(kDeviceMajor, item.rdev_minor) : 0) != 0) {
        return Failed(path, error);
      }
    }
  }
  return Attributes(path, item, error);
}

// Directories get their attributes last, deepest first: making entries changes their times.
bool DirectoryAttributes(const std::string& base,
                         const std::map<std::string, const Item*>& directories, bool layer,
                         std::string* error) {
  for (auto it = directories.rbegin(); it != directories.rend(); ++it) {
    const Item& item = *it->second;
    const std::string path = base + "/" + item.path;
    if (!Attributes(path, item, error)) return false;
    if (layer && item.opaque &&
        ::setxattr(path.c_str(), "trusted.overlay.opaque", "y", 1, 0) != 0) {
      return Failed("mark opaque " + path, error);
    }
  }
  return true;
}

}  // namespace

std::vector<Item> Applicable(const std::vector<Item>& items) {
  std::vector<Item> out;
  std::map<std::pair<int, std::string>, ItemType> here;
  for (const Item& item : items) {
    if (item.path != ".") {
      const auto parent = here.find({item.layer, ParentOf(item.path)});
      if (parent == here.end() || parent->second != ItemType::kDirectory) continue;
      if (item.type == ItemType::kHardLink && here.count({item.layer, item.target}) == 0) continue;
    }
    here[{item.layer, item.path}] = item.type;
    out.push_back(item);
  }
  return out;
}

bool WriteLayers(const std::vector<Item>& items, const std::vector<std::string>& layer_dirs,
                 bool for_kernel, std::string* error) {
  for (size_t layer = 0; layer < layer_dirs.size(); ++layer) {
    const std::string& base = layer_dirs[layer];
    std::map<std::string, const Item*> directories;
    for (const Item& item : items) {
      if (static_cast<size_t>(item.layer) != layer || (for_kernel && item.kernel_differs)) continue;
      const std::string path = base + "/" + item.path;
      if (item.type == ItemType::kDirectory) {
        if (item.path != "." && ::mkdir(path.c_str(), 0700) != 0) return Failed(path, error);
        directories[item.path] = &item;
      } else if (!MakeLeaf(base, item, error)) {
        return false;
      }
    }
    if (!DirectoryAttributes(base, directories, true, error)) return false;
  }
  return true;
}

bool WritePlain(const std::vector<Item>& items, const std::string& root,
                const std::string& graveyard, std::string* error) {
  std::map<std::string, const Item*> directories;
  int graves = 0;
  const auto bury = [&](const std::string& path) {
    const std::string prefix = path + "/";
    for (auto it = directories.begin(); it != directories.end();) {
      const bool gone = it->first == path || it->first.compare(0, prefix.size(), prefix) == 0;
      it = gone ? directories.erase(it) : std::next(it);
    }
    const std::string full = root + "/" + path;
    if (!Exists(full)) return true;
    return ::rename(full.c_str(), (graveyard + "/" + std::to_string(graves++)).c_str()) == 0 ||
           Failed("bury " + full, error);
  };
  for (const Item& item : items) {
    const std::string path = root + "/" + item.path;
    if (item.type == ItemType::kDirectory) {
      if (item.path != "." && (item.opaque || !IsDirectory(path))) {
        if (!bury(item.path)) return false;
        if (::mkdir(path.c_str(), 0700) != 0) return Failed(path, error);
      }
      directories[item.path] = &item;
      continue;
    }
    if (!bury(item.path)) return false;
    if (item.type != ItemType::kWhiteout && !MakeLeaf(root, item, error)) return false;
  }
  return DirectoryAttributes(root, directories, false, error);
}

bool WriteRootAttributes(const std::vector<Item>& items, const std::string& dir,
                         std::string* error) {
  const Item* root = nullptr;
  for (const Item& item : items) {
    if (item.path == ".") root = &item;
  }
  return root == nullptr || Attributes(dir, *root, error);
}

std::string Describe(const Item& item) {
  static const char* const kTypes[] = {"directory", "file",  "symlink",  "fifo",    "socket",
                                       "char",      "block", "hardlink", "whiteout"};
  std::ostringstream out;
  out << "layer " << item.layer << ": " << kTypes[static_cast<int>(item.type)] << " '" << item.path
      << "'";
  if (item.type == ItemType::kWhiteout) return out.str();
  if (!item.target.empty()) out << " -> '" << item.target.substr(0, 60) << "'";
  if (item.type == ItemType::kHardLink) return out.str();
  char mode[16];
  std::snprintf(mode, sizeof mode, "%04o", item.mode);
  out << " mode " << mode << " owner " << item.uid << ":" << item.gid;
  if (item.type == ItemType::kFile)
    out << " size " << item.size << " in " << item.data.size() << " extents";
  if (item.opaque) out << " opaque";
  for (const auto& [name, value] : item.xattrs) out << " " << name << "[" << value.size() << "]";
  return out.str();
}

}  // namespace veneer::parity
