// SPDX-License-Identifier: Apache-2.0
#include "fs/fuse/places.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "layerdb/base/fd.h"

namespace veneer {
namespace {

using Identity = std::pair<dev_t, ino_t>;

// A resolved path with the identity of itself and of all its parents, itself first.
struct Place {
  std::string label;  // "upperdir=/srv/up"
  std::string path;
  bool is_directory = false;
  bool is_regular = false;
  std::vector<Identity> chain;
};

Result<Place> Resolve(std::string label, const std::string& path) {
  Place place;
  place.label = std::move(label);
  const std::unique_ptr<char, decltype(&std::free)> real(::realpath(path.c_str(), nullptr),
                                                         &std::free);
  // The kernel may still answer for the root of a mount whose daemon is dead, but not this. By a descriptor of the path
  // alone: anything else makes autofs mount there, which waits for this very program (open(2), O_PATH).
  struct statvfs file_system = {};
  const Fd at_path(real ? ::open(real.get(), O_PATH | O_CLOEXEC) : -1);
  if (!at_path || ::fstatvfs(at_path.get(), &file_system) != 0) {
    if (errno == ENOTCONN) {
      return MakeError(place.label +
                       ": a dead mount is there; remove it with fusermount3 -u or umount");
    }
    return MakeError(Errno{errno}, place.label);
  }
  place.path = real.get();
  for (std::string at = place.path;;) {
    struct stat st = {};
    if (::stat(at.c_str(), &st) != 0) return MakeError(Errno{errno}, place.label);
    if (place.chain.empty()) {
      place.is_directory = S_ISDIR(st.st_mode);
      place.is_regular = S_ISREG(st.st_mode);
    }
    place.chain.emplace_back(st.st_dev, st.st_ino);
    if (at == "/") break;
    at.resize(std::max<size_t>(at.rfind('/'), 1));
  }
  return place;
}

Result<Place> ResolveDirectory(std::string label, const std::string& path) {
  VENEER_TRY(Place place, Resolve(std::move(label), path));
  if (!place.is_directory) return MakeError(Errno{ENOTDIR}, place.label);
  return place;
}

bool IsInside(const Place& inner, const Place& outer) {
  return std::find(inner.chain.begin(), inner.chain.end(), outer.chain.front()) !=
         inner.chain.end();
}

// Refuses two places one of which holds the other.
Result<void> CheckApart(const Place& a, const Place& b, const char* why) {
  const bool a_in_b = IsInside(a, b);
  const bool b_in_a = IsInside(b, a);
  if (!a_in_b && !b_in_a) return {};
  const char* relation = a_in_b && b_in_a ? " is the same as " : " is inside ";
  const Place& inner = a_in_b ? a : b;
  const Place& outer = a_in_b ? b : a;
  return MakeError(inner.label + relation + outer.label + ": " + why);
}

// N of "/dev/fd/N".
std::optional<int> DeviceFd(std::string_view mount_point) {
  constexpr std::string_view kPrefix = "/dev/fd/";
  if (!mount_point.starts_with(kPrefix)) return std::nullopt;
  mount_point.remove_prefix(kPrefix.size());
  int fd = -1;
  const char* end = mount_point.data() + mount_point.size();
  const auto parsed = std::from_chars(mount_point.data(), end, fd);
  if (parsed.ec != std::errc() || parsed.ptr != end || fd < 0) return std::nullopt;
  return fd;
}

constexpr const char* kWouldHang = "the mount would look into itself and hang";
constexpr const char* kLowerChanges = "a lower layer must not change while it is mounted";
constexpr const char* kSeparate = "they must be separate directories";

}  // namespace

Result<Places> FindPlaces(const MountOptions& options) {
  std::vector<Place> lowers;
  for (const std::string& lower : options.lowerdirs) {
    VENEER_TRY(Place place, Resolve("lowerdir=" + lower, lower));
    if (!place.is_directory && !place.is_regular) {
      return MakeError(place.label + ": neither a directory nor the file of a layer index");
    }
    if (place.is_regular && options.objects.empty()) {
      return MakeError(place.label + ": not a directory; a layer index needs objects= too");
    }
    lowers.push_back(std::move(place));
  }
  std::vector<Place> writable;  // upper, work
  if (!options.upperdir.empty()) {
    VENEER_TRY(Place upper, ResolveDirectory("upperdir=" + options.upperdir, options.upperdir));
    VENEER_TRY(Place work, ResolveDirectory("workdir=" + options.workdir, options.workdir));
    VENEER_TRY_VOID(CheckApart(upper, work, kSeparate));
    writable.push_back(std::move(upper));
    writable.push_back(std::move(work));
  }
  for (const Place& place : writable) {
    for (const Place& lower : lowers) VENEER_TRY_VOID(CheckApart(place, lower, kLowerChanges));
  }

  Places places;
  std::vector<const Place*> trees;
  for (const Place& lower : lowers) {
    places.lowers.push_back(lower.path);
    trees.push_back(&lower);
  }
  for (const Place& place : writable) trees.push_back(&place);
  if (!writable.empty()) {
    places.upper = writable[0].path;
    places.work = writable[1].path;
  }
  std::optional<Place> objects;
  if (!options.objects.empty()) {
    VENEER_TRY(objects, ResolveDirectory("objects=" + options.objects, options.objects));
    places.objects = objects->path;
    trees.push_back(&*objects);
  }
  if (const std::optional<int> fd = DeviceFd(options.mount_point)) {
    if (::fcntl(*fd, F_GETFD) < 0)
      return MakeError(Errno{errno}, "mount point " + options.mount_point);
    places.device_fd = *fd;
    places.mount_point = options.mount_point;
    return places;
  }
  VENEER_TRY(const Place mount_point,
             ResolveDirectory("mount point " + options.mount_point, options.mount_point));
  for (const Place* tree : trees) VENEER_TRY_VOID(CheckApart(mount_point, *tree, kWouldHang));
  places.mount_point = mount_point.path;
  return places;
}

}  // namespace veneer
