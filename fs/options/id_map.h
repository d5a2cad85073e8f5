// SPDX-License-Identifier: Apache-2.0
//
// Ids as they are on disk, and ids as programs see them in the mount. The two differ with
// uidmapping=, gidmapping= and squash_to_*=; everywhere else in the daemon there are only those on
// disk. Values only, no state: thread-safe.
#ifndef VENEER_FS_OPTIONS_ID_MAP_H_
#define VENEER_FS_OPTIONS_ID_MAP_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "layerdb/base/result.h"

namespace veneer {

// The id that stands for "no id of this tree" (/proc/sys/kernel/overflowuid).
inline constexpr uint32_t kOverflowId = 65534;

// `count` ids: `disk` on disk is `mount` in the mount, the next one the next, and so on.
struct IdRange {
  uint32_t disk = 0;
  uint32_t mount = 0;
  uint32_t count = 0;
  friend bool operator==(const IdRange&, const IdRange&) = default;
};

// One direction of ids (users or groups). Default: the identity.
class IdMap {
 public:
  IdMap() = default;

  // "DISK:MOUNT:COUNT[:DISK:MOUNT:COUNT...]", also with one empty field in front
  // (containers/storage writes ":0:1000:1:1:100000:65536"). The ranges need not be contiguous.
  // Fails on anything else, on a range beyond 2^32 - 2, and on ranges that overlap on either side.
  static Result<IdMap> Parse(std::string_view text);

  // Every id on disk is `id` in the mount from now on, whatever the ranges say.
  void SquashTo(uint32_t id) { squash_ = id; }

  bool identity() const { return ranges_.empty() && !squash_; }
  const std::vector<IdRange>& ranges() const { return ranges_; }

  // The id in the mount of an id on disk; kOverflowId when no range holds it.
  uint32_t ToMount(uint32_t disk) const;
  // The id on disk of an id in the mount; nullopt when no range holds it. Squashing hides ids, it
  // does not change what is written: the ranges alone decide.
  std::optional<uint32_t> ToDisk(uint32_t mount) const;

 private:
  std::vector<IdRange> ranges_;
  std::optional<uint32_t> squash_;
};

struct IdMaps {
  IdMap users;
  IdMap groups;
  bool identity() const { return users.identity() && groups.identity(); }
};

// POSIX ACLs as xattr values (linux/posix_acl_xattr.h: a version, then tag, permissions and id of
// each entry, little-endian) with the ids of named users and groups translated. A value of another
// form is returned as it is: whoever stores it judges it.
std::string AclToMount(std::string value, const IdMaps& ids);
// nullopt: the ACL names an id that no range holds.
std::optional<std::string> AclToDisk(std::string value, const IdMaps& ids);
// "system.posix_acl_access" or "system.posix_acl_default".
bool IsAclName(std::string_view name);

}  // namespace veneer

#endif  // VENEER_FS_OPTIONS_ID_MAP_H_
