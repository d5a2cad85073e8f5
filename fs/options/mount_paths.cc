// SPDX-License-Identifier: Apache-2.0
#include "fs/options/mount_paths.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "layerdb/base/fd.h"
#include "layerdb/base/parse.h"
#include "layerdb/base/sys.h"

namespace veneer {
namespace {

using FileId = std::pair<dev_t, ino_t>;

// A resolved path with the identity of itself and of all its parents, itself first.
struct ResolvedPath {
  std::string label;  // "upperdir=/srv/up"
  std::string path;
  bool is_directory = false;
  bool is_regular = false;
  std::vector<FileId> chain;
};

Result<ResolvedPath> Resolve(std::string label, const std::string& path) {
  ResolvedPath resolved;
  resolved.label = std::move(label);
  const std::unique_ptr<char, decltype(&std::free)> real(::realpath(path.c_str(), nullptr),
                                                         &std::free);
  // The kernel may still answer for the root of a mount whose daemon is dead, but not this. By a
  // descriptor of the path alone: anything else makes autofs mount there, which waits for this very
  // program (open(2), O_PATH).
  const Sys<Fd> at_path = real ? sys::OpenFollowing(real.get(), O_PATH) : FailErrno();
  const Sys<struct statvfs> file_system =
      at_path ? sys::StatVfs(at_path->get()) : Fail(at_path.error());
  if (!file_system) {
    if (file_system.error().code == ENOTCONN) {
      return MakeError(resolved.label +
                       ": a dead mount is there; remove it with fusermount3 -u or umount");
    }
    return MakeError(file_system.error(), resolved.label);
  }
  resolved.path = real.get();
  for (std::string at = resolved.path;;) {
    struct stat st = {};
    if (::stat(at.c_str(), &st) != 0) return MakeError(Errno{errno}, resolved.label);
    if (resolved.chain.empty()) {
      resolved.is_directory = S_ISDIR(st.st_mode);
      resolved.is_regular = S_ISREG(st.st_mode);
    }
    resolved.chain.emplace_back(st.st_dev, st.st_ino);
    if (at == "/") break;
    at.resize(std::max<size_t>(at.rfind('/'), 1));
  }
  return resolved;
}

Result<ResolvedPath> ResolveDirectory(std::string label, const std::string& path) {
  VENEER_TRY(ResolvedPath resolved, Resolve(std::move(label), path));
  if (!resolved.is_directory) return MakeError(Errno{ENOTDIR}, resolved.label);
  return resolved;
}

bool IsInside(const ResolvedPath& inner, const ResolvedPath& outer) {
  return std::find(inner.chain.begin(), inner.chain.end(), outer.chain.front()) !=
         inner.chain.end();
}

// Refuses two directories one of which holds the other.
Result<void> CheckApart(const ResolvedPath& a, const ResolvedPath& b, const char* why) {
  const bool a_in_b = IsInside(a, b);
  const bool b_in_a = IsInside(b, a);
  if (!a_in_b && !b_in_a) return {};
  const char* relation = a_in_b && b_in_a ? " is the same as " : " is inside ";
  const ResolvedPath& inner = a_in_b ? a : b;
  const ResolvedPath& outer = a_in_b ? b : a;
  return MakeError(inner.label + relation + outer.label + ": " + why);
}

// N of "/dev/fd/N".
std::optional<int> DeviceFd(std::string_view mount_point) {
  constexpr std::string_view kPrefix = "/dev/fd/";
  if (!mount_point.starts_with(kPrefix)) return std::nullopt;
  mount_point.remove_prefix(kPrefix.size());
  int fd = -1;
  if (!ParseNumber(mount_point, &fd) || fd < 0) return std::nullopt;
  return fd;
}

constexpr const char* kWouldHang = "the mount would look into itself and hang";
constexpr const char* kLowerChanges = "a lower layer must not change while it is mounted";
constexpr const char* kSeparate = "they must be separate directories";

}  // namespace

Result<MountPaths> ResolveMountPaths(const MountOptions& options) {
  std::vector<ResolvedPath> lowers;
  for (const std::string& lower : options.lowerdirs) {
    VENEER_TRY(ResolvedPath path, Resolve("lowerdir=" + lower, lower));
    if (!path.is_directory && !path.is_regular) {
      return MakeError(path.label + ": neither a directory nor the file of a layer index");
    }
    if (path.is_regular && options.objects.empty()) {
      return MakeError(path.label + ": not a directory; a layer index needs objects= too");
    }
    lowers.push_back(std::move(path));
  }
  std::vector<ResolvedPath> writable;  // upper, work
  if (!options.upperdir.empty()) {
    VENEER_TRY(ResolvedPath upper,
               ResolveDirectory("upperdir=" + options.upperdir, options.upperdir));
    VENEER_TRY(ResolvedPath work, ResolveDirectory("workdir=" + options.workdir, options.workdir));
    VENEER_TRY_VOID(CheckApart(upper, work, kSeparate));
    writable.push_back(std::move(upper));
    writable.push_back(std::move(work));
  }
  for (const ResolvedPath& path : writable) {
    for (const ResolvedPath& lower : lowers)
      VENEER_TRY_VOID(CheckApart(path, lower, kLowerChanges));
  }

  MountPaths paths;
  std::vector<const ResolvedPath*> trees;
  for (const ResolvedPath& lower : lowers) {
    paths.lowers.push_back(lower.path);
    trees.push_back(&lower);
  }
  for (const ResolvedPath& path : writable) trees.push_back(&path);
  if (!writable.empty()) {
    paths.upper = writable[0].path;
    paths.work = writable[1].path;
  }
  std::optional<ResolvedPath> objects;
  if (!options.objects.empty()) {
    VENEER_TRY(objects, ResolveDirectory("objects=" + options.objects, options.objects));
    paths.objects = objects->path;
    trees.push_back(&*objects);
  }
  if (const std::optional<int> fd = DeviceFd(options.mount_point)) {
    if (::fcntl(*fd, F_GETFD) < 0)
      return MakeError(Errno{errno}, "mount point " + options.mount_point);
    paths.device_fd = *fd;
    paths.mount_point = options.mount_point;
    return paths;
  }
  VENEER_TRY(const ResolvedPath mount_point,
             ResolveDirectory("mount point " + options.mount_point, options.mount_point));
  for (const ResolvedPath* tree : trees)
    VENEER_TRY_VOID(CheckApart(mount_point, *tree, kWouldHang));
  paths.mount_point = mount_point.path;
  return paths;
}

}  // namespace veneer
