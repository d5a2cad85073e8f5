// SPDX-License-Identifier: Apache-2.0
#include "fs/options/id_map.h"

#include "layerdb/base/parse.h"
#include "layerdb/model/posix_acl.h"

namespace veneer {
namespace {

constexpr uint64_t kIdEnd = UINT32_MAX;  // (uid_t)-1 means "no id"

Result<uint32_t> ParseId(std::string_view text, std::string_view whole) {
  uint32_t value = 0;
  if (!ParseNumber(text, &value)) {
    return MakeError("id mapping \"" + std::string(whole) + "\": \"" + std::string(text) +
                     "\" is not an id; write DISK:MOUNT:COUNT[:...]");
  }
  return value;
}

bool Overlap(uint64_t a, uint64_t a_count, uint64_t b, uint64_t b_count) {
  return a < b + b_count && b < a + a_count;
}

// Translates each named id with `translate(map, id)`; false when it gave nullopt for one. What is
// no ACL stays as it is.
template <class Translate>
bool TranslateAcl(std::string& value, const IdMaps& ids, Translate translate) {
  std::optional<std::vector<AclEntry>> entries = DecodeAcl(value);
  if (!entries) return true;
  for (AclEntry& entry : *entries) {
    if (entry.tag != kAclUser && entry.tag != kAclGroup) continue;
    const std::optional<uint32_t> id =
        translate(entry.tag == kAclUser ? ids.users : ids.groups, entry.id);
    if (!id) return false;
    entry.id = *id;
  }
  value = EncodeAcl(*entries);
  return true;
}

}  // namespace

Result<IdMap> IdMap::Parse(std::string_view text) {
  std::string_view rest = text;
  if (!rest.empty() && rest.front() == ':') rest.remove_prefix(1);
  std::vector<uint32_t> numbers;
  while (true) {
    const size_t colon = rest.find(':');
    VENEER_TRY(const uint32_t number, ParseId(rest.substr(0, colon), text));
    numbers.push_back(number);
    if (colon == std::string_view::npos) break;
    rest.remove_prefix(colon + 1);
  }
  if (numbers.size() % 3 != 0) {
    return MakeError("id mapping \"" + std::string(text) +
                     "\": not a list of three numbers each (DISK:MOUNT:COUNT)");
  }
  IdMap map;
  for (size_t i = 0; i < numbers.size(); i += 3) {
    const IdRange range{numbers[i], numbers[i + 1], numbers[i + 2]};
    if (range.count == 0 || uint64_t{range.disk} + range.count > kIdEnd ||
        uint64_t{range.mount} + range.count > kIdEnd) {
      return MakeError("id mapping \"" + std::string(text) +
                       "\": a range is empty or goes beyond " + std::to_string(kIdEnd - 1));
    }
    for (const IdRange& other : map.ranges_) {
      if (Overlap(range.disk, range.count, other.disk, other.count) ||
          Overlap(range.mount, range.count, other.mount, other.count)) {
        return MakeError("id mapping \"" + std::string(text) + "\": two ranges overlap");
      }
    }
    map.ranges_.push_back(range);
  }
  return map;
}

uint32_t IdMap::ToMount(uint32_t disk) const {
  if (squash_) return *squash_;
  if (ranges_.empty()) return disk;
  for (const IdRange& r : ranges_) {
    if (disk >= r.disk && disk - r.disk < r.count) return r.mount + (disk - r.disk);
  }
  return kOverflowId;
}

std::optional<uint32_t> IdMap::ToDisk(uint32_t mount) const {
  if (ranges_.empty()) return mount;
  for (const IdRange& r : ranges_) {
    if (mount >= r.mount && mount - r.mount < r.count) return r.disk + (mount - r.mount);
  }
  return std::nullopt;
}

std::string AclToMount(std::string value, const IdMaps& ids) {
  TranslateAcl(value, ids, [](const IdMap& map, uint32_t id) {
    return std::optional<uint32_t>(map.ToMount(id));
  });
  return value;
}

std::optional<std::string> AclToDisk(std::string value, const IdMaps& ids) {
  if (!TranslateAcl(value, ids, [](const IdMap& map, uint32_t id) { return map.ToDisk(id); })) {
    return std::nullopt;
  }
  return value;
}

bool IsAclName(std::string_view name) { return name == kAclAccess || name == kAclDefault; }

}  // namespace veneer
