// SPDX-License-Identifier: Apache-2.0
#include <endian.h>
#include <linux/capability.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <set>

#include "tests/mount/parity/stack.h"

namespace veneer::parity {
namespace {

const std::vector<std::string> kNames = {"a",   "b",   "c",    "d",    "e",      "f",
                                         "dir", "sub", "file", "link", ".wh-no", "ü\xff"};
const std::vector<uint32_t> kFileModes = {0644, 0600,  0755,  0666,  0444,  0000, 0640,
                                          0777, 04755, 02755, 06755, 02644, 0400, 01644};
const std::vector<uint32_t> kDirModes = {0755,  0777,  0700,  0755, 0777, 01777,
                                         02775, 02777, 03777, 0711, 0750};
const std::vector<uid_t> kOwners = {0, 0, 1000, 1000, 1001, 2000};
const std::vector<int64_t> kSeconds = {
    0, 1, -1, -2000000000, 86400, 946684800, 1234567890, 2147483647, 2147483648, 4294967296 + 5};

std::string Child(const std::string& dir, const std::string& name) {
  return dir == "." ? name : dir + "/" + name;
}

std::string Parent(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

void Append16(std::string& out, uint16_t v) {
  const uint16_t le = htole16(v);
  out.append(reinterpret_cast<const char*>(&le), sizeof le);
}

void Append32(std::string& out, uint32_t v) {
  const uint32_t le = htole32(v);
  out.append(reinterpret_cast<const char*>(&le), sizeof le);
}

class Generator {
 public:
  Generator(Rng& rng, int max_layers) : rng_(rng) {
    stack_.layers = static_cast<int>(rng_.Between(1, static_cast<uint64_t>(max_layers)));
  }

  Stack Run() {
    stack_.merged["."] = ItemType::kDirectory;
    for (layer_ = 0; layer_ < stack_.layers; ++layer_) {
      mine_.clear();
      Item root = Make(ItemType::kDirectory, ".");
      root.mode = rng_.Percent(70) ? 0755 : rng_.Pick(std::vector<uint32_t>{0777, 01777, 02775});
      Add(std::move(root));
      const uint64_t count = rng_.Between(6, layer_ == 0 ? 45 : 30);
      for (uint64_t i = 0; i < count; ++i) AddRandom();
    }
    return std::move(stack_);
  }

 private:
  Item Make(ItemType type, const std::string& path) {
    Item item;
    item.layer = layer_;
    item.type = type;
    item.path = path;
    item.mode = type == ItemType::kDirectory ? rng_.Pick(kDirModes) : rng_.Pick(kFileModes);
    item.uid = rng_.Pick(kOwners);
    item.gid = rng_.Pick(kOwners);
    item.atime = RandomTime();
    item.mtime = RandomTime();
    const bool plain_user_ok = type == ItemType::kFile || type == ItemType::kDirectory;
    if (rng_.Percent(25)) {
      std::set<std::string> used;
      for (uint64_t n = rng_.Between(1, 3); n > 0; --n) {
        std::string name = rng_.Pick(std::vector<std::string>{
            "trusted.one", "trusted.two", "security.three",
            plain_user_ok ? "user.four" : "trusted.four",
            plain_user_ok ? "user.a.long.name.with.many.dots" : "security.five"});
        if (!used.insert(name).second) continue;
        std::string value(rng_.Pick(std::vector<size_t>{0, 1, 7, 40, 300}), '\0');
        FillPattern(rng_.Next(), 0, value.data(), value.size());
        item.xattrs.emplace_back(std::move(name), std::move(value));
      }
    }
    if (type == ItemType::kFile && rng_.Percent(6)) {
      item.xattrs.emplace_back("security.capability", RandomCapability(rng_));
    }
    if (plain_user_ok && rng_.Percent(8)) {
      item.xattrs.emplace_back("system.posix_acl_access", RandomAcl(rng_));
    }
    if (type == ItemType::kDirectory && rng_.Percent(8)) {
      item.xattrs.emplace_back("system.posix_acl_default", RandomAcl(rng_));
    }
    return item;
  }

  timespec RandomTime() {
    timespec t{};
    t.tv_sec = rng_.Pick(kSeconds) + static_cast<int64_t>(rng_.Below(100));
    t.tv_nsec = rng_.Percent(30) ? 0 : static_cast<long>(rng_.Below(1000000000));
    return t;
  }

  std::string RandomName() {
    if (rng_.Percent(2)) return std::string(255, static_cast<char>('p' + rng_.Below(3)));
    return rng_.Pick(kNames);
  }

  // A directory of the union, more often a shallow one; makes it one of this layer too.
  std::string RandomDirectory() {
    std::vector<std::string> all;
    for (const auto& [path, type] : stack_.merged) {
      if (type == ItemType::kDirectory && std::count(path.begin(), path.end(), '/') < 4)
        all.push_back(path);
    }
    const std::string path = rng_.Percent(25) ? "." : rng_.Pick(all);
    EnsureHere(path);
    return path;
  }

  void EnsureHere(const std::string& path) {
    if (mine_.count(path) != 0) return;
    EnsureHere(Parent(path));
    Add(Make(ItemType::kDirectory, path));
  }

  void AddRandom() {
    const std::string dir = RandomDirectory();
    std::string path = Child(dir, RandomName());
    const uint64_t what = rng_.Below(100);
    if (layer_ > 0 && what < 22) {
      // Half of the time on top of something that exists below.
      std::vector<std::string> below;
      for (const auto& [p, type] : stack_.merged) {
        if (p != "." && Parent(p) == dir && mine_.count(p) == 0) below.push_back(p);
      }
      if (!below.empty()) path = rng_.Pick(below);
    }
    if (mine_.count(path) != 0) return;
    if (layer_ > 0 && what < 14) {
      Item item = Make(ItemType::kWhiteout, path);
      item.kernel_differs = !MergesBelow(dir);
      Add(std::move(item));
      return;
    }
    if (what < 45) {
      Item item = Make(ItemType::kDirectory, path);
      item.opaque = layer_ > 0 && rng_.Percent(25);
      Add(std::move(item));
    } else if (what < 75) {
      Add(RandomFile(path));
    } else if (what < 84) {
      AddHardLink(path);
    } else if (what < 92) {
      Item item = Make(ItemType::kSymlink, path);
      item.target = RandomTarget();
      Add(std::move(item));
    } else {
      Item item = Make(rng_.Pick(std::array<ItemType, 4>{ItemType::kFifo, ItemType::kSocket,
                                                         ItemType::kChar, ItemType::kBlock}),
                       path);
      item.rdev_minor = static_cast<uint32_t>(rng_.Between(1, 70000));
      Add(std::move(item));
    }
  }

  Item RandomFile(const std::string& path) {
    Item item = Make(ItemType::kFile, path);
    switch (rng_.Below(6)) {
      case 0: break;
      case 1: item.size = rng_.Between(1, 20); break;
      case 2: item.size = 4096; break;
      case 3: item.size = rng_.Between(4000, 20000); break;
      case 4: item.size = rng_.Between(60000, 140000); break;
      default: item.size = rng_.Between(200000, 1200000); break;
    }
    if (item.size > 190000) {
      for (uint64_t n = rng_.Below(4); n > 0; --n) {
        item.data.push_back(
            {rng_.Below(item.size - 9000), static_cast<uint32_t>(rng_.Between(1, 9000))});
      }
    } else if (item.size > 0) {
      item.data.push_back({0, static_cast<uint32_t>(item.size)});
    }
    return item;
  }

  void AddHardLink(const std::string& path) {
    std::vector<std::string> candidates;
    for (const auto& [p, type] : mine_) {
      if (type != ItemType::kDirectory && type != ItemType::kWhiteout) candidates.push_back(p);
    }
    if (candidates.empty()) return;
    Item item = Make(ItemType::kHardLink, path);
    item.target = rng_.Pick(candidates);
    Add(std::move(item));
  }

  std::string RandomTarget() {
    switch (rng_.Below(5)) {
      case 0: return "/" + rng_.Pick(kNames);
      case 1: return "../" + rng_.Pick(kNames) + "/" + rng_.Pick(kNames);
      case 2: return std::string(rng_.Between(300, 3000), 'x');
      case 3: return "/" + rng_.Pick(kNames) + "/../" + rng_.Pick(kNames);
      default: return rng_.Pick(kNames);
    }
  }

  // Whether kernel overlayfs merges this directory with one of a lower layer (it filters whiteouts
  // only then).
  bool MergesBelow(const std::string& dir) const {
    return dir == "." ? layer_ > 0 : merges_.count(dir) != 0;
  }

  void Add(Item item) {
    const std::string& path = item.path;
    const auto old = stack_.merged.find(path);
    const bool was_directory = old != stack_.merged.end() && old->second == ItemType::kDirectory;
    if (item.type != ItemType::kDirectory || item.opaque || !was_directory) EraseBelow(path);
    mine_[path] = item.type;
    // A directory merges when the layers below show one at this place.
    merges_.erase(path);
    if (item.type == ItemType::kDirectory && was_directory && !item.opaque) merges_.insert(path);
    if (item.type == ItemType::kWhiteout) {
      stack_.merged.erase(path);
    } else if (item.type == ItemType::kHardLink) {
      stack_.merged[path] = stack_.merged[item.target];
    } else {
      stack_.merged[path] = item.type;
    }
    stack_.items.push_back(std::move(item));
  }

  void EraseBelow(const std::string& path) {
    if (path == ".") return;
    const std::string prefix = path + "/";
    for (auto it = stack_.merged.lower_bound(prefix);
         it != stack_.merged.end() && it->first.compare(0, prefix.size(), prefix) == 0;) {
      it = stack_.merged.erase(it);
    }
  }

  Rng& rng_;
  Stack stack_;
  int layer_ = 0;
  std::map<std::string, ItemType> mine_;  // what this layer holds
  std::set<std::string> merges_;          // directories of this layer that merge with one below
};

}  // namespace

Stack GenerateStack(Rng& rng, int max_layers) { return Generator(rng, max_layers).Run(); }

void FillPattern(uint64_t seed, uint64_t offset, char* data, size_t size) {
  for (size_t i = 0; i < size; ++i) {
    const uint64_t at = offset + i;
    data[i] = static_cast<char>((seed * 31 + at * 7 + (at >> 8) * 13 + (at >> 16) * 5) % 255 + 1);
  }
}

std::string RandomAcl(Rng& rng) {
  std::string out;
  Append32(out, POSIX_ACL_XATTR_VERSION);
  const auto entry = [&](uint16_t tag, uint32_t id) {
    Append16(out, tag);
    Append16(out, static_cast<uint16_t>(rng.Below(8)));
    Append32(out, id);
  };
  const bool user = rng.Percent(60), group = rng.Percent(50);
  entry(ACL_USER_OBJ, static_cast<uint32_t>(ACL_UNDEFINED_ID));
  if (user) entry(ACL_USER, 1000);
  if (user && rng.Percent(40)) entry(ACL_USER, 1001);
  entry(ACL_GROUP_OBJ, static_cast<uint32_t>(ACL_UNDEFINED_ID));
  if (group) entry(ACL_GROUP, 2000);
  if (user || group || rng.Percent(20)) entry(ACL_MASK, static_cast<uint32_t>(ACL_UNDEFINED_ID));
  entry(ACL_OTHER, static_cast<uint32_t>(ACL_UNDEFINED_ID));
  return out;
}

std::string RandomCapability(Rng& rng) {
  std::string out;
  Append32(out, VFS_CAP_REVISION_2 | (rng.Percent(50) ? VFS_CAP_FLAGS_EFFECTIVE : 0));
  Append32(out, 1u << rng.Below(20));
  Append32(out, 0);
  Append32(out, 0);
  Append32(out, 0);
  return out;
}

}  // namespace veneer::parity
